"""Fitting maps from raw to calibrated level probabilities, and choosing between kinds of map by cross-validation.

With few answers a free map learns the answers by heart. So several kinds of rising freedom are fitted with whole
questions held out, and the simplest one wins that no other beats by more than a standard error.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from scipy.optimize import minimize
from scipy.special import expit, logit
from sklearn.isotonic import IsotonicRegression
from sklearn.model_selection import GroupKFold

from evals.stats.observations import Observation
from evals.stats.resample import Floats, coded, draws
from service.grading.calibration import SUREST, IsotonicMap, Knots, LevelMap, OrdinalMap, calibrated
from service.grading.levels import LevelDistribution

FOLDS = 5
RIDGE = 0.5
"""Pull towards leaving the levels as they are; worth about one answer."""
WIDEST_LOG_SCALE = 3.0
DIGITS = 5

Fit = Callable[[Floats, Floats], LevelMap]
"""From cumulative probabilities (answers, K - 1) and whether the label is at most k (same shape) to a map."""


def fit_shift(cumulative: Floats, reached: Floats) -> OrdinalMap:
    """One scale and one shift for all levels: two parameters."""
    return _ordinal(cumulative, reached, np.ones((1, cumulative.shape[1])))


def fit_thresholds(cumulative: Floats, reached: Floats) -> OrdinalMap:
    """One scale, and a shift for each step between levels: K parameters."""
    return _ordinal(cumulative, reached, np.eye(cumulative.shape[1]))


def fit_isotonic(cumulative: Floats, reached: Floats) -> IsotonicMap:
    """A free rising line for each step between levels."""
    columns = range(cumulative.shape[1])
    return IsotonicMap(lines=tuple(_line(cumulative[:, k], reached[:, k]) for k in columns))


KINDS: dict[str, Fit | None] = {
    "raw": None,
    "shift": fit_shift,
    "thresholds": fit_thresholds,
    "isotonic": fit_isotonic,
}
"""Kinds of map, the simplest first; ``raw`` leaves the levels as they are."""


def _ordinal(cumulative: Floats, reached: Floats, design: Floats) -> OrdinalMap:
    """Penalised cross-entropy of P(label <= k) over all k; ``design`` says which steps share a shift."""
    odds = logit(np.clip(cumulative, SUREST, 1 - SUREST))

    def loss(parameters: Floats) -> tuple[float, Floats]:
        scale, shifts = np.exp(parameters[0]), parameters[1:] @ design
        mapped = scale * odds + shifts
        off = expit(mapped) - reached
        value = np.sum(np.logaddexp(0, mapped) - reached * mapped) + RIDGE * np.sum(parameters**2)
        slope = np.array([np.sum(off * odds) * scale, *(design @ off.sum(0))]) + 2 * RIDGE * parameters
        return float(value), slope

    bounds = [(-WIDEST_LOG_SCALE, WIDEST_LOG_SCALE), *[(None, None)] * len(design)]
    found = minimize(loss, np.zeros(1 + len(design)), jac=True, method="L-BFGS-B", bounds=bounds).x
    shifts = tuple(round(float(shift), DIGITS) for shift in found[1:] @ design)
    return OrdinalMap(scale=round(float(np.exp(found[0])), DIGITS), shifts=shifts)


def _line(x: Floats, y: Floats) -> Knots:
    fitted = IsotonicRegression(y_min=0, y_max=1, out_of_bounds="clip").fit(x, y)
    places = np.clip(np.round(fitted.X_thresholds_, DIGITS), 0, 1)
    heights = np.round(fitted.predict(places), DIGITS)
    points = dict(zip(places.tolist(), heights.tolist(), strict=True))
    return Knots(x=tuple(points), y=tuple(points.values()))


def columns_of(observations: Sequence[Observation]) -> tuple[Floats, Floats]:
    """P(level <= k) and whether the label is at most k, for k = 1..K-1: each (answers, K - 1)."""
    raw = np.array([o.distribution for o in observations], dtype=np.float64)
    cumulative = np.clip(np.cumsum(raw / raw.sum(1, keepdims=True), axis=1)[:, :-1], 0, 1)
    labels = np.array([o.label for o in observations])
    steps = np.arange(1, raw.shape[1])
    return cumulative, (labels[:, None] <= steps[None, :]).astype(np.float64)


def mapped(observations: Sequence[Observation], level_map: LevelMap | None) -> list[LevelDistribution]:
    """The distributions after a map, applied by the service's own code."""
    raw = [LevelDistribution.from_weights(o.distribution) for o in observations]
    return raw if level_map is None else [calibrated(levels, level_map) for levels in raw]


def held_out(observations: Sequence[Observation], fit: Fit | None) -> list[LevelDistribution]:
    """Each answer's distribution after a map that was fitted without its question."""
    if fit is None:
        return mapped(observations, None)
    cumulative, reached = columns_of(observations)
    questions, clusters = coded([o.question for o in observations])
    result: dict[int, LevelDistribution] = {}
    for train, test in GroupKFold(min(FOLDS, clusters)).split(cumulative, groups=questions):
        level_map = fit(cumulative[train], reached[train])
        result |= zip(test.tolist(), mapped([observations[i] for i in test], level_map), strict=True)
    return [result[i] for i in range(len(observations))]


def ranked_scores(observations: Sequence[Observation], distributions: Sequence[LevelDistribution]) -> Floats:
    """The ranked probability score of each answer (Epstein, 1969): 0 perfect, K - 1 at worst; proper."""
    _, reached = columns_of(observations)
    after = np.array([np.cumsum(d.probabilities)[:-1] for d in distributions])
    score: Floats = ((after - reached) ** 2).sum(1)
    return score


def choose(scores: dict[str, Floats], questions: Sequence[str]) -> str:
    """The simplest kind whose held-out score no other kind beats by more than a standard error (by question)."""
    best = min(scores, key=lambda kind: float(scores[kind].mean()))
    for kind, values in scores.items():
        if kind == best or _within_an_error(values - scores[best], questions):
            return kind
    return best


def _within_an_error(worse_by: Floats, questions: Sequence[str]) -> bool:
    codes, clusters = coded(questions)
    sums, sizes = np.bincount(codes, weights=worse_by, minlength=clusters), np.bincount(codes, minlength=clusters)
    drawn = draws(clusters)
    means = (drawn @ sums) / (drawn @ sizes)
    return bool(worse_by.mean() <= np.std(means, ddof=1))
