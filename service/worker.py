"""A worker: hands out due jobs in portions, grades those it gets, shows that it lives, takes over from the dead.

What is left to do is in the job store; the engine carries portions of it out, at least once. A grade is
stored once, by whoever finishes it first.
"""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

from ulid import ULID

from service.grading.errors import ModelRateLimited, SpendingLimitReached
from service.grading.grade import GradeStatus, Reason
from service.job_ports import Engine, JobStore, WorkerStore
from service.jobs import MOST_ATTEMPTS, Beat, Claim, Portion, PortionId
from service.ports import Clock, StoreUnavailable
from service.records import GradeId, GradeRecord
from service.telemetry import LOGGER, log
from service.workflow import Grading

T = TypeVar("T")

FEED_SECONDS = 0.25
BEAT_SECONDS = 5.0
DEAD_AFTER_SECONDS = 30.0
STORE_SECONDS = 1.0
ECONOMY_SECONDS = 5.0
AHEAD = 2
LARGEST_PORTION = 16
RETRY_SECONDS = (5, 30, 180, 1_080)
SUSPICIOUS = 2


@dataclass(slots=True)
class Worker:
    """Grades jobs in this process.

    Attributes:
        concurrency: jobs graded at once.
        drain_seconds: how long jobs may run on once the worker is told to stop; what is left is handed back.
        ready: returns when the model may be asked; no job is begun while it has to be left alone.
        tend_economy: sees to what is with a provider; cut short it goes on the next time.
        beat_seconds: between two signs of life.
        dead_after_seconds: after which a worker that gives no sign is replaced.
    """

    grading: Grading
    jobs: JobStore
    workers: WorkerStore
    engine: Engine
    clock: Clock
    concurrency: int
    drain_seconds: float
    ready: Callable[[], Awaitable[None]]
    tend_economy: Callable[[], Coroutine[Any, Any, None]]
    name: str = ""
    beat_seconds: float = BEAT_SECONDS
    dead_after_seconds: float = DEAD_AFTER_SECONDS
    _slots: asyncio.Semaphore = field(init=False)
    _alone: asyncio.Lock = field(default_factory=asyncio.Lock)
    _stopping: asyncio.Event = field(default_factory=asyncio.Event)
    _starting: asyncio.Lock = field(default_factory=asyncio.Lock)
    _started: bool = False
    _portions: dict[PortionId, asyncio.Task[None]] = field(default_factory=dict)
    _heard: dict[str, tuple[int, float]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Make the slots that bound how many jobs run at once."""
        self._slots = asyncio.Semaphore(self.concurrency)

    @property
    def portion_size(self) -> int:
        """Jobs in a portion: small enough that several workers share a batch, large enough to be cheap."""
        return max(1, min(LARGEST_PORTION, self.concurrency // 4))

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Work until left; then drain. Nothing is started before there is something to do."""
        loops = [asyncio.create_task(loop) for loop in (self._feed_on(), self._look_after(), self._economise())]
        try:
            yield
        finally:
            self._stopping.set()
            self.grading.submitted.set()
            await asyncio.gather(*loops)
            await self._drain()

    async def run_portion(self, portion: PortionId) -> None:
        """Grade what is left of a portion; what the engine carries out."""
        work = asyncio.create_task(self._run(portion))
        self._portions[portion] = work
        try:
            await asyncio.shield(work)
        finally:
            self._portions.pop(portion, None)
            self.grading.submitted.set()

    async def _feed_on(self) -> None:
        """Hand out what is due, when something was submitted and every quarter of a second."""
        while not self._stopping.is_set():
            await self._whatever_happens(self._feed())
            try:
                async with asyncio.timeout(FEED_SECONDS):
                    await self.grading.submitted.wait()
            except TimeoutError:
                continue
            self.grading.submitted.clear()

    async def _feed(self) -> None:
        await self.jobs.count(self.clock.now())
        workers = max(1, len(self._heard))
        room = AHEAD * self.concurrency * workers
        for portion in await self.jobs.feed(room, self.portion_size, self.clock.now(), _portion_id):
            await self._enqueue(portion)

    async def _enqueue(self, portion: Portion) -> None:
        await self._start()
        await self.engine.enqueue(portion)

    async def _start(self) -> None:
        """Start the engine once there is something to do."""
        async with self._starting:
            if not self._started:
                await self._start_now()

    async def _start_now(self) -> None:
        self.name = await self.workers.enlist(host(), os.getpid(), _lives)
        await self.engine.start(self.name, AHEAD * max(1, self.concurrency // self.portion_size), self.run_portion)
        self._started = True
        log("worker_started", worker=self.name, concurrency=self.concurrency)

    async def _economise(self) -> None:
        """Every few seconds: see to the batches that go through a provider's batch API."""
        while not self._stopping.is_set():
            tending = asyncio.create_task(self._whatever_happens(self.tend_economy()))
            stopping = asyncio.create_task(self._stopping.wait())
            await asyncio.wait({tending, stopping}, return_when=asyncio.FIRST_COMPLETED)
            tending.cancel()
            await asyncio.gather(tending, return_exceptions=True)
            await asyncio.wait({stopping}, timeout=ECONOMY_SECONDS)
            stopping.cancel()

    async def _look_after(self) -> None:
        """Every few seconds: show that this worker lives, and see to what others left."""
        while not self._stopping.is_set():
            await self._whatever_happens(self._tend())
            try:
                async with asyncio.timeout(self.beat_seconds):
                    await self._stopping.wait()
            except TimeoutError:
                continue

    async def _tend(self) -> None:
        open_portions = await self.jobs.open_portions()
        if not self._started and not open_portions:
            return
        await self._start()
        for name in self._dead(await self.workers.beat(self.name)):
            taken = await self.engine.take_over(name)
            await self.workers.dismiss(name)
            log("worker_replaced", worker=name, portions=taken)
        for portion in await self.engine.lost([p for p in open_portions if _settled(p, self.clock)]):
            back = await self.jobs.give_back(portion)
            log("portion_lost", portion=portion, jobs=back)
        await self.engine.forget()

    def _dead(self, workers: Sequence[Beat]) -> list[str]:
        """Workers whose process is gone, or whose beats have not moved for a while on this process's own clock."""
        now, heard = self.clock.monotonic(), self._heard
        self._heard = {
            beat.name: known if (known := heard.get(beat.name)) and known[0] == beat.beats else (beat.beats, now)
            for beat in workers
        }
        here = host()
        return [
            beat.name
            for beat in workers
            if beat.name != self.name
            and (
                now - self._heard[beat.name][1] > self.dead_after_seconds
                or (beat.host == here and not _lives(beat.pid))
            )
        ]

    async def _run(self, portion: PortionId) -> None:
        jobs = await self._until_stored(lambda: self.jobs.open_in(portion))
        outcomes = await asyncio.gather(*(self._grade_in_turn(job, portion) for job in jobs), return_exceptions=True)
        for error in outcomes:
            if isinstance(error, Exception):
                log("job_not_begun", portion=portion, error=type(error).__name__)
        if self._stopping.is_set():
            await self.jobs.give_back(portion)

    async def _grade_in_turn(self, job: GradeId, portion: PortionId) -> None:
        async with self._slots:
            await self._ready_or_stopping()
            if self._stopping.is_set():
                return
            claim = await self._until_stored(lambda: self.jobs.claim(job, portion, self.clock.now()))
            if claim is None:
                return
            if claim.crashes < SUSPICIOUS:
                await self._grade(claim)
                return
            async with self._alone:
                await self._grade(claim)

    async def _ready_or_stopping(self) -> None:
        ways = [asyncio.ensure_future(self.ready()), asyncio.create_task(self._stopping.wait())]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()

    async def _grade(self, claim: Claim) -> None:
        async def keep(record: GradeRecord, reusable: Mapping[str, str]) -> bool:
            wait = self._another_try(claim, record)
            if wait is not None:
                until, counted = self.clock.now() + timedelta(seconds=wait), not _was_told_to_wait(record.reason)
                if await self._until_stored(lambda: self.jobs.postpone(claim.id, until, counted=counted)):
                    return False
            kept = await self._until_stored(lambda: self.jobs.finish(record, reusable))
            if not kept:
                log("surplus_grade_dropped", id=claim.id)
            return kept

        try:
            await self._until_stored(lambda: self.grading.work(claim.record, keep, claim.replies))
        except Exception as error:  # noqa: BLE001 - whatever one job does, the others go on
            log("job_failed", id=claim.id, error=type(error).__name__)
            await self._give_up_or_again(claim, error)

    async def _give_up_or_again(self, claim: Claim, error: Exception) -> None:
        """After an error that no answer should cause: another try, or the end with a reason."""
        reason = Reason(code="internal_error", detail=f"grading ended in {type(error).__name__}", retryable=True)
        record = claim.record.model_copy(update={"status": GradeStatus.UNGRADED, "reason": reason})
        wait = self._another_try(claim, record)
        if wait is not None:
            until = self.clock.now() + timedelta(seconds=wait)
            if await self._until_stored(lambda: self.jobs.postpone(claim.id, until, counted=True)):
                return
        await self._until_stored(lambda: self.jobs.finish(record, {}))

    def _another_try(self, claim: Claim, record: GradeRecord) -> float | None:
        """Seconds until an ungraded answer is tried again; None when what came out is final."""
        reason = record.reason
        if record.status is not GradeStatus.UNGRADED or reason is None or not reason.retryable:
            return None
        if _was_told_to_wait(reason):
            return reason.retry_after or RETRY_SECONDS[0]
        if claim.attempt >= MOST_ATTEMPTS:
            return None
        return max(RETRY_SECONDS[claim.attempt - 1], reason.retry_after or 0.0)

    async def _until_stored(self, work: Callable[[], Awaitable[T]]) -> T:
        """Try again while the store cannot be used: what was graded is not thrown away."""
        while True:
            try:
                return await work()
            except StoreUnavailable as error:
                log("store_unavailable", error=str(error))
                await asyncio.sleep(STORE_SECONDS)

    async def _whatever_happens(self, work: Coroutine[Any, Any, None]) -> None:
        """The loops go on: what one round could not do the next one does."""
        try:
            await work
        except StoreUnavailable as error:
            log("store_unavailable", error=str(error))
            await asyncio.sleep(STORE_SECONDS)
        except Exception as error:  # noqa: BLE001 - a worker that stopped handing out jobs would be worse
            LOGGER.error("worker_round_failed", exc_info=error)
            await asyncio.sleep(STORE_SECONDS)

    async def _drain(self) -> None:
        """Let running jobs finish for a while, hand back the rest.

        The worker's name stays: what the engine had taken and not begun is taken over under it.
        """
        running = dict(self._portions)
        if running:
            await asyncio.wait(running.values(), timeout=self.drain_seconds)
        for portion, task in running.items():
            if not task.done():
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
                log("portion_handed_back", portion=portion, jobs=await self.jobs.give_back(portion))
        if self._started:
            await self.engine.stop()
            await self.jobs.count(self.clock.now())


def _was_told_to_wait(reason: Reason | None) -> bool:
    """A full provider or an empty purse says nothing about the answer: such a try does not count."""
    return reason is not None and reason.code in (ModelRateLimited.code, SpendingLimitReached.code)


def _portion_id() -> PortionId:
    return PortionId(f"por_{ULID()}")


def _settled(portion: PortionId, clock: Clock) -> bool:
    """Whether a portion was made long enough ago that the engine has to know it."""
    return clock.now() - ULID.from_str(portion.removeprefix("por_")).datetime > timedelta(seconds=DEAD_AFTER_SECONDS)


def host() -> str:
    """The machine, or the container, within which process ids mean the same processes."""
    name = socket.gethostname()[:60]
    try:
        space = Path("/proc/self/ns/pid").readlink()
    except OSError:
        return name
    return f"{name}-{''.join(filter(str.isdigit, str(space)))}"


def _lives(pid: int) -> bool:
    """Whether a process of this machine lives; one that is dead and not yet buried by its parent does not."""
    try:
        os.kill(pid, 0)
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except ProcessLookupError:
        return False
    except OSError:
        return True
