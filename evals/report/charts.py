"""Geometry of the charts; the templates draw it. Positions are shares of a width, 0 to 100, so that charts stretch."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from evals.compare import Comparison, Difference, Verdict
from evals.stats.catalogue import METRICS
from evals.stats.noise import DECIDING

MOST_TICKS = 5
FEW = 5
"""Bins of the reliability curve with fewer answers are drawn pale and no line goes through them."""


@dataclass(frozen=True, slots=True)
class Axis:
    """A scale from ``low`` to ``high``, symmetric charts having 0 in the middle."""

    low: float
    high: float

    def at(self, value: float) -> float:
        """Where a value lies, 0 to 100; beyond the ends it stays at them."""
        share = (value - self.low) / (self.high - self.low)
        return round(100 * min(max(share, 0.0), 1.0), 2)

    def ticks(self) -> list[float]:
        """Round values along the scale: the finest of 1, 2 and 5 times a power of ten that gives at most five."""
        least = 10.0 ** (math.floor(math.log10(self.high - self.low)) - 1)
        steps = (least * ten * one for ten in (1, 10, 100) for one in (1, 2, 5))
        step = next(s for s in steps if len(self._multiples(s)) <= MOST_TICKS)
        return [round(i * step, 6) + 0.0 for i in self._multiples(step)]

    def _multiples(self, step: float) -> range:
        return range(math.ceil(self.low / step - 1e-9), math.floor(self.high / step + 1e-9) + 1)


@dataclass(frozen=True, slots=True)
class ForestRow:
    """One difference, turned so that to the right is better.

    Attributes:
        gain: the improvement; ``low`` to ``high`` its interval.
        floor: half the width of the band in which nothing can be told.
    """

    difference: Difference
    gain: float
    low: float | None
    high: float | None
    floor: float | None
    text: str
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Forest:
    """A panel of the forest plot: one metric, all criteria, one scale."""

    metric: str
    title: str
    unit: str
    axis: Axis
    rows: tuple[ForestRow, ...]


def forests(comparison: Comparison) -> list[Forest]:
    """One panel for the error and one for the order of answers, where there is anything to show."""
    parts = [part for verdict in (*comparison.criteria, comparison.overall) for part in verdict.parts]
    panels = [_forest(metric, [part for part in parts if part.metric == metric]) for metric in DECIDING]
    return [panel for panel in panels if panel.rows]


def _forest(metric: str, parts: Sequence[Difference]) -> Forest:
    info = METRICS[metric]
    rows = tuple(_row(part, 1 if info.better == "higher" else -1) for part in parts)
    widest = max((abs(v) for row in rows for v in (row.gain, row.low, row.high, row.floor) if v is not None), default=1)
    reach = max(widest * 1.1, 0.05)
    unit = "levels" if info.form == "levels" else "share"
    return Forest(metric, info.title, unit, Axis(-reach, reach), rows)


def _row(part: Difference, sign: int) -> ForestRow:
    ends = sorted(sign * end for end in (part.low, part.high) if end is not None)
    low, high = ends if len(ends) == 2 else (None, None)
    gain = sign * part.difference
    return ForestRow(part, gain, low, high, part.floor, f"{round(gain, 2) + 0.0:+.2f}", part.verdict)


def shades(table: Iterable[Iterable[int]]) -> list[list[float]]:
    """How dark each cell of a confusion matrix is: its share of its row, 0 to 1."""
    return [[cell / total if (total := sum(row)) else 0.0 for cell in row] for row in (list(r) for r in table)]
