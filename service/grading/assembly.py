"""From what was judged and what was written to the grade a reader sees: sums, status, reasons for a review."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import zip_longest

from pydantic import BaseModel, ConfigDict

from service.grading.commentary import Commentary, Remarks
from service.grading.confidence import confidence, contradicts
from service.grading.grade import (
    Call,
    CommentaryStatus,
    CriterionGrade,
    Flag,
    Grade,
    GradeStatus,
    InapplicableCriterion,
    KeyPoint,
    ModelPlace,
    ModelRef,
    Overall,
    Quoted,
    Reason,
    Receipt,
    Review,
    ScoredCriterion,
    Structure,
    UnscoredCriterion,
)
from service.grading.judgement import Decided, Decision, Judgement, NotApplicable, Suspected
from service.grading.levels import LevelDistribution
from service.grading.masking import beyond_suspicion
from service.grading.models import CallRecord
from service.grading.rubric import Criterion, Rubric
from service.grading.scoring import overall, rounded
from service.grading.structure import measure
from service.grading.submission import Submission


class Explanation(BaseModel):
    """What became of the commentary: its text, if any, the status a reader sees, and the calls it took."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    commentary: Commentary = Commentary()
    status: CommentaryStatus
    calls: tuple[Call, ...] = ()


OMITTED = Explanation(status=CommentaryStatus(status="omitted"))
MANIPULATION = "manipulation_suspected"
MASKING_GAP = "masking_gap"


def assembled(
    submission: Submission, rubric: Rubric, judgement: Judgement, explanation: Explanation, receipt: Receipt
) -> Grade:
    """The grade: added up, routed to review where it has to be, and with its receipt."""
    commentary = explanation.commentary
    criteria = tuple(
        criterion_grade(
            criterion := rubric.criterion(d.criterion),
            d,
            commentary.remarks.get(d.criterion),
            contradicted=criterion.factual and _contradicted(d, judgement),
        )
        for d in judgement.decisions
    )
    reasons = _review_reasons(criteria, judgement)
    return Grade(
        status=_status(criteria, reasons),
        overall=_overall(rubric, judgement.decided(), criteria, commentary.summary),
        criteria=criteria,
        key_points=_with_quotes(judgement.key_points, commentary.points),
        misconceptions=judgement.misconceptions,
        next_steps=commentary.next_steps,
        follow_up_question=commentary.follow_up_question,
        rewrite=commentary.rewrite,
        structure=Structure(
            computed=beyond_suspicion(measure(submission.answer), judgement.suspected), story=commentary.story
        ),
        flags=_flags(judgement.suspected),
        review=Review(needed=bool(reasons), reasons=reasons),
        receipt=receipt,
        commentary=explanation.status,
        reason=_ungraded_reason(criteria),
    )


def _contradicted(decision: Decision, judgement: Judgement) -> bool:
    if not isinstance(decision, Decided):
        return False
    return contradicts(decision.levels, judgement.key_points, judgement.misconceptions)


def criterion_grade(
    criterion: Criterion, decision: Decision, remarks: Remarks | None = None, *, contradicted: bool = False
) -> CriterionGrade:
    """One criterion as a reader sees it; ``contradicted`` by what was found on key points and misconceptions."""
    remarks = remarks or Remarks()
    if not isinstance(decision, Decided):
        kind = InapplicableCriterion if isinstance(decision, NotApplicable) else UnscoredCriterion
        return kind(id=criterion.id, name=criterion.name, weight=criterion.weight, reason=decision.reason)
    levels = decision.levels
    return ScoredCriterion(
        id=criterion.id,
        name=criterion.name,
        weight=criterion.weight,
        score=rounded(levels.expected),
        level=levels.median,
        label=criterion.levels[levels.median - 1].label,
        distribution=tuple(round(p, 4) for p in levels.probabilities),
        confidence=confidence(
            levels,
            sampled_once=decision.sampled_once,
            quoted=remarks.quoted,
            unverified=remarks.unverified,
            contradicted=contradicted,
            spread=decision.spread,
        ),
        level_set=decision.level_set,
        rationale=remarks.rationale,
        evidence=remarks.evidence,
        improvements=remarks.improvements,
    )


def written(commentary: Commentary) -> Explanation:
    """What came of a commentary: whole, partial or failed."""
    if not commentary.missing:
        return Explanation(commentary=commentary, status=CommentaryStatus(status="written", checks=commentary.checks))
    reason = Reason(
        code="commentary_incomplete",
        detail=f"the model wrote no rationale for: {', '.join(commentary.missing)}",
        retryable=True,
    )
    failed = len(commentary.missing) == len(commentary.remarks)
    status = CommentaryStatus(status="failed" if failed else "partial", reason=reason, checks=commentary.checks)
    return Explanation(commentary=commentary, status=status)


def _with_quotes(points: tuple[KeyPoint, ...], quotes: tuple[Quoted | None, ...]) -> tuple[KeyPoint, ...]:
    """The points with the words that cover them; what is missing is covered by none."""
    return tuple(
        point.model_copy(update={"quote": quote}) if quote and point.covered in ("covered", "partly") else point
        for point, quote in zip_longest(points, quotes[: len(points)])
    )


def _overall(
    rubric: Rubric,
    decided: Mapping[str, LevelDistribution],
    criteria: tuple[CriterionGrade, ...],
    summary: str | None,
) -> Overall | None:
    total = overall(rubric, decided)
    if total is None:
        return None
    sure = [c.confidence for c in criteria if isinstance(c, ScoredCriterion) and c.confidence is not None]
    scored = sum(isinstance(c, ScoredCriterion) for c in criteria)
    return Overall(
        score=total.score,
        max_score=rubric.levels,
        level=total.level,
        label=total.label,
        confidence=min(sure) if len(sure) == scored else None,
        capped_by=total.capped_by,
        summary=summary,
    )


def _flags(suspected: Suspected | None) -> tuple[Flag, ...]:
    return (Flag(code=MANIPULATION, spans=suspected.spans, detail=suspected.detail),) if suspected else ()


def _review_reasons(criteria: tuple[CriterionGrade, ...], judgement: Judgement) -> tuple[str, ...]:
    scored = [criterion for criterion in criteria if isinstance(criterion, ScoredCriterion)]
    if not scored:
        return ()
    suspected, below = judgement.suspected, judgement.review_below
    found = [MANIPULATION] if suspected else []
    if suspected and suspected.gaps:
        found.append(MASKING_GAP)
    unscored = [f"unscored:{c.id}" for c in criteria if isinstance(c, UnscoredCriterion)]
    unsure = [c.id for c in scored if below is not None and c.confidence is not None and c.confidence < below]
    return (*found, *unscored, *(f"low_confidence:{name}" for name in unsure))


def _status(criteria: tuple[CriterionGrade, ...], review: tuple[str, ...]) -> GradeStatus:
    if not any(isinstance(criterion, ScoredCriterion) for criterion in criteria):
        return GradeStatus.UNGRADED
    return GradeStatus.NEEDS_REVIEW if review else GradeStatus.GRADED


def _ungraded_reason(criteria: tuple[CriterionGrade, ...]) -> Reason | None:
    if any(isinstance(criterion, ScoredCriterion) for criterion in criteria):
        return None
    return next(criterion.reason for criterion in criteria if isinstance(criterion, UnscoredCriterion))


def as_calls(records: Sequence[CallRecord]) -> tuple[Call, ...]:
    """Call records in the form receipts keep."""
    return tuple(
        Call(
            purpose=record.purpose,
            requested=record.requested,
            reported=record.reported,
            outcome=record.outcome,
            input_tokens=record.tokens.input,
            output_tokens=record.tokens.output,
            cached_tokens=record.tokens.cached,
            cost_usd=record.cost_usd,
            latency_ms=round(record.seconds * 1000),
            raw=record.raw,
            place=_place(record),
            redacted=bool(record.place and record.place.redacted),
        )
        for record in records
    )


def models_of(calls: Sequence[Call]) -> tuple[ModelRef, ...]:
    """The models that were asked, once for each role, with the name they reported where one did."""
    seen: dict[tuple[str, str], ModelRef] = {}
    for call in calls:
        known = seen.get((call.purpose, call.requested))
        if known is None or known.reported is None:
            seen[call.purpose, call.requested] = ModelRef(
                role=call.purpose,
                requested=call.requested,
                reported=call.reported,
                place=call.place,
                redacted=call.redacted,
            )
    return tuple(seen.values())


def _place(record: CallRecord) -> ModelPlace | None:
    if record.place is None:
        return None
    return "local" if record.place.local else "remote"
