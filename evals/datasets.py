"""Human-scored data from a local path as a suite, sampled so that questions and score bands keep their shares."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Sequence
from pathlib import Path

from evals.adapters.mapping import RecordMap, selected
from evals.adapters.public import PUBLIC_SETS, PublicSet
from evals.adapters.records import flat, read_items
from evals.errors import CouldNotRun
from evals.golden import GoldenRow
from evals.manifest import SourceRef
from service.grading.rubric import Rubric


def public_set(name: str) -> PublicSet:
    """A data set by its name.

    Raises:
        CouldNotRun: there is none of this name.
    """
    if name not in PUBLIC_SETS:
        raise CouldNotRun(f"--data goes with --suite {' | '.join(PUBLIC_SETS)}, not with {name}.")
    return PUBLIC_SETS[name]


def read_public(
    name: str, path: Path, rubric: Rubric, mapping: Sequence[str] = (), where: Sequence[str] = ()
) -> tuple[list[GoldenRow], list[str]]:
    """The scored rows of a public set, and notes on what was left out.

    Args:
        name: one of :data:`PUBLIC_SETS`.
        path: the downloaded file.
        rubric: whose levels the scores are mapped to.
        mapping: ``--map`` options.
        where: ``--where`` options.

    Raises:
        CouldNotRun: the file or the mapping does not fit; the message says how to mend it.
    """
    record_map = public_set(name).mapping.changed(mapping)
    if not record_map.scores:
        raise CouldNotRun(f"{name} has no scores of its own: --map CRITERION=COLUMN:LOW-HIGH for each trait.")
    records = [flat(item) for item in read_items(path)]
    rows = _rows(record_map, records if not where else selected(records, where), path.stem, rubric)
    scored = [row for row in rows if row.labels]
    if not scored:
        raise CouldNotRun(f"{path.name} has no scored record. Check the score's column with --map.")
    left_out = len(rows) - len(scored)
    return scored, [f"left out, having no score: {left_out} of {len(rows)} records"] if left_out else []


def _rows(record_map: RecordMap, records: Sequence[dict[str, str]], stem: str, rubric: Rubric) -> list[GoldenRow]:
    rows = [record_map.row(record, f"{stem}-{place}", rubric) for place, record in enumerate(records, 1)]
    if len({row.id for row in rows}) == len(rows):
        return rows
    numbered = record_map.changed(["id=_no_such_column_"])
    return [numbered.row(record, f"{stem}-{place}", rubric) for place, record in enumerate(records, 1)]


def sampled(rows: Sequence[GoldenRow], limit: int | None, seed: int = 0) -> list[GoldenRow]:
    """``limit`` rows, spread evenly over questions and levels: a systematic sample of the sorted rows.

    Each question and, within it, each level keeps its share to within one row (Cochran, Sampling Techniques, ch. 8).
    """
    if limit is None or limit >= len(rows):
        return list(rows)
    chance = random.Random(seed)
    shuffled = sorted(rows, key=lambda row: row.id)
    chance.shuffle(shuffled)
    strata = sorted(shuffled, key=lambda row: (row.question, sorted((c, la.level) for c, la in row.labels.items())))
    start, step = chance.random(), len(rows) / limit
    return [strata[int((place + start) * step)] for place in range(limit)]


def source_of(name: str, path: Path) -> SourceRef:
    """Where the data came from, for the manifest."""
    about = public_set(name)
    return SourceRef(
        name=about.title,
        licence=about.licence,
        url=about.url,
        sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
    )
