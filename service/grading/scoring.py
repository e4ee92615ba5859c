"""How points are added up. The model never does arithmetic; this file does all of it.

Definitions are those of the HTTP contract: score = expected level, level = median level, overall = weighted
mean over the scored criteria with weights renormalised, then caps on the unrounded score, rounding last.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from service.grading.levels import LevelDistribution
from service.grading.rubric import Cap, Rubric


@dataclass(frozen=True, slots=True)
class OverallScore:
    """The overall result on the rubric's scale 1..K.

    Attributes:
        score: rounded to two decimals, half up.
        level: floor(unrounded score + 0.5).
        label: the rubric's band of that level.
        capped_by: the criterion whose cap lowered the score, if one did.
    """

    score: float
    level: int
    label: str
    capped_by: str | None


def overall(rubric: Rubric, decided: Mapping[str, LevelDistribution]) -> OverallScore | None:
    """The overall score of the criteria that were scored; None when none was."""
    scored = [criterion for criterion in rubric.criteria if criterion.id in decided]
    if not scored:
        return None
    weights = math.fsum(criterion.weight for criterion in scored)
    mean = math.fsum(criterion.weight * decided[criterion.id].expected for criterion in scored) / weights
    score, capped_by = _cap(mean, rubric.aggregation.caps, decided)
    level = math.floor(score + 0.5)
    return OverallScore(rounded(score), level, rubric.aggregation.bands[level - 1], capped_by)


def rounded(value: float) -> float:
    """Two decimals, halves up; a sliver of binary error is not a half."""
    scale = 100.0
    return math.floor(round(value * scale, 6) + 0.5) / scale


def _cap(score: float, caps: tuple[Cap, ...], decided: Mapping[str, LevelDistribution]) -> tuple[float, str | None]:
    capped_by = None
    for cap in caps:
        fires = cap.criterion in decided and decided[cap.criterion].expected <= cap.at_most
        if fires and score > cap.overall:
            score, capped_by = cap.overall, cap.criterion
    return score, capped_by
