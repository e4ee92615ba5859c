"""Deterministic decision models, shipped with the product: for tests and for trying a configuration without a key.

``scripted/echo`` as a decision model puts every criterion in the middle and is undecided on every yes or no.
"""

from __future__ import annotations

from collections.abc import Sequence

import orjson

from service.grading.errors import ModelError
from service.grading.models import DecisionReply, DecisionRequest, ModelName, Place, Scale, Tokens, YesNo
from service.llm.scripted import CHARS_PER_TOKEN


class EchoDecisions:
    """The decision model ``scripted/echo``."""

    def __init__(self) -> None:
        self.name = ModelName("scripted/echo")

    async def complete(self, request: DecisionRequest, seconds: float) -> DecisionReply:
        """A reply made from the request alone."""
        answers = {question.name: _middle(question) for question in request.questions}
        tokens = Tokens(input=len(request.state) // CHARS_PER_TOKEN)
        return DecisionReply(answers, raw=orjson.dumps(answers).decode(), tokens=tokens, reported=self.name)

    def cost_usd(self, tokens: Tokens) -> float | None:
        """Nothing."""
        return 0.0

    async def place(self) -> Place:
        """In this process."""
        return Place(local=True)

    async def prepare(self) -> None:
        """Nothing to load."""

    async def close(self) -> None:
        """Nothing to release."""


class DecisionsInOrder(EchoDecisions):
    """A model that gives prepared replies, or raises prepared errors, one after the other; the last is repeated.

    ``requests`` keeps what was asked.
    """

    def __init__(self, replies: Sequence[DecisionReply | ModelError], *, name: str = "scripted/decisions") -> None:
        self.name = ModelName(name)
        self.requests: list[DecisionRequest] = []
        self._replies = list(replies)

    async def complete(self, request: DecisionRequest, seconds: float) -> DecisionReply:
        """The next prepared reply."""
        place = min(len(self.requests), len(self._replies) - 1)
        self.requests.append(request)
        reply = self._replies[place]
        if isinstance(reply, ModelError):
            raise reply
        return reply


def _middle(question: YesNo | Scale) -> tuple[float, ...]:
    if isinstance(question, YesNo):
        return (0.5,)
    levels = len(question.levels)
    shares = [float(level in ((levels - 1) // 2, levels // 2)) for level in range(levels)]
    return tuple(share / sum(shares) for share in shares)
