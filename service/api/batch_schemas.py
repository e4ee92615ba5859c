"""What travels over HTTP about batches."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from service.api.schemas import GradeDocument, grade_document
from service.batches import DryRun
from service.grading.grade import Reason
from service.jobs import Batch, BatchPage, BatchStatus, Finished, LineError


class _Document(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class CountsDocument(_Document):
    """How many of a batch's answers are where."""

    total: int = Field(description="Accepted lines; the next four add up to it.")
    graded: int
    needs_review: int
    ungraded: int = Field(description="Among them those a cancellation or a spent budget left out.")
    in_progress: int
    invalid: int = Field(description="Lines that were refused when the batch was sent; not in total.")


class BatchDocument(_Document):
    """A batch as it stands."""

    id: str
    object: Literal["batch"] = "batch"
    status: BatchStatus
    created_at: datetime
    finished_at: datetime | None
    counts: CountsDocument
    queue_position: int | None = Field(
        description="Answers of your earlier batches that are handed out first; null once all of this one's are."
    )
    cost_usd: float | None = Field(description="Of the finished answers; null where a price is unknown.")
    max_cost_usd: float | None
    reason: Reason | None = Field(description="Why it did not complete: `cancelled`, `budget_exhausted`, ...")


class BatchList(_Document):
    """One page, newest first."""

    data: list[BatchDocument]
    next_cursor: str | None
    has_more: bool


class BatchEstimate(_Document):
    """What a batch would be, from `?dry_run=true`; nothing is kept."""

    object: Literal["batch_estimate"] = "batch_estimate"
    items: int
    invalid: int
    input_tokens: int = Field(description="Estimated from a sample of the lines.")
    output_tokens: int = Field(description="At most, were every reply as long as allowed.")
    cost_usd: float | None = Field(description="At most, without retries; null where the price is unknown.")
    errors: list[BatchErrorLine] = Field(description="The first refused lines.")


class BatchResultLine(_Document):
    """A line of `/results`."""

    line: int
    custom_id: str
    grade: GradeDocument


class BatchErrorLine(_Document):
    """A line of `/errors`: `errors` says why a line was refused, `reason` why an answer has no grade."""

    line: int
    custom_id: str | None
    errors: list[Mapping[str, str]]
    grade_id: str | None
    reason: Reason | None


BatchEstimate.model_rebuild()


def batch_document(batch: Batch) -> BatchDocument:
    """The wire form of a batch."""
    return BatchDocument(
        id=batch.id,
        status=batch.status,
        created_at=batch.created_at.astimezone(UTC),
        finished_at=batch.finished_at.astimezone(UTC) if batch.finished_at else None,
        counts=CountsDocument(**batch.counts.model_dump(), in_progress=batch.counts.in_progress),
        queue_position=batch.queue_position,
        cost_usd=batch.cost_usd,
        max_cost_usd=batch.max_cost_usd,
        reason=batch.reason,
    )


def batch_list(page: BatchPage) -> BatchList:
    """The wire form of a page."""
    return BatchList(
        data=[batch_document(batch) for batch in page.batches],
        next_cursor=page.next_cursor,
        has_more=page.next_cursor is not None,
    )


def estimate_document(run: DryRun) -> BatchEstimate:
    """The wire form of a dry run."""
    return BatchEstimate(
        items=run.items,
        invalid=run.invalid,
        input_tokens=run.estimate.input_tokens,
        output_tokens=run.estimate.output_tokens,
        cost_usd=run.estimate.cost_usd,
        errors=[error_line(error) for error in run.errors],
    )


def result_line(item: Finished) -> BatchResultLine:
    """The wire form of a graded item."""
    return BatchResultLine(line=item.line, custom_id=item.custom_id, grade=grade_document(item.record))


def error_line(entry: LineError | Finished) -> BatchErrorLine:
    """The wire form of a refused line, or of an answer that could not be graded."""
    if isinstance(entry, LineError):
        return BatchErrorLine(
            line=entry.line, custom_id=entry.custom_id, errors=list(entry.errors), grade_id=None, reason=None
        )
    record = entry.record
    return BatchErrorLine(
        line=entry.line, custom_id=entry.custom_id, errors=[], grade_id=record.id, reason=record.reason
    )
