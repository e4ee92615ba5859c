"""Finished grades made by hand, as rich as a good coach would write them, for pages to show."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Literal

from service.grading.grade import (
    ArtefactRef,
    CommentaryStatus,
    Coverage,
    Evidence,
    Flag,
    Grade,
    GradeStatus,
    Improvement,
    KeyPoint,
    Misconception,
    ModelRef,
    Overall,
    Receipt,
    Review,
    Rewrite,
    ScoredCriterion,
    Structure,
    Usage,
)
from service.grading.levels import LevelDistribution
from service.grading.rubric import Rubric
from service.grading.scoring import overall
from service.grading.structure import measure
from service.grading.submission import Context, Submission
from service.records import LOCAL_TENANT, GradeId, GradeRecord, GradeRequest, Tenant

BEGINNING = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)


@dataclass(frozen=True)
class Remark:
    """One criterion of a made grade: ``quote`` has to stand in the answer."""

    level: int
    probability: float = 0.7
    rationale: str = ""
    quotes: Sequence[tuple[str, Literal["strength", "gap"], str]] = ()
    improvements: Sequence[tuple[str, str, str]] = ()


@dataclass(frozen=True)
class Made:
    """What varies between made grades."""

    answer: str
    remarks: Mapping[str, Remark]
    question: str = "Can you explain what a p-value is?"
    question_id: str | None = "p-value-meaning"
    learner: str | None = "me"
    day: float = 0.0
    points: Mapping[str, Coverage] = field(default_factory=dict)
    voiced: Mapping[str, Literal["yes", "no", "unknown"]] = field(default_factory=dict)
    summary: str = ""
    follow_up: str = "If the p-value were 0.04 with two million users, would you ship?"
    next_steps: Sequence[str] = ()
    rewrite: tuple[str, str] | None = None
    reasons: Sequence[str] = ()
    flags: Sequence[Flag] = ()
    context: Context = field(default_factory=Context)
    tenant: Tenant = LOCAL_TENANT


def record_of(made: Made, rubric: Rubric, name: str) -> GradeRecord:
    """A stored grade. ``name`` makes its id."""
    submission = Submission(
        made.question,
        made.answer,
        key_points=tuple(made.points),
        misconceptions=tuple(made.voiced),
        context=made.context,
    )
    grade = _grade(made, rubric)
    return GradeRecord(
        id=GradeId(f"grd_{name}"),
        tenant=made.tenant,
        created_at=BEGINNING + timedelta(days=made.day),
        status=grade.status,
        request=GradeRequest(submission=submission, rubric=rubric, question_id=made.question_id, learner=made.learner),
        grade=grade,
        usage=Usage(
            model_calls=9,
            input_tokens=5_120,
            output_tokens=610,
            cached_tokens=2_048,
            cost_usd=0.0,
            latency_ms=7_300,
            cache="miss",
        ),
    )


def spread(level: int, probability: float, levels: int) -> tuple[float, ...]:
    """A distribution with its peak at a level, the rest falling off to both sides."""
    rest = [0.0 if n == level else 0.35 ** abs(n - level) for n in range(1, levels + 1)]
    share = (1 - probability) / sum(rest)
    weights = [probability if n == level else rest[n - 1] * share for n in range(1, levels + 1)]
    return tuple(round(p, 4) for p in LevelDistribution.from_weights(weights).probabilities)


def _grade(made: Made, rubric: Rubric) -> Grade:
    criteria = tuple(_criterion(made, rubric, criterion.id) for criterion in rubric.criteria)
    return Grade(
        status=GradeStatus.NEEDS_REVIEW if made.reasons else GradeStatus.GRADED,
        overall=_overall(made, rubric, criteria),
        criteria=criteria,
        key_points=tuple(KeyPoint(point=point, covered=covered) for point, covered in made.points.items()),
        misconceptions=tuple(Misconception(misconception=text, voiced=state) for text, state in made.voiced.items()),
        next_steps=tuple(made.next_steps),
        follow_up_question=made.follow_up,
        rewrite=Rewrite(before=made.rewrite[0], after=made.rewrite[1]) if made.rewrite else None,
        structure=Structure(computed=measure(made.answer), story=None),
        flags=tuple(made.flags),
        review=Review(needed=bool(made.reasons), reasons=tuple(made.reasons)),
        receipt=Receipt(
            rubric=ArtefactRef(id=rubric.id, version=rubric.version, sha256=rubric.sha256),
            prompt=ArtefactRef(id="judge-readout", version="4", sha256="0" * 64),
            coach_prompt=ArtefactRef(id="coach", version="3", sha256="0" * 64),
            judge="readout",
            models=(ModelRef(role="judge", requested="scripted/made", reported="scripted/made"),),
            calibration=None,
            service="0.1.0",
        ),
        commentary=CommentaryStatus(status="written"),
    )


def _criterion(made: Made, rubric: Rubric, criterion_id: str) -> ScoredCriterion:
    remark = made.remarks[criterion_id]
    criterion = rubric.criterion(criterion_id)
    distribution = spread(remark.level, remark.probability, rubric.levels)
    return ScoredCriterion(
        id=criterion.id,
        name=criterion.name,
        weight=criterion.weight,
        score=round(sum(n * p for n, p in enumerate(distribution, start=1)), 2),
        level=remark.level,
        label=criterion.levels[remark.level - 1].label,
        distribution=distribution,
        confidence=remark.probability,
        rationale=remark.rationale or None,
        evidence=tuple(_evidence(made.answer, *quote) for quote in remark.quotes),
        improvements=tuple(Improvement(what=what, why=why, try_this=words) for what, why, words in remark.improvements),
    )


def _evidence(answer: str, quote: str, sign: Literal["strength", "gap"], comment: str) -> Evidence:
    start = answer.index(quote)
    return Evidence(quote=quote, start=start, end=start + len(quote), match="verified", sign=sign, comment=comment)


def _overall(made: Made, rubric: Rubric, criteria: Sequence[ScoredCriterion]) -> Overall:
    decided = {criterion.id: LevelDistribution.from_weights(criterion.distribution) for criterion in criteria}
    found = overall(rubric, decided)
    assert found is not None
    return Overall(
        score=found.score,
        max_score=rubric.levels,
        level=found.level,
        label=found.label,
        confidence=min(criterion.confidence or 0.0 for criterion in criteria),
        capped_by=found.capped_by,
        summary=made.summary or None,
    )
