"""A chat backend that looks into the model-call store before it asks the model."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass, field, replace

from evals.replies import ModelCard, ReplyStore, StoredReply, key_of
from service.grading.errors import InputTooLong, ModelError, ModelRefused
from service.grading.models import CallRecord, Capabilities, ChatReply, ChatRequest, ModelName, Place, Tokens
from service.llm.backend import ChatBackend

SEEDS_APART = 1_000
"""A fresh sample of a seeded request takes another seed, this far from the last one's."""


class NotRecorded(ModelError):
    """The store has no reply to this request, and the model may not be asked."""

    code = "not_recorded"
    retryable = False


@dataclass(slots=True)
class StoredChat:
    """The backend for one grade.

    Attributes:
        store: looked into first; what the model replies goes there.
        card: which model it is.
        repeat: number of the fresh sample, part of every key.
        backend: the model; None never asks one.
        live: the calls that were made.
        replayed: the calls answered from the store, as they went when they were made.
        missing: keys that were neither in the store nor asked for.
    """

    store: ReplyStore
    card: ModelCard
    repeat: int = 0
    backend: ChatBackend | None = None
    live: list[CallRecord] = field(default_factory=list)
    replayed: list[CallRecord] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    _asked: Counter[str] = field(default_factory=Counter)

    @property
    def name(self) -> ModelName:
        """The model as configured."""
        return ModelName(self.card.name)

    @property
    def capabilities(self) -> Capabilities:
        """What it can do."""
        return self.card.capabilities

    async def complete(self, request: ChatRequest, seconds: float) -> ChatReply:
        """The stored reply, else a new one.

        Raises:
            NotRecorded: neither is to be had.
        """
        asked = self._fresh(request)
        first = key_of(self.card.identity, asked, self.repeat, 0)
        before = self._asked[first]
        self._asked[first] += 1
        key = key_of(self.card.identity, asked, self.repeat, before) if before else first
        async with self.store.turn(key):
            stored = self.store.get(key)
            try:
                return self._replay(asked, stored) if stored else await self._ask(key, asked, seconds)
            except ModelError as error:
                if not isinstance(error, ModelRefused | InputTooLong):  # it left nothing behind
                    self._asked[first] -= 1
                raise

    def cost_usd(self, tokens: Tokens) -> float | None:
        """What a call costs now."""
        return self.backend.cost_usd(tokens) if self.backend else 0.0

    async def prepare(self) -> None:
        """Nothing: the model is opened by whoever lends it."""

    async def place(self) -> Place:
        """Where the model runs; a stored reply comes from here."""
        return await self.backend.place() if self.backend else Place(local=True)

    async def close(self) -> None:
        """Nothing: the model is closed by whoever lends it."""

    def _fresh(self, request: ChatRequest) -> ChatRequest:
        if self.repeat == 0 or request.seed is None:
            return request
        return replace(request, seed=request.seed + SEEDS_APART * self.repeat)

    def _replay(self, request: ChatRequest, stored: StoredReply) -> ChatReply:
        self.replayed.append(self._record(request, stored))
        if stored.reply is not None:
            return stored.reply
        kind = ModelRefused if stored.refusal == ModelRefused.code else InputTooLong
        raise kind(stored.detail)

    async def _ask(self, key: str, request: ChatRequest, seconds: float) -> ChatReply:
        if self.backend is None:
            self.missing.append(key)
            raise NotRecorded("the store holds no reply to this request")
        loop = asyncio.get_running_loop()
        started, reply, refusal = loop.time(), None, None
        try:
            reply = await self.backend.complete(request, seconds)
        except (ModelRefused, InputTooLong) as error:
            refusal = error
            raise
        finally:
            stored = self._stored(reply, refusal, loop.time() - started)
            self.live.append(self._record(request, stored))
            if reply or refusal:
                self.store.put(key, stored)
        return reply

    def _stored(self, reply: ChatReply | None, refusal: ModelError | None, seconds: float) -> StoredReply:
        return StoredReply.model_validate(
            {
                "reply": reply,
                "refusal": refusal.code if refusal else None,
                "detail": refusal.detail if refusal else "",
                "seconds": round(seconds, 3),
                "cost_usd": self.cost_usd(reply.tokens if reply else Tokens()),
            }
        )

    def _record(self, request: ChatRequest, stored: StoredReply) -> CallRecord:
        return CallRecord(
            purpose=request.purpose,
            requested=self.name,
            reported=stored.reply.reported if stored.reply else None,
            outcome="ok" if stored.reply else "failed",
            tokens=stored.reply.tokens if stored.reply else Tokens(),
            cost_usd=stored.cost_usd,
            seconds=stored.seconds,
        )
