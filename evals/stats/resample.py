"""Bootstrap by question: answers to one question are not independent, so whole questions are drawn.

Cluster bootstrap: Davison & Hinkley (1997), section 3.8. Percentile intervals; seeded, so that the same results give
the same intervals.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

ROUNDS = 1_000
SEED = 20_261_125
COVERAGE = 0.95
MIN_QUESTIONS = 5
"""With fewer questions than this an interval would only look like one."""


@lru_cache(maxsize=64)
def draws(clusters: int, rounds: int = ROUNDS) -> Floats:
    """How often each cluster is drawn in each round: shape (rounds, clusters), rows summing to ``clusters``."""
    rng = np.random.default_rng(SEED)
    counts = rng.multinomial(clusters, np.full(clusters, 1 / clusters), size=rounds)
    return counts.astype(np.float64)


def coded(questions: Sequence[str]) -> tuple[Ints, int]:
    """Each item's question as a number 0..k-1, and k."""
    names, codes = np.unique(np.asarray(questions, dtype=np.str_), return_inverse=True)
    return codes.astype(np.int64), len(names)


def item_weights(questions: Sequence[str]) -> Floats:
    """How often each item is drawn in each round: shape (rounds, items)."""
    codes, clusters = coded(questions)
    return draws(clusters)[:, codes]


def mean_draws(values: Sequence[float], questions: Sequence[str]) -> Floats:
    """The mean in each round; a round always holds whole questions."""
    codes, clusters = coded(questions)
    sums = np.bincount(codes, weights=np.asarray(values, dtype=np.float64), minlength=clusters)
    sizes = np.bincount(codes, minlength=clusters).astype(np.float64)
    drawn = draws(clusters)
    means: Floats = (drawn @ sums) / (drawn @ sizes)
    return means


def interval(values: Floats, clusters: int) -> tuple[float, float] | tuple[None, None]:
    """The central 95 % of a bootstrap distribution; nothing with few questions or when rounds were undefined."""
    defined = values[np.isfinite(values)]
    if clusters < MIN_QUESTIONS or len(defined) < 0.9 * len(values):
        return None, None
    tail = (1 - COVERAGE) / 2 * 100
    low, high = np.percentile(defined, [tail, 100 - tail])
    return float(low), float(high)
