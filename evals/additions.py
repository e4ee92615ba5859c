"""Adding golden answers of one's own: what is refused, and why."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from rapidfuzz import fuzz, utils

from evals.adapters.mapping import nearest
from evals.errors import CouldNotRun
from evals.golden import GoldenRow, Label

TOO_ALIKE = 92.0
"""Similarity (0 to 100, rapidfuzz ratio) of question and of answer from which a row adds nothing."""


def label_of(text: str) -> tuple[str, Label]:
    """A label from ``criterion=level``; a level finer than whole numbers is kept as the score.

    Raises:
        CouldNotRun: it is no such thing.
    """
    criterion, _, value = text.partition("=")
    try:
        score = float(value)
        whole = nearest(score)
        return criterion, Label(level=whole, source="authored", score=None if whole == score else score)
    except (ValueError, OverflowError):
        raise CouldNotRun(f"--label {text} cannot be read: write CRITERION=LEVEL, e.g. correctness=4.") from None


def check_addition(row: GoldenRow, known: Iterable[GoldenRow]) -> None:
    """See that a row adds something to those there are.

    Raises:
        CouldNotRun: its id is taken, it is nearly another row, or its question lies in the other split.
    """
    for other in known:
        if other.id == row.id:
            raise CouldNotRun(f"there is a row called {row.id} already. Choose another id.")
        if other.question == row.question and other.split != row.split:
            raise CouldNotRun(f"the question lies in {other.split} (see {other.id}). Use --split {other.split}.")
        if _same(other, row):
            raise CouldNotRun(f"it is nearly the row {other.id}. Give both a --group if they belong together.")


def _same(one: GoldenRow, other: GoldenRow) -> bool:
    if one.group is not None and one.group == other.group:
        return False
    pairs = ((one.question, other.question), (one.answer, other.answer))
    return all(fuzz.ratio(a, b, processor=utils.default_process) >= TOO_ALIKE for a, b in pairs)


def append_rows(path: Path, rows: Sequence[GoldenRow]) -> None:
    """Write rows at the end of a file, which is made if need be."""
    path.parent.mkdir(parents=True, exist_ok=True)
    before = path.read_text(encoding="utf-8") if path.exists() else ""
    gap = "\n" if before and not before.endswith("\n") else ""
    lines = "".join(f"{row.model_dump_json(exclude_defaults=True)}\n" for row in rows)
    with path.open("a", encoding="utf-8") as file:
        file.write(gap + lines)
