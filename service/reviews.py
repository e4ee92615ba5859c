"""What people say on a grade: reviews that set levels, appeals that ask for a second look, and what is still open.

The machine's grade is never changed by any of it. Whether a person has to look follows from the grade's reasons, its
reviews and its appeals alone (:func:`open_reasons`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Literal, NewType

from pydantic import BaseModel, ConfigDict

from service.grading.differences import Difference
from service.grading.grade import Call, CriterionGrade, ModelRef, Overall
from service.grading.levels import LevelDistribution
from service.grading.rubric import Rubric
from service.grading.scoring import OverallScore, overall

ReviewId = NewType("ReviewId", str)
AppealId = NewType("AppealId", str)
APPEAL = "appeal"
"""The review reason that an appeal leaves behind."""


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class CorrectedOverall(_Value):
    """The overall result with a person's levels in place of the machine's, added up by the same code."""

    score: float
    level: int
    label: str
    capped_by: str | None

    @classmethod
    def of(cls, total: OverallScore) -> CorrectedOverall:
        """From the core's sum."""
        return cls(score=total.score, level=total.level, label=total.label, capped_by=total.capped_by)


class PersonReview(_Value):
    """One person's levels for a grade.

    Attributes:
        levels: by criterion id, 1..K; criteria that are not named were not judged by this person.
        settles: the review reasons that were open before and are not any more.
        golden: whether this person wants the answer among the golden ones.
    """

    id: ReviewId
    created_at: datetime
    reviewer: str
    levels: dict[str, int]
    note: str | None
    settles: tuple[str, ...]
    overall: CorrectedOverall | None
    golden: bool = False


class AppealStatus(StrEnum):
    """Where an appeal stands.

    ``agreed``: the second grading came to the same, the appeal is closed. ``differed``: it did not. ``undecided``:
    there is no second grade. Both of these wait for a person until a review comes in.
    """

    IN_PROGRESS = "in_progress"
    AGREED = "agreed"
    DIFFERED = "differed"
    UNDECIDED = "undecided"


SecondOpinion = Literal["other_model", "fresh_samples", "restated"]
"""How the second grading differs from the first: another model, new samples, or the same judge in other words."""


class SecondGrade(_Value):
    """The second grading, made without sight of the first; ``calls`` with raw replies are for the audit."""

    how: SecondOpinion
    overall: Overall | None
    criteria: tuple[CriterionGrade, ...]
    judge: str
    models: tuple[ModelRef, ...]
    calls: tuple[Call, ...] = ()


class Appeal(_Value):
    """A learner's objection to a grade. ``reason`` is for people; no model is shown it.

    Attributes:
        detail: why there is no second grade, where there is none.
    """

    id: AppealId
    created_at: datetime
    reason: str
    status: AppealStatus = AppealStatus.IN_PROGRESS
    second: SecondGrade | None = None
    differences: tuple[Difference, ...] = ()
    detail: str | None = None

    @property
    def for_a_person(self) -> bool:
        """Whether the second grading left the question open."""
        return self.status in (AppealStatus.DIFFERED, AppealStatus.UNDECIDED)


class CriterionAgreement(_Value):
    """How machine and people agree on one criterion of a rubric: how often each pair of levels (machine, person)."""

    rubric: str
    criterion: str
    counts: dict[tuple[int, int], int]


def open_reasons(machine: Sequence[str], reviews: Sequence[PersonReview], appeals: Sequence[Appeal]) -> tuple[str, ...]:
    """The reasons for which a person still has to look.

    A reason on one criterion (``unscored:clarity``) is settled by a review that gives this criterion a level, one on
    the whole grade by any review, an appeal by any review that came after it.
    """
    named = {criterion for review in reviews for criterion in review.levels}
    left = [reason for reason in machine if not (_criterion(reason) in named if _criterion(reason) else reviews)]
    return (*left, *([APPEAL] if any(_waits(appeal, reviews) for appeal in appeals) else []))


def _criterion(reason: str) -> str:
    return reason.partition(":")[2]


def kind_of(reason: str) -> str:
    """A reason without the criterion it is about: what the queue is filtered by."""
    return reason.partition(":")[0]


def _waits(appeal: Appeal, reviews: Sequence[PersonReview]) -> bool:
    return appeal.for_a_person and settled_by(appeal, reviews) is None


def settled_by(appeal: Appeal, reviews: Sequence[PersonReview]) -> PersonReview | None:
    """The first review that came after an appeal."""
    return next((review for review in reviews if review.created_at >= appeal.created_at), None)


def corrected(
    rubric: Rubric, decided: Mapping[str, LevelDistribution], levels: Mapping[str, int]
) -> CorrectedOverall | None:
    """The overall result with a person's levels where given and the machine's elsewhere; None when there is neither."""
    given = {name: LevelDistribution.point(level, rubric.levels) for name, level in levels.items()}
    total = overall(rubric, {**decided, **given})
    return None if total is None else CorrectedOverall.of(total)
