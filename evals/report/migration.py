"""What a change of model changes, as tables on the terminal."""

from __future__ import annotations

from collections.abc import Iterator

from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from evals.report.words import title_of
from evals.side_by_side import Migration
from evals.stats.catalogue import METRICS
from evals.stats.number import Number

MOST_AFFECTED = 20


def shift_tables(migration: Migration) -> Iterator[Table]:
    """Agreement and shift by criterion, then the answers whose level changes."""
    title = Text(f"from {migration.before} to {migration.after}: the two with one another, labels aside")
    table = Table(
        "", "same level", "QWK", "Spearman", "shift in levels", "n", title=title, title_justify="left", box=SIMPLE_HEAD
    )
    for shift in migration.criteria:
        numbers = (("exact", shift.exact), ("qwk", shift.kappa), ("spearman", shift.correlation))
        cells = [METRICS[name].written(number) for name, number in numbers]
        table.add_row(title_of(shift.criterion), *cells, _signed(shift.moved), str(shift.exact.n))
    yield table
    if migration.affected:
        affected = Table(
            title=f"{len(migration.affected)} answers change a level", title_justify="left", box=SIMPLE_HEAD
        )
        affected.add_column("answer")
        for name in migration.affected[:MOST_AFFECTED]:
            affected.add_row(name)
        if len(migration.affected) > MOST_AFFECTED:
            affected.add_row(f"and {len(migration.affected) - MOST_AFFECTED} more: see the report")
        yield affected


def _signed(number: Number) -> str:
    if number.value is None:
        return "–"
    ends = "" if number.low is None else f" ({number.low:+.2f} to {number.high:+.2f})"
    return f"{number.value:+.2f}{ends}"
