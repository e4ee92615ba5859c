"""The regression gate: a run against the numbers that were accepted before.

A number is red when it got worse by more than its tolerance: the noise floor, or the half-width of the interval of the
difference where that is larger. Error and order are compared pair by pair on the same answers, other numbers by the
accepted interval. What has to be 0 gets no tolerance; a number that can no longer be computed is red as well.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import numpy as np
from pydantic import BaseModel, ConfigDict

from evals.baseline import Baseline, floors_of, gated
from evals.finished import FinishedRun
from evals.stats.catalogue import METRICS, MUST_BE_ZERO, broken_limit
from evals.stats.noise import deciding_outcomes, noise
from evals.stats.number import Number
from evals.stats.observations import POOLED, plain
from evals.stats.paired import Paired, difference_interval
from evals.stats.summary import Numbers, summarise

LEAST_TOLERANCE = 0.01
"""Nobody wants to read of a hundredth of a level."""
WITHOUT_INTERVAL = 0.1
"""The tolerance, in the metric's unit, where too few questions gave no interval."""

State = Literal["green", "red", "new"]


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Check(_Value):
    """One number against its baseline.

    Attributes:
        name: ``correctness.mae``, ``safety.false_flags``, ...
        accepted, now: None where it could not be computed; compared pair by pair, both over the shared answers.
        tolerance: how much worse it may be, in its own unit.
        why: in words.
    """

    name: str
    accepted: float | None
    now: float | None
    n: int
    tolerance: float
    state: State
    why: str

    @property
    def metric(self) -> str:
        """The metric's name alone."""
        return self.name.rpartition(".")[2]


class GateResult(_Value):
    """All checks; ``notes`` say what differs between the run and the baseline's run (suite, rubric)."""

    baseline: str
    variant: str
    checks: tuple[Check, ...]
    notes: tuple[str, ...]

    @property
    def red(self) -> tuple[Check, ...]:
        """What fails the gate."""
        return tuple(check for check in self.checks if check.state == "red")

    @property
    def measured(self) -> tuple[Check, ...]:
        """What has a value in the run or in the baseline: the suite holds such items."""
        return tuple(check for check in self.checks if check.accepted is not None or check.now is not None)


def gate(run: FinishedRun, baseline: Baseline, variant: str | None = None) -> GateResult:
    """A variant of a run (the last, unless named) against a baseline."""
    variant = variant or run.variants[-1]
    now = gated(summarise(run.results, variant))
    floors = floors_of(noise(run.results, variant))
    pairs = _pairs(run, baseline, variant)
    checks = [
        _check(name, accepted, now.get(name), max(floors.get(name, 0), baseline.floors.get(name, 0)), pairs.get(name))
        for name, accepted in baseline.numbers.items()
    ]
    return GateResult(
        baseline=f"{baseline.variant}, accepted {baseline.accepted}: {baseline.reason}",
        variant=variant,
        checks=(*checks, *_new(now, baseline.numbers)),
        notes=tuple(_notes(run, baseline)),
    )


def _pairs(run: FinishedRun, baseline: Baseline, variant: str) -> dict[str, Paired]:
    """The values kept in the baseline beside those of the run, for every number both have units of."""
    found: dict[str, list[tuple[float, float, str]]] = {}
    for o in deciding_outcomes(plain(run.results, variant)):
        accepted = baseline.units.get(f"{o.criterion}.{o.metric}", {}).get(o.unit)
        if o.criterion != POOLED and accepted is not None:
            for criterion in (o.criterion, POOLED):
                found.setdefault(f"{criterion}.{o.metric}", []).append((accepted, o.value, o.question))
    return {
        name: Paired(np.array([a for a, _, _ in values]), np.array([b for _, b, _ in values]), [q for *_, q in values])
        for name, values in found.items()
    }


def _check(name: str, accepted: Number, now: Number | None, floor: float, pairs: Paired | None) -> Check:
    metric = name.rpartition(".")[2]
    if pairs is not None and now is not None and now.value is not None:
        accepted, now, half = _shared(pairs)
    else:
        half = accepted.half_width
    tolerance = (
        0.0 if metric in MUST_BE_ZERO else max(LEAST_TOLERANCE, floor, WITHOUT_INTERVAL if half is None else half)
    )
    state, why = _state(metric, accepted, now, tolerance)
    value, n = (now.value, now.n) if now else (None, 0)
    return Check(name=name, accepted=accepted.value, now=value, n=n, tolerance=tolerance, state=state, why=why)


def _shared(pairs: Paired) -> tuple[Number, Number, float | None]:
    """Both means over the shared units, and the half-width of the interval of their difference."""
    low, high = difference_interval(pairs)
    before, after = (Number(value=float(values.mean()), n=pairs.n) for values in (pairs.base, pairs.other))
    return before, after, None if low is None or high is None else (high - low) / 2


def _state(metric: str, accepted: Number, now: Number | None, tolerance: float) -> tuple[State, str]:
    info = METRICS[metric]
    if now and now.value is not None and (broken := broken_limit(metric, now)):
        return "red", f"{broken} and is {info.write(now.value)} (n {now.n})"
    if accepted.value is None:
        return "green", f"had no value when accepted: {accepted.why}"
    if now is None or now.value is None:
        return "red", f"can no longer be computed: {now.why if now else 'nothing is labelled so'}"
    worse = now.value - accepted.value if info.better == "lower" else accepted.value - now.value
    moved = f"{info.write(accepted.value)} → {info.write(now.value)}"
    if worse > tolerance + 1e-9:
        return "red", f"{moved}: worse by {info.write(worse)}, tolerance {info.write(tolerance)}"
    return "green", f"{moved}, tolerance {info.write(tolerance)}"


def _new(now: Numbers, accepted: Numbers) -> Iterator[Check]:
    for name, number in now.items():
        if name not in accepted:
            broken = broken_limit(name.rpartition(".")[2], number)
            state: State = "red" if broken else "new"
            why = broken or "not in the baseline yet"
            yield Check(name=name, accepted=None, now=number.value, n=number.n, tolerance=0.0, state=state, why=why)


def _notes(run: FinishedRun, baseline: Baseline) -> Iterator[str]:
    hashes = run.head.hashes()
    for name, sha256 in baseline.hashes.items():
        if not name.startswith("prompt ") and hashes.get(name) not in (None, sha256):
            yield f"{name} has changed since the baseline was accepted: part of any difference may be the set's"
    if run.head.status != "done":
        yield f"the run is not complete ({run.head.status})"
