"""Golden answers: rows with known levels, the truth that graders are measured against.

A row is one line of JSON in ``evals/golden/*.jsonl``. ``authored`` labels were made by construction and are never
called human.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from service.grading.errors import faults_of

GOLDEN = Path(__file__).parent / "golden"
ANCHOR = "anchor"


class InvalidGolden(ValueError):
    """A golden file cannot be read; the message names file, line and what is wrong."""


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Label(_Part):
    """The true level of one criterion, and who says so."""

    level: Annotated[int, Field(ge=1, le=10)]
    source: Literal["authored", "human"]
    rater: str | None = None


class GoldenRow(_Part):
    """One answer with known levels.

    Attributes:
        rubric: ``id`` of the rubric the labels belong to.
        labels: by criterion id; criteria without a label are not measured on this row.
        tags: what the row is for; ``anchor``: it stands for the level it is labelled with.
        split: ``dev`` to work with, ``test`` to report on; all rows of a question lie in one.
        note: why the labels are right.
    """

    id: Annotated[str, Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=80)]
    question: Annotated[str, Field(min_length=1, max_length=4_000)]
    answer: Annotated[str, Field(max_length=20_000)]
    reference: Annotated[str | None, Field(max_length=8_000)] = None
    context: dict[Literal["industry", "audience", "stage", "seniority"], str] = {}
    rubric: str
    labels: dict[str, Label]
    tags: Annotated[tuple[str, ...], Field(strict=False)] = ()
    split: Literal["dev", "test"]
    group: str | None = None
    note: str | None = None


def load_golden(folder: Path = GOLDEN) -> list[GoldenRow]:
    """Every row of a folder, file by file in the order of their names.

    Raises:
        InvalidGolden: naming the file and line.
    """
    return [row for path in sorted(folder.glob("*.jsonl")) for row in _rows(path)]


def _rows(path: Path) -> Iterator[GoldenRow]:
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if line.strip():
            try:
                yield GoldenRow.model_validate_json(line)
            except ValidationError as error:
                raise InvalidGolden(f"{path}, line {number}: {faults_of(error)}") from None


def anchored(rows: Iterable[GoldenRow], rubric_id: str) -> set[tuple[str, int]]:
    """The criteria and levels of a rubric that an anchor answer stands for."""
    return {
        (criterion, label.level)
        for row in rows
        if row.rubric == rubric_id and ANCHOR in row.tags
        for criterion, label in row.labels.items()
    }
