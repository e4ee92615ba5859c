"""Judges beside each other over several runs: how far each agrees with the labels of each suite, and what it takes."""

from __future__ import annotations

from collections.abc import Iterable

from pydantic import BaseModel, ConfigDict

from evals.finished import FinishedRun, Spent
from evals.stats.number import Number
from evals.stats.observations import POOLED
from evals.stats.summary import Summary, summarise

AGREEMENT = ("pearson", "spearman", "mae", "pairs")


class Standing(BaseModel):
    """One variant on one suite.

    Attributes:
        graded: answers with a grade, of ``items``.
        criterion: of which the numbers are; all together unless one was asked for.
        numbers: those of :data:`AGREEMENT`.
        calls, tokens: an answer, as sent and received; None where the run kept no account.
        seconds: of model calls, an answer; calls made at once count more than once.
        cost_usd: an answer; None where a price is unknown.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    suite: str
    judge: str
    variant: str
    model: str
    graded: int
    items: int
    criterion: str
    numbers: dict[str, Number]
    calls: float | None = None
    tokens: float | None = None
    seconds: float | None = None
    cost_usd: float | None = None


def standings(runs: Iterable[FinishedRun], criterion: str = POOLED) -> list[Standing]:
    """Every variant of every run, suites in the order they come first, judges within them as given.

    A variant whose run has no labels of the criterion is left out.
    """
    found = [one for run in runs for name in run.variants if (one := _standing(run, name, criterion))]
    order = {suite: place for place, suite in enumerate(dict.fromkeys(one.suite for one in found))}
    return sorted(found, key=lambda one: order[one.suite])


def _standing(run: FinishedRun, variant: str, criterion: str) -> Standing | None:
    summary = summarise(run.results, variant)
    if criterion not in {part.criterion for part in summary.criteria}:
        return None
    numbers = summary.of(criterion).numbers
    return Standing(
        suite=run.head.suite.title,
        judge=run.head.judge_of(variant),
        variant=variant,
        model=run.head.model,
        graded=summary.graded,
        items=summary.items,
        criterion=criterion,
        numbers={name: numbers[name] for name in AGREEMENT},
        **_effort(run.head.in_full.get(variant), run, summary),
    )


def _effort(spent: Spent | None, run: FinishedRun, summary: Summary) -> dict[str, float | None]:
    """What an answer took, repeats counted in."""
    answers = sum(result.variant == summary.variant and result.grade is not None for result in run.results)
    if spent is None or not answers:
        return {}
    return {
        "calls": spent.calls / answers,
        "tokens": (spent.input_tokens + spent.output_tokens) / answers,
        "seconds": spent.seconds / answers,
        "cost_usd": None if spent.cost_usd is None else spent.cost_usd / answers,
    }
