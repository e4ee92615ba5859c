"""A stand-in that counts what a model would be sent and may reply, for estimates; it asks nobody."""

from __future__ import annotations

from dataclasses import replace

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
from service.llm.backend import ChatBackend, DecisionBackend
from service.llm.scripted import CHARS_PER_TOKEN, echo
from service.llm.scripted_decisions import EchoDecisions


class Rehearsal:
    """Answers like ``scripted/echo`` under another model's name, abilities and prices.

    Every reply counts as many tokens as it may have.
    """

    def __init__(self, of: ChatBackend) -> None:
        self._of = of
        self._echo = echo()

    @property
    def name(self) -> ModelName:
        """The model it stands in for."""
        return self._of.name

    @property
    def capabilities(self) -> Capabilities:
        """What that model can do."""
        return self._of.capabilities

    async def complete(self, request: ChatRequest, seconds: float) -> ChatReply:
        """A scripted reply."""
        reply = await self._echo.complete(request, seconds)
        return replace(reply, tokens=Tokens(input=reply.tokens.input, output=request.max_tokens))

    def cost_usd(self, tokens: Tokens) -> float | None:
        """What that model would cost."""
        return self._of.cost_usd(tokens)

    async def prepare(self) -> None:
        """Nothing to load."""

    async def place(self) -> Place:
        """In this process."""
        return Place(local=True)

    async def close(self) -> None:
        """Nothing to release."""


class RehearsedDecisions(EchoDecisions):
    """Answers like the scripted decision model under another's name and prices; questions count as input, too."""

    def __init__(self, of: DecisionBackend) -> None:
        self.name = of.name
        self._of = of

    async def complete(self, request: DecisionRequest, seconds: float) -> DecisionReply:
        """A scripted reply; each question is answered with one token."""
        reply = await super().complete(request, seconds)
        asked = sum(len(str(question)) for question in request.questions)
        tokens = Tokens(input=(len(request.state) + asked) // CHARS_PER_TOKEN, output=len(request.questions))
        return replace(reply, tokens=tokens)

    def cost_usd(self, tokens: Tokens) -> float | None:
        """What that model would cost."""
        return self._of.cost_usd(tokens)
