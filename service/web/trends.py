"""Small charts of a criterion over attempts: where each point lies in a drawing of fixed size."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from service.progress import CriterionTrend, Direction

WIDTH, HEIGHT = 300, 130
LEFT, RIGHT, TOP, BOTTOM = 22, 34, 12, 18
MOST_POINTS = 30

DIRECTIONS: dict[Direction, str] = {
    "rising": "rising",
    "falling": "falling",
    "steady": "holding steady",
    "too_few": "too few attempts to tell a trend",
}


@dataclass(frozen=True, slots=True)
class Dot:
    """One attempt in the drawing."""

    x: float
    y: float
    score: float
    grade_id: str
    day: str


@dataclass(frozen=True, slots=True)
class TrendChart:
    """A criterion's drawing: a line per level, a dot per attempt, oldest to the left."""

    trend: CriterionTrend
    dots: tuple[Dot, ...]
    lines: tuple[tuple[int, float], ...]

    @property
    def path(self) -> str:
        """The dots joined, as SVG points."""
        return " ".join(f"{dot.x},{dot.y}" for dot in self.dots)

    @property
    def direction(self) -> str:
        """Where it goes, in words."""
        return DIRECTIONS[self.trend.direction]

    @property
    def reading(self) -> str:
        """The chart in a sentence."""
        scores = ", ".join(f"{dot.score:.1f}" for dot in self.dots)
        return f"{self.trend.name}, of {self.trend.levels}, oldest attempt first: {scores}; {self.direction}."


@dataclass(frozen=True, slots=True)
class ShareChart:
    """A share over time: a line at nothing, half and all, a point per run, oldest to the left."""

    name: str
    points: tuple[tuple[float, float, float], ...]
    lines: tuple[tuple[str, float], ...]

    @property
    def path(self) -> str:
        """The points joined, as SVG points."""
        return " ".join(f"{x},{y}" for x, y, _ in self.points)

    @property
    def now(self) -> str:
        """The newest share."""
        return f"{self.points[-1][2]:.0%}"

    @property
    def reading(self) -> str:
        """The chart in a sentence."""
        return f"{self.name}, same level as the labels, oldest run first: " + ", ".join(
            f"{share:.0%}" for *_, share in self.points
        )


def share_chart(name: str, shares: Sequence[float]) -> ShareChart:
    """The drawing of shares from 0 to 1, one at least."""
    step = (WIDTH - LEFT - RIGHT) / max(1, len(shares) - 1)
    return ShareChart(
        name=name,
        points=tuple((round(LEFT + step * n, 1), _height(1 + share, 2), share) for n, share in enumerate(shares)),
        lines=tuple((f"{share:.0%}", _height(1 + share, 2)) for share in (0.0, 0.5, 1.0)),
    )


def trend_chart(trend: CriterionTrend) -> TrendChart:
    """The drawing of a trend's newest attempts."""
    points = trend.points[-MOST_POINTS:]
    step = (WIDTH - LEFT - RIGHT) / max(1, len(points) - 1)
    return TrendChart(
        trend=trend,
        dots=tuple(
            Dot(
                x=round(LEFT + step * place, 1),
                y=_height(point.score, trend.levels),
                score=point.score,
                grade_id=point.grade_id,
                day=f"{point.at:%-d %B %Y}",
            )
            for place, point in enumerate(points)
        ),
        lines=tuple((level, _height(level, trend.levels)) for level in range(1, trend.levels + 1)),
    )


def _height(score: float, levels: int) -> float:
    share = (score - 1) / (levels - 1)
    return round(HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM), 1)
