"""Is the judge as sure as it is right, and how far do people agree among themselves?"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import krippendorff
import numpy as np
from pydantic import BaseModel, ConfigDict
from scipy import stats

from evals.results import Result
from evals.stats.number import Number, missing
from evals.stats.observations import Observation, question_of
from evals.stats.resample import Floats, interval, item_weights

BINS = 10


class Bin(BaseModel):
    """Answers of like confidence: how sure the judge was, and how often it was right."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    confidence: float
    right: float
    n: int


def reliability(observations: Sequence[Observation]) -> tuple[Bin, ...]:
    """The reliability curve in ten bins of equal width; empty bins are left out."""
    sure, right = _sureness(observations)
    if not len(sure):
        return ()
    width = (0.0, 1.0)
    sums = stats.binned_statistic(sure, [sure, right], "sum", BINS, width).statistic
    counts = stats.binned_statistic(sure, sure, "count", BINS, width).statistic
    return tuple(
        Bin(confidence=float(a / n), right=float(b / n), n=int(n)) for a, b, n in zip(*sums, counts, strict=True) if n
    )


def calibration_error(observations: Sequence[Observation]) -> Number:
    """Expected calibration error (Naeini et al., 2015): mean gap of confidence and share right, weighted by bin."""
    sure, right = _sureness(observations)
    if not len(sure):
        return missing("the judge gives no confidence")
    questions = [o.question for o in observations if o.confidence is not None]
    places = np.minimum((sure * BINS).astype(int), BINS - 1)
    gaps = np.eye(BINS)[places] * (right - sure)[:, None]
    once = float(_error(gaps, np.ones((1, len(sure))))[0])
    clusters = len(set(questions))
    low, high = interval(_error(gaps, item_weights(questions)), clusters)
    return Number(value=once, n=len(sure), questions=clusters, low=low, high=high)


def _error(gaps: Floats, weights: Floats) -> Floats:
    error: Floats = np.abs(weights @ gaps).sum(1) / weights.sum(1)
    return error


def _sureness(observations: Sequence[Observation]) -> tuple[Floats, Floats]:
    known = [o for o in observations if o.confidence is not None]
    return (
        np.array([o.confidence for o in known], dtype=np.float64),
        np.array([o.level == o.label for o in known], dtype=np.float64),
    )


def raters_alpha(results: Sequence[Result], criterion: str) -> Number:
    """Krippendorff's alpha (ordinal) among the people who labelled the same answers.

    Two rows are the same answer when question and answer are; ``Label.rater`` says who labelled.
    """
    units: dict[tuple[str, str], dict[str, int]] = defaultdict(dict)
    for result in results:
        label = result.row.labels.get(criterion)
        if label is not None and label.rater is not None:
            units[question_of(result.row), result.row.answer][label.rater] = label.level
    shared = {unit: given for unit, given in units.items() if len(given) > 1}
    raters = sorted({rater for given in shared.values() for rater in given})
    questions = len({question for question, _ in shared})
    levels = {level for given in shared.values() for level in given.values()}
    if len(levels) < 2:
        why = "all raters gave the same level" if shared else "no answer was labelled by several raters"
        return missing(why, len(shared), questions)
    table = [[given.get(rater, np.nan) for given in shared.values()] for rater in raters]
    alpha = float(krippendorff.alpha(reliability_data=table, level_of_measurement="ordinal"))
    return Number(value=alpha, n=len(shared), questions=questions)
