"""How far two raters of the same answers agree on levels, from counts alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

Counts = Mapping[tuple[int, int], int]
"""How often the first rater gave one level and the second another."""


def total(counts: Counts) -> int:
    """How many answers were rated by both."""
    return sum(counts.values())


def share_within(counts: Counts, levels: int) -> float:
    """The share of answers whose two levels lie at most so many levels apart.

    Raises:
        ValueError: nothing was rated.
    """
    if not total(counts):
        raise ValueError("nothing was rated by both")
    return sum(n for (one, other), n in counts.items() if abs(one - other) <= levels) / total(counts)


def quadratic_kappa(counts: Counts) -> float | None:
    """Cohen's kappa with quadratic weights (Cohen, 1968): 1 is perfect, 0 what chance gives; None where undefined.

    It is undefined when both raters gave every answer the same level.
    """
    first, second = Counter[int](), Counter[int]()
    for (one, other), count in counts.items():
        first[one] += count
        second[other] += count
    by_chance = sum(a * b * (one - other) ** 2 for one, a in first.items() for other, b in second.items())
    observed = sum(count * (one - other) ** 2 for (one, other), count in counts.items())
    return 1 - observed * total(counts) / by_chance if by_chance else None
