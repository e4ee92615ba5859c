"""Batches: taken in line by line, bad lines named and good ones kept, followed, cancelled, read out in order."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterable, AsyncIterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Literal

from ulid import ULID

from service.estimate import Estimate, Estimator
from service.intake import BatchLine, Intake, InvalidRequest, KnownRubrics, read_line
from service.job_ports import BatchStore
from service.jobs import Batch, BatchId, BatchPage, BatchStatus, Finished, Item, LineError, NewBatch
from service.lines import RawLine
from service.ports import Clock
from service.records import GradeRequest, Tenant
from service.workflow import Grading

PIECE = 200
SAMPLE = 20
SHOWN = 20
PAGE = 200
PROGRESS_SECONDS = 0.5
BROKEN_OFF = timedelta(hours=6)


class TooManyLines(Exception):
    """The batch has more lines than one may have; nothing of it was kept. The message names the limit."""


@dataclass(frozen=True, slots=True)
class DryRun:
    """What a batch would be. ``errors`` are the first of the refused lines."""

    items: int
    invalid: int
    errors: tuple[LineError, ...]
    estimate: Estimate


@dataclass(slots=True)
class _Sample:
    """Requests of one batch to estimate all by: evenly few of however many come (reservoir sampling)."""

    seen: int = 0
    kept: list[GradeRequest] = field(default_factory=list)
    chance: random.Random = field(default_factory=lambda: random.Random(0))

    def add(self, request: GradeRequest) -> None:
        self.seen += 1
        if len(self.kept) < SAMPLE:
            self.kept.append(request)
        elif (place := self.chance.randrange(self.seen)) < SAMPLE:
            self.kept[place] = request


@dataclass(slots=True)
class _Taken:
    """What was read of a batch and is not stored yet, and the names that were used."""

    items: list[Item] = field(default_factory=list)
    errors: list[LineError] = field(default_factory=list)
    names: set[str] = field(default_factory=set)
    rubrics: KnownRubrics = field(default_factory=KnownRubrics)
    sample: _Sample = field(default_factory=_Sample)

    @property
    def waiting(self) -> int:
        return len(self.items) + len(self.errors)

    def clear(self) -> None:
        """What was read is taken care of."""
        self.items, self.errors = [], []


@dataclass(slots=True)
class Batches:
    """What callers do with batches; grading them is the workers' part."""

    store: BatchStore
    grading: Grading
    intake: Intake
    clock: Clock
    estimator: Estimator
    most_lines: int
    line_bytes: int

    @property
    def priced(self) -> bool:
        """Whether a budget can be kept."""
        return self.estimator.priced

    async def take_in(
        self,
        tenant: Tenant,
        lines: AsyncIterable[RawLine],
        *,
        max_cost_usd: float | None = None,
        source: str | None = None,
        batch_id: BatchId | None = None,
        tier: Literal["standard", "economy"] = "standard",
    ) -> Batch:
        """Keep a batch as it arrives; once this returns it is not lost.

        Args:
            tenant: whose it is.
            lines: its lines as sent.
            max_cost_usd: a budget: no answer is begun that could overspend it.
            source: the SHA-256 of the file it comes from, to find it again.
            tier: ``economy`` for the provider's batch API, where :class:`~service.economy.Economy` offers it.
            batch_id: its id, where it is given; what was begun under it before and broke off is dropped.

        Raises:
            TooManyLines: nothing was kept.
            StoreUnavailable: it could not be stored; nothing is graded.
        """
        batch = batch_id or BatchId(f"bat_{ULID()}")
        if batch_id is not None:
            await self.store.drop(batch_id)
        await self.store.begin(
            NewBatch(
                id=batch,
                tenant=tenant,
                created_at=self.clock.now(),
                max_cost_usd=max_cost_usd,
                source=source,
                tier=tier,
            )
        )
        try:
            sample = await self._keep_all(tenant, batch, lines)
            largest = 0.0 if max_cost_usd is None else await self._largest_usd(sample)
            await self.store.seal(batch, self.clock.now(), largest)
        except BaseException:
            await asyncio.shield(self.store.drop(batch))
            raise
        self.grading.submitted.set()
        kept = await self.store.get(tenant, batch)
        if kept is None:
            raise AssertionError("a sealed batch is kept")
        return kept

    async def dry_run(self, tenant: Tenant, lines: AsyncIterable[RawLine]) -> DryRun:
        """Check a batch and say what it would take; nothing is kept and no model is asked.

        Raises:
            TooManyLines: as in :meth:`take_in`.
        """
        taken, errors, invalid = _Taken(), list[LineError](), 0
        async for line in self._counted(lines):
            await self._read(tenant, line, taken)
            errors += taken.errors[: SHOWN - len(errors)]
            invalid += len(taken.errors)
            taken.clear()
        total = Estimate()
        for request in taken.sample.kept:
            total = total.plus(await self.estimator.of(request))
        seen = taken.sample.seen
        estimate = total.times(seen / len(taken.sample.kept)) if seen else total
        return DryRun(seen, invalid, tuple(errors), estimate)

    async def get(self, tenant: Tenant, batch: BatchId) -> Batch | None:
        """One batch, or None."""
        return await self.store.get(tenant, batch)

    async def sealed(self, tenant: Tenant, batch: BatchId) -> Batch | None:
        """One batch that was taken in completely, or None."""
        found = await self.store.get(tenant, batch)
        return found if found is not None and found.status is not BatchStatus.VALIDATING else None

    async def of_source(self, tenant: Tenant, source: str) -> Batch | None:
        """The newest batch made of a file, by its SHA-256."""
        return await self.store.of_source(tenant, source)

    async def page(self, tenant: Tenant, cursor: str | None, limit: int) -> BatchPage:
        """Batches newest first."""
        return await self.store.page(tenant, cursor, limit)

    async def cancel(self, tenant: Tenant, batch: BatchId) -> Batch | None:
        """Stop a batch, keeping what is done; None when there is no such batch."""
        return await self.store.cancel(tenant, batch, self.clock.now())

    async def results(self, batch: BatchId) -> AsyncIterator[Finished]:
        """What is graded so far, in the order it was sent."""
        after = 0
        while page := await self.store.finished(batch, after, PAGE, ungraded=False):
            for item in page:
                yield item
            after = page[-1].line

    async def errors(self, batch: BatchId) -> AsyncIterator[LineError | Finished]:
        """Refused lines and answers that could not be graded, in the order they were sent."""
        after = 0
        while True:
            refused = await self.store.refused(batch, after, PAGE)
            ungraded = await self.store.finished(batch, after, PAGE, ungraded=True)
            found: list[LineError | Finished] = [*refused, *ungraded]
            page = sorted(found, key=lambda entry: entry.line)[:PAGE]
            if not page:
                return
            for entry in page:
                yield entry
            after = page[-1].line

    async def progress(self, batch: Batch) -> AsyncIterator[Batch]:
        """The batch as it stands now, and whenever that has changed, until it is through."""
        yield batch
        while not batch.status.final:
            await asyncio.sleep(PROGRESS_SECONDS)
            now = await self.store.get(batch.tenant, batch.id)
            if now is None:
                return
            if now != batch:
                yield now
            batch = now

    async def recover(self) -> int:
        """Forget batches whose sending broke off long ago; none of them was acknowledged."""
        return await self.store.drop_unsealed(self.clock.now() - BROKEN_OFF)

    async def _keep_all(self, tenant: Tenant, batch: BatchId, lines: AsyncIterable[RawLine]) -> _Sample:
        taken = _Taken()
        async for line in self._counted(lines):
            await self._read(tenant, line, taken)
            if taken.waiting >= PIECE:
                await self._keep(batch, taken)
        await self._keep(batch, taken)
        return taken.sample

    async def _counted(self, lines: AsyncIterable[RawLine]) -> AsyncIterator[RawLine]:
        count = 0
        async for line in lines:
            count += 1
            if count > self.most_lines:
                raise TooManyLines(f"The limit is {self.most_lines} lines.")
            yield line

    async def _largest_usd(self, sample: _Sample) -> float:
        """What one answer of a batch may cost: the most of a sample."""
        costs = [(await self.estimator.of(request)).cost_usd for request in sample.kept]
        return max((cost for cost in costs if cost is not None), default=0.0)

    async def _keep(self, batch: BatchId, taken: _Taken) -> None:
        if taken.waiting:
            await self.store.add(batch, taken.items, taken.errors)
            taken.clear()

    async def _read(self, tenant: Tenant, line: RawLine, taken: _Taken) -> None:
        """Read one line into an item or an error."""
        name: str | None = None
        learner: str | None = None
        try:
            if line.text is None:
                raise InvalidRequest.at("", "is too long")
            body = read_line(line.text)
            name, learner = _storable(body), _learner_of(body)
            if name in taken.names:
                raise InvalidRequest.at("custom_id", "was used by an earlier line")
            request = await self.intake.request(tenant, body, taken.rubrics)
        except InvalidRequest as error:
            refused = LineError(line=line.number, custom_id=name, errors=tuple(error.errors), learner=learner)
            taken.errors.append(refused)
            return
        taken.names.add(name)
        taken.sample.add(request)
        record = self.grading.new(tenant, request)
        taken.items.append(Item(line=line.number, custom_id=name, record=record))


def _learner_of(body: BatchLine) -> str | None:
    """Whose a line is, unless that cannot be stored: such a line is refused for it."""
    return None if body.learner is not None and "\x00" in body.learner else body.learner


def _storable(body: BatchLine) -> str:
    if "\x00" in body.custom_id:
        raise InvalidRequest.at("custom_id", "holds a NUL character")
    return body.custom_id
