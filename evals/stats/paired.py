"""One number of two variants on the same items: difference, interval, chance, and what could have been seen.

Permutation by question: under the null hypothesis the two variants' values may be swapped for all items of a question
together (Good, 2005). Exact with few questions. Minimum detectable effect: two-sided, power 80 % (Bloom, 1995).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from evals.stats.outcomes import Outcome
from evals.stats.resample import SEED, Floats, coded, draws, interval

ALPHA = 0.05
POWER = 0.8
PERMUTATIONS = 9_999


@dataclass(frozen=True, slots=True)
class Paired:
    """A metric's values under the base and under the other variant, unit by unit, in the same order."""

    base: Floats
    other: Floats
    questions: list[str]

    @property
    def n(self) -> int:
        """How many units both variants have a value for."""
        return len(self.questions)

    @property
    def difference(self) -> float:
        """Mean of the other minus mean of the base."""
        return float(np.mean(self.other - self.base))


def pair_up(base: Sequence[Outcome], other: Sequence[Outcome]) -> Paired:
    """The units both variants have a value for."""
    values = {outcome.unit: outcome.value for outcome in other}
    both = [outcome for outcome in base if outcome.unit in values]
    return Paired(
        base=np.array([outcome.value for outcome in both], dtype=np.float64),
        other=np.array([values[outcome.unit] for outcome in both], dtype=np.float64),
        questions=[outcome.question for outcome in both],
    )


def difference_interval(pairs: Paired) -> tuple[float, float] | tuple[None, None]:
    """A 95 % interval of the difference, from a bootstrap over questions."""
    sums, sizes = _by_question(pairs)
    return interval(_rounds(sums, sizes), len(sums))


def chance(pairs: Paired) -> float:
    """The p-value: how often swapping the variants question by question gives a difference at least this large."""
    sums, _ = _by_question(pairs)
    moved = sums[np.abs(sums) > 1e-12]
    if len(moved) < 2:  # one question alone proves nothing
        return 1.0
    tested = stats.permutation_test(
        (moved, np.zeros_like(moved)),
        _total_difference,
        permutation_type="samples",
        vectorized=True,
        n_resamples=PERMUTATIONS,
        rng=np.random.default_rng(SEED),
    )
    return float(tested.pvalue)


def _total_difference(x: Floats, y: Floats, axis: int) -> Floats:
    total: Floats = (x - y).sum(axis=axis)
    return total


def detectable(pairs: Paired, tests: int) -> float | None:
    """The smallest true difference that this many items would show in four of five tries.

    Args:
        pairs: the values.
        tests: how many tests share the 5 % (the Bonferroni bound of Holm's method).

    Returns:
        In the metric's unit; None with a single question, or when no value moved at all.
    """
    sums, sizes = _by_question(pairs)
    if len(sums) < 2:
        return None
    error = float(np.std(_rounds(sums, sizes), ddof=1))
    if error == 0:
        return None
    return float(stats.norm.ppf(1 - ALPHA / 2 / tests) + stats.norm.ppf(POWER)) * error


def holm(chances: Sequence[float]) -> list[float]:
    """The p-values after Holm's correction (1979)."""
    if not chances:
        return []
    from statsmodels.stats.multitest import multipletests

    return [float(p) for p in multipletests(chances, alpha=ALPHA, method="holm")[1]]


def _by_question(pairs: Paired) -> tuple[Floats, Floats]:
    codes, clusters = coded(pairs.questions)
    sums = np.bincount(codes, weights=pairs.other - pairs.base, minlength=clusters)
    return sums.astype(np.float64), np.bincount(codes, minlength=clusters).astype(np.float64)


def _rounds(sums: Floats, sizes: Floats) -> Floats:
    drawn = draws(len(sums))
    means: Floats = (drawn @ sums) / (drawn @ sizes)
    return means
