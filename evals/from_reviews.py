"""People's corrections as golden rows: one row for each answer and each person who reviewed its grade.

A file of such rows follows from the reviews alone: made again, it is the same, with what people said since, and without
what was deleted since. All rows of a question lie in one split.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import yaml
from pydantic import ValidationError

from evals.errors import CouldNotRun
from evals.golden import GoldenRow, Label, Split, read_rows
from evals.suites import NAMED
from service.grading.rubric import Rubric
from service.ports import Library, ReviewStore
from service.records import GradeRecord, Tenant
from service.reviews import PersonReview

HUMAN = "human"
ID_PREFIX = "human-"
TEST_SHARE = 3
"""One question in so many goes to ``test``."""
PAGE = 100
RUBRICS = "rubrics"
_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_WORDS = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class Opinion:
    """What one person said on one answer, over all reviews, the last word on each criterion."""

    record: GradeRecord
    reviewer: str
    levels: Mapping[str, int]
    note: str | None


@dataclass(frozen=True, slots=True)
class Changes:
    """What became of the file: ids that are new, say something else now, or are gone; and what could not be used."""

    added: tuple[str, ...]
    changed: tuple[str, ...]
    removed: tuple[str, ...]
    unusable: tuple[str, ...]
    rows: int


@dataclass(slots=True)
class Splits:
    """Which split a question belongs to: where rows of it lie already, else by a hash of its words."""

    _known: dict[str, Split] = field(default_factory=dict)

    @classmethod
    def of(cls, rows: Iterable[GoldenRow]) -> Splits:
        """The splits of the rows there are; a question is known by its words and by its id."""
        splits = cls()
        for row in rows:
            for key in _keys(row.question, row.question_id):
                splits._known.setdefault(key, row.split)
        return splits

    def split_of(self, question: str, question_id: str | None) -> Split:
        """The question's split; the same for every spelling that differs in case, space and punctuation only."""
        keys = _keys(question, question_id)
        known = next((self._known[key] for key in keys if key in self._known), None)
        split: Split = known or ("test" if int(_sha(keys[-1])[:8], 16) % TEST_SHARE == 0 else "dev")
        self._known.update({key: self._known.get(key, split) for key in keys})
        return split


def _keys(question: str, question_id: str | None) -> list[str]:
    words = " ".join(_WORDS.findall(question.casefold()))
    return [*([f"id {question_id}"] if question_id else []), f"text {words}"]


async def opinions(store: ReviewStore, tenant: Tenant, *, flagged: bool = False) -> list[Opinion]:
    """Every person's opinion on every answer of a tenant that still has its text, in a fixed order.

    Args:
        store: of the reviews.
        tenant: whose.
        flagged: take only reviews whose person wants the answer among the golden ones.

    Raises:
        StoreUnavailable: the reviews cannot be read.
    """
    said: list[tuple[PersonReview, GradeRecord]] = []
    after = None
    while records := await store.reviewed(tenant, after, PAGE):
        kept = (record for record in records if record.expired is None)
        said += [(review, record) for record in kept for review in record.reviews if review.golden or not flagged]
        after = records[-1].id
    found: dict[str, Opinion] = {}
    for review, record in sorted(said, key=lambda pair: (pair[0].created_at, pair[0].id)):
        key = row_id(record, review.reviewer)
        found[key] = _added(found.get(key), record, review)
    return [found[key] for key in sorted(found)]


def _added(before: Opinion | None, record: GradeRecord, review: PersonReview) -> Opinion:
    levels = {**(before.levels if before else {}), **review.levels}
    return Opinion(record, review.reviewer, levels, review.note or (before.note if before else None))


def row_id(record: GradeRecord, reviewer: str) -> str:
    """The id of a person's row: the same for the same answer under the same rubric, however often it was graded."""
    request = record.request
    return ID_PREFIX + _sha(request.submission.digest(), request.rubric.sha256, reviewer)[:16]


def as_row(opinion: Opinion, rubric: str, splits: Splits) -> GoldenRow:
    """The golden row of an opinion.

    Args:
        opinion: a person's.
        rubric: how rows name the rubric.
        splits: where questions belong.

    Raises:
        ValidationError: it is no golden row, e.g. for its length.
    """
    request = opinion.record.request
    sent = request.submission
    return GoldenRow.model_validate(
        {
            "id": row_id(opinion.record, opinion.reviewer),
            "question": sent.question,
            "question_id": request.question_id,
            "answer": sent.answer,
            "reference": sent.reference,
            "key_points": sent.key_points,
            "misconceptions": sent.misconceptions,
            "context": sent.context.named(),
            "rubric": rubric,
            "labels": {
                criterion: Label(level=level, source="human", rater=opinion.reviewer)
                for criterion, level in sorted(opinion.levels.items())
            },
            "tags": (HUMAN,),
            "split": splits.split_of(sent.question, request.question_id),
            "note": opinion.note,
        }
    )


def rubric_name(rubric: Rubric, library: Library, folder: Path) -> str:
    """How rows name a rubric: ``id`` or ``id@version`` of the product's, else a file beside the rows.

    The file is made if need be.
    """
    for reference in (rubric.id, rubric.reference):
        known = library.rubric(reference)
        if known is not None and known.sha256 == rubric.sha256:
            return reference
    path = folder / RUBRICS / f"{rubric.id}-{rubric.sha256[:8]}.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    content = rubric.model_dump(mode="json", exclude_none=True)
    path.write_text(yaml.safe_dump(content, sort_keys=False, allow_unicode=True), encoding="utf-8")
    return f"{RUBRICS}/{path.name}"


def suite_path(name: str, folder: Path) -> Path:
    """The file of a suite made from reviews.

    Raises:
        CouldNotRun: the name cannot be used, or the file holds rows that are not from reviews.
    """
    if not _NAME.fullmatch(name) or name in NAMED:
        raise CouldNotRun(f"--suite {name} cannot be used: lower-case letters, digits and hyphens, not a named suite.")
    path = folder / f"{name}.jsonl"
    if path.exists() and any(not row.id.startswith(ID_PREFIX) for row in read_rows(path)):
        raise CouldNotRun(f"{path} holds rows that are not from reviews. Choose another --suite.")
    return path


def write_suite(path: Path, found: Sequence[Opinion], known: Iterable[GoldenRow], library: Library) -> Changes:
    """Write the rows of all opinions in place of those in the file, which need not exist.

    Args:
        path: of the file.
        found: what people said.
        known: the golden rows that lie elsewhere; their questions keep their split.
        library: the product's rubrics.
    """
    before = {row.id: row for row in read_rows(path)} if path.exists() else {}
    splits = Splits.of([*known, *before.values()])
    rows: dict[str, GoldenRow] = {}
    unusable = []
    for opinion in found:
        try:
            row = as_row(opinion, rubric_name(opinion.record.request.rubric, library, path.parent), splits)
        except ValidationError:
            unusable.append(opinion.record.id)
            continue
        rows[row.id] = row
    _replace(path, rows.values())
    return Changes(
        added=tuple(rows.keys() - before.keys()),
        changed=tuple(name for name, row in rows.items() if name in before and not _same(before[name], row, path)),
        removed=tuple(before.keys() - rows.keys()),
        unusable=tuple(unusable),
        rows=len(rows),
    )


def _same(before: GoldenRow, now: GoldenRow, path: Path) -> bool:
    resolved = now.model_copy(update={"rubric": str(path.parent / now.rubric)}) if "/" in now.rubric else now
    return before == resolved


def _replace(path: Path, rows: Iterable[GoldenRow]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_suffix(".tmp")
    beside.write_text("".join(f"{row.model_dump_json(exclude_defaults=True)}\n" for row in rows), encoding="utf-8")
    beside.replace(path)


def _sha(*parts: str) -> str:
    return hashlib.sha256("\x00".join(parts).encode()).hexdigest()
