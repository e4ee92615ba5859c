"""What changed between two variants, item by item: levels that moved, and pairs whose order turned round."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Literal

from pydantic import BaseModel, ConfigDict

from evals.results import Result, criteria_of
from evals.stats.observations import plain
from evals.stats.order import PAIRED, order_outcomes


class Flip(BaseModel):
    """A level that changed by one or more.

    Attributes:
        label: the true level, where the row is labelled.
        toward: whether the change led nearer to the label, away from it, or neither can be said.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    row: str
    criterion: str
    label: int | None
    before: int
    after: int
    toward: Literal["nearer", "farther", "as far", "unknown"]
    rationale_before: str | None
    rationale_after: str | None


class Turned(BaseModel):
    """A ladder step or pair whose order changed: 1 right, one half a tie, 0 wrong."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    metric: str
    criterion: str
    unit: str
    before: float
    after: float


def flips(results: Sequence[Result], base: str, other: str) -> list[Flip]:
    """Every criterion whose level changed by at least one, the largest changes first."""
    after = {result.row.id: result for result in plain(results, other)}
    both = [(result, after[result.row.id]) for result in plain(results, base) if result.row.id in after]
    found = [flip for one, two in both for flip in _flips(one, two)]
    return sorted(found, key=lambda flip: -abs(flip.after - flip.before))


def _flips(one: Result, two: Result) -> Iterator[Flip]:
    for criterion in criteria_of([one]):
        first, second = one.scored(criterion), two.scored(criterion)
        if first is None or second is None or first.level == second.level:
            continue
        label = one.row.labels.get(criterion)
        yield Flip(
            row=one.row.id,
            criterion=criterion,
            label=label.level if label else None,
            before=first.level,
            after=second.level,
            toward=_toward(label.level if label else None, first.level, second.level),
            rationale_before=first.rationale,
            rationale_after=second.rationale,
        )


def _toward(label: int | None, before: int, after: int) -> Literal["nearer", "farther", "as far", "unknown"]:
    if label is None:
        return "unknown"
    was, now = abs(before - label), abs(after - label)
    return "as far" if was == now else "nearer" if now < was else "farther"


def turned(results: Sequence[Result], base: str, other: str) -> list[Turned]:
    """Every ladder step and pair that one variant orders otherwise than the other, losses first."""
    before, after = (_orders(plain(results, variant)) for variant in (base, other))
    found = [
        Turned(metric=metric, criterion=criterion, unit=unit, before=was, after=after[metric, criterion, unit])
        for (metric, criterion, unit), was in before.items()
        if after.get((metric, criterion, unit), was) != was
    ]
    return sorted(found, key=lambda pair: pair.after - pair.before)


def _orders(results: Iterable[Result]) -> dict[tuple[str, str, str], float]:
    outcomes = order_outcomes(list(results))
    return {(o.metric, o.criterion, o.unit): o.value for o in outcomes if o.metric in PAIRED}
