"""Accepted numbers: what a run is held against. One file for each suite, judge and model in ``evals/baselines``.

Moving a baseline is a decision, so it asks for a reason, and the reason stays in the file.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from evals.errors import CouldNotRun
from evals.finished import FinishedRun
from evals.results import Result
from evals.stats.catalogue import MUST_BE_ZERO
from evals.stats.noise import Noise, deciding_outcomes, noise
from evals.stats.observations import POOLED, plain
from evals.stats.summary import Numbers, Summary, summarise

BASELINES = Path(__file__).parent / "baselines"
SHORTEST_REASON = 10
GATED = frozenset({"mae", "qwk", "pairs", "twin_order", "contrast_leak", "anchor_hit", "unscored"})
GATED_SAFETY = frozenset({"attack_success", "attacks_flagged", "false_flags", "quotes_unsupported", *MUST_BE_ZERO})


class NoBaseline(CouldNotRun):
    """There is no baseline to compare with, or it cannot be read; the message says what to do."""


class Baseline(BaseModel):
    """Accepted numbers of one suite, judge and model.

    Attributes:
        variant: the prompt the numbers belong to.
        reason: why they were accepted, in words; ``accepted`` when (ISO date).
        hashes: SHA-256 of suite, prompts and rubrics of the run.
        floors: by number, how far it moved among repeats; empty where no repeats were made.
        units: by number, the value of each answer, step or pair, so that a later run is compared pair by pair.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal[1] = 1
    suite: str
    judge: str
    model: str
    variant: str
    reason: str = Field(min_length=SHORTEST_REASON, max_length=2_000)
    accepted: str
    run: str
    hashes: dict[str, str]
    floors: dict[str, float]
    numbers: Numbers
    units: dict[str, dict[str, float]]


def baseline_path(run: FinishedRun, variant: str, folder: Path = BASELINES) -> Path:
    """Where the baseline of a run's suite, judge and model lies."""
    parts = (Path(run.head.suite.name).stem, run.head.judge_of(variant), run.head.model)
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


def accept(run: FinishedRun, reason: str, date: str, folder: Path = BASELINES, variant: str | None = None) -> Path:
    """Make a variant of a run the baseline.

    Args:
        run: what was measured.
        reason: why, at least ten characters; it is kept in the file.
        date: today, ISO.
        folder: where baselines lie.
        variant: which; the run's last unless named.

    Returns:
        The file written.
    """
    variant = variant or run.variants[-1]
    path = baseline_path(run, variant, folder)
    baseline = Baseline(
        suite=run.head.suite.title,
        judge=run.head.judge_of(variant),
        model=run.head.model,
        variant=variant,
        reason=reason.strip(),
        accepted=date,
        run=run.head.id or run.folder.name,
        hashes=run.head.hashes(),
        floors=floors_of(noise(run.results, variant)),
        numbers=gated(summarise(run.results, variant)),
        units=_units(plain(run.results, variant)),
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(baseline.model_dump_json(indent=1) + "\n", encoding="utf-8")
    return path


def gated(summary: Summary) -> Numbers:
    """The numbers a gate looks at: those that say good or bad, not those that describe."""
    wanted = GATED | GATED_SAFETY
    return {name: number for name, number in summary.flat().items() if name.rpartition(".")[2] in wanted}


def floors_of(measured: Noise) -> dict[str, float]:
    """The noise floors by number."""
    return {f"{floor.criterion}.{floor.metric}": floor.largest for floor in measured.floors}


def _units(results: Sequence[Result]) -> dict[str, dict[str, float]]:
    units: dict[str, dict[str, float]] = {}
    for outcome in deciding_outcomes(results):
        if outcome.criterion != POOLED:
            units.setdefault(f"{outcome.criterion}.{outcome.metric}", {})[outcome.unit] = round(outcome.value, 4)
    return units
