"""What happens to a request, in order: reuse or judge, explain, assemble, store.

No database transaction is open across a model call. Identical requests in flight share one judgement; a
model's failure becomes a stored ``ungraded`` record, never an exception.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from ulid import ULID

from service.events import (
    Channel,
    Channels,
    GradeEvent,
    NoReaders,
    commentary,
    criterion_decided,
    done,
    events_of,
    stage,
)
from service.grading.assembly import OMITTED, Explanation, as_calls, criterion_grade
from service.grading.grade import Call, GradeStatus, Reason, Usage
from service.grading.grader import Grader
from service.grading.judgement import Decision, Judgement
from service.grading.models import CallBudget, Purse
from service.job_ports import JobStore
from service.ports import Clock, GradeStore, NotReplaceable
from service.records import GradeFilter, GradeId, GradePage, GradeRecord, GradeRequest, Tenant
from service.slots import Slots
from service.telemetry import Metrics, log

Keep = Callable[[GradeRecord, Mapping[str, str]], Awaitable[bool]]
"""Stores what was made, with reusable results; False where it was not kept."""

POLL_SECONDS = 0.5
NO_READERS = NoReaders()
INTERRUPTED = Reason(
    code="interrupted", detail="the service stopped while this answer was being graded", retryable=True
)


class Overloaded(Exception):
    """More answers wait than the service is willing to keep waiting."""


class NothingToRetry(Exception):
    """The grade stands and its commentary is complete."""


class AnswerExpired(Exception):
    """The answer's text is gone: its time was over."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How many grades are made at once, how many may wait, and the seconds one may take."""

    at_once: int
    waiting: int
    grade_seconds: float


@dataclass(frozen=True, slots=True)
class _InMaking:
    """A judgement being looked up or made, and the record that pays for it; shared until that one is stored."""

    owner: GradeId
    task: asyncio.Task[tuple[Judgement, bool]]


@dataclass(slots=True)
class Grading:
    """The one workflow behind HTTP, the command line and batches.

    Attributes:
        purse_of: who pays for a tenant's calls.
    """

    grader: Grader
    store: GradeStore
    jobs: JobStore
    clock: Clock
    pace: Pace
    metrics: Metrics
    purse_of: Callable[[Tenant], Purse | None] = lambda _: None
    channels: Channels = field(default_factory=Channels)
    submitted: asyncio.Event = field(default_factory=asyncio.Event)
    _slots: Slots = field(init=False)
    _waiting: int = 0
    _shared: dict[str, _InMaking] = field(default_factory=dict)
    _background: set[asyncio.Task[GradeRecord]] = field(default_factory=set)

    def __post_init__(self) -> None:
        """Make the slots that bound how many grades are made at once."""
        self._slots = Slots(self.pace.at_once)

    async def grade(self, tenant: Tenant, request: GradeRequest, grade_id: GradeId | None = None) -> GradeRecord:
        """Grade and wait for the result; it is stored when this returns.

        Raises:
            Overloaded: too many answers are waiting, or a slot did not come free in time.
            LearnerErased: the learner was erased meanwhile; nothing was kept.
            StoreUnavailable: the result could not be stored.
        """
        record = self.new(tenant, request, grade_id)
        return await self._unhurried(self._make(record, self._add))

    async def submit(self, tenant: Tenant, request: GradeRequest, grade_id: GradeId | None = None) -> GradeRecord:
        """Store the request and the job that will grade it, and return at once; it is not lost any more.

        Raises:
            StoreUnavailable: the request could not be stored.
        """
        record = self.new(tenant, request, grade_id)
        await self.jobs.add(record)
        self.submitted.set()
        return record

    async def work(self, record: GradeRecord, keep: Keep, prepared: Mapping[str, str] = {}) -> GradeRecord:
        """Grade a record in progress, patiently, letting those go first who wait for theirs.

        ``prepared`` are replies that a model made beforehand, by the request's fingerprint.

        Raises:
            StoreUnavailable: the result could not be stored.
        """
        self.channels.open(record.id)
        return await self._make(record, keep, patient=True, prepared=prepared)

    async def retry(self, tenant: Tenant, grade_id: GradeId) -> GradeRecord | None:
        """Grade an ungraded answer again, or write a failed commentary again; None when there is no such grade.

        Raises:
            NothingToRetry: neither is missing.
            AnswerExpired: the answer's text is gone.
            Overloaded, StoreUnavailable: as in :meth:`grade`.
        """
        record = await self.store.get(tenant, grade_id)
        if record is None:
            return None
        if record.expired is not None:
            raise AnswerExpired
        if not _can_be_retried(record):
            raise NothingToRetry
        try:
            return await self._unhurried(self._make(record, self._finish))
        except NotReplaceable:
            return await self._as_it_stands(tenant, grade_id)

    async def _as_it_stands(self, tenant: Tenant, grade_id: GradeId) -> GradeRecord | None:
        """What became of a grade that could not be replaced: another retry was first, or it was erased or expired."""
        record = await self.store.get(tenant, grade_id)
        if record is not None and record.expired is not None:
            raise AnswerExpired
        return record

    async def get(self, tenant: Tenant, grade_id: GradeId) -> GradeRecord | None:
        """One grade, or None."""
        return await self.store.get(tenant, grade_id)

    async def page(self, tenant: Tenant, wanted: GradeFilter, cursor: str | None, limit: int) -> GradePage:
        """Grades newest first."""
        return await self.store.page(tenant, wanted, cursor, limit)

    async def events(self, record: GradeRecord) -> AsyncIterator[GradeEvent]:
        """Every event of one grade, as they come; from the store when it is being made elsewhere."""
        seen = 0
        while record.status is GradeStatus.IN_PROGRESS:
            place = 0
            if channel := self.channels.get(record.id):
                async for event in channel.follow():
                    place += 1
                    if place > seen:
                        yield event
                        seen = place
                    if event.name == "done":
                        return
            else:
                await asyncio.sleep(POLL_SECONDS)
            record = await self.store.get(record.tenant, record.id) or record
        for event in events_of(record)[seen:]:
            yield event

    async def recover(self) -> int:
        """Mark what was left in progress without a job as ungraded, so that it can be retried."""
        before = self.clock.now() - timedelta(seconds=2 * self.pace.grade_seconds)
        return await self.store.interrupt_unfinished(INTERRUPTED, before)

    async def drain(self, seconds: float) -> None:
        """Let background grades finish for a while, then stop them; they stay retryable."""
        if self._background:
            await asyncio.wait(self._background, timeout=seconds)
        for task in self._background:
            task.cancel()

    def turn(self) -> AbstractAsyncContextManager[None]:
        """A place among the grades being made, waited for patiently: for gradings that are no grade of their own."""
        return self._slot(patient=True)

    def new(self, tenant: Tenant, request: GradeRequest, grade_id: GradeId | None = None) -> GradeRecord:
        """A record that nothing was done for yet, under a new id unless one is given; nothing is stored."""
        return GradeRecord(
            id=grade_id or GradeId(f"grd_{ULID()}"),
            tenant=tenant,
            created_at=self.clock.now(),
            status=GradeStatus.IN_PROGRESS,
            request=request,
        )

    async def _unhurried(self, work: Coroutine[Any, Any, GradeRecord]) -> GradeRecord:
        """Run to the end even if the caller goes away: calls are paid for, and others may share the judgement."""
        return await asyncio.shield(self._task(work))

    def _task(self, work: Coroutine[Any, Any, GradeRecord]) -> asyncio.Task[GradeRecord]:
        task = asyncio.create_task(work)
        self._background.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[GradeRecord]) -> None:
        self._background.discard(task)
        if not task.cancelled() and (error := task.exception()):
            log("background_grade_failed", error=type(error).__name__)

    async def _add(self, record: GradeRecord, reusable: Mapping[str, str]) -> bool:
        await self.store.add(record, reusable)
        return True

    async def _finish(self, record: GradeRecord, reusable: Mapping[str, str]) -> bool:
        await self.store.finish(record, reusable)
        return True

    async def _make(
        self, record: GradeRecord, keep: Keep, *, patient: bool = False, prepared: Mapping[str, str] = {}
    ) -> GradeRecord:
        channel = self.channels.get(record.id) or NO_READERS
        try:
            async with self._slot(patient):
                finished, reusable = await self._graded(record, channel, prepared)
            if await keep(finished, reusable):
                self.metrics.finished(finished)
                log("grade_finished", id=finished.id, status=finished.status.value)
                channel.publish(done(finished))
            return finished
        finally:
            self.channels.close(record.id)
            self._no_longer_shared(record)

    async def _graded(
        self, record: GradeRecord, channel: Channel, prepared: Mapping[str, str]
    ) -> tuple[GradeRecord, dict[str, str]]:
        started = self.clock.monotonic()
        request, tenant = record.request, record.tenant
        budget = CallBudget(
            deadline=started + self.pace.grade_seconds,
            local_only=request.data_policy == "local",
            purse=self.purse_of(tenant),
            prepared=dict(prepared),
        )
        channel.publish(stage("judging"))
        judgement, key, reused = await self._judgement(record, budget, channel)
        channel.publish(stage("explaining"))
        explanation, explained = await self._explanation(record, judgement, key, budget)
        grade = self.grader.assemble(request.submission, request.rubric, judgement, explanation)
        if channel is not NO_READERS:
            channel.publish(commentary(grade))
        calls = as_calls(budget.records)
        for call in calls:
            self.metrics.called(call)
        usage = usage_of(calls, self.clock.monotonic() - started, hit=reused)
        finished = record.model_copy(
            update={
                "status": grade.status,
                "grade": grade,
                "usage": usage,
                "judgement": judgement,
                "calls": (*judgement.calls, *explanation.calls),
                "reason": grade.reason,
            }
        )
        keep = {} if reused or not judgement.settled or judgement.gate else {_stored(tenant, key): judgement}
        return finished, {name: value.model_dump_json() for name, value in {**keep, **explained}.items()}

    async def _judgement(
        self, record: GradeRecord, budget: CallBudget, channel: Channel
    ) -> tuple[Judgement, str, bool]:
        """The levels: this record's own, one in the making, a stored one, or a new one; and whether reused."""
        key = self._judgement_key(record.request)
        if record.judgement is not None and record.status is not GradeStatus.UNGRADED:
            return _announced(record.judgement, record, channel), key, True
        name = _stored(record.tenant, key)
        making = self._shared.get(name)
        if making is not None:
            judgement, _ = await asyncio.shield(making.task)
            return _announced(judgement, record, channel), key, True
        task = asyncio.create_task(self._stored_or_new(record, name, budget, channel))
        self._shared[name] = _InMaking(record.id, task)
        judgement, reused = await asyncio.shield(task)
        return judgement, key, reused

    async def _stored_or_new(
        self, record: GradeRecord, name: str, budget: CallBudget, channel: Channel
    ) -> tuple[Judgement, bool]:
        if text := await self.store.reusable(record.tenant, name):
            return _announced(Judgement.model_validate_json(text), record, channel), True
        request = record.request
        judgement = await self.grader.decide(
            request.submission, request.rubric, budget, lambda decision: _announce(channel, record, decision)
        )
        return judgement, False

    def _no_longer_shared(self, record: GradeRecord) -> None:
        name = _stored(record.tenant, self._judgement_key(record.request))
        making = self._shared.get(name)
        if making is not None and making.owner == record.id:
            del self._shared[name]

    async def _explanation(
        self, record: GradeRecord, judgement: Judgement, key: str, budget: CallBudget
    ) -> tuple[Explanation, dict[str, Explanation]]:
        """The commentary, and what of it to keep for the next who asks."""
        request = record.request
        if request.detail == "scores":
            return OMITTED, {}
        if judgement.gate is not None or judgement.draft is not None or not judgement.decided():
            return await self.grader.explain(request.submission, request.rubric, judgement, budget), {}
        name = _stored(record.tenant, _digest(key, self.grader.coach.version()))
        if text := await self.store.reusable(record.tenant, name):
            return Explanation.model_validate_json(text), {}
        explanation = await self.grader.explain(request.submission, request.rubric, judgement, budget)
        return explanation, {name: explanation} if explanation.status.status == "written" else {}

    def _judgement_key(self, request: GradeRequest) -> str:
        notes = [note.sha256 for note in self.grader.notes.pulled_in(request.submission.context)]
        return _digest(request.submission.digest(), request.rubric.sha256, notes, self.grader.version())

    @asynccontextmanager
    async def _slot(self, patient: bool) -> AsyncIterator[None]:
        """A place among the grades being made; the impatient go first, and give up when none comes free in time."""
        if patient:
            await self._slots.acquire(patient=True)
        else:
            await self._urgent_slot()
        try:
            with self.metrics.in_flight.track_inprogress():
                yield
        finally:
            self._slots.release()

    async def _urgent_slot(self) -> None:
        if self._waiting >= self.pace.waiting:
            raise Overloaded
        self._waiting += 1
        try:
            async with asyncio.timeout(self.pace.grade_seconds):
                await self._slots.acquire(patient=False)
        except TimeoutError:
            raise Overloaded from None
        finally:
            self._waiting -= 1


def usage_of(calls: tuple[Call, ...], seconds: float, *, hit: bool) -> Usage:
    """What the calls of one grade add up to; the cost is unknown as soon as one call's is."""
    costs = [call.cost_usd for call in calls]
    return Usage(
        model_calls=len(calls),
        input_tokens=sum(call.input_tokens for call in calls),
        output_tokens=sum(call.output_tokens for call in calls),
        cached_tokens=sum(call.cached_tokens for call in calls),
        cost_usd=None if None in costs else sum(cost for cost in costs if cost is not None),
        latency_ms=round(seconds * 1000),
        cache="hit" if hit else "miss",
    )


def _announce(channel: Channel, record: GradeRecord, decision: Decision) -> None:
    if channel is NO_READERS:
        return
    criterion = record.request.rubric.criterion(decision.criterion)
    channel.publish(criterion_decided(criterion_grade(criterion, decision)))


def _announced(judgement: Judgement, record: GradeRecord, channel: Channel) -> Judgement:
    for decision in judgement.decisions:
        _announce(channel, record, decision)
    return judgement


def _can_be_retried(record: GradeRecord) -> bool:
    if record.status is GradeStatus.UNGRADED:
        return True
    return record.grade is not None and record.grade.commentary.status in ("failed", "partial")


def _digest(*parts: object) -> str:
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()


def _stored(tenant: Tenant, key: str) -> str:
    """The store's key: the tenant is part of the hash as well as of the row."""
    return _digest(tenant, key)
