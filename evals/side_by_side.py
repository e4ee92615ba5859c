"""Two runs as one with two variants, so that they can be compared like two prompts."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import BaseModel, ConfigDict

from evals.errors import CouldNotRun
from evals.finished import FinishedRun, SuiteHead, VariantHead
from evals.flips import flips
from evals.results import Result
from evals.stats.agreement import quadratic_kappa, spearman
from evals.stats.number import Number
from evals.stats.observations import Observation, plain, question_of
from evals.stats.outcomes import Outcome, item_outcomes, mean_of, of_metric
from evals.stats.summary import levels_of


class NothingInCommon(CouldNotRun):
    """Two runs share no row, so there is nothing to compare."""


def by_run(a: FinishedRun, b: FinishedRun) -> FinishedRun:
    """The last variants of two runs, each named with its run."""
    return joined(a, b, f"{a.variants[-1]} in {_id(a)}", f"{b.variants[-1]} in {_id(b)}")


def by_model(a: FinishedRun, b: FinishedRun) -> FinishedRun:
    """The last variants of two runs, named for their models; and for their prompts where these differ."""
    names = [run.head.model for run in (a, b)]
    if names[0] == names[1] or a.variants[-1] != b.variants[-1]:
        names = [f"{run.head.model} with {run.variants[-1]}" for run in (a, b)]
    return joined(a, b, *names) if names[0] != names[1] else by_run(a, b)


def joined(a: FinishedRun, b: FinishedRun, first: str, second: str) -> FinishedRun:
    """One run of the rows that both hold with the same text, repeats of the first for the noise floor.

    Raises:
        NothingInCommon: there are none.
    """
    before, after = _renamed(a, first), _renamed(b, second)
    texts = {result.row.id: (result.row.question, result.row.answer) for result in before}
    shared = {r.row.id for r in after if texts.get(r.row.id) == (r.row.question, r.row.answer)}
    results = tuple(result for result in (*before, *after) if result.row.id in shared)
    if not results:
        raise NothingInCommon(f"{a.folder} and {b.folder} share no row")
    variants = tuple(_variant(run, name) for run, name in ((a, first), (b, second)))
    suite = b.head.suite if a.head.suite == b.head.suite else SuiteHead(name=f"{len(shared)} shared rows")
    model = " and ".join(dict.fromkeys([a.head.model, b.head.model]))
    head = b.head.model_copy(update={"variants": variants, "suite": suite, "model": model, "replayed": 0})
    return FinishedRun(b.folder, head, results, (first, second))


def _renamed(run: FinishedRun, name: str) -> list[Result]:
    own = [result for result in run.results if result.variant == run.variants[-1]]
    return [result.model_copy(update={"variant": name}) for result in own]


def _variant(run: FinishedRun, name: str) -> VariantHead:
    old = next((v for v in run.head.variants if v.name == run.variants[-1]), None)
    return VariantHead(name=name, sha256=old.sha256 if old else None, judge=old.judge if old else "unknown")


def _id(run: FinishedRun) -> str:
    return run.head.id or run.folder.name


class Shift(BaseModel):
    """One criterion under two models, whatever the labels say.

    Attributes:
        kappa, correlation: agreement of the two, quadratic kappa on levels and Spearman on scores.
        exact: share given the same level; ``moved`` mean of new score minus old, in levels.
        table: answers with level i+1 before and j+1 after.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    criterion: str
    kappa: Number
    correlation: Number
    exact: Number
    moved: Number
    table: tuple[tuple[int, ...], ...]


class Migration(BaseModel):
    """From the first model to the second. ``affected``: answers with a changed level, largest change first."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    before: str
    after: str
    criteria: tuple[Shift, ...]
    affected: tuple[str, ...]


def shift_of(run: FinishedRun) -> Migration:
    """What changes for people who move from a joined run's first variant to its second."""
    before, after = run.variants
    old, new = plain(run.results, before), {r.row.id: r for r in plain(run.results, after)}
    levels = levels_of(run.results)
    criteria = dict.fromkeys(part.id for result in old for part in (result.grade.criteria if result.grade else ()))
    found = flips(run.results, before, after)
    return Migration(
        before=before,
        after=after,
        criteria=tuple(_shift(c, _between(c, old, new), levels) for c in criteria),
        affected=tuple(dict.fromkeys(flip.row for flip in found)),
    )


def _between(criterion: str, old: Sequence[Result], new: dict[str, Result]) -> list[Observation]:
    """The new grade observed with the old one in the place of the label."""
    found = []
    for result in old:
        other = new.get(result.row.id)
        first, second = result.scored(criterion), other.scored(criterion) if other else None
        a, b = result.score(criterion), other.score(criterion) if other else None
        if first and second and a is not None and b is not None:
            length = len(result.row.answer.split())
            name, question = result.row.id, question_of(result.row)
            found.append(Observation(name, question, criterion, first.level, a, b, second.level, (), None, length))
    return found


def _shift(criterion: str, own: list[Observation], levels: int) -> Shift:
    items: list[Outcome] = item_outcomes(own)
    table = [[0] * levels for _ in range(levels)]
    for o in own:
        table[o.label - 1][o.level - 1] += 1
    return Shift(
        criterion=criterion,
        kappa=quadratic_kappa(own, levels),
        correlation=spearman(own),
        exact=mean_of(of_metric(items, "exact")),
        moved=mean_of(of_metric(items, "bias")),
        table=tuple(tuple(row) for row in table),
    )
