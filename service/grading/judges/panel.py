"""Several judges, averaged: the level is that of the mean distribution, and how far they are apart is kept.

A member that fails is left out and named. With fewer than a quorum left - more than half of the members, and two at
least - a criterion has no level: one judge alone is no panel.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from service.grading.grade import Coverage, KeyPoint, Member, Misconception, Reason
from service.grading.judgement import Case, Decided, Decision, Judge, Judgement, Observer, Undecided
from service.grading.levels import LevelDistribution
from service.grading.models import CallBudget, ModelName
from service.grading.parts import Point
from service.grading.rubric import Criterion

_BY_COVERAGE: tuple[Coverage, ...] = ("missing", "partly", "covered")


@dataclass(frozen=True, slots=True)
class PanelJudge:
    """Judge ``panel`` of two members or more; different families of models make different mistakes."""

    members: tuple[Judge, ...]

    name = "panel"
    prompt = None

    @property
    def model(self) -> ModelName:
        """The members' models."""
        return ModelName(" + ".join(member.model for member in self.members))

    @property
    def quorum(self) -> int:
        """How many members have to decide a criterion."""
        return max(2, len(self.members) // 2 + 1)

    def version(self) -> dict[str, object]:
        """Judge and members."""
        return {"judge": self.name, "members": [member.version() for member in self.members]}

    async def decide(self, case: Case, budget: CallBudget, observe: Observer) -> Judgement:
        """Ask all members at once and average what they decided."""
        asked = (member.decide(case, budget, lambda _: None) for member in self.members)
        judgements = await asyncio.gather(*asked)
        decisions = tuple(self._decision(criterion, judgements) for criterion in case.rubric.criteria)
        for decision in decisions:
            observe(decision)
        return Judgement(
            decisions=decisions,
            key_points=tuple(_point(point, judgements) for point in case.points if _listened(point, case, judgements)),
            misconceptions=tuple(_misconception(text, judgements) for text in case.submission.misconceptions),
            members=tuple(as_member(*pair) for pair in zip(self.members, judgements, strict=True)),
        )

    def _decision(self, criterion: Criterion, judgements: Sequence[Judgement]) -> Decision:
        found = [judgement.decided()[criterion.id] for judgement in judgements if criterion.id in judgement.decided()]
        if len(found) < self.quorum:
            return Undecided(criterion=criterion.id, reason=self._reason(criterion, judgements, len(found)))
        expected = [levels.expected for levels in found]
        return Decided(
            criterion=criterion.id,
            distribution=LevelDistribution.mean(found).probabilities,
            spread=round(max(expected) - min(expected), 4),
            probes=self._probes(criterion, judgements),
        )

    def _reason(self, criterion: Criterion, judgements: Sequence[Judgement], found: int) -> Reason:
        """Fewer than a quorum decided: waiting helps where it would help those that failed."""
        reasons = [r for judgement in judgements if (r := _why(judgement, criterion.id))]
        waits = [reason.retry_after for reason in reasons if reason.retry_after is not None]
        return Reason(
            code="panel_without_quorum",
            detail=f"{found} of {len(self.members)} judges decided this criterion, {self.quorum} are needed",
            retryable=any(reason.retryable for reason in reasons),
            retry_after=max(waits, default=None),
        )

    def _probes(self, criterion: Criterion, judgements: Sequence[Judgement]) -> dict[str, float]:
        """Each member's expected level, numbered in the order of the receipt's members."""
        return {
            f"member_{number}": round(judgement.decided()[criterion.id].expected, 4)
            for number, judgement in enumerate(judgements, 1)
            if criterion.id in judgement.decided()
        }


def as_member(judge: Judge, judgement: Judgement | None, *, counted: bool = True) -> Member:
    """How a receipt names a judge of several; without a judgement it was not asked."""
    prompt = judge.prompt.ref if judge.prompt else None
    if judgement is None:
        return Member(judge=judge.name, model=judge.model, prompt=prompt, part="not_asked")
    expected = {name: round(levels.expected, 4) for name, levels in judgement.decided().items()}
    return Member(
        judge=judge.name,
        model=judge.model,
        prompt=prompt,
        part="counted" if counted and expected else "left_out",
        expected=expected,
        reason=next((d.reason for d in judgement.decisions if isinstance(d, Undecided)), None),
        calibration=judgement.calibration,
    )


def _why(judgement: Judgement, criterion: str) -> Reason | None:
    undecided = (d for d in judgement.decisions if isinstance(d, Undecided))
    return next((decision.reason for decision in undecided if decision.criterion == criterion), None)


def _listened(point: Point, case: Case, judgements: Sequence[Judgement]) -> bool:
    """Whether a point was sent, or a member took it from the reference."""
    taken = (known.point for judgement in judgements for known in judgement.key_points)
    return point.text in case.submission.key_points or point.text in taken


def _point(point: Point, judgements: Sequence[Judgement]) -> KeyPoint:
    """The middle of what the members heard, the lower one of two; unknown when none could tell."""
    heard = [known.covered for judgement in judgements for known in judgement.key_points if known.point == point.text]
    told = sorted(_BY_COVERAGE.index(covered) for covered in heard if covered != "unknown")
    covered: Coverage = _BY_COVERAGE[told[(len(told) - 1) // 2]] if told else "unknown"
    return KeyPoint(point=point.text, covered=covered, marks=point.marks)


def _misconception(text: str, judgements: Sequence[Judgement]) -> Misconception:
    """Voiced when more than half of those that could tell heard it."""
    heard = [
        wrong.voiced
        for judgement in judgements
        for wrong in judgement.misconceptions
        if wrong.misconception == text and wrong.voiced != "unknown"
    ]
    if not heard:
        return Misconception(misconception=text, voiced="unknown")
    return Misconception(misconception=text, voiced="yes" if 2 * heard.count("yes") > len(heard) else "no")
