"""Durable work: one job per answer that is graded later, and the batches jobs may belong to.

A job is a thin row beside the grade it will finish. The rows are the truth about what is left to do; the
engine only carries them out, so a job acknowledged is never lost.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Literal, NewType

from pydantic import BaseModel, ConfigDict, Field

from service.grading.grade import Reason
from service.records import GradeId, GradeRecord, Tenant

BatchId = NewType("BatchId", str)
PortionId = NewType("PortionId", str)

MOST_ATTEMPTS = 5
"""How often one answer is tried, a try cut short by a crash included, before it is given up with its reason."""

CANCELLED = Reason(code="cancelled", detail="the batch was cancelled before this answer was graded", retryable=True)
BUDGET_EXHAUSTED = Reason(
    code="budget_exhausted", detail="the batch's budget was spent before this answer was graded", retryable=True
)
CRASHED = Reason(
    code="crashed",
    detail=f"the service stopped {MOST_ATTEMPTS} times while grading this answer",
    retryable=True,
)


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class JobState(StrEnum):
    """Where a job stands.

    ``waiting``: in its batch, not handed out yet. ``due``: to be handed out from a moment on. ``queued``: in a
    portion some worker has or will get. ``running``: being graded. ``done``: its grade is final.
    """

    WAITING = "waiting"
    DUE = "due"
    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"


class BatchStatus(StrEnum):
    """Where a batch stands."""

    VALIDATING = "validating"
    IN_PROGRESS = "in_progress"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLING = "cancelling"
    CANCELLED = "cancelled"

    @property
    def final(self) -> bool:
        """Whether nothing will change any more."""
        return self in (BatchStatus.COMPLETED, BatchStatus.FAILED, BatchStatus.CANCELLED)


class Counts(_Value):
    """How many of a batch's answers: ``total`` accepted, of them finished one way or another; ``invalid`` refused."""

    total: int
    graded: int
    needs_review: int
    ungraded: int
    invalid: int

    @property
    def in_progress(self) -> int:
        """Those still to come."""
        return self.total - self.graded - self.needs_review - self.ungraded


class Batch(_Value):
    """A batch as it stands.

    Attributes:
        queue_position: answers of the same tenant that come before its next one; None once all are handed out.
        cost_usd: of the finished answers; None as soon as one's is unknown.
        reason: why it did not complete.
    """

    id: BatchId
    tenant: Tenant
    created_at: datetime
    finished_at: datetime | None
    status: BatchStatus
    counts: Counts
    queue_position: int | None
    cost_usd: float | None
    max_cost_usd: float | None
    reason: Reason | None


class BatchPage(_Value):
    """One page of batches, newest first."""

    batches: tuple[Batch, ...]
    next_cursor: str | None


class NewBatch(_Value):
    """What a batch begins with.

    Attributes:
        source: SHA-256 of the file it comes from, where it can be sent again; how the command line resumes.
        tier: ``economy`` goes through the provider's batch API.
    """

    id: BatchId
    tenant: Tenant
    created_at: datetime
    max_cost_usd: Annotated[float, Field(ge=0)] | None = None
    source: str | None = None
    tier: Literal["standard", "economy"] = "standard"


class Item(_Value):
    """A valid line of a batch: its place (from 1), the caller's name for it, and the grade to be."""

    line: int
    custom_id: str
    record: GradeRecord


class LineError(_Value):
    """A line that was refused, and why; ``errors`` as in a problem document, ``learner`` where it could be read."""

    line: int
    custom_id: str | None
    errors: tuple[Mapping[str, str], ...]
    learner: str | None = None


class Finished(_Value):
    """An item whose grade is final."""

    line: int
    custom_id: str
    record: GradeRecord


class Portion(_Value):
    """Some jobs of one tenant, carried out by one worker."""

    id: PortionId
    tenant: Tenant


class Beat(_Value):
    """A worker as it last showed itself; ``beats`` grows while it lives."""

    name: str
    host: str
    pid: int
    beats: int


class Claim(_Value):
    """A job that this worker grades now.

    Attributes:
        attempt: which try this is, from 1.
        crashes: how many earlier tries ended with their process.
        replies: what a provider replied beforehand, by the fingerprint of the request.
    """

    id: GradeId
    attempt: int
    crashes: int
    record: GradeRecord
    replies: Mapping[str, str] = {}
