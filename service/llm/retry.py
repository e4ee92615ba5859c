"""The one retry layer: what is asked again, how often, and how long we wait.

Asked again: connection errors, 5xx, time-outs, 429 (after its Retry-After), and replies that cannot be read
(with the problem appended, once per attempt). Not asked again: refusals, wrong configuration, input that is
too long, a model that rests behind its breaker, an empty purse. Three attempts in all, repairs included; no wait
goes past the deadline of the grade. Libraries underneath have their own retries switched off.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from tenacity import AsyncRetrying, RetryCallState, retry_if_exception, stop_after_attempt, wait_random_exponential

from service.grading.errors import (
    ModelError,
    ModelRateLimited,
    ModelTimeout,
    MustStayHere,
    ReplyInvalid,
    SpendingLimitReached,
)
from service.grading.models import (
    CallBudget,
    CallRecord,
    Capabilities,
    ChatReply,
    ChatRequest,
    DecisionReply,
    DecisionRequest,
    ModelName,
    Place,
    Tokens,
)
from service.llm.backend import Backend, ChatBackend, DecisionBackend, Reply, Request
from service.llm.breaker import Breaker, ModelResting, Passage
from service.llm.completion import read_completion
from service.llm.pause import Pause
from service.llm.prepared import fingerprint

T = TypeVar("T")

ATTEMPTS = 3
BATCH_PRICE = 0.5
"""Of the list price, for replies that came through a provider's batch API."""

NOT_AGAIN = (ModelResting, SpendingLimitReached)
"""No call was made, and none would be made a moment later."""


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """The numbers of the policy, in seconds.

    Attributes:
        call_seconds: longest single call.
        base_wait: mean of the first wait; doubles, with full jitter.
        longest_wait: no wait is longer, whatever Retry-After says; a longer one ends the attempt at once.
        concurrency: calls to the model at the same time.
    """

    call_seconds: float = 20.0
    base_wait: float = 0.5
    longest_wait: float = 10.0
    concurrency: int = 128


@dataclass(slots=True)
class Resilient(Generic[Request, Reply]):
    """A backend of any kind with the retry policy around it.

    Attributes:
        healthy: whether the last call got any answer at all; for readiness only.
        pause: until when a provider that answered 429 is left alone, by everybody.
        breaker: lets calls fail at once while the model is not answering; None asks whatever happens.
    """

    backend: Backend[Request, Reply]
    policy: RetryPolicy = field(default_factory=RetryPolicy)
    healthy: bool = True
    pause: Pause = field(default_factory=Pause)
    breaker: Breaker | None = None
    _slots: asyncio.Semaphore = field(init=False)

    def __post_init__(self) -> None:
        """Make the slots that bound concurrency."""
        self._slots = asyncio.Semaphore(self.policy.concurrency)

    @property
    def name(self) -> ModelName:
        """The model as configured."""
        return self.backend.name

    async def place(self) -> Place:
        """Where the model runs now."""
        return await self.backend.place()

    async def ask(self, request: Request, read: Callable[[Reply], T], budget: CallBudget) -> T:
        """The reply as ``read`` understood it, asking again as the policy allows."""
        asked = request
        async for attempt in self._attempts(budget):
            with attempt:
                reply, record = await self._call(asked, budget)
                try:
                    return read(reply)
                except ModelError as error:
                    _mark(budget, record, error)
                    if isinstance(error, ReplyInvalid):
                        asked = request.repaired(reply.text, error.detail)
                    raise
        raise AssertionError("tenacity ends by returning or raising")

    def _attempts(self, budget: CallBudget) -> AsyncRetrying:
        return AsyncRetrying(
            stop=stop_after_attempt(ATTEMPTS),
            wait=self._wait,
            retry=retry_if_exception(lambda error: self._again(error, budget)),
            reraise=True,
        )

    def _wait(self, state: RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        if isinstance(error, ReplyInvalid):
            return 0.0
        if isinstance(error, ModelError) and error.retry_after is not None:
            return error.retry_after
        return wait_random_exponential(multiplier=self.policy.base_wait, max=self.policy.longest_wait)(state)

    def _again(self, error: BaseException, budget: CallBudget) -> bool:
        if not isinstance(error, ModelError) or not error.retryable or isinstance(error, NOT_AGAIN):
            return False
        wait = error.retry_after or 0.0
        return wait <= self.policy.longest_wait and wait < _seconds_left(budget, self.policy.call_seconds)

    async def _call(self, request: Request, budget: CallBudget) -> tuple[Reply, CallRecord]:
        place = await self._allowed_place(budget)
        if (reply := self._prepared(request, budget)) is not None:
            return reply, await self._paid_beforehand(request, reply, budget, place)
        with self.breaker.passing() if self.breaker else nullcontext() as passage:
            try:
                async with asyncio.timeout_at(budget.deadline):
                    await self._slot(budget)
            except TimeoutError:
                raise ModelTimeout("the time for this grade ran out while waiting for the model") from None
            try:
                if budget.purse is not None:
                    await budget.purse.open()
                return await self._answered(request, budget, place, passage)
            finally:
                self._slots.release()

    def _prepared(self, request: Request, budget: CallBudget) -> Reply | None:
        """The reply to a request where it was made beforehand."""
        return None

    async def _paid_beforehand(self, request: Request, reply: Reply, budget: CallBudget, place: Place) -> CallRecord:
        record = self._record(request, reply, "ok", 0.0, budget, place, BATCH_PRICE)
        if budget.purse is not None:
            await budget.purse.pay(record.tokens, record.cost_usd)
        return record

    async def _answered(
        self, request: Request, budget: CallBudget, place: Place, passage: Passage | None
    ) -> tuple[Reply, CallRecord]:
        loop = asyncio.get_running_loop()
        started, seconds = loop.time(), _seconds_left(budget, self.policy.call_seconds)
        reply: Reply | None = None
        failed: ModelError | None = None
        try:
            reply = await self._timed(request, budget)
        except ModelError as error:
            failed = error
            if isinstance(error, ModelRateLimited) and error.retry_after is not None:
                self.pause.extend(error.retry_after)
        self.healthy = failed is None
        if passage is not None and self.breaker is not None:
            self.breaker.leave(passage, failed, seconds)
        outcome = "ok" if failed is None else failed.code
        record = self._record(request, reply, outcome, loop.time() - started, budget, place)
        if budget.purse is not None:
            await budget.purse.pay(record.tokens, record.cost_usd)
        if reply is None:
            raise failed or AssertionError("a call ends with a reply or an error")
        return reply, record

    async def _slot(self, budget: CallBudget) -> None:
        """Take a slot while the model may be asked; a pause is waited for without one.

        Raises:
            ModelRateLimited: the pause is longer than the policy or the grade has time for.
        """
        while True:
            left = self.pause.left
            if left and left > min(self.policy.longest_wait, _seconds_left(budget, self.policy.call_seconds)):
                raise ModelRateLimited(f"{self.name} asked us to slow down", retry_after=left)
            await self.pause.over()
            await self._slots.acquire()
            if not self.pause.left:
                return
            self._slots.release()

    async def _timed(self, request: Request, budget: CallBudget) -> Reply:
        seconds = _seconds_left(budget, self.policy.call_seconds)
        if seconds <= 0:
            raise ModelTimeout("the time for this grade ran out before the model could be asked")
        try:
            async with asyncio.timeout(seconds):
                return await self.backend.complete(request, seconds)
        except TimeoutError:
            raise ModelTimeout(f"the model did not answer within {seconds:.0f} s") from None

    async def _allowed_place(self, budget: CallBudget) -> Place:
        """Where the text of a call would go.

        Raises:
            MustStayHere: it may not go there.
        """
        place = await self.backend.place()
        if budget.local_only and not place.local:
            raise MustStayHere(f"{self.name} runs outside the machine's own network, where this answer may not go")
        return place

    def _record(
        self,
        request: Request,
        reply: Reply | None,
        outcome: str,
        seconds: float,
        budget: CallBudget,
        place: Place,
        share: float = 1.0,
    ) -> CallRecord:
        tokens = reply.tokens if reply else Tokens()
        stated = reply.cost_usd if reply else None
        listed = self.backend.cost_usd(tokens)
        record = CallRecord(
            purpose=request.purpose,
            requested=self.name,
            reported=reply.reported if reply else None,
            outcome=outcome,
            tokens=tokens,
            cost_usd=stated if stated is not None or listed is None else share * listed,
            seconds=seconds,
            raw=reply.raw if reply else None,
            place=place,
        )
        budget.records.append(record)
        return record


@dataclass(slots=True)
class ResilientChat(Resilient[ChatRequest, ChatReply]):
    """A :class:`~service.grading.models.ChatModel` made of a backend and the retry policy."""

    backend: ChatBackend

    @property
    def capabilities(self) -> Capabilities:
        """What it can do."""
        return self.backend.capabilities

    def _prepared(self, request: ChatRequest, budget: CallBudget) -> ChatReply | None:
        """The reply to a request where it was made beforehand and can be read; asked again it is asked anew."""
        body = budget.prepared.pop(fingerprint(request), None) if budget.prepared else None
        try:
            return None if body is None else read_completion(body.encode())
        except ModelError:
            return None


@dataclass(slots=True)
class ResilientDecisions(Resilient[DecisionRequest, DecisionReply]):
    """A :class:`~service.grading.models.DecisionModel` made of a backend and the retry policy."""

    backend: DecisionBackend


def _seconds_left(budget: CallBudget, at_most: float) -> float:
    if budget.deadline is None:
        return at_most
    return min(at_most, budget.deadline - asyncio.get_running_loop().time())


def _mark(budget: CallBudget, record: CallRecord, error: ModelError) -> None:
    """Note in the record that the reply could not be used."""
    index = next(i for i, known in enumerate(budget.records) if known is record)
    budget.records[index] = record.failed(error.code)
