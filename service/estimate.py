"""What grading will take before any model is asked: the production grader on a model that only counts."""

from __future__ import annotations

from dataclasses import dataclass

from service.grading.grader import Grader
from service.grading.models import CallBudget
from service.records import GradeRequest


@dataclass(frozen=True, slots=True)
class Estimate:
    """Tokens and US dollars.

    Attributes:
        input_tokens: from the length of the prompts as they would be sent.
        output_tokens: at most, were every reply as long as allowed.
        cost_usd: at most, without retries; None where the price is unknown.
    """

    input_tokens: int = 0
    output_tokens: int = 0
    cost_usd: float | None = 0.0

    def times(self, factor: float) -> Estimate:
        """The estimate of ``factor`` times as much."""
        cost = None if self.cost_usd is None else self.cost_usd * factor
        return Estimate(round(self.input_tokens * factor), round(self.output_tokens * factor), cost)

    def plus(self, other: Estimate) -> Estimate:
        """The estimate of both."""
        cost = None if self.cost_usd is None or other.cost_usd is None else self.cost_usd + other.cost_usd
        return Estimate(self.input_tokens + other.input_tokens, self.output_tokens + other.output_tokens, cost)


@dataclass(frozen=True, slots=True)
class Estimator:
    """Rehearses grades on a model that makes the calls cost what the real one's would, and asks nobody.

    Attributes:
        priced: whether the price of the real model is known.
    """

    rehearsal: Grader
    priced: bool

    async def of(self, request: GradeRequest) -> Estimate:
        """What one grade takes."""
        budget, rubric = CallBudget(), request.rubric
        judgement = await self.rehearsal.decide(request.submission, rubric, budget, lambda _decision: None)
        if request.detail != "scores":
            await self.rehearsal.explain(request.submission, rubric, judgement, budget)
        costs = [record.cost_usd for record in budget.records]
        return Estimate(
            sum(record.tokens.input for record in budget.records),
            sum(record.tokens.output for record in budget.records),
            None if None in costs else sum(cost for cost in costs if cost is not None),
        )
