"""A probability for each level of a criterion: what a judge decides."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

TOLERANCE = 1e-6
MOST_ODDS = 700.0
"""Beyond these log-odds a probability is 0 or 1 in floating point."""


@dataclass(frozen=True, slots=True)
class LevelDistribution:
    """Probabilities of the levels 1..K, lowest first, summing to 1.

    Raises:
        ValueError: fewer than two levels, a probability outside 0..1, or a sum other than 1.
    """

    probabilities: tuple[float, ...]

    def __post_init__(self) -> None:
        """Refuse anything that is not a distribution."""
        if len(self.probabilities) < 2:
            raise ValueError("a distribution needs at least two levels")
        if not all(math.isfinite(p) and -TOLERANCE <= p <= 1 + TOLERANCE for p in self.probabilities):
            raise ValueError("probabilities must lie between 0 and 1")
        if abs(math.fsum(self.probabilities) - 1) > TOLERANCE:
            raise ValueError("probabilities must sum to 1")

    @classmethod
    def point(cls, level: int, levels: int) -> LevelDistribution:
        """All probability on one level (1-based)."""
        if not 1 <= level <= levels:
            raise ValueError(f"level {level} is outside 1..{levels}")
        return cls(tuple(float(i == level) for i in range(1, levels + 1)))

    @classmethod
    def from_weights(cls, weights: Sequence[float]) -> LevelDistribution:
        """Normalise non-negative weights.

        Raises:
            ValueError: when the weights are all zero, negative or not finite.
        """
        total = math.fsum(weights)
        if not math.isfinite(total) or total <= 0 or min(weights) < 0:
            raise ValueError("weights must be non-negative with a positive sum")
        return cls(tuple(w / total for w in weights))

    @classmethod
    def bell(cls, place: float, spread: float, levels: int) -> LevelDistribution:
        """A discretised normal curve over the levels.

        Args:
            place: its middle, from 0 (the lowest level) to 1 (the highest).
            spread: its standard deviation as a share of the scale, above 0.
            levels: K.
        """
        steps = [index / (levels - 1) for index in range(levels)]
        return cls.from_weights([math.exp(-(((step - place) / spread) ** 2) / 2) for step in steps])

    @classmethod
    def mean(cls, several: Sequence[LevelDistribution]) -> LevelDistribution:
        """The average of several distributions over the same levels (samples, panel members)."""
        if not several:
            raise ValueError("nothing to average")
        columns = zip(*(d.probabilities for d in several), strict=True)
        return cls.from_weights([math.fsum(column) for column in columns])

    @property
    def levels(self) -> int:
        """K, the number of levels."""
        return len(self.probabilities)

    @property
    def expected(self) -> float:
        """The score: sum of level times probability, between 1 and K."""
        return math.fsum(level * p for level, p in enumerate(self.probabilities, start=1))

    @property
    def median(self) -> int:
        """The level shown: the lowest whose cumulative probability reaches one half."""
        cumulative = 0.0
        for level, p in enumerate(self.probabilities, start=1):
            cumulative += p
            if cumulative >= 0.5 - TOLERANCE:
                return level
        return self.levels

    def probability_of(self, level: int) -> float:
        """The probability of one level (1-based)."""
        return self.probabilities[level - 1]


def logistic(log_odds: float) -> float:
    """The probability with these natural log-odds."""
    return 1 / (1 + math.exp(-log_odds)) if log_odds > -MOST_ODDS else 0.0
