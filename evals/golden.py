"""Golden answers: rows with known levels, the truth that graders are measured against.

A row is one line of JSON in ``evals/golden/*.jsonl``. ``authored`` labels were made by construction and are never
called human.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from service.catalogue import completed
from service.grading.errors import faults_of
from service.grading.submission import Context, Submission
from service.ports import Library

GOLDEN = Path(__file__).parent / "golden"
ANCHOR = "anchor"
SMOKE = "smoke"
Split = Literal["dev", "test"]


class InvalidGolden(ValueError):
    """A golden file cannot be read; the message names file, line and what is wrong."""


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Label(_Part):
    """The true level of one criterion, and who says so.

    Attributes:
        level: on the rubric's scale, 1 to K.
        score: the same, finer than whole levels (1.0 to K), where the truth is finer; ``level`` is its nearest.
        rater: who, where several people labelled.
    """

    level: Annotated[int, Field(ge=1, le=10)]
    source: Literal["authored", "human"]
    score: Annotated[float | None, Field(ge=1, le=10, strict=False)] = None
    rater: str | None = None

    @property
    def truth(self) -> float:
        """The true score as fine as it is known."""
        return float(self.level) if self.score is None else self.score


class GoldenRow(_Part):
    """One answer with known levels.

    Attributes:
        question_id: the question's id in the question bank, which then fills in reference, key points and
            misconceptions (:meth:`completed`).
        rubric: ``id`` or ``id@version`` of the rubric the labels belong to, or a YAML file beside the rows' file.
        labels: by criterion id; criteria without a label are not measured on this row.
        tags: what the row is for: its kind first (``ladder``, ``contrast``, ``twin``, ``gate``, ``context``,
            ``anchor``, ...); ``smoke``: part of the quick suite.
        split: ``dev`` to work with, ``test`` to report on; all rows of a question lie in one.
        group: rows that are compared with one another (a ladder, a pair) share it.
        note: why the labels are right.
        feedback: what a teacher wrote on the answer; never shown to a model.
    """

    id: Annotated[str, Field(pattern=r"^[A-Za-z0-9]+([-_.][A-Za-z0-9]+)*$", max_length=80)]
    question: Annotated[str, Field(min_length=1, max_length=4_000)]
    question_id: str | None = None
    answer: Annotated[str, Field(max_length=20_000)]
    reference: Annotated[str | None, Field(max_length=8_000)] = None
    key_points: Annotated[tuple[str, ...], Field(strict=False)] = ()
    misconceptions: Annotated[tuple[str, ...], Field(strict=False)] = ()
    context: dict[Literal["industry", "audience", "stage", "seniority"], str] = {}
    rubric: str
    labels: dict[str, Label]
    tags: Annotated[tuple[str, ...], Field(min_length=1, strict=False)]
    split: Split
    group: str | None = None
    note: str | None = None
    feedback: Annotated[str | None, Field(max_length=8_000)] = None

    @model_validator(mode="after")
    def _grouped(self) -> Self:
        if self.kind in GROUPED and self.group is None:
            raise ValueError(f"a {self.kind} row needs a group")
        return self

    @property
    def kind(self) -> str:
        """What the row was written for: its first tag."""
        return self.tags[0]

    def completed(self, library: Library) -> Self:
        """The row with what the question bank knows of its question, as the API does; context and rubric stand."""
        question = library.question(self.question_id) if self.question_id else None
        if question is None:
            return self
        known = completed(question, self.submission(), library.context_notes())
        return self.model_copy(
            update={
                "reference": known.reference,
                "key_points": known.key_points,
                "misconceptions": known.misconceptions,
            }
        )

    def submission(self) -> Submission:
        """The row as the service would be asked to grade it."""
        return Submission(
            question=self.question,
            answer=self.answer,
            reference=self.reference,
            key_points=self.key_points,
            misconceptions=self.misconceptions,
            context=Context(**self.context),
        )


GROUPED = frozenset({"ladder", "contrast", "twin", "context"})
"""Kinds whose rows mean something only beside the others of their group."""


def load_golden(folder: Path = GOLDEN) -> list[GoldenRow]:
    """Every row of a folder, file by file in the order of their names.

    Raises:
        InvalidGolden: naming the file and line.
    """
    return [row for path in sorted(folder.glob("*.jsonl")) for row in read_rows(path)]


def read_rows(path: Path) -> Iterator[GoldenRow]:
    """The rows of one file.

    Raises:
        InvalidGolden: naming the file and line.
    """
    for number, line in enumerate(path.read_text(encoding="utf-8").split("\n"), 1):
        if line.strip():
            try:
                yield _beside(path, GoldenRow.model_validate_json(line))
            except ValidationError as error:
                raise InvalidGolden(f"{path}, line {number}: {faults_of(error)}") from None


def _beside(path: Path, row: GoldenRow) -> GoldenRow:
    """The row with its rubric's file found from where the row lies."""
    own = row.rubric.endswith((".yaml", ".yml"))
    return row.model_copy(update={"rubric": str(path.parent / row.rubric)}) if own else row


def anchored(rows: Iterable[GoldenRow], rubric_id: str) -> set[tuple[str, int]]:
    """The criteria and levels of a rubric that an anchor answer stands for."""
    return {
        (criterion, label.level)
        for row in rows
        if row.rubric == rubric_id and row.kind == ANCHOR
        for criterion, label in row.labels.items()
    }
