"""A stand-in that counts what a model would be sent and may reply, for estimates; it asks nobody."""

from __future__ import annotations

from dataclasses import replace

from service.grading.models import Capabilities, ChatReply, ChatRequest, ModelName, Place, Tokens
from service.llm.backend import ChatBackend
from service.llm.scripted import echo


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
