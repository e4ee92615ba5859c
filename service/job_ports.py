"""The ports of durable work: the jobs, the batches, the workers, and the engine that carries jobs out."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from service.jobs import Batch, BatchId, BatchPage, Beat, Claim, Finished, Item, LineError, NewBatch, Portion, PortionId
from service.records import GradeId, GradeRecord, Tenant


class JobStore(Protocol):
    """Keeps what is left to do. Every call is one short transaction; none is open across a model call.

    Raises (every method):
        StoreUnavailable: the transaction could not be done.
    """

    async def add(self, record: GradeRecord) -> None:
        """Store a grade in progress and its job in one transaction: once this returns it is not lost."""

    async def feed(self, room: int, size: int, now: datetime, new_id: Callable[[], PortionId]) -> tuple[Portion, ...]:
        """Make portions of at most ``size`` due jobs until ``room`` jobs are out, tenants sharing it evenly."""

    async def open_in(self, portion: PortionId) -> tuple[GradeId, ...]:
        """The jobs of a portion that are not done, in the order they were sent."""

    async def open_portions(self) -> tuple[PortionId, ...]:
        """Portions that hold jobs which are not done."""

    async def claim(self, job: GradeId, portion: PortionId, now: datetime) -> Claim | None:
        """Begin a job of a portion; None when it is done, taken back, cancelled, over budget or given up."""

    async def finish(self, record: GradeRecord, reusable: Mapping[str, str]) -> bool:
        """Store a job's grade once, whoever comes first; False for everyone after."""

    async def count(self, now: datetime) -> None:
        """Bring batches' counts up to what is finished, and close those that are through."""

    async def postpone(self, job: GradeId, until: datetime, *, counted: bool) -> bool:
        """Put a running job off until a moment; False when its batch is being stopped, so it has to end now.

        ``counted`` says whether the try counts towards the most there may be.
        """

    async def give_back(self, portion: PortionId) -> int:
        """Make what is left of a portion due at once; a try cut short here does not count."""


class BatchStore(Protocol):
    """Keeps batches.

    Raises (every method):
        StoreUnavailable: the transaction could not be done.
    """

    async def begin(self, new: NewBatch) -> None:
        """Make an empty batch; its items are not handed out before it is sealed."""

    async def add(self, batch: BatchId, items: Sequence[Item], errors: Sequence[LineError]) -> None:
        """Keep some more of a batch's items and refused lines."""

    async def seal(self, batch: BatchId, now: datetime, largest_usd: float = 0.0) -> None:
        """The batch is complete as sent: its items may be handed out. Without any it has failed.

        ``largest_usd`` is what one answer may cost; the budget reserves it for each one being graded.
        """

    async def drop(self, batch: BatchId) -> None:
        """Forget a batch that was never sealed, with all it holds."""

    async def drop_unsealed(self, before: datetime) -> int:
        """Forget the batches whose sending broke off before a moment; returns how many."""

    async def get(self, tenant: Tenant, batch: BatchId) -> Batch | None:
        """One batch; None when it is unknown or another tenant's, which look the same."""

    async def of_source(self, tenant: Tenant, source: str) -> Batch | None:
        """The newest sealed batch made of a file, by the file's SHA-256."""

    async def page(self, tenant: Tenant, cursor: str | None, limit: int) -> BatchPage:
        """Batches newest first.

        Raises:
            InvalidCursor: the cursor is not one of ours.
        """

    async def cancel(self, tenant: Tenant, batch: BatchId, now: datetime) -> Batch | None:
        """Stop a batch, keeping what is done; one that is through stays as it is."""

    async def finished(self, batch: BatchId, after: int, limit: int, *, ungraded: bool) -> tuple[Finished, ...]:
        """The next finished items after a line, in input order: those with a grade, or those without."""

    async def refused(self, batch: BatchId, after: int, limit: int) -> tuple[LineError, ...]:
        """The next refused lines after a line, in input order."""


class WorkerStore(Protocol):
    """Knows the workers there are, by heartbeats that are counted, not timed: clocks may differ or jump.

    Raises (every method):
        StoreUnavailable: the transaction could not be done.
    """

    async def enlist(self, host: str, pid: int, lives: Callable[[int], bool]) -> str:
        """The name of a new worker on a host: that of one whose process is gone, so that its work goes on at once."""

    async def beat(self, name: str) -> tuple[Beat, ...]:
        """Show that a worker lives; returns all workers."""

    async def dismiss(self, name: str) -> None:
        """Forget a worker that left or is dead."""


Carry = Callable[[PortionId], Awaitable[None]]
"""What the engine does with a portion: it is carried out again when its worker dies before the end."""


class Engine(Protocol):
    """Carries portions out, each by one worker, and again when that worker is gone. At least once, never lost."""

    async def start(self, worker: str, portions_at_once: int, carry: Carry) -> None:
        """Begin to take portions, those this worker left behind first."""

    async def enqueue(self, portion: Portion) -> None:
        """Hand over a portion; a second time changes nothing."""

    async def take_over(self, worker: str) -> int:
        """Have the portions of a dead worker carried out by the living; returns how many."""

    async def lost(self, portions: Sequence[PortionId]) -> frozenset[PortionId]:
        """Those of these portions that the engine does not know or is through with."""

    async def forget(self) -> int:
        """Delete the rows of portions that are through; returns how many."""

    async def stop(self) -> None:
        """Take no more portions and close."""
