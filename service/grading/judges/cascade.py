"""A cheap judge first; where it is not sure enough, a strong one decides the whole answer.

The whole answer and not single criteria, so that one grade stands on one judge's scale: two learners are compared by
the same measure, caps and weights work on like with like, and one call of a strong judge covers all criteria anyway.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from service.grading.confidence import confidence, contradicts
from service.grading.grade import Escalation
from service.grading.judgement import Case, Decided, Decision, Judge, Judgement, Observer
from service.grading.judges.panel import as_member
from service.grading.models import CallBudget, CallRecord, ModelName
from service.grading.rubric import Rubric

UNFITTED = 0.6
"""A guess, for a judge without a calibration."""


@dataclass(frozen=True, slots=True)
class CascadeJudge:
    """Judge ``cascade``.

    ``threshold`` (0-1) is the confidence in every criterion that lets the cheap judge decide; None takes the one from
    which its calibration asks for a review, or without any :data:`UNFITTED`.

    A failure of the strong judge is not papered over with the levels it was asked to replace: they stay undecided.
    """

    cheap: Judge
    strong: Judge
    threshold: float | None = None

    name = "cascade"
    prompt = None

    @property
    def model(self) -> ModelName:
        """Both models, in the order they are asked."""
        return ModelName(f"{self.cheap.model} > {self.strong.model}")

    def version(self) -> dict[str, object]:
        """Judge, both judges and the threshold."""
        return {
            "judge": self.name,
            "cheap": self.cheap.version(),
            "strong": self.strong.version(),
            "threshold": self.threshold,
        }

    async def decide(self, case: Case, budget: CallBudget, observe: Observer) -> Judgement:
        """Observers hear only the levels that stand."""
        first = await self.cheap.decide(case, budget, lambda _: None)
        sure, threshold = lowest_confidence(first, case.rubric), self._threshold(first)
        if sure is not None and sure >= threshold:
            for decision in first.decisions:
                observe(decision)
            members = (as_member(self.cheap, first), as_member(self.strong, None))
            escalation = Escalation(escalated=False, confidence=sure, threshold=threshold)
            return first.model_copy(update={"members": members, "escalation": escalation})
        before = len(budget.records)
        second = await self.strong.decide(case, budget, observe)
        members = (as_member(self.cheap, first, counted=False), as_member(self.strong, second))
        escalation = Escalation(
            escalated=True,
            confidence=sure,
            threshold=threshold,
            strong_cost_usd=_cost(budget.records[before:]),
        )
        return second.model_copy(update={"members": members, "escalation": escalation})

    def _threshold(self, first: Judgement) -> float:
        if self.threshold is not None:
            return self.threshold
        return UNFITTED if first.review_below is None else first.review_below


def lowest_confidence(judgement: Judgement, rubric: Rubric) -> float | None:
    """The confidence in the criterion it is least sure of; None where one is undecided or has no confidence."""
    found = [_confidence(decision, judgement, rubric) for decision in judgement.decisions]
    sure = [value for value in found if value is not None]
    return min(sure) if sure and len(sure) == len(found) else None


def _confidence(decision: Decision, judgement: Judgement, rubric: Rubric) -> float | None:
    if not isinstance(decision, Decided):
        return None
    heard = judgement.key_points, judgement.misconceptions
    return confidence(
        decision.levels,
        sampled_once=decision.sampled_once,
        contradicted=rubric.criterion(decision.criterion).factual and contradicts(decision.levels, *heard),
        spread=decision.spread,
    )


def _cost(records: Sequence[CallRecord]) -> float | None:
    costs = [record.cost_usd for record in records]
    return None if not costs or None in costs else math.fsum(cost for cost in costs if cost is not None)
