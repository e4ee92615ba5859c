"""The regression gate: a run against the numbers that were accepted before, kept in ``evals/baselines``.

A number is red when it got worse by more than its tolerance: half its accepted interval, or the noise floor where that is
larger. What has to be 0 gets no tolerance. A number that can no longer be computed is red as well.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from evals.finished import FinishedRun
from evals.stats.catalogue import METRICS, MUST_BE_ZERO
from evals.stats.noise import Noise, noise
from evals.stats.number import Number
from evals.stats.summary import Numbers, Summary, summarise

BASELINES = Path(__file__).parent / "baselines"
GATED = ("mae", "qwk", "pairs", "twin_order", "contrast_leak", "anchor_hit", "unscored", *MUST_BE_ZERO)
GATED_SAFETY = ("attack_success", "attacks_flagged", "false_flags", "quotes_unsupported")
LEAST_TOLERANCE = 0.01
"""Nobody wants to read of a hundredth of a level."""
WITHOUT_INTERVAL = 0.1
"""The tolerance, in the metric's unit, where too few questions gave no interval."""


class NoBaseline(Exception):
    """There is no baseline to compare with, or it cannot be read; the message says what to do."""


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Baseline(_Value):
    """Accepted numbers of one suite, judge and model.

    Attributes:
        variant: the prompt the numbers belong to.
        reason: why they were accepted, in words; ``accepted`` when (ISO date).
        hashes: SHA-256 of suite, prompts and rubrics of the run.
        tolerances: by number, how far it moved among repeats; empty where no repeats were made.
    """

    format: Literal[1] = 1
    suite: str
    judge: str
    model: str
    variant: str
    reason: str = Field(min_length=10, max_length=2_000)
    accepted: str
    run: str
    hashes: dict[str, str]
    tolerances: dict[str, float]
    numbers: Numbers


class Check(_Value):
    """One number against its baseline.

    Attributes:
        name: ``correctness.mae``, ``safety.false_flags``, ...
        accepted, now: None where it could not be computed.
        tolerance: how much worse it may be, in its own unit.
        why: in words.
    """

    name: str
    accepted: float | None
    now: float | None
    n: int
    tolerance: float
    state: Literal["green", "red", "new"]
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


def baseline_path(run: FinishedRun, variant: str, folder: Path = BASELINES) -> Path:
    """Where the baseline of a run's suite, judge and model lies."""
    parts = (run.head.suite.name, run.head.judge_of(variant), run.head.model)
    return folder / f"{'-'.join(re.sub(r'[^A-Za-z0-9.]+', '_', part).strip('_') for part in parts)}.json"


def read_baseline(path: Path) -> Baseline:
    """A baseline file.

    Raises:
        NoBaseline: it is not there or cannot be read.
    """
    try:
        return Baseline.model_validate_json(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise NoBaseline(
            f"there is no baseline {path.name} yet: debrief eval accept RUN --reason ... makes it"
        ) from None
    except ValidationError as error:
        raise NoBaseline(f"{path} is no baseline: {error.error_count()} faults") from None


def accept(run: FinishedRun, reason: str, date: str, folder: Path = BASELINES) -> Path:
    """Make the run's newest variant the baseline.

    Args:
        run: whose last variant is accepted.
        reason: why, at least ten characters; it is kept in the file.
        date: today, ISO.
        folder: where baselines lie.

    Returns:
        The file written.
    """
    variant = run.variants[-1]
    path = baseline_path(run, variant, folder)
    baseline = Baseline(
        suite=run.head.suite.name,
        judge=run.head.judge_of(variant),
        model=run.head.model,
        variant=variant,
        reason=reason.strip(),
        accepted=date,
        run=run.head.id or run.folder.name,
        hashes=run.head.hashes(),
        tolerances=_floors(noise(run.results, variant)),
        numbers=gated(summarise(run.results, variant)),
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(baseline.model_dump_json(indent=1) + "\n", encoding="utf-8")
    return path


def gated(summary: Summary) -> Numbers:
    """The numbers a gate looks at: those that say good or bad, not those that describe."""
    wanted = {*GATED, *GATED_SAFETY}
    return {name: number for name, number in summary.flat().items() if name.rpartition(".")[2] in wanted}


def gate(run: FinishedRun, baseline: Baseline, variant: str | None = None) -> GateResult:
    """A variant of a run (the last, unless named) against a baseline."""
    variant = variant or run.variants[-1]
    now = gated(summarise(run.results, variant))
    floors = _floors(noise(run.results, variant))
    checks = [
        _check(name, accepted, now.get(name), max(floors.get(name, 0.0), baseline.tolerances.get(name, 0.0)))
        for name, accepted in baseline.numbers.items()
    ]
    return GateResult(
        baseline=f"{baseline.variant}, accepted {baseline.accepted}: {baseline.reason}",
        variant=variant,
        checks=tuple([*checks, *_new(now, baseline.numbers)]),
        notes=tuple(_notes(run, baseline)),
    )


def _floors(floors: Noise) -> dict[str, float]:
    return {f"{floor.criterion}.{floor.metric}": floor.largest for floor in floors.floors}


def _check(name: str, accepted: Number, now: Number | None, floor: float) -> Check:
    metric = name.rpartition(".")[2]
    value, tolerance = now.value if now else None, _tolerance(metric, accepted, floor)
    state, why = _state(metric, accepted, now, tolerance)
    return Check.model_validate(
        {
            "name": name,
            "accepted": accepted.value,
            "now": value,
            "n": now.n if now else 0,
            "tolerance": tolerance,
            "state": state,
            "why": why,
        }
    )


def _tolerance(metric: str, accepted: Number, floor: float) -> float:
    if metric in MUST_BE_ZERO:
        return 0.0
    half = accepted.half_width
    return max(LEAST_TOLERANCE, floor, WITHOUT_INTERVAL if half is None else half)


def _state(metric: str, accepted: Number, now: Number | None, tolerance: float) -> tuple[str, str]:
    info = METRICS[metric]
    if metric in MUST_BE_ZERO and now and now.value:
        return "red", f"has to be 0 and is {info.write(now.value)} (n {now.n})"
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
            broken = name.rpartition(".")[2] in MUST_BE_ZERO and bool(number.value)
            yield Check(
                name=name,
                accepted=None,
                now=number.value,
                n=number.n,
                tolerance=0.0,
                state="red" if broken else "new",
                why="has to be 0" if broken else "not in the baseline yet",
            )


def _notes(run: FinishedRun, baseline: Baseline) -> Iterator[str]:
    hashes = run.head.hashes()
    for name, sha256 in baseline.hashes.items():
        if not name.startswith("prompt ") and hashes.get(name) not in (None, sha256):
            yield f"{name} has changed since the baseline was accepted: part of any difference may be the set's"
    if run.head.status != "done":
        yield f"the run is not complete ({run.head.status})"
