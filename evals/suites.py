"""Which answers are graded: a named part of the golden answers, a file of your own, or a public set."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain, zip_longest
from pathlib import Path

from evals.errors import CouldNotRun
from evals.golden import GOLDEN, SMOKE, GoldenRow, load_golden, read_rows
from evals.manifest import SourceRef
from service.grading.hashing import content_hash
from service.grading.rubric import Rubric, parse_rubric
from service.library import load_rubric
from service.ports import Library

ATTACKS = "attacks"
NAMED = (SMOKE, "dev", "test", ATTACKS)


@dataclass(frozen=True, slots=True)
class Suite:
    """Rows in the order they are graded, and the rubrics they are graded with, by id.

    Attributes:
        source: where public data came from.
        notes: what the reader should know, e.g. how many records had no score.
    """

    name: str
    rows: tuple[GoldenRow, ...]
    rubrics: Mapping[str, Rubric]
    source: SourceRef | None = None
    notes: tuple[str, ...] = ()

    @property
    def sha256(self) -> str:
        """SHA-256 (hex) over the rows, in whatever order."""
        return content_hash([_content(row) for row in sorted(self.rows, key=lambda row: row.id)])


def _content(row: GoldenRow) -> dict[str, object]:
    """A row from before feedback was kept, or without any, has the hash it always had."""
    return row.model_dump(mode="json", exclude={"feedback"} if row.feedback is None else None)


def golden_rows(suite: str, folder: Path = GOLDEN) -> list[GoldenRow]:
    """The rows of a named suite, of a ``.jsonl`` file or of a folder of such files.

    Raises:
        CouldNotRun: there is no such suite, it is empty, or two rows share an id.
        InvalidGolden: a file cannot be read.
    """
    rows = _rows(suite, folder)
    if not rows:
        raise CouldNotRun(f"the suite {suite} has no rows. Look into {folder}, or write some: debrief golden add")
    ids = [row.id for row in rows]
    if len(set(ids)) < len(ids):
        twice = sorted({row_id for row_id in ids if ids.count(row_id) > 1})
        raise CouldNotRun(f"in {suite} two rows share an id: {', '.join(twice[:5])}. Rename one of each.")
    return rows


def _rows(suite: str, folder: Path) -> list[GoldenRow]:
    if suite == ATTACKS:
        return load_golden(folder / ATTACKS)
    if suite == SMOKE:
        return [row for row in load_golden(folder) if SMOKE in row.tags]
    if suite in NAMED:
        return [row for row in load_golden(folder) if row.split == suite]
    path = Path(suite)
    if not path.exists():
        raise CouldNotRun(
            f"there is no suite called {suite}. There are: {', '.join(NAMED)}; a path to rows in JSON lines; "
            "or, with --data, a public set (debrief eval sets)."
        )
    return load_golden(path) if path.is_dir() else list(read_rows(path))


def with_rubrics(
    name: str, rows: Sequence[GoldenRow], library: Library, rubric: str | None = None, *, labelled_only: bool = False
) -> Suite:
    """The rows with the rubrics they name, checked against them.

    Args:
        name: the suite's.
        rows: not empty.
        library: holds the rubrics.
        rubric: keep only rows of this one: ``id`` (its newest version), ``id@version`` or a YAML file.
        labelled_only: cut each rubric down to the criteria that some row has a label for.

    Raises:
        CouldNotRun: an unknown rubric, no rows left, or a label that does not fit.
    """
    chosen = rubric_called(rubric, library) if rubric else None
    kept = [row.completed(library) for row in rows if chosen is None or row.rubric == chosen.id]
    if chosen is not None and not kept:
        raise CouldNotRun(f"no row of {name} is labelled for the rubric {chosen.id}. Leave --rubric out to see which.")
    rubrics = {r: chosen or rubric_called(r, library) for r in sorted({row.rubric for row in kept})}
    for row in kept:
        check_labels(row, rubrics[row.rubric])
    if labelled_only:
        rubrics = {r: focused(full, _labelled(kept, r)) for r, full in rubrics.items()}
    return Suite(name, in_order(kept), rubrics)


def rubric_called(reference: str, library: Library) -> Rubric:
    """A rubric by ``id``, ``id@version`` or the path of a YAML file.

    Raises:
        CouldNotRun: there is none.
        InvalidRubric: the file breaks the rubric rules.
    """
    path = Path(reference)
    if path.suffix in (".yaml", ".yml") and path.is_file():
        return load_rubric(path)
    found = library.rubric(reference)
    if found is None:
        names = ", ".join(rubric.reference for rubric in library.rubrics())
        raise CouldNotRun(f"there is no rubric called {reference}. There are: {names}; or give a YAML file.")
    return found


def check_labels(row: GoldenRow, rubric: Rubric) -> None:
    """See that every label is of a criterion of the rubric and within its levels.

    Raises:
        CouldNotRun: naming the row and the label.
    """
    known = {criterion.id for criterion in rubric.criteria}
    for criterion, label in row.labels.items():
        if criterion not in known:
            raise CouldNotRun(f"{row.id}: {rubric.reference} has no criterion {criterion}, only {', '.join(known)}.")
        if max(label.level, label.truth) > rubric.levels:
            raise CouldNotRun(f"{row.id}: {criterion} is {label.truth:g}, but the levels end at {rubric.levels}.")


def _labelled(rows: Iterable[GoldenRow], rubric_id: str) -> set[str]:
    return {criterion for row in rows if row.rubric == rubric_id for criterion in row.labels}


def focused(rubric: Rubric, criteria: set[str]) -> Rubric:
    """The rubric with some of its criteria only, their weights in proportion, without caps; all when none is named.

    A judge that asks about one criterion at a time decides the same and is asked less.
    """
    data = rubric.model_dump(mode="json")
    kept = [criterion for criterion in data["criteria"] if criterion["id"] in criteria]
    if not kept or len(kept) == len(data["criteria"]):
        return rubric
    total = sum(criterion["weight"] for criterion in kept)
    parts = [{**criterion, "weight": criterion["weight"] / total} for criterion in kept]
    if all(part["applies_when"] for part in parts):  # one criterion has to apply to every answer
        parts = [{**part, "applies_when": None} for part in parts]
    return parse_rubric({**data, "criteria": parts, "aggregation": {**data["aggregation"], "caps": []}})


def in_order(rows: Iterable[GoldenRow]) -> tuple[GoldenRow, ...]:
    """Rows by question, so that an engine that runs here finds their common beginning in its cache."""
    return tuple(sorted(rows, key=lambda row: (row.rubric, row.question, row.reference or "", row.id)))


def limited(suite: Suite, limit: int | None, seed: int = 0) -> Suite:
    """At most ``limit`` rows, of all kinds in turn, with every ladder and pair whole.

    Raises:
        CouldNotRun: not one whole group fits.
    """
    if limit is None or limit >= len(suite.rows):
        return suite
    kept: list[GoldenRow] = []
    for group in _kinds_in_turn(_groups(suite.rows), seed):
        if len(kept) + len(group) <= limit:
            kept += group
    if not kept:
        raise CouldNotRun(f"no whole ladder or pair of {suite.name} has at most {limit} rows. Raise --limit.")
    return replace(suite, rows=in_order(kept))


def _groups(rows: Iterable[GoldenRow]) -> list[list[GoldenRow]]:
    groups: dict[tuple[str, str], list[GoldenRow]] = defaultdict(list)
    for row in sorted(rows, key=lambda row: row.id):
        groups[("group", row.group) if row.group else ("row", row.id)].append(row)
    return list(groups.values())


def _kinds_in_turn(groups: list[list[GoldenRow]], seed: int) -> Iterable[list[GoldenRow]]:
    by_kind: dict[str, list[list[GoldenRow]]] = defaultdict(list)
    for group in groups:
        by_kind[group[0].kind].append(group)
    shuffle = random.Random(seed)
    for kind in sorted(by_kind):
        shuffle.shuffle(by_kind[kind])
    rounds = zip_longest(*(by_kind[kind] for kind in sorted(by_kind)))
    return [group for group in chain.from_iterable(rounds) if group is not None]
