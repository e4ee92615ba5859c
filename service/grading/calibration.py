"""From a judge's raw level probabilities to calibrated ones, by a map fitted on answers with known levels.

A map works on the cumulative probabilities P(level <= k), each through a monotone function, so that score, level shown
and confidence still come from one distribution afterwards. It moves levels to where they belong; it does not make the
judge order answers better. Maps are fitted by ``debrief eval calibrate``; this file only applies them.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from functools import cached_property
from itertools import accumulate, pairwise
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from service.grading.errors import InvalidCalibration, faults_of
from service.grading.hashing import content_hash
from service.grading.levels import LevelDistribution

SUREST = 1e-3
"""Cumulative probabilities are kept this far from 0 and 1: their log-odds have to be finite."""


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


class OrdinalMap(_Part):
    """The log-odds of P(level <= k), times ``scale``, plus the k-th of ``shifts`` (as in McCullagh, 1980)."""

    kind: Literal["ordinal"] = "ordinal"
    scale: Annotated[float, Field(gt=0, strict=False)]
    shifts: Annotated[tuple[float, ...], Field(min_length=1, max_length=9, strict=False)]

    @property
    def thresholds(self) -> int:
        """How many cumulative probabilities it maps: one less than there are levels."""
        return len(self.shifts)

    def at(self, threshold: int, cumulative: float) -> float:
        """The calibrated P(level <= threshold + 1)."""
        inside = min(max(cumulative, SUREST), 1 - SUREST)
        return 1 / (1 + math.exp(-(self.scale * math.log(inside / (1 - inside)) + self.shifts[threshold])))


class Knots(_Part):
    """A rising line through points; flat before the first and after the last."""

    x: Annotated[tuple[float, ...], Field(min_length=1, strict=False)]
    y: Annotated[tuple[float, ...], Field(min_length=1, strict=False)]

    @model_validator(mode="after")
    def _rising(self) -> Self:
        if len(self.x) != len(self.y):
            raise ValueError("as many x as y are needed")
        if list(self.x) != sorted(set(self.x)) or list(self.y) != sorted(self.y):
            raise ValueError("x has to rise and y must not fall")
        if not all(0 <= value <= 1 for value in (*self.x, *self.y)):
            raise ValueError("probabilities lie between 0 and 1")
        return self

    def at(self, value: float) -> float:
        """The line's height at a value."""
        points = list(zip(self.x, self.y, strict=True))
        for (left, low), (right, high) in pairwise(points):
            if left <= value <= right:
                return low + (high - low) * (value - left) / (right - left)
        return self.y[0] if value < self.x[0] else self.y[-1]


class IsotonicMap(_Part):
    """A free monotone line for each cumulative probability (Zadrozny & Elkan, 2002)."""

    kind: Literal["isotonic"] = "isotonic"
    lines: Annotated[tuple[Knots, ...], Field(min_length=1, max_length=9, strict=False)]

    @property
    def thresholds(self) -> int:
        """How many cumulative probabilities it maps: one less than there are levels."""
        return len(self.lines)

    def at(self, threshold: int, cumulative: float) -> float:
        """The calibrated P(level <= threshold + 1)."""
        return self.lines[threshold].at(cumulative)


LevelMap = Annotated[OrdinalMap | IsotonicMap, Field(discriminator="kind")]


def calibrated(levels: LevelDistribution, level_map: OrdinalMap | IsotonicMap) -> LevelDistribution:
    """The distribution after the map.

    Raises:
        ValueError: the map is for another number of levels.
    """
    if level_map.thresholds != levels.levels - 1:
        raise ValueError(f"the map is for {level_map.thresholds + 1} levels, not for {levels.levels}")
    cumulative = list(accumulate(levels.probabilities[:-1]))
    mapped = list(accumulate((level_map.at(k, p) for k, p in enumerate(cumulative)), max))
    edges = [0.0, *mapped, 1.0]
    return LevelDistribution.from_weights([max(high - low, 0.0) for low, high in pairwise(edges)])


SMALLEST_SPREAD = 0.25
"""Levels. Even a judge that puts everything on one level is taken to be this unsure."""


class LevelSetRule(_Part):
    """Which levels to name so that the true one is among them in ``coverage`` of all answers (split conformal).

    Attributes:
        width: how many spreads of the distribution the set reaches to both sides of the score.
    """

    coverage: Annotated[float, Field(gt=0, lt=1, strict=False)]
    width: Annotated[float, Field(ge=0, strict=False)]

    def apply(self, levels: LevelDistribution) -> tuple[int, ...]:
        """The levels, lowest first, without gaps; never none: the level shown is among them."""
        reach = self.width * spread_of(levels) + 1e-9
        low, high = math.ceil(levels.expected - reach), math.floor(levels.expected + reach)
        return tuple(range(max(1, min(low, levels.median)), min(levels.levels, max(high, levels.median)) + 1))


def spread_of(levels: LevelDistribution) -> float:
    """How unsure a distribution is, in levels: its standard deviation, and a little for what it does not know."""
    mean = levels.expected
    variance = math.fsum(p * (level - mean) ** 2 for level, p in enumerate(levels.probabilities, start=1))
    return math.sqrt(max(variance, 0.0)) + SMALLEST_SPREAD


class ReviewRule(_Part):
    """Below which confidence in a criterion a person looks, so that about ``budget`` of all answers go to people."""

    budget: Annotated[float, Field(gt=0, lt=1, strict=False)]
    below: Annotated[float, Field(ge=0, le=1, strict=False)]


class Fitted(_Part):
    """What a calibration was fitted on; ``date`` is ISO."""

    suite: str
    date: str
    answers: int
    questions: int


class Calibration(_Part):
    """What was learnt about one judge, model, prompt and rubric, by criterion. Criteria without a map stay raw.

    Attributes:
        prompt_sha256, rubric_sha256: the exact files it was fitted with; with any other it is not used.
        level_sets: by criterion, for the distributions as the maps leave them.
        review: when to ask a person; None where that was not fitted.
        report: what fitting measured, for people; not read by the service.
    """

    id: Annotated[str, Field(pattern=r"^[a-z0-9]+([-_.][a-z0-9]+)*$", max_length=100)]
    version: Annotated[str, Field(pattern=r"^\d+$", max_length=8)]
    judge: str
    model: str
    prompt_sha256: str
    rubric_sha256: str
    maps: dict[str, LevelMap] = {}
    level_sets: dict[str, LevelSetRule] = {}
    review: ReviewRule | None = None
    fitted: Fitted
    report: dict[str, Any] = {}

    @property
    def name(self) -> str:
        """``id@version``, as receipts name it."""
        return f"{self.id}@{self.version}"

    @cached_property
    def sha256(self) -> str:
        """SHA-256 (hex) over everything but the report."""
        return content_hash(self.model_dump(mode="json", exclude={"report"}))

    @model_validator(mode="after")
    def _of_use(self) -> Self:
        if not self.maps and not self.level_sets and self.review is None:
            raise ValueError("holds neither maps nor level sets nor a review rule")
        return self

    @property
    def fits(self) -> tuple[str, str, str, str]:
        """Judge, model, prompt and rubric it belongs to."""
        return self.judge, self.model, self.prompt_sha256, self.rubric_sha256

    def apply(self, criterion: str, levels: LevelDistribution) -> LevelDistribution:
        """The calibrated distribution of a criterion; the raw one where it has no map.

        Raises:
            ValueError: the map is for another number of levels.
        """
        level_map = self.maps.get(criterion)
        return levels if level_map is None else calibrated(levels, level_map)

    def level_set(self, criterion: str, levels: LevelDistribution) -> tuple[int, ...] | None:
        """The levels among which the true one is, as often as promised; None where there is no rule.

        Args:
            criterion: its id.
            levels: the calibrated distribution.
        """
        rule = self.level_sets.get(criterion)
        return None if rule is None else rule.apply(levels)


class Calibrations:
    """All calibrations an instance has; of several that fit, the newest version is used."""

    def __init__(self, several: Iterable[Calibration] = ()) -> None:
        ordered = sorted(several, key=lambda calibration: int(calibration.version))
        self._by_use = {calibration.fits: calibration for calibration in ordered}

    def fitting(self, judge: str, model: str, prompt_sha256: str, rubric_sha256: str) -> Calibration | None:
        """The calibration made for exactly this judge, model, prompt and rubric."""
        return self._by_use.get((judge, model, prompt_sha256, rubric_sha256))

    def of_judge(self, judge: str, model: str, prompt_sha256: str) -> tuple[Calibration, ...]:
        """Those of one judge, model and prompt, for whatever rubric."""
        return tuple(c for fits, c in self._by_use.items() if fits[:3] == (judge, model, prompt_sha256))


def parse_calibration(data: Any) -> Calibration:
    """A calibration from parsed JSON.

    Raises:
        InvalidCalibration: with every problem found, each naming its place.
    """
    try:
        return Calibration.model_validate(data)
    except ValidationError as error:
        raise InvalidCalibration(faults_of(error)) from None
