"""One learner's attempts at one question beside each other: what got fixed, what is still open, what is new.

Pure: told from the grades alone. It changes what a learner is shown, never a score.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Literal

from pydantic import BaseModel, ConfigDict

from service.grading.evidence import folded
from service.grading.grade import Grade, ScoredCriterion
from service.records import GradeRecord

GapKind = Literal["misconception", "key_point", "criterion"]


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Gap(_Value):
    """Something an answer lacks.

    Attributes:
        kind: a false statement it makes, a key point it does not cover, or a criterion at or under the middle level.
        id: the statement, the point, or the criterion's id; the same gap has the same id in every attempt.
        text: how to name it to a person.
    """

    kind: GapKind
    id: str
    text: str


class GapChanges(_Value):
    """The gaps of two attempts. What could not be told in one of them is in none of the three."""

    fixed: tuple[Gap, ...] = ()
    still_open: tuple[Gap, ...] = ()
    new: tuple[Gap, ...] = ()


class LevelChange(_Value):
    """A criterion in two attempts.

    Attributes:
        before: the level of the earlier attempt, ``after`` of the later, of ``levels``.
        rise: the probability that the later level is the higher one, ties counted half; None where a judge gave no
            probabilities.
    """

    id: str
    name: str
    before: int
    after: int
    levels: int
    rise: float | None


class Comparison(_Value):
    """Two attempts: gaps, levels, and the criticised words that still stand."""

    gaps: GapChanges
    levels: tuple[LevelChange, ...]
    repeated: tuple[str, ...]


def open_gaps(grade: Grade) -> tuple[Gap, ...]:
    """What an answer lacks as its grade tells it, gravest first."""
    return tuple(gap for gap, is_open in _gaps(grade) if is_open)


def compare(before: GradeRecord, after: GradeRecord) -> Comparison | None:
    """The later attempt against the earlier; None unless both have a grade."""
    if before.grade is None or after.grade is None:
        return None
    return Comparison(
        gaps=gap_changes(before.grade, after.grade),
        levels=_level_changes(before.grade, after.grade),
        repeated=_repeated(before.grade, after.request.submission.answer),
    )


def gap_changes(before: Grade, after: Grade) -> GapChanges:
    """What became of each gap that could be told in both grades."""
    earlier = {(gap.kind, gap.id): is_open for gap, is_open in _gaps(before)}
    found: dict[tuple[bool, bool], list[Gap]] = {}
    for gap, is_open in _gaps(after):
        was_open = earlier.get((gap.kind, gap.id))
        if was_open is not None:
            found.setdefault((was_open, is_open), []).append(gap)
    return GapChanges(
        fixed=tuple(found.get((True, False), ())),
        still_open=tuple(found.get((True, True), ())),
        new=tuple(found.get((False, True), ())),
    )


def previous_attempt(record: GradeRecord, others: Iterable[GradeRecord]) -> GradeRecord | None:
    """The newest earlier attempt at the same question by the same learner that has a grade."""
    earlier = [
        other
        for other in others
        if other.id != record.id
        and other.grade is not None
        and other.grade.overall is not None
        and (other.created_at, other.id) < (record.created_at, record.id)
        and other.request.learner == record.request.learner
        and same_question(other, record)
    ]
    return max(earlier, key=lambda other: (other.created_at, other.id), default=None)


def same_question(one: GradeRecord, other: GradeRecord) -> bool:
    """Whether two answers were given to the same question, by its id or its words."""
    return asked(one) == asked(other)


def asked(record: GradeRecord) -> str:
    """What identifies the question of a record: its id in the bank, else its words, else what is left of them."""
    if record.expired is not None:
        return record.request.question_id or record.submission_sha256
    return record.request.question_id or folded(record.request.submission.question)


def is_weak(criterion: ScoredCriterion) -> bool:
    """Whether a criterion stands at or under the middle of its levels."""
    return criterion.level <= (len(criterion.distribution) + 1) // 2


def _gaps(grade: Grade) -> list[tuple[Gap, bool]]:
    """Every possible gap whose state is known, and whether it is open."""
    false = [
        (Gap(kind="misconception", id=item.misconception, text=item.misconception), item.voiced == "yes")
        for item in grade.misconceptions
        if item.voiced != "unknown"
    ]
    points = [
        (Gap(kind="key_point", id=item.point, text=item.point), item.covered != "covered")
        for item in grade.key_points
        if item.covered != "unknown"
    ]
    criteria = [
        (Gap(kind="criterion", id=item.id, text=item.name), is_weak(item))
        for item in grade.criteria
        if isinstance(item, ScoredCriterion)
    ]
    return [*false, *points, *criteria]


def _level_changes(before: Grade, after: Grade) -> tuple[LevelChange, ...]:
    earlier = {item.id: item for item in before.criteria if isinstance(item, ScoredCriterion)}
    pairs = [
        (earlier[item.id], item)
        for item in after.criteria
        if isinstance(item, ScoredCriterion)
        and item.id in earlier
        and len(earlier[item.id].distribution) == len(item.distribution)
    ]
    return tuple(
        LevelChange(
            id=new.id,
            name=new.name,
            before=old.level,
            after=new.level,
            levels=len(new.distribution),
            rise=_rise(old, new),
        )
        for old, new in pairs
    )


def _rise(before: ScoredCriterion, after: ScoredCriterion) -> float | None:
    if before.confidence is None or after.confidence is None:
        return None
    higher = math.fsum(
        p * q * (1.0 if new > old else 0.5)
        for old, p in enumerate(before.distribution)
        for new, q in enumerate(after.distribution)
        if new >= old
    )
    return round(min(1.0, higher), 4)


def _repeated(before: Grade, answer: str) -> tuple[str, ...]:
    """Criticised words of the earlier answer that the later one still says."""
    now = folded(answer)
    quotes = [
        evidence.quote
        for item in before.criteria
        for evidence in item.evidence
        if evidence.sign == "gap" and folded(evidence.quote) in now
    ]
    return tuple(dict.fromkeys(quotes))
