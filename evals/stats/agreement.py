"""How well levels and scores agree with the labels, where a mean over items is not enough.

Point values come from scikit-learn and SciPy. The bootstrap needs each of them a thousand times, so its rounds are
computed with item weights in one matrix operation; tests hold the weighted forms against the libraries on repeated
items.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from scipy import stats
from sklearn.metrics import cohen_kappa_score

from evals.stats.number import NOTHING, Number, missing
from evals.stats.observations import Columns, Observation
from evals.stats.resample import Floats, Ints, coded, interval, item_weights

MIN_ITEMS = 3
LENGTH_MIN_ITEMS = 10


def quadratic_kappa(observations: Sequence[Observation], levels: int) -> Number:
    """Cohen's kappa with quadratic weights between label and level shown (Cohen, 1968); 1 is perfect, 0 chance."""
    columns = Columns.of(observations)
    if why := _unusable(columns.label, "every label is the same level"):
        return _missing(columns, why)
    scale = list(range(1, levels + 1))
    value = float(cohen_kappa_score(columns.label, columns.level, weights="quadratic", labels=scale))
    return _number(columns, value, lambda weights: kappa_draws(columns.label, columns.level, levels, weights))


def kappa_draws(label: Ints, level: Ints, levels: int, weights: Floats) -> Floats:
    """Quadratic kappa under item weights: (rounds, items) in, (rounds,) out; NaN where undefined."""
    cells = np.eye(levels * levels)[(label - 1) * levels + (level - 1)]
    table = (weights @ cells).reshape(-1, levels, levels)
    step = np.arange(levels)
    penalty = (step[:, None] - step[None, :]) ** 2
    chance = table.sum(2)[:, :, None] * table.sum(1)[:, None, :] / table.sum((1, 2))[:, None, None]
    expected = (chance * penalty).sum((1, 2))
    with np.errstate(divide="ignore", invalid="ignore"):
        kappa: Floats = 1 - (table * penalty).sum((1, 2)) / expected
    return kappa


def pearson(observations: Sequence[Observation]) -> Number:
    """Pearson correlation of score and true score."""
    columns = Columns.of(observations)
    if why := _unusable(columns.truth, "every label is the same") or _unusable(
        columns.score, "every score is the same"
    ):
        return _missing(columns, why)
    value = float(stats.pearsonr(columns.score, columns.truth).statistic)
    return _number(columns, value, lambda weights: correlation_draws(columns.score, columns.truth, weights))


def spearman(observations: Sequence[Observation]) -> Number:
    """Spearman rank correlation of score and true score."""
    columns = Columns.of(observations)
    if why := _unusable(columns.truth, "every label is the same") or _unusable(
        columns.score, "every score is the same"
    ):
        return _missing(columns, why)
    value = float(stats.spearmanr(columns.score, columns.truth).statistic)
    return _number(columns, value, lambda weights: spearman_draws(columns.score, columns.truth, weights))


def kendall(observations: Sequence[Observation]) -> Number:
    """Kendall's tau-b of score and true score; no interval, Spearman has one."""
    columns = Columns.of(observations)
    if why := _unusable(columns.truth, "every label is the same") or _unusable(
        columns.score, "every score is the same"
    ):
        return _missing(columns, why)
    value = float(stats.kendalltau(columns.score, columns.truth).statistic)
    return Number(value=value, n=len(observations), questions=len(set(columns.questions)))


def root_mean_square(observations: Sequence[Observation]) -> Number:
    """Root mean square error of the score, in levels."""
    columns = Columns.of(observations)
    if not observations:
        return missing(NOTHING)
    squares = (columns.score - columns.truth) ** 2
    value = float(np.sqrt(squares.mean()))
    return _number(columns, value, lambda weights: np.sqrt(weights @ squares / weights.sum(1)))


def length_sensitivity(observations: Sequence[Observation]) -> Number:
    """Partial rank correlation of score and answer length, given the true score.

    Spearman's, with log words; positive means that of two equally good answers the longer one scores higher. Partial
    correlation from three plain ones (Fisher, 1924).
    """
    columns = Columns.of(observations)
    if len(observations) < LENGTH_MIN_ITEMS:
        return _missing(columns, f"fewer than {LENGTH_MIN_ITEMS} scored items")
    for values, what in ((columns.score, "score"), (columns.truth, "label"), (columns.length, "length")):
        if why := _unusable(values, f"every {what} is the same"):
            return _missing(columns, why)
    once = np.ones((1, len(observations)))
    value = float(_partial_draws(columns, once)[0])
    if not np.isfinite(value):
        return _missing(columns, "the label alone settles score or length")
    return _number(columns, value, lambda weights: _partial_draws(columns, weights))


def _partial_draws(columns: Columns, weights: Floats) -> Floats:
    between = {
        "score-length": spearman_draws(columns.score, columns.length, weights),
        "score-truth": spearman_draws(columns.score, columns.truth, weights),
        "length-truth": spearman_draws(columns.length, columns.truth, weights),
    }
    shared = between["score-truth"] * between["length-truth"]
    spread = (1 - between["score-truth"] ** 2) * (1 - between["length-truth"] ** 2)
    with np.errstate(divide="ignore", invalid="ignore"):
        partial: Floats = (between["score-length"] - shared) / np.sqrt(spread)
    return np.where(spread > 1e-9, partial, np.nan)


def correlation_draws(x: Floats, y: Floats, weights: Floats) -> Floats:
    """Pearson correlation under item weights. ``x`` and ``y``: (items,) or one row for each round."""
    total = weights.sum(1, keepdims=True)
    dx = x - (weights * x).sum(1, keepdims=True) / total
    dy = y - (weights * y).sum(1, keepdims=True) / total
    spread = (weights * dx**2).sum(1) * (weights * dy**2).sum(1)
    with np.errstate(divide="ignore", invalid="ignore"):
        r: Floats = (weights * dx * dy).sum(1) / np.sqrt(spread)
    return np.where(spread > 1e-12, r, np.nan)


def spearman_draws(x: Floats, y: Floats, weights: Floats) -> Floats:
    """Spearman correlation under item weights: Pearson of the mid-ranks that repeated items would get."""
    return correlation_draws(_mid_ranks(x, weights), _mid_ranks(y, weights), weights)


def _mid_ranks(x: Floats, weights: Floats) -> Floats:
    values, codes = np.unique(x, return_inverse=True)
    mass = weights @ np.eye(len(values))[codes]
    return (np.cumsum(mass, axis=1) - mass / 2)[:, codes]


def _unusable(values: Floats | Ints, constant: str) -> str | None:
    if len(values) < MIN_ITEMS:
        return f"fewer than {MIN_ITEMS} scored items" if len(values) else NOTHING
    return constant if np.ptp(values) == 0 else None


def _missing(columns: Columns, why: str) -> Number:
    return missing(why, len(columns.questions), len(set(columns.questions)))


def _number(columns: Columns, value: float, rounds: Callable[[Floats], Floats]) -> Number:
    _, clusters = coded(columns.questions)
    low, high = interval(rounds(item_weights(columns.questions)), clusters)
    return Number(value=value, n=len(columns.questions), questions=clusters, low=low, high=high)
