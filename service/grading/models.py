"""The ports to language models, and what a call costs.

A judge asks through :class:`ChatModel` or :class:`DecisionModel` and gives a ``read`` function that turns the reply
into what it needs. Retrying, repairing, time limits and prices are the adapter's business (``service/llm``); the core
only says what it wants and what counts as a usable reply.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, NewType, Protocol, TypeVar

T = TypeVar("T")

ModelName = NewType("ModelName", str)
JsonSchema = Mapping[str, Any]
Role = Literal["system", "user", "assistant"]


@dataclass(frozen=True, slots=True)
class Message:
    """One chat message. Untrusted text only ever travels in ``user`` messages."""

    role: Role
    content: str


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """One question to a chat model.

    Attributes:
        purpose: what the call is for (``judge``, ``coach``); names the call in receipts and metrics.
        schema: JSON schema the reply has to follow, with its name; None for plain text.
        top_logprobs: how many alternatives of the first token to report (0: none).
        repair: the follow-up message after a reply that could not be read, made from the problem.
        seed: tells samples of the same question apart and makes them repeatable.
        family: requests of one family begin alike; an engine that runs here keeps a prefix cache for each.
    """

    purpose: str
    messages: tuple[Message, ...]
    max_tokens: int
    temperature: float = 0.0
    schema_name: str = ""
    schema: JsonSchema | None = None
    top_logprobs: int = 0
    repair: Callable[[str], str] | None = None
    seed: int | None = None
    family: str = "case"

    def repaired(self, reply: str, problem: str) -> ChatRequest:
        """The same question again, with the unusable reply and what was wrong with it."""
        if self.repair is None:
            return self
        more = (Message("assistant", reply), Message("user", self.repair(problem)))
        return replace(self, messages=(*self.messages, *more))


@dataclass(frozen=True, slots=True)
class Tokens:
    """Tokens of one call as the provider counted them."""

    input: int = 0
    output: int = 0
    cached: int = 0


@dataclass(frozen=True, slots=True)
class ChatReply:
    """What came back.

    Attributes:
        first_token: log-probabilities (natural log) of the alternatives for the first token, by token text.
        finish_reason: ``stop``, ``length``, ``content_filter`` ...
        reported: the model name in the reply, which may be more exact than the one asked for.
    """

    text: str
    finish_reason: str = "stop"
    first_token: tuple[tuple[str, float], ...] = ()
    tokens: Tokens = field(default_factory=Tokens)
    reported: str | None = None

    @property
    def raw(self) -> str:
        """What a receipt keeps: the text, or the first token's alternatives where those were read."""
        if not self.first_token:
            return self.text
        return "\n".join(f"{token!r} {logprob:.4f}" for token, logprob in self.first_token)

    @property
    def cost_usd(self) -> None:
        """Chat providers state no price with the reply."""
        return None


@dataclass(frozen=True, slots=True)
class YesNo:
    """A typed question with the answers no and yes; elsewhere called a predicate or ``noul``."""

    name: str
    instructions: str


@dataclass(frozen=True, slots=True)
class Scale:
    """A typed question with two to ten ordered levels, lowest first; elsewhere called a score question."""

    name: str
    instructions: str
    levels: tuple[ScaleLevel, ...]


@dataclass(frozen=True, slots=True)
class ScaleLevel:
    """One level of a scale: a short label and what can be seen at it."""

    label: str
    description: str


@dataclass(frozen=True, slots=True)
class DecisionRequest:
    """Typed questions about one text, to a model that answers with probabilities and writes nothing.

    Attributes:
        purpose: as in :class:`ChatRequest`.
        state: the text that is judged; submitted parts are defused and fenced.
        questions: each with a name of its own.
    """

    purpose: str
    state: str
    questions: tuple[YesNo | Scale, ...]

    def repaired(self, reply: str, problem: str) -> DecisionRequest:
        """The same request: a decision model cannot be reasoned with, only asked again."""
        return self


@dataclass(frozen=True, slots=True)
class DecisionReply:
    """What came back, as the provider sent it: nothing is known to be complete, in range or to add up.

    Attributes:
        answers: by the question's name, the probability of yes alone, or one of each level.
        refused: names of the questions the model declined.
        raw: the reply as JSON, for the receipt.
        cost_usd: the price where the provider states it.
    """

    answers: Mapping[str, tuple[float, ...]]
    refused: frozenset[str] = frozenset()
    raw: str = ""
    tokens: Tokens = field(default_factory=Tokens)
    reported: str | None = None
    cost_usd: float | None = None

    @property
    def text(self) -> str:
        """The reply as JSON."""
        return self.raw


@dataclass(frozen=True, slots=True)
class CallRecord:
    """One call that was made, whatever came of it.

    Attributes:
        outcome: ``ok`` or the ``code`` of the :class:`~service.grading.errors.ModelError`.
        cost_usd: None where the price is unknown.
        seconds: wall time of the call.
        raw: the reply's text, kept for the receipt.
        place: where the text went.
    """

    purpose: str
    requested: str
    reported: str | None
    outcome: str
    tokens: Tokens
    cost_usd: float | None
    seconds: float
    raw: str | None = None
    place: Place | None = None

    def failed(self, outcome: str) -> CallRecord:
        """The same call, marked as of no use because of ``outcome``."""
        return replace(self, outcome=outcome)


class Purse(Protocol):
    """What calls are paid from. Looked into before each call, charged after it."""

    async def open(self) -> None:
        """Return if a call may be made.

        Raises:
            ModelError: nothing may be spent now.
        """

    async def pay(self, tokens: Tokens, cost_usd: float | None) -> None:
        """Charge a call that was made; a failed one may have cost something, too."""


@dataclass(slots=True)
class CallBudget:
    """The calls made for one grade, the time left for more, and who pays.

    Attributes:
        deadline: when the grade has to be done, on the event loop's clock; None for no limit.
        records: every call in order, failed and repeated ones included.
        local_only: no model outside the machine's own network may be asked.
        purse: None where nobody counts, as in evaluations.
        prepared: replies that were made beforehand, by the request's fingerprint; each is used once.
    """

    deadline: float | None = None
    records: list[CallRecord] = field(default_factory=list)
    local_only: bool = False
    purse: Purse | None = None
    prepared: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a model runs.

    Attributes:
        local: on this machine or its own network.
        redacted: personal data is taken out of what is sent there.
    """

    local: bool
    redacted: bool = False


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a model can do, so that a fitting judge can be chosen.

    Attributes:
        json_schema: obeys a JSON schema.
        top_logprobs: most alternatives it reports for a token; 0 when it reports none.
        free: runs here at no price per token.
    """

    json_schema: bool
    top_logprobs: int
    free: bool = False


class ChatModel(Protocol):
    """A chat model that is asked until its reply can be read, or it is clear that it will not be.

    Raises (from ``ask``):
        ModelError: after at most three attempts, repairs included, or when the budget's time is up.
    """

    @property
    def name(self) -> ModelName:
        """The model as the operator configured it."""

    @property
    def capabilities(self) -> Capabilities:
        """What it can do."""

    async def ask(self, request: ChatRequest, read: Callable[[ChatReply], T], budget: CallBudget) -> T:
        """The reply to ``request`` as ``read`` understood it; ``read`` raises ``ReplyInvalid`` to ask again."""


class DecisionModel(Protocol):
    """A model that answers typed questions with probabilities; asked again as :class:`ChatModel` is.

    Raises (from ``ask``):
        ModelError: after at most three attempts, or when the budget's time is up.
    """

    @property
    def name(self) -> ModelName:
        """The model as the operator configured it."""

    async def ask(self, request: DecisionRequest, read: Callable[[DecisionReply], T], budget: CallBudget) -> T:
        """The reply as ``read`` understood it; ``read`` raises ``ReplyInvalid`` to ask again."""
