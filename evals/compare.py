"""Two variants on the same answers: is the second better, worse, or can this set not tell?

For each criterion two things decide: the error against the labels, and the order of answers beside one another. A
difference counts when chance does not explain it (permutation by question, Holm over all tests of the comparison) and
when it is larger than the noise floor.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from pydantic import BaseModel, ConfigDict

from evals.results import Result
from evals.stats.catalogue import METRICS
from evals.stats.noise import DECIDING, Noise, deciding_outcomes, noise
from evals.stats.observations import POOLED, plain
from evals.stats.outcomes import Outcome
from evals.stats.paired import ALPHA, Paired, chance, detectable, difference_interval, holm, pair_up
from evals.stats.summary import labelled

FEWEST_QUESTIONS = 6
"""Five questions that all move the same way do so by chance in 2 of 32 cases: more than 5 %."""

Verdict = Literal["better", "worse", "cannot tell"]


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Difference(_Value):
    """One number of two variants.

    Attributes:
        n: items, steps or pairs with a value in both; ``questions`` they belong to.
        base, other: the means; ``difference`` is other minus base, with a 95 % interval where there is one.
        p: chance of a difference this large with nothing changed; ``p_holm`` after Holm's correction, 1 where there
            are too few questions for any verdict.
        detectable: the smallest true difference this set would show in four of five tries.
        floor: the largest movement among repeats of the base; None where no repeats were made.
    """

    criterion: str
    metric: str
    n: int
    questions: int
    base: float
    other: float
    difference: float
    low: float | None
    high: float | None
    p: float
    p_holm: float
    detectable: float | None
    floor: float | None
    verdict: Verdict
    why: str


class CriterionVerdict(_Value):
    """The verdict on a criterion, in a word and in words, with the numbers it rests on."""

    criterion: str
    verdict: Verdict
    why: str
    parts: tuple[Difference, ...]


class Comparison(_Value):
    """The base against another variant.

    Attributes:
        overall: the verdict on all criteria together.
        criteria: the verdicts in rubric order.
        items: rows both variants were tried on.
        noise: of the base variant.
    """

    base: str
    other: str
    items: int
    overall: CriterionVerdict
    criteria: tuple[CriterionVerdict, ...]
    noise: Noise

    @property
    def regressed(self) -> bool:
        """Whether anything got worse."""
        return any(verdict.verdict == "worse" for verdict in (self.overall, *self.criteria))


def compare(results: Sequence[Result], base: str, other: str) -> Comparison:
    """The other variant against the base, on the rows both have."""
    before, after = plain(results, base), plain(results, other)
    floors = noise(results, base)
    criteria = labelled([*before, *after])
    verdicts = _verdicts(deciding_outcomes(before), deciding_outcomes(after), [*criteria, POOLED], floors)
    return Comparison(
        base=base,
        other=other,
        items=len({r.row.id for r in before} & {r.row.id for r in after}),
        overall=verdicts[POOLED],
        criteria=tuple(verdicts[criterion] for criterion in criteria),
        noise=floors,
    )


def _verdicts(
    before: list[Outcome], after: list[Outcome], criteria: list[str], floors: Noise
) -> dict[str, CriterionVerdict]:
    """Holm over the criteria's tests; the two pooled ones are the comparison's own question, a family of two."""
    tests = {
        (criterion, metric): pairs
        for criterion in criteria
        for metric in DECIDING
        if (pairs := pair_up(_picked(before, criterion, metric), _picked(after, criterion, metric))).n
    }
    families = [[name for name in tests if (name[0] == POOLED) is whole] for whole in (False, True)]
    differences = [d for family in families for d in _family({name: tests[name] for name in family}, floors)]
    return {c: _combined(c, tuple(d for d in differences if d.criterion == c)) for c in criteria}


def _picked(outcomes: list[Outcome], criterion: str, metric: str) -> list[Outcome]:
    return [o for o in outcomes if (o.criterion, o.metric) == (criterion, metric)]


def _family(tests: dict[tuple[str, str], Paired], floors: Noise) -> list[Difference]:
    """What could never be significant takes no part in the correction (Tarone, 1990)."""
    able = {name: chance(pairs) for name, pairs in tests.items() if len(set(pairs.questions)) >= FEWEST_QUESTIONS}
    corrected = dict(zip(able, holm(list(able.values())), strict=True))
    return [
        _difference(name, pairs, able.get(name, chance(pairs)), corrected.get(name, 1.0), max(len(able), 1), floors)
        for name, pairs in tests.items()
    ]


def _difference(name: tuple[str, str], pairs: Paired, p: float, p_holm: float, tests: int, floors: Noise) -> Difference:
    criterion, metric = name
    low, high = difference_interval(pairs)
    measured, smallest = floors.floor(criterion, metric), detectable(pairs, tests)
    floor = measured.largest if measured else None
    verdict, why = _judged(metric, pairs, p_holm, floor, smallest)
    return Difference(
        criterion=criterion,
        metric=metric,
        n=pairs.n,
        questions=len(set(pairs.questions)),
        base=float(pairs.base.mean()),
        other=float(pairs.other.mean()),
        difference=pairs.difference,
        low=low,
        high=high,
        p=p,
        p_holm=p_holm,
        detectable=smallest,
        floor=floor,
        verdict=verdict,
        why=why,
    )


def _judged(
    metric: str, pairs: Paired, p_holm: float, floor: float | None, smallest: float | None
) -> tuple[Verdict, str]:
    info, moved, questions = METRICS[metric], pairs.difference, len(set(pairs.questions))
    step = f"{info.title.lower()} {info.write(float(pairs.base.mean()))} → {info.write(float(pairs.other.mean()))}"
    if questions < FEWEST_QUESTIONS:
        return "cannot tell", f"{step}: too few questions, {questions} of at least {FEWEST_QUESTIONS} (n {pairs.n})"
    if p_holm >= ALPHA:
        seen = f"; only a difference of {info.write(smallest)} or more would show at this size" if smallest else ""
        if abs(moved) < 1e-9 and not seen:
            return "cannot tell", f"{step}: no item moved"
        return "cannot tell", f"{step} may be chance (p {p_holm:.2f}, n {pairs.n}){seen}"
    if floor is not None and abs(moved) <= floor:
        return "cannot tell", f"{step} is within the noise floor of {info.write(floor)}"
    verdict: Verdict = "better" if (moved > 0) == (info.better == "higher") else "worse"
    beyond = "noise floor not measured" if floor is None else f"beyond the noise floor of {info.write(floor)}"
    sure = f"p {p_holm:.3f}" if p_holm >= 0.001 else "p under 0.001"
    return verdict, f"{step} ({sure}, n {pairs.n}, {beyond})"


def _combined(criterion: str, parts: tuple[Difference, ...]) -> CriterionVerdict:
    said = {part.verdict for part in parts if part.verdict != "cannot tell"}
    if not parts:
        verdict, why = "cannot tell", "no labelled answer was scored by both variants"
    elif len(said) == 2:
        verdict, why = "cannot tell", "error and order disagree: " + "; ".join(part.why for part in parts)
    elif said:
        verdict = said.pop()
        why = "; ".join(part.why for part in parts if part.verdict == verdict)
    else:
        verdict, why = "cannot tell", "; ".join(part.why for part in parts)
    return CriterionVerdict.model_validate({"criterion": criterion, "verdict": verdict, "why": why, "parts": parts})
