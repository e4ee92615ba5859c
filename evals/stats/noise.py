"""The noise floor: how far a number moves when nothing was changed.

Measured on repeats of the base variant: fresh samples, or copies changed in ways that keep the meaning. A difference
between two prompts that is no larger than this says nothing about the prompts.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from pydantic import BaseModel, ConfigDict

from evals.results import Result
from evals.stats.observations import observed
from evals.stats.order import PAIRED, order_outcomes
from evals.stats.outcomes import Outcome, item_outcomes, pooled

DECIDING = ("mae", "pairs")
"""What a verdict is decided on: the error against the labels, and the order of answers beside one another."""


class Floor(BaseModel):
    """How far one number moved between a plain run and its repeats.

    Attributes:
        largest: the largest movement, in the metric's own unit.
        typical: the mean one.
        repeats: how many repeats; ``n`` items, steps or pairs in the smallest.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    criterion: str
    metric: str
    largest: float
    typical: float
    repeats: int
    n: int


class Noise(BaseModel):
    """The noise of one variant.

    Attributes:
        repeats: the repeats found; none means that nothing is known, not that there is no noise.
        perturbations: the meaning-preserving changes among them; empty where fresh samples were taken.
        level_changes: share of criteria shown another level when asked again.
        score_change: mean absolute change of a score, in levels.
        compared: criteria of answers these two are taken over.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    variant: str
    repeats: int
    perturbations: tuple[str, ...]
    level_changes: float | None
    score_change: float | None
    compared: int
    floors: tuple[Floor, ...]

    def floor(self, criterion: str, metric: str) -> Floor | None:
        """The floor of a number, where it was measured."""
        return next((f for f in self.floors if (f.criterion, f.metric) == (criterion, metric)), None)


def deciding_outcomes(results: Sequence[Result]) -> list[Outcome]:
    """Errors and orders, for each criterion and all together, with units that are the same in every variant."""
    errors = [o for o in item_outcomes(observed(results)) if o.metric == "mae"]
    orders = [
        Outcome("pairs", o.criterion, f"{o.metric} {o.unit}", o.question, o.value)
        for o in order_outcomes(results)
        if o.metric in PAIRED
    ]
    return [*errors, *orders, *pooled([*errors, *orders])]


def noise(results: Iterable[Result], variant: str) -> Noise:
    """How far the numbers of a variant move from its plain run to each of its repeats."""
    runs: dict[int, dict[str, Result]] = {}
    for result in results:
        if result.variant == variant:
            runs.setdefault(result.repeat, {})[result.row.id] = result
    plain_run = list(runs.pop(0, {}).values())
    repeats = [list(run.values()) for run in runs.values()]
    changes = [change for run in repeats for change in _changes(plain_run, run)]
    return Noise(
        variant=variant,
        repeats=len(repeats),
        perturbations=tuple(sorted({r.perturbation for run in repeats for r in run if r.perturbation})),
        level_changes=float(np.mean([moved for moved, _ in changes])) if changes else None,
        score_change=float(np.mean([by for _, by in changes])) if changes else None,
        compared=len(changes),
        floors=tuple(_floors(plain_run, repeats)),
    )


def _changes(before: Sequence[Result], after: Sequence[Result]) -> list[tuple[bool, float]]:
    """Of each criterion scored both times: whether the level changed, and the change of the score."""
    again = {result.row.id: result for result in after}
    found = []
    for result in before:
        other = again.get(result.row.id)
        for part in result.grade.criteria if result.grade and other else ():
            one, two = result.scored(part.id), other.scored(part.id) if other else None
            a, b = result.score(part.id), other.score(part.id) if other else None
            if one and two and a is not None and b is not None:
                found.append((one.level != two.level, abs(a - b)))
    return found


def _floors(plain_run: Sequence[Result], repeats: Sequence[Sequence[Result]]) -> list[Floor]:
    base = {_key(o): o for o in deciding_outcomes(plain_run)}
    moved: dict[tuple[str, str], list[tuple[float, int]]] = {}
    for run in repeats:
        paired: dict[tuple[str, str], list[float]] = {}
        for o in deciding_outcomes(run):
            if _key(o) in base:
                paired.setdefault((o.criterion, o.metric), []).append(o.value - base[_key(o)].value)
        for name, values in paired.items():
            moved.setdefault(name, []).append((abs(float(np.mean(values))), len(values)))
    return [
        Floor(
            criterion=criterion,
            metric=metric,
            largest=max(by for by, _ in movements),
            typical=float(np.mean([by for by, _ in movements])),
            repeats=len(movements),
            n=min(n for _, n in movements),
        )
        for (criterion, metric), movements in moved.items()
    ]


def _key(outcome: Outcome) -> tuple[str, str, str]:
    return outcome.criterion, outcome.metric, outcome.unit
