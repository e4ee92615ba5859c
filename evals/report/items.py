"""Each answer with its labels and every variant's grade, as the item list shows it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from evals.analysis import Analysis
from evals.golden import GoldenRow, Label
from evals.report.highlight import Piece, Quote, pieces
from evals.results import Result, criteria_of
from evals.stats.observations import OVERALL, plain, score_of
from service.grading.grade import CriterionGrade, ScoredCriterion


@dataclass(frozen=True, slots=True)
class Line:
    """One criterion of one answer: its label, and its grade by each variant (None: not in that grade)."""

    criterion: str
    name: str
    label: Label | None
    parts: tuple[CriterionGrade | None, ...]

    @property
    def levels(self) -> tuple[int | None, ...]:
        """The level shown by each variant."""
        return tuple(part.level if isinstance(part, ScoredCriterion) else None for part in self.parts)

    @property
    def changed(self) -> bool:
        """Whether the variants show different levels."""
        return len(set(self.levels)) > 1

    @property
    def toward(self) -> str:
        """Whether the last variant is nearer to the label than the first: ``nearer``, ``farther`` or nothing."""
        first, last = self.levels[0], self.levels[-1]
        if self.label is None or first is None or last is None:
            return ""
        was, now = abs(first - self.label.level), abs(last - self.label.level)
        return "nearer" if now < was else "farther" if now > was else ""


@dataclass(frozen=True, slots=True)
class Item:
    """One answer. ``error`` is the newest variant's mean error in levels, None without labels or scores."""

    row: GoldenRow
    results: tuple[Result | None, ...]
    lines: tuple[Line, ...]
    pieces: tuple[Piece, ...]
    error: float | None

    @property
    def states(self) -> str:
        """Words the filter looks for: ``changed``, ``nearer``, ``farther``, ``failed``, ``flagged``."""
        grades = [result.grade for result in self.results if result]
        found = {line.toward for line in self.lines} | {"changed" for line in self.lines if line.changed}
        if any(grade is None or grade.overall is None for grade in grades):
            found.add("failed")
        if any(grade and grade.flags for grade in grades):
            found.add("flagged")
        return " ".join(sorted(found - {""}))

    @property
    def change(self) -> int:
        """The largest change of a level between the first and the last variant."""
        ends = [(line.levels[0], line.levels[-1]) for line in self.lines]
        return max((abs(b - a) for a, b in ends if a is not None and b is not None), default=0)


def items_of(analysis: Analysis) -> list[Item]:
    """Every answer of the run, in the order in which it was first tried."""
    by_variant = [{r.row.id: r for r in plain(analysis.run.results, v)} for v in analysis.run.variants]
    rows = {result.row.id: result.row for run in by_variant for result in run.values()}
    return [_item(row, tuple(run.get(name) for run in by_variant), analysis.run.variants) for name, row in rows.items()]


def _item(row: GoldenRow, results: tuple[Result | None, ...], variants: Sequence[str]) -> Item:
    found = [result for result in results if result is not None]
    criteria = dict.fromkeys([*criteria_of(found), *(c for c in row.labels if c != OVERALL)])
    lines = tuple(_line(criterion, row, results) for criterion in criteria)
    quotes = [
        Quote(line.name, variant, evidence)
        for line in lines
        for variant, part in zip(variants, line.parts, strict=True)
        if part is not None
        for evidence in part.evidence
    ]
    return Item(row, results, lines, tuple(pieces(row.answer, quotes)), _error(results[-1]))


def _line(criterion: str, row: GoldenRow, results: tuple[Result | None, ...]) -> Line:
    parts = tuple(_part(result, criterion) for result in results)
    name = next((part.name for part in parts if part is not None), criterion)
    return Line(criterion, name, row.labels.get(criterion), parts)


def _part(result: Result | None, criterion: str) -> CriterionGrade | None:
    grade = result.grade if result else None
    return next((part for part in grade.criteria if part.id == criterion), None) if grade else None


def _error(result: Result | None) -> float | None:
    if result is None:
        return None
    pairs = [(score_of(result, c), label.truth) for c, label in result.row.labels.items()]
    errors = [abs(score - truth) for score, truth in pairs if score is not None]
    return sum(errors) / len(errors) if errors else None
