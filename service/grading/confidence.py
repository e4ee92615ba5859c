"""How sure a grade is of a level."""

from __future__ import annotations

from service.grading.levels import LevelDistribution

UNVERIFIED_PENALTY = 0.5


def confidence(distribution: LevelDistribution, *, sampled_once: bool, quoted: int, unverified: int) -> float | None:
    """Probability of the level shown, lowered when the judge's quotes are not in the answer.

    Args:
        distribution: the decided distribution.
        sampled_once: one sample gives a point, which says nothing about certainty: the result is None.
        quoted: quotes the commentary offered for the criterion.
        unverified: how many of them were not found in the answer.

    Returns:
        Between 0 and 1 with two decimals, or None. With all quotes unverified it is halved.
    """
    if sampled_once:
        return None
    doubt = UNVERIFIED_PENALTY * unverified / quoted if quoted else 0.0
    return round(distribution.probability_of(distribution.median) * (1 - doubt), 2)
