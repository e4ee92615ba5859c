"""Two evaluation runs beside each other: what the pages need to know, and who can tell.

The verdict is the evaluation's own; the pages stand below it. Whoever starts the site brings the function along.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal


class NotComparable(Exception):
    """Two runs cannot be compared; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Step:
    """One number of both runs, as text. ``n``: answers or pairs both have; ``floor``: the noise floor, if measured."""

    name: str
    before: str
    after: str
    n: int
    questions: int
    floor: str | None


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether the later run grades a criterion better, and the numbers behind it."""

    criterion: str
    verdict: Literal["better", "worse", "cannot tell"]
    why: str
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class RunPair:
    """Two runs, answer by answer. ``items``: answers both hold with the same text. ``noise``: what is known of it."""

    before: str
    after: str
    items: int
    overall: Verdict
    criteria: tuple[Verdict, ...]
    noise: str


CompareRuns = Callable[[Path, Path], RunPair]
"""Compares the last variants of the runs in two folders, the earlier first.

Raises:
    NotComparable: they share no answer, or one cannot be read, or the analysis is not installed.
"""
