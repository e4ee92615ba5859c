"""Which column of somebody's data is what in a golden row, and how their scale becomes the rubric's levels."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from pydantic import ValidationError

from evals.adapters.records import Record
from evals.errors import CouldNotRun
from evals.golden import GoldenRow, Label
from service.grading.errors import faults_of
from service.grading.rubric import Rubric

FIELDS = ("id", "question", "answer", "reference", "group", "note", "feedback", "split")
HOW = "write NAME=COLUMN, NAME==TEXT, or CRITERION=COLUMN:LOW-HIGH, e.g. clarity=organization:1-6"
MAX_ID = 80

_NUMBER = r"-?\d+(?:\.\d+)?"
_SPEC = re.compile(r"(?P<name>[A-Za-z][\w-]*)=(?P<value>.+)", re.DOTALL)
_SCALE = re.compile(rf"(?P<column>.+):(?P<low>{_NUMBER})-(?P<high>{_NUMBER}|[A-Za-z_][\w.]*)")


@dataclass(frozen=True, slots=True)
class ScoreColumn:
    """Where a human score stands and what its scale is.

    Attributes:
        columns: the first of them that a record has is read.
        high: the best score, or the column that holds it.
    """

    columns: tuple[str, ...]
    low: float
    high: float | str


@dataclass(frozen=True, slots=True)
class RecordMap:
    """How a record becomes a golden row.

    Attributes:
        columns: for each field, the columns it may stand in; the first that a record has is taken.
        constants: fields that are the same for every row.
        scores: by criterion id; the key ``""`` stands for the rubric's factual criterion.
        source: who gave the scores.
        kind: first tag of the rows.
    """

    columns: Mapping[str, tuple[str, ...]]
    scores: Mapping[str, ScoreColumn] = field(default_factory=dict)
    constants: Mapping[str, str] = field(default_factory=dict)
    source: Literal["human", "authored"] = "human"
    kind: str = "human"

    def changed(self, specs: Iterable[str]) -> RecordMap:
        """This map with ``--map`` options laid over it; a criterion named there replaces all scores.

        Raises:
            CouldNotRun: an option that cannot be read.
        """
        columns, constants, scores = dict(self.columns), dict(self.constants), dict[str, ScoreColumn]()
        for spec in specs:
            name, value = _split(spec)
            if name not in FIELDS:
                scores[name] = _score_column(spec, value)
            elif value.startswith("="):
                constants[name] = value[1:]
            else:
                columns[name] = (value,)
                constants.pop(name, None)
        return replace(self, columns=columns, constants=constants, scores=scores or self.scores)

    def text(self, record: Record, name: str) -> str | None:
        """A field's text in a record; None where no column holds it."""
        if name in self.constants:
            return self.constants[name]
        return next((record[column] for column in self.columns.get(name, ()) if column in record), None)

    def row(self, record: Record, place: str, rubric: Rubric) -> GoldenRow:
        """The golden row of a record; without labels where it has no score.

        Args:
            record: one of the file.
            place: of the record, for messages and in place of an id.
            rubric: whose levels the scores are mapped to.

        Raises:
            CouldNotRun: a needed field is missing, or a value is out of range.
        """
        texts = {name: self.text(record, name) for name in FIELDS}
        for name in ("question", "answer"):
            if texts[name] is None:
                raise CouldNotRun(f"{place}: no column for the {name}. {_advice(name, record)}")
        split = texts.pop("split") or ""
        data = {
            **{name: text for name, text in texts.items() if text not in (None, "") or name == "answer"},
            "id": row_id(texts["id"] or place),
            "rubric": rubric.id,
            "labels": self._labels(record, place, rubric),
            "tags": (self.kind,),
            "split": "test" if split.lower().startswith("test") else "dev",
        }
        try:
            return GoldenRow.model_validate(data)
        except ValidationError as error:
            raise CouldNotRun(f"{place}: {faults_of(error)}. Nothing is shortened or left out silently.") from None

    def _labels(self, record: Record, place: str, rubric: Rubric) -> dict[str, Label]:
        labels = {}
        for criterion, column in self.scores.items():
            value = next((record[name] for name in column.columns if record.get(name, "").strip()), None)
            if value is not None:
                top = record.get(column.high, "") if isinstance(column.high, str) else column.high
                score = _on_levels(place, value, column.low, top, rubric.levels)
                labels[criterion or factual_criterion(rubric)] = Label(
                    level=nearest(score), score=score, source=self.source
                )
        return labels


def _split(spec: str) -> tuple[str, str]:
    match = _SPEC.fullmatch(spec)
    if match is None:
        raise CouldNotRun(f"--map {spec} cannot be read: {HOW}.")
    return match["name"], match["value"]


def _score_column(spec: str, value: str) -> ScoreColumn:
    match = _SCALE.fullmatch(value)
    if match is None:
        raise CouldNotRun(f"--map {spec} names no field ({', '.join(FIELDS)}) and no scale: {HOW}.")
    high = match["high"]
    return ScoreColumn(
        (match["column"],), float(match["low"]), float(high) if re.fullmatch(_NUMBER, high) else str(high)
    )


def _on_levels(place: str, value: str, low: float, high: float | str, levels: int) -> float:
    try:
        return on_levels(float(value), low, float(high), levels)
    except ValueError:
        raise CouldNotRun(
            f"{place}: the score {value[:40]!r} is not a number from {low:g} to {high or '(missing)'}. "
            "Give the scale with --map CRITERION=COLUMN:LOW-HIGH."
        ) from None


def on_levels(value: float, low: float, high: float, levels: int) -> float:
    """A score from ``low`` to ``high`` on the scale 1 to ``levels``, evenly stretched.

    Raises:
        ValueError: the score is off its scale, or the scale is empty.
    """
    if not low <= value <= high or low == high:
        raise ValueError("off the scale")
    return round(1 + (value - low) / (high - low) * (levels - 1), 4)


def nearest(score: float) -> int:
    """The nearest level; from the middle, the upper one."""
    return int(score + 0.5)


def factual_criterion(rubric: Rubric) -> str:
    """The criterion that a plain score of an answer stands for.

    Raises:
        CouldNotRun: the rubric has none, or several.
    """
    factual = [criterion.id for criterion in rubric.criteria if criterion.factual]
    if len(factual) != 1:
        raise CouldNotRun(f"{rubric.reference} has not exactly one factual criterion: say which, {HOW}.")
    return factual[0]


def row_id(text: str) -> str:
    """A valid row id: what ids may not hold becomes a hyphen; a long one is cut and ends in a hash."""
    clean = re.sub(r"[^A-Za-z0-9]+", lambda gap: gap[0] if gap[0] in ("-", "_", ".") else "-", text).strip("-_.")
    if clean and len(clean) <= MAX_ID:
        return clean
    digest = hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()[:12]
    return f"{clean[: MAX_ID - 13].strip('-_.')}-{digest}".lstrip("-")


def _advice(name: str, record: Record) -> str:
    return f"Add --map {name}=COLUMN; there are: {', '.join(list(record)[:20]) or 'none'}."


def selected(records: Sequence[Record], conditions: Iterable[str]) -> list[Record]:
    """The records for which every ``COLUMN=VALUE`` holds.

    Raises:
        CouldNotRun: a condition that cannot be read, or that leaves nothing.
    """
    kept = list(records)
    for condition in conditions:
        column, equals, value = condition.partition("=")
        if not equals:
            raise CouldNotRun(f"--where {condition} cannot be read: write COLUMN=VALUE.")
        kept = [record for record in kept if record.get(column) == value]
        if not kept:
            raise CouldNotRun(f"--where {condition} leaves no record. Columns: {', '.join(records[0]) or 'none'}.")
    return kept
