"""What people say on grades, as it travels over HTTP."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from service.grading.agreement import quadratic_kappa, share_within, total
from service.grading.differences import Difference
from service.grading.grade import CriterionGrade, ModelRef, Overall
from service.reviews import (
    Appeal,
    AppealStatus,
    CorrectedOverall,
    CriterionAgreement,
    PersonReview,
    SecondGrade,
    SecondOpinion,
    settled_by,
)

MAX_NOTE = 4_000
_NO_NUL = r"^[^\x00]*$"


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class _Document(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ReviewBody(_Body):
    """A person's levels for a grade."""

    reviewer: Annotated[str, Field(min_length=1, max_length=100, pattern=_NO_NUL, examples=["maria"])] = Field(
        description="Who says so; the name under which this person's levels become golden answers."
    )
    levels: dict[str, int] = Field(
        min_length=1,
        max_length=12,
        description="The right level of each criterion you judged, 1 to K. Name also those on which the machine was "
        "right: what is not named counts as not judged.",
        examples=[{"correctness": 2, "clarity": 4}],
    )
    note: Annotated[str | None, Field(max_length=MAX_NOTE, pattern=_NO_NUL)] = None
    golden: bool = Field(
        default=False, description="Make this a golden answer: `debrief golden add --from-reviews --flagged` takes it."
    )


class AppealBody(_Body):
    """A learner's objection."""

    reason: Annotated[str, Field(min_length=1, max_length=2_000, pattern=_NO_NUL)] = Field(
        description="For the people who look at it; no model is shown it.",
        examples=["My definition does assume the null hypothesis: see the second sentence."],
    )


class ReviewDocument(_Document):
    """A person's levels, beside the machine's."""

    id: str
    object: Literal["review"] = "review"
    created_at: datetime
    reviewer: str
    levels: dict[str, int]
    note: str | None
    golden: bool = Field(description="Whether this person wants the answer among the golden ones.")
    settles: list[str] = Field(description="The review reasons this review took away.")
    overall: CorrectedOverall | None = Field(
        description="The overall result with these levels in place of the machine's, added up by the same code."
    )


class SecondGradeDocument(_Document):
    """The second grading, made without sight of the first."""

    how: SecondOpinion
    judge: str
    models: list[ModelRef]
    overall: Overall | None
    criteria: list[CriterionGrade]


class AppealDocument(_Document):
    """An appeal and what came of it."""

    id: str
    object: Literal["appeal"] = "appeal"
    created_at: datetime
    reason: str
    status: AppealStatus = Field(
        description="`agreed`: the second grading came to the same, closed. `differed`, `undecided`: a person decides."
    )
    differences: list[Difference] = Field(description="Where the two gradings lie a level or more apart.")
    second: SecondGradeDocument | None
    detail: str | None = Field(description="Why there is no second grade.")
    settled_by: str | None = Field(description="The first review that came after the appeal.")


class CriterionAgreementDocument(_Document):
    """How machine and people agree on one criterion."""

    rubric: str
    criterion: str
    n: int
    exact: float = Field(description="Share of answers with the same level.")
    adjacent: float = Field(description="Share of answers with levels at most one apart.")
    qwk: float | None = Field(description="Cohen's kappa with quadratic weights; null where it is undefined.")


class AgreementDocument(_Document):
    """How far machine and people agree so far; of each answer the last level given counts."""

    reviewed: int
    criteria: list[CriterionAgreementDocument]


def review_document(review: PersonReview) -> ReviewDocument:
    """The wire form of a review."""
    return ReviewDocument(
        id=review.id,
        created_at=review.created_at.astimezone(UTC),
        reviewer=review.reviewer,
        levels=review.levels,
        note=review.note,
        golden=review.golden,
        settles=list(review.settles),
        overall=review.overall,
    )


def appeal_document(appeal: Appeal, reviews: tuple[PersonReview, ...]) -> AppealDocument:
    """The wire form of an appeal."""
    settling = settled_by(appeal, reviews)
    return AppealDocument(
        id=appeal.id,
        created_at=appeal.created_at.astimezone(UTC),
        reason=appeal.reason,
        status=appeal.status,
        differences=list(appeal.differences),
        second=_second(appeal.second) if appeal.second else None,
        detail=appeal.detail,
        settled_by=settling.id if settling else None,
    )


def _second(grade: SecondGrade) -> SecondGradeDocument:
    return SecondGradeDocument(
        how=grade.how,
        judge=grade.judge,
        models=list(grade.models),
        overall=grade.overall,
        criteria=list(grade.criteria),
    )


def agreement_document(reviewed: int, criteria: tuple[CriterionAgreement, ...]) -> AgreementDocument:
    """The wire form of the agreement."""
    return AgreementDocument(
        reviewed=reviewed,
        criteria=[
            CriterionAgreementDocument(
                rubric=of.rubric,
                criterion=of.criterion,
                n=total(of.counts),
                exact=share_within(of.counts, 0),
                adjacent=share_within(of.counts, 1),
                qwk=quadratic_kappa(of.counts),
            )
            for of in criteria
        ],
    )
