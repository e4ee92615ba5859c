"""What is left of a grade when its answer expires: levels, scores, versions and hashes; no words.

Everything kept is named here, so that a field added elsewhere goes with the answer unless somebody decides otherwise.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from service.grading.grade import (
    Call,
    CommentaryStatus,
    ComputedStructure,
    CriterionGrade,
    Flag,
    Grade,
    InapplicableCriterion,
    Overall,
    ScoredCriterion,
    Structure,
    UnscoredCriterion,
)
from service.grading.judgement import Judgement
from service.grading.submission import Submission
from service.records import Expiry, GradeRecord, GradeRequest
from service.reviews import Appeal, PersonReview, SecondGrade

NO_WORDS = Submission(question="", answer="")

_SCORED = {"id", "name", "weight", "score", "level", "label", "distribution", "confidence"}
_OTHER = {"id", "name", "weight", "reason"}
_OVERALL = {"score", "max_score", "level", "label", "confidence", "capped_by"}


def expired(record: GradeRecord, now: datetime) -> GradeRecord:
    """The record without a word of answer, question, reference, context, commentary or raw replies."""
    if record.expired is not None:
        return record
    request = record.request
    return GradeRecord(
        id=record.id,
        tenant=record.tenant,
        created_at=record.created_at,
        status=record.status,
        request=GradeRequest(
            submission=NO_WORDS,
            rubric=request.rubric,
            question_id=request.question_id,
            detail=request.detail,
            learner=request.learner,
            metadata=request.metadata,
            data_policy=request.data_policy,
        ),
        grade=_grade(record.grade) if record.grade else None,
        usage=record.usage,
        judgement=_judgement(record.judgement) if record.judgement else None,
        calls=tuple(_call(call) for call in record.calls),
        reason=record.reason,
        expired=Expiry(at=now, submission_sha256=record.submission_sha256),
    )


def expired_review(review: PersonReview) -> PersonReview:
    """A person's review with its levels and without the note."""
    return review.model_copy(update={"note": None})


def expired_appeal(appeal: Appeal) -> Appeal:
    """What came of an appeal, without the learner's reason and the second grade's words."""
    return Appeal(
        id=appeal.id,
        created_at=appeal.created_at,
        reason="",
        status=appeal.status,
        second=_second(appeal.second) if appeal.second else None,
        differences=appeal.differences,
        detail=appeal.detail,
    )


def _second(second: SecondGrade) -> SecondGrade:
    return SecondGrade(
        how=second.how,
        overall=_overall(second.overall) if second.overall else None,
        criteria=tuple(_criterion(criterion) for criterion in second.criteria),
        judge=second.judge,
        models=second.models,
        calls=tuple(_call(call) for call in second.calls),
    )


def _overall(overall: Overall) -> Overall:
    return Overall(**_kept(overall, _OVERALL), summary=None)


def _grade(grade: Grade) -> Grade:
    return Grade(
        status=grade.status,
        overall=_overall(grade.overall) if grade.overall else None,
        criteria=tuple(_criterion(criterion) for criterion in grade.criteria),
        structure=_structure(grade.structure) if grade.structure else None,
        flags=tuple(Flag(code=flag.code, spans=flag.spans, detail="") for flag in grade.flags),
        review=grade.review,
        receipt=grade.receipt,
        commentary=CommentaryStatus(status="expired"),
        reason=grade.reason,
    )


def _criterion(criterion: CriterionGrade) -> CriterionGrade:
    match criterion:
        case ScoredCriterion():
            return ScoredCriterion(**_kept(criterion, _SCORED))
        case UnscoredCriterion():
            return UnscoredCriterion(**_kept(criterion, _OTHER))
        case InapplicableCriterion():
            return InapplicableCriterion(**_kept(criterion, _OTHER))


def _structure(structure: Structure) -> Structure:
    counted = structure.computed
    return Structure(
        computed=ComputedStructure(
            words=counted.words,
            code_lines=counted.code_lines,
            speaking_seconds=counted.speaking_seconds,
            readability=counted.readability,
            result_numbers=(),
            trade_offs=(),
            assumptions=(),
        ),
        story=None,
    )


def _judgement(judgement: Judgement) -> Judgement:
    return Judgement(
        decisions=judgement.decisions,
        gate=judgement.gate,
        calls=tuple(_call(call) for call in judgement.calls),
        calibration=judgement.calibration,
    )


def _call(call: Call) -> Call:
    return call.model_copy(update={"raw": None})


def _kept(
    value: ScoredCriterion | UnscoredCriterion | InapplicableCriterion | Overall, names: set[str]
) -> dict[str, Any]:
    return {name: getattr(value, name) for name in names}
