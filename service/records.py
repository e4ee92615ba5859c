"""What is kept about a grade: the request as sent, the grade, and who asked.

Shared by the workflow, the stores and the API; the core knows nothing of tenants, ids or time.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal, NewType

from pydantic import BaseModel, ConfigDict, Field

from service.grading.grade import Call, Grade, GradeStatus, Reason, Usage
from service.grading.judgement import Judgement
from service.grading.rubric import Rubric
from service.grading.submission import Submission
from service.reviews import Appeal, PersonReview, open_reasons

GradeId = NewType("GradeId", str)
Tenant = NewType("Tenant", str)
Detail = Literal["full", "scores"]
DataPolicy = Literal["local", "cloud"]
"""Where a submission may go: ``local`` to no model outside the machine's own network, ``cloud`` to any."""

LOCAL_TENANT = Tenant("local")
"""The one tenant of a server without keys."""


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)


class GradeRequest(_Value):
    """One request to grade, resolved and checked.

    Attributes:
        rubric: the rubric itself, so that a retry grades by the same one whatever has been deployed since.
        question_id: the question's id in the question bank, where it came from there.
        learner: the caller's opaque reference; never sent to a model.
        metadata: echoed back, never read.
        data_policy: where the submission may go; None in records older than the choice.
    """

    submission: Submission
    rubric: Rubric
    question_id: str | None = None
    detail: Detail = "full"
    learner: str | None = None
    metadata: dict[str, str] = {}
    data_policy: DataPolicy | None = None


class Expiry(_Value):
    """The answer's text was removed at ``at``; ``submission_sha256`` still says which submission it was."""

    at: datetime
    submission_sha256: str


class GradeRecord(_Value):
    """One row of the store: a grade resource with everything needed to show, retry and audit it.

    Attributes:
        status: as in the grade once there is one; ``in_progress`` before.
        grade: None while in progress.
        usage: what this grade cost; None while in progress.
        judgement: the levels as decided, from which a commentary can be written again.
        calls: every model call behind the grade, with raw replies, for the full receipt.
        reviews, appeals: what people said on it since, oldest first; the grade itself stays as it was made.
        expired: set once the texts are gone; the request's submission is empty from then on.
    """

    id: GradeId
    tenant: Tenant
    created_at: datetime
    status: GradeStatus
    request: GradeRequest
    grade: Grade | None = None
    usage: Usage | None = None
    judgement: Judgement | None = None
    calls: tuple[Call, ...] = ()
    reason: Reason | None = None
    reviews: tuple[PersonReview, ...] = ()
    appeals: tuple[Appeal, ...] = ()

    @property
    def open_reasons(self) -> tuple[str, ...]:
        """Why a person still has to look at the grade."""
        return open_reasons(self.grade.review.reasons if self.grade else (), self.reviews, self.appeals)

    @property
    def standing(self) -> GradeStatus:
        """The status after what people said: a grade nobody has to look at any more is ``graded``."""
        if self.status not in (GradeStatus.GRADED, GradeStatus.NEEDS_REVIEW):
            return self.status
        return GradeStatus.NEEDS_REVIEW if self.open_reasons else GradeStatus.GRADED

    expired: Expiry | None = None

    @property
    def submission_sha256(self) -> str:
        """The hash of the submission, also when its text is gone."""
        return self.expired.submission_sha256 if self.expired else self.request.submission.digest()


class GradeFilter(_Value):
    """Which grades to list; every given part has to match."""

    learner: str | None = None
    rubric: str | None = None
    status: GradeStatus | None = None
    created_after: datetime | None = None


class GradePage(_Value):
    """One page of grades, newest first. ``next_cursor`` continues after the last; None at the end."""

    records: tuple[GradeRecord, ...]
    next_cursor: str | None


class QueueItem(_Value):
    """A grade that waits for a person: since when, and why."""

    record: GradeRecord
    opened_at: datetime
    reasons: tuple[str, ...]


class QueuePage(_Value):
    """One page of the review queue, oldest first, and how many items there are in all."""

    items: tuple[QueueItem, ...]
    next_cursor: str | None
    waiting: int


class KeptRow(_Value):
    """A row kept on a learner beside the grades: the table, and its columns by name."""

    table: str
    columns: dict[str, Any]


PageSize = Annotated[int, Field(ge=1, le=100)]
