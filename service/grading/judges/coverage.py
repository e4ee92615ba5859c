"""What was heard in an answer - key points, misconceptions - and how it moves a level, with weights from a prompt file.

For judges that get a probability of yes for each. The readout judge has its own, fitted way (``facts``).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from service.grading.grade import Coverage, KeyPoint, Misconception
from service.grading.judgement import Case
from service.grading.levels import LevelDistribution
from service.grading.parts import Point
from service.grading.prompt import Prompt

SUREST = 0.95
"""A likelihood is kept this far from certainty: one misheard point must not rule a level out."""


@dataclass(frozen=True, slots=True)
class Said:
    """The probability that the answer says each point and each misconception; None where it could not be told."""

    points: tuple[float | None, ...]
    misconceptions: tuple[float | None, ...] = ()

    def covered_share(self, points: Sequence[Point]) -> float | None:
        """The share of the points covered, each by its weight; None when none could be told."""
        told = [(said, point.weight) for said, point in zip(self.points, points, strict=True) if said is not None]
        total = math.fsum(weight for _, weight in told)
        return math.fsum(said * weight for said, weight in told) / total if total else None

    def voiced(self) -> float | None:
        """The probability of the misconception most likely voiced; None when none could be told."""
        return max((said for said in self.misconceptions if said is not None), default=None)

    def moved(self, levels: LevelDistribution, points: Sequence[Point], prompt: Prompt) -> LevelDistribution:
        """The level of a factual criterion after hearing these: each kind is one observation.

        The prompt's ``points_weight`` and ``misconceptions_weight`` (>= 0, 1 when left out) say how much it counts.
        """
        covered, voiced = self.covered_share(points), self.voiced()
        if covered is not None:
            levels = observed(levels, covered, prompt.parameter("points_weight", 1.0))
        if voiced is not None:
            levels = observed(levels, 1 - voiced, prompt.parameter("misconceptions_weight", 1.0))
        return levels

    def key_points(self, case: Case, prompt: Prompt) -> tuple[KeyPoint, ...]:
        """The points in words for the learner, by the prompt's ``partly_at`` and ``covered_at``."""
        partly, covered = prompt.parameter("partly_at", 1 / 3), prompt.parameter("covered_at", 2 / 3)
        return tuple(
            KeyPoint(point=point.text, covered=_in_words(said, partly, covered), marks=point.marks)
            for point, said in zip(case.points, self.points, strict=True)
        )

    def misconception_list(self, case: Case, prompt: Prompt) -> tuple[Misconception, ...]:
        """The misconceptions in words for the learner, by the prompt's ``voiced_at``."""
        at = prompt.parameter("voiced_at", 0.5)
        return tuple(
            Misconception(misconception=text, voiced="unknown" if said is None else "yes" if said >= at else "no")
            for text, said in zip(case.submission.misconceptions, self.misconceptions, strict=True)
        )


def _in_words(said: float | None, partly: float, covered: float) -> Coverage:
    if said is None:
        return "unknown"
    return "covered" if said >= covered else "partly" if said >= partly else "missing"


def observed(levels: LevelDistribution, right: float, weight: float) -> LevelDistribution:
    """The levels after an observation that is right with probability ``right`` (Bayes).

    At a level, what is right is seen with a chance that rises evenly from 5 % at the lowest to 95 % at the top; the
    likelihood is raised to ``weight``, so that 0 leaves the levels as they are.
    """
    top = levels.levels - 1
    chances = (1 - SUREST + (2 * SUREST - 1) * level / top for level in range(levels.levels))
    weights = [
        probability * (right * chance + (1 - right) * (1 - chance)) ** weight
        for probability, chance in zip(levels.probabilities, chances, strict=True)
    ]
    return LevelDistribution.from_weights(weights)
