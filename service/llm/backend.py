"""What an adapter has to provide: one call, no retries; :mod:`service.llm.retry` does the rest."""

from __future__ import annotations

from typing import Protocol, Self, TypeVar

from service.grading.models import (
    Capabilities,
    ChatReply,
    ChatRequest,
    DecisionReply,
    DecisionRequest,
    ModelName,
    Place,
    Tokens,
)


class Asked(Protocol):
    """What is sent to a model."""

    @property
    def purpose(self) -> str:
        """What the call is for."""

    def repaired(self, reply: str, problem: str) -> Self:
        """The same question again after an unusable reply."""


class Replied(Protocol):
    """What came back from a model."""

    @property
    def text(self) -> str:
        """The reply as the model would be reminded of it."""

    @property
    def raw(self) -> str:
        """The reply as a receipt keeps it."""

    @property
    def tokens(self) -> Tokens:
        """Tokens as the provider counted them."""

    @property
    def reported(self) -> str | None:
        """The model's name as the provider gave it."""

    @property
    def cost_usd(self) -> float | None:
        """The price where the provider states it with the reply."""


Request = TypeVar("Request", bound=Asked)
Reply = TypeVar("Reply", bound=Replied)
_Request = TypeVar("_Request", bound=Asked, contravariant=True)
_Reply = TypeVar("_Reply", bound=Replied, covariant=True)


class Backend(Protocol[_Request, _Reply]):
    """One provider's way of answering one kind of request."""

    @property
    def name(self) -> ModelName:
        """The model as configured."""

    async def place(self) -> Place:
        """Where the model runs, looked up anew: what a name resolves to may change."""

    async def complete(self, request: _Request, seconds: float) -> _Reply:
        """One call, given up after ``seconds``.

        Raises:
            ModelError: and nothing else, whatever the library underneath raises.
        """

    def cost_usd(self, tokens: Tokens) -> float | None:
        """The price of a call; None where it is not known."""

    async def prepare(self) -> None:
        """Load what the first call would otherwise wait for.

        Raises:
            ModelError: the model cannot be used as configured.
        """

    async def close(self) -> None:
        """Release what the backend holds."""


class ChatBackend(Backend[ChatRequest, ChatReply], Protocol):
    """A chat model's backend."""

    @property
    def capabilities(self) -> Capabilities:
        """What the model can do."""


class DecisionBackend(Backend[DecisionRequest, DecisionReply], Protocol):
    """A decision model's backend."""
