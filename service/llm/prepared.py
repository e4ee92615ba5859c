"""Replies that were made beforehand: which request one belongs to, and who would be asked about an answer."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import orjson

from service.grading.errors import ModelMisconfigured
from service.grading.grader import Grader
from service.grading.models import CallBudget, Capabilities, ChatReply, ChatRequest, ModelName, Place, Tokens
from service.llm.backend import ChatBackend
from service.records import GradeRecord

FINGERPRINT_DIGITS = 24
"""96 bits: no two requests of one grade share them."""


def fingerprint(request: ChatRequest) -> str:
    """What tells a request apart from every other question: all that is sent but the model."""
    asked = [[message.role, message.content] for message in request.messages]
    terms = [request.max_tokens, request.temperature, request.seed, request.top_logprobs, request.schema]
    text = orjson.dumps([asked, terms], option=orjson.OPT_SORT_KEYS)
    return hashlib.sha256(text).hexdigest()[:FINGERPRINT_DIGITS]


class Collecting:
    """A backend that notes what it is asked and answers nothing, under another model's name and place."""

    def __init__(self, of: ChatBackend) -> None:
        self._of = of
        self.asked: list[ChatRequest] = []

    @property
    def name(self) -> ModelName:
        """The model it stands in for."""
        return self._of.name

    @property
    def capabilities(self) -> Capabilities:
        """What that model can do."""
        return self._of.capabilities

    async def complete(self, request: ChatRequest, seconds: float) -> ChatReply:
        """Note the request."""
        self.asked.append(request)
        raise ModelMisconfigured("nobody is asked here")

    def cost_usd(self, tokens: Tokens) -> float | None:
        """What that model would cost."""
        return self._of.cost_usd(tokens)

    async def prepare(self) -> None:
        """Nothing to load."""

    async def place(self) -> Place:
        """Where that model runs: what must not go there is not collected either."""
        return await self._of.place()

    async def close(self) -> None:
        """Nothing to release."""


class Questions:
    """Implements :class:`service.economy_ports.Asking` with the production grader around a collecting backend."""

    def __init__(self, grader: Grader, backend: Collecting) -> None:
        self._grader = grader
        self._backend = backend

    async def requests(self, record: GradeRecord) -> Sequence[tuple[str, ChatRequest]]:
        """What would be asked about an answer, as sent and without what is under suspicion."""
        self._backend.asked = []
        request = record.request
        budget = CallBudget(local_only=request.data_policy == "local")
        await self._grader.decide(request.submission, request.rubric, budget, lambda _: None)
        return [(fingerprint(asked), asked) for asked in self._backend.asked]
