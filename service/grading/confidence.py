"""How sure a grade is of a level."""

from __future__ import annotations

from collections.abc import Sequence

from service.grading.grade import KeyPoint, Misconception
from service.grading.levels import LevelDistribution

UNVERIFIED_PENALTY = 0.5
CONTRADICTED_PENALTY = 0.5
LOW, HIGH = 1 / 3, 2 / 3
"""Shares of the scale: at most the one is a low level, at least the other a high one."""


def confidence(
    distribution: LevelDistribution,
    *,
    sampled_once: bool,
    quoted: int = 0,
    unverified: int = 0,
    contradicted: bool = False,
    spread: float | None = None,
) -> float | None:
    """Probability of the level shown, lowered by quotes that are not there, contradicting findings and disagreement.

    Args:
        distribution: the decided distribution.
        sampled_once: one sample gives a point, which says nothing about certainty: the result is None.
        quoted: quotes the commentary offered for the criterion.
        unverified: how many of them were not found in the answer.
        contradicted: what was found on key points and misconceptions does not go with the level.
        spread: levels between the highest and the lowest judge of a panel; None for a single judge.

    Returns:
        Between 0 and 1 with two decimals, or None. With all quotes unverified it is halved, by a contradiction as well;
        a spread takes off its share of the whole scale, so that nothing is left when one judge says the lowest level
        and one the top.
    """
    if sampled_once:
        return None
    doubt = UNVERIFIED_PENALTY * unverified / quoted if quoted else 0.0
    trust = 1 - CONTRADICTED_PENALTY if contradicted else 1.0
    agreement = 1 - (spread or 0.0) / (distribution.levels - 1)
    return round(distribution.probability_of(distribution.median) * (1 - doubt) * trust * agreement, 2)


def contradicts(
    distribution: LevelDistribution, key_points: Sequence[KeyPoint], misconceptions: Sequence[Misconception]
) -> bool:
    """Whether a level for facts does not go with the key points covered and the misconceptions voiced.

    It does not when every key point is covered, nothing false is voiced and the level is low; when none is covered, or
    something false is voiced, and the level is high. Points it could not be told of say nothing.
    """
    place = (distribution.expected - 1) / (distribution.levels - 1)
    told = {point.covered for point in key_points if point.covered != "unknown"}
    voiced = any(found.voiced == "yes" for found in misconceptions)
    if place <= LOW:
        return told == {"covered"} and not voiced
    return place >= HIGH and (voiced or told == {"missing"})
