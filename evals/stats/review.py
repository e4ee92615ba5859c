"""What people save readers from when they look at the answers the judge is least sure of."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from pydantic import BaseModel, ConfigDict

from evals.stats.observations import Observation

BUDGETS = (0.0, 0.05, 0.1, 0.2)


class ReviewPoint(BaseModel):
    """When people look at the least sure ``budget`` of all answers.

    Attributes:
        threshold: answers whose least sure criterion lies below this go to a person.
        error: mean error, in levels, of the answers that do not; ``right`` the share of their levels that are exact.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    budget: float
    threshold: float
    error: float
    right: float
    n: int


def review_curve(after: Sequence[Observation], budgets: Sequence[float] = BUDGETS) -> tuple[ReviewPoint, ...]:
    """By answer: as sure as its least sure criterion, as wrong as its criteria on average.

    Answers without a confidence in every labelled criterion are left out.
    """
    rows: dict[str, list[Observation]] = {}
    for o in after:
        rows.setdefault(o.row, []).append(o)
    sure = [tuple(np.mean([_wrongness(o) for o in row], axis=0)) for row in rows.values() if _all_sure(row)]
    least = [min(round(o.confidence or 0.0, 2) for o in row) for row in rows.values() if _all_sure(row)]
    ordered = sorted((confidence, *values) for confidence, values in zip(least, sure, strict=True))
    return tuple(_point(budget, ordered) for budget in budgets if ordered)


def _all_sure(row: Sequence[Observation]) -> bool:
    return all(o.confidence is not None for o in row)


def _wrongness(o: Observation) -> tuple[float, float]:
    return abs(o.score - o.truth), float(o.level == o.label)


def _point(budget: float, ordered: Sequence[tuple[float, ...]]) -> ReviewPoint:
    """At most the budget is sent: of answers the judge is equally sure of, all are kept or all are sent."""
    threshold = ordered[round(budget * len(ordered))][0]
    rest = [values for values in ordered if values[0] >= threshold]
    error, right = (float(np.mean([values[place] for values in rest])) for place in (1, 2))
    return ReviewPoint(budget=budget, threshold=threshold, error=error, right=right, n=len(rest))
