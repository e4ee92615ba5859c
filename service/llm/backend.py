"""What an adapter has to provide: one call, no retries; :mod:`service.llm.retry` does the rest."""

from __future__ import annotations

from typing import Protocol

from service.grading.models import Capabilities, ChatReply, ChatRequest, ModelName, Place, Tokens


class ChatBackend(Protocol):
    """One provider's way of answering a :class:`ChatRequest`."""

    @property
    def name(self) -> ModelName:
        """The model as configured."""

    @property
    def capabilities(self) -> Capabilities:
        """What it can do."""

    async def place(self) -> Place:
        """Where the model runs, looked up anew: what a name resolves to may change."""

    async def complete(self, request: ChatRequest, seconds: float) -> ChatReply:
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
