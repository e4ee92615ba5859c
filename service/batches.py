"""Batches: taken in line by line, bad lines named and good ones kept, followed, cancelled, read out in order."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, AsyncIterator
from dataclasses import dataclass, field
from datetime import timedelta

from ulid import ULID

from service.intake import BatchLine, Intake, InvalidRequest, KnownRubrics, read_line
from service.job_ports import BatchStore
from service.jobs import Batch, BatchId, BatchPage, Finished, Item, LineError, NewBatch
from service.lines import RawLine
from service.ports import Clock
from service.records import Tenant
from service.workflow import Grading

PIECE = 200
PAGE = 200
PROGRESS_SECONDS = 0.5
BROKEN_OFF = timedelta(hours=6)


class TooManyLines(Exception):
    """The batch has more lines than one may have; nothing of it was kept. The message names the limit."""


@dataclass(slots=True)
class _Taken:
    """What was read of a batch and is not stored yet, and the names that were used."""

    items: list[Item] = field(default_factory=list)
    errors: list[LineError] = field(default_factory=list)
    names: set[str] = field(default_factory=set)
    rubrics: KnownRubrics = field(default_factory=KnownRubrics)

    @property
    def waiting(self) -> int:
        return len(self.items) + len(self.errors)


@dataclass(slots=True)
class Batches:
    """What callers do with batches; grading them is the workers' part."""

    store: BatchStore
    grading: Grading
    intake: Intake
    clock: Clock
    most_lines: int

    async def take_in(
        self,
        tenant: Tenant,
        lines: AsyncIterable[RawLine],
        *,
        max_cost_usd: float | None = None,
        largest_usd: float = 0.0,
        source: str | None = None,
    ) -> Batch:
        """Keep a batch as it arrives; once this returns it is not lost.

        Args:
            tenant: whose it is.
            lines: its lines as sent.
            max_cost_usd: a budget: once it is spent no more answers are begun.
            largest_usd: what one answer may cost, to be reserved for each that is being graded.
            source: the SHA-256 of the file it comes from, to find it again.

        Raises:
            TooManyLines: nothing was kept.
            StoreUnavailable: it could not be stored; nothing is graded.
        """
        batch = BatchId(f"bat_{ULID()}")
        await self.store.begin(
            NewBatch(
                id=batch,
                tenant=tenant,
                created_at=self.clock.now(),
                max_cost_usd=max_cost_usd,
                largest_usd=largest_usd,
                source=source,
            )
        )
        try:
            await self._keep_all(tenant, batch, lines)
            await self.store.seal(batch, self.clock.now())
        except BaseException:
            await asyncio.shield(self.store.drop(batch))
            raise
        self.grading.submitted.set()
        kept = await self.store.get(tenant, batch)
        if kept is None:
            raise AssertionError("a sealed batch is kept")
        return kept

    async def get(self, tenant: Tenant, batch: BatchId) -> Batch | None:
        """One batch, or None."""
        return await self.store.get(tenant, batch)

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

    async def _keep_all(self, tenant: Tenant, batch: BatchId, lines: AsyncIterable[RawLine]) -> None:
        taken, count = _Taken(), 0
        async for line in lines:
            count += 1
            if count > self.most_lines:
                raise TooManyLines(f"The limit is {self.most_lines} lines.")
            await self._read(tenant, line, taken)
            if taken.waiting >= PIECE:
                await self._keep(batch, taken)
        await self._keep(batch, taken)

    async def _keep(self, batch: BatchId, taken: _Taken) -> None:
        if taken.waiting:
            await self.store.add(batch, taken.items, taken.errors)
            taken.items, taken.errors = [], []

    async def _read(self, tenant: Tenant, line: RawLine, taken: _Taken) -> None:
        """Read one line into an item or an error."""
        name: str | None = None
        try:
            if line.text is None:
                raise InvalidRequest.at("", "is too long")
            body = read_line(line.text)
            name = _storable(body)
            if name in taken.names:
                raise InvalidRequest.at("custom_id", "was used by an earlier line")
            request = await self.intake.request(tenant, body, taken.rubrics)
        except InvalidRequest as error:
            taken.errors.append(LineError(line=line.number, custom_id=name, errors=tuple(error.errors)))
            return
        taken.names.add(name)
        record = self.grading.new(tenant, request)
        taken.items.append(Item(line=line.number, custom_id=name, record=record))


def _storable(body: BatchLine) -> str:
    if "\x00" in body.custom_id:
        raise InvalidRequest.at("custom_id", "holds a NUL character")
    return body.custom_id
