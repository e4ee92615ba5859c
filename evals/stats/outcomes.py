"""What is averaged: one value for one answer, ladder step or pair, under a name that is the same in every variant.

Because the units have names, two variants can be compared unit by unit.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from evals.stats.number import NOTHING, Number, missing
from evals.stats.observations import POOLED, Observation
from evals.stats.resample import coded, interval, mean_draws


@dataclass(frozen=True, slots=True)
class Outcome:
    """One value of a metric.

    Attributes:
        metric: a name of :data:`evals.stats.catalogue.METRICS`.
        criterion: what was judged; empty for what belongs to the answer as a whole.
        unit: the answer, step or pair.
        question: what the bootstrap draws.
    """

    metric: str
    criterion: str
    unit: str
    question: str
    value: float


def mean_of(outcomes: Sequence[Outcome], why: str = NOTHING) -> Number:
    """The mean with an interval from a bootstrap over questions; ``why`` there is none if there are no outcomes."""
    if not outcomes:
        return missing(why)
    values, questions = [o.value for o in outcomes], [o.question for o in outcomes]
    _, clusters = coded(questions)
    low, high = interval(mean_draws(values, questions), clusters)
    return Number(value=float(np.mean(values)), n=len(values), questions=clusters, low=low, high=high)


def of_metric(outcomes: Iterable[Outcome], metric: str, criterion: str | None = None) -> list[Outcome]:
    """The outcomes of one metric, and of one criterion if it is named."""
    return [o for o in outcomes if o.metric == metric and criterion in (None, POOLED, o.criterion)]


def pooled(outcomes: Iterable[Outcome]) -> list[Outcome]:
    """The outcomes of all criteria under one, their units still apart."""
    return [replace(o, criterion=POOLED, unit=f"{o.unit} {o.criterion}") for o in outcomes]


def item_outcomes(observations: Iterable[Observation]) -> list[Outcome]:
    """Error, bias, exact and adjacent agreement of every observation."""
    found = []
    for o in observations:
        values = {
            "mae": abs(o.score - o.truth),
            "bias": o.score - o.truth,
            "exact": float(o.level == o.label),
            "adjacent": float(abs(o.level - o.label) <= 1),
        }
        found += [Outcome(name, o.criterion, o.row, o.question, value) for name, value in values.items()]
    return found
