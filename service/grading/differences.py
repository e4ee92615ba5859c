"""Where two gradings of one answer differ so much that a person should look."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import BaseModel, ConfigDict

from service.grading.grade import Grade, Overall, ScoredCriterion

OVERALL = "overall"
A_LEVEL = 1.0


class Result(BaseModel):
    """What one grading says: the level shown and the score."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    level: int
    score: float


class Difference(BaseModel):
    """A criterion (or ``overall``) on which two gradings lie a level or more apart; None: one gave no level."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    criterion: str
    first: Result | None
    second: Result | None


def differences(first: Grade, second: Grade) -> tuple[Difference, ...]:
    """The criteria, and the overall result, on which the two lie a level or more apart, in the first's order.

    A level apart: other levels are shown, or the scores differ by 1 or more. A criterion that only one of them scored
    counts as well.
    """
    ours, theirs = dict(_results(first)), dict(_results(second))
    names = [*(name for name in ours if name != OVERALL), *(name for name in theirs if name not in ours), OVERALL]
    pairs = [(name, ours.get(name), theirs.get(name)) for name in dict.fromkeys(names)]
    return tuple(Difference(criterion=name, first=a, second=b) for name, a, b in pairs if _apart(a, b))


def _results(grade: Grade) -> Iterator[tuple[str, Result]]:
    for criterion in grade.criteria:
        if isinstance(criterion, ScoredCriterion):
            yield criterion.id, _result(criterion)
    if grade.overall is not None:
        yield OVERALL, _result(grade.overall)


def _result(of: ScoredCriterion | Overall) -> Result:
    return Result(level=of.level, score=of.score)


def _apart(one: Result | None, other: Result | None) -> bool:
    if one is None or other is None:
        return one is not other
    return one.level != other.level or abs(one.score - other.score) >= A_LEVEL
