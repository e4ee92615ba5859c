"""Judges beside each other, as a table for the terminal or for a document."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from evals.standings import Standing
from evals.stats.catalogue import METRICS
from evals.stats.number import Number

COLUMNS = ("judge", "n", "r", "ρ", "error", "order", "calls", "tok", "s")
DASH = "–"


def standings_tables(found: Sequence[Standing]) -> Iterator[Table]:
    """One table for each suite; intervals are 95 %, over questions; calls, tokens and seconds are an answer's."""
    for suite, rows in groupby(found, key=lambda one: one.suite):
        table = Table(title=Text(suite), title_justify="left", box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
        for name in COLUMNS:
            table.add_column(name, justify="left" if name == "judge" else "right", no_wrap=True)
        for one in rows:
            table.add_row(*cells(one))
        yield table


def standings_markdown(found: Sequence[Standing]) -> str:
    """The same for a document."""
    lines = [" | ".join(("", "suite", *COLUMNS, "")).strip(), "|" + "---|" * (len(COLUMNS) + 1)]
    lines += [" | ".join(("", one.suite, *cells(one), "")).strip() for one in found]
    return "\n".join(lines)


def cells(one: Standing) -> list[str]:
    """One judge's cells, a dash where something was not or could not be measured."""
    numbers = one.numbers
    return [
        f"{one.judge} ({one.variant})" if one.judge not in one.variant.replace("-", "_") else one.variant,
        f"{one.graded}" if one.graded == one.items else f"{one.graded}/{one.items}",
        _with_interval("pearson", numbers["pearson"]),
        METRICS["spearman"].written(numbers["spearman"]),
        METRICS["mae"].written(numbers["mae"]),
        _of("pairs", numbers["pairs"]),
        DASH if one.calls is None else f"{one.calls:.1f}",
        DASH if one.tokens is None else f"{one.tokens / 1000:.1f}k",
        DASH if one.seconds is None else f"{one.seconds:.0f}",
    ]


def _with_interval(metric: str, number: Number) -> str:
    text = METRICS[metric].written(number)
    if number.low is None or number.high is None:
        return text
    low, high = (METRICS[metric].write(bound).replace("0.", ".", 1) for bound in (number.low, number.high))
    return f"{text} [{low}, {high}]"


def _of(metric: str, number: Number) -> str:
    return f"{METRICS[metric].written(number)}/{number.n}" if number.n else DASH
