"""Answers beside answers: ladders, contrast pairs, twins, context pairs, anchors.

Which of two answers is better can be known without dispute where the exact level cannot; so these are the numbers to
trust first. A step in the right order counts 1, a tie one half, a reversal 0.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise

from scipy import stats

from evals.golden import ANCHOR
from evals.results import Result
from evals.stats.observations import question_of, score_of
from evals.stats.outcomes import Outcome

TIE = 0.001
"""Scores this close are a tie; distributions are kept with four decimals."""
SMALL_LEAK = 0.5
CORRECTNESS = "correctness"
FLUENT_WRONG, TERSE_RIGHT = "fluent-wrong", "terse-right"
PAIRED = ("ladder_order", "contrast_order", "twin_order", "context_order")
"""The metrics that say whether of two answers the better one scores higher."""


def order_outcomes(results: Sequence[Result]) -> list[Outcome]:
    """Every outcome of ladders, pairs and anchors among a variant's results."""
    groups: dict[tuple[str, str], list[Result]] = defaultdict(list)
    for result in results:
        if result.row.group is not None:
            groups[result.row.kind, result.row.group].append(result)
    found = [outcome for (kind, _), members in groups.items() for outcome in _of_group(kind, members)]
    return found + [outcome for result in results for outcome in _anchor(result)]


def _of_group(kind: str, members: list[Result]) -> Iterator[Outcome]:
    if kind == "ladder":
        yield from _ladder(members)
    elif len(members) == 2:
        yield from {"contrast": _contrast, "twin": _twin, "context": _context}.get(kind, _nothing)(*members)


def _nothing(_one: Result, _other: Result) -> Iterator[Outcome]:
    yield from ()


def _ladder(members: list[Result]) -> Iterator[Outcome]:
    for criterion in _rising(members):
        steps = sorted(
            (m.row.labels[criterion].truth, m.row.id, score)
            for m in members
            if criterion in m.row.labels and (score := score_of(m, criterion)) is not None
        )
        first = members[0]
        for (low, below, worse), (high, above, better) in pairwise(steps):
            if high > low:
                yield _outcome("ladder_order", criterion, f"{below} < {above}", first, in_order(worse, better))
                yield _outcome("ladder_ties", criterion, f"{below} < {above}", first, float(_tied(worse, better)))
        if len({truth for truth, _, _ in steps}) > 1:
            tau = _tau([truth for truth, _, _ in steps], [score for _, _, score in steps])
            yield _outcome("ladder_tau", criterion, str(first.row.group), first, tau)


def _tau(truths: Sequence[float], scores: Sequence[float]) -> float:
    """Kendall's tau-b of one ladder; 0 when every score is the same, since then nothing is put in order."""
    if max(scores) - min(scores) <= TIE:
        return 0.0
    return float(stats.kendalltau(truths, scores).statistic)


def _rising(members: Iterable[Result]) -> list[str]:
    truths: dict[str, set[float]] = defaultdict(set)
    for member in members:
        for criterion, label in member.row.labels.items():
            truths[criterion].add(label.truth)
    return [criterion for criterion, values in truths.items() if len(values) > 1]


def contrast_target(result: Result) -> str | None:
    """The criterion a contrast row is about, from its tag ``contrast:<criterion>``."""
    return next((tag.partition(":")[2] for tag in result.row.tags if tag.startswith("contrast:")), None)


def _contrast(one: Result, other: Result) -> Iterator[Outcome]:
    target = contrast_target(one)
    if target is None:
        return
    moved = _moved(one, other, target)
    if moved is not None:
        worse, better = moved
        yield _pair("contrast_order", target, one, other, in_order(worse, better))
        yield _pair("contrast_gain", target, one, other, better - worse)
    leaks = [
        change for c in _scored_in_both(one, other) if c != target if (change := _change(one, other, c)) is not None
    ]
    if leaks:
        leak = sum(leaks) / len(leaks)
        yield _pair("contrast_leak", target, one, other, leak)
        yield _pair("contrast_clean", target, one, other, float(leak < SMALL_LEAK))


def _twin(one: Result, other: Result) -> Iterator[Outcome]:
    tagged = {tag: result for result in (one, other) for tag in result.row.tags if tag in (FLUENT_WRONG, TERSE_RIGHT)}
    if len(tagged) == 2:
        wrong, right = (score_of(tagged[tag], CORRECTNESS) for tag in (FLUENT_WRONG, TERSE_RIGHT))
        if wrong is not None and right is not None:
            yield _pair("twin_order", CORRECTNESS, one, other, in_order(wrong, right))
            yield _pair("twin_gap", CORRECTNESS, one, other, right - wrong)


def _context(one: Result, other: Result) -> Iterator[Outcome]:
    for criterion in _rising((one, other)):
        if moved := _moved(one, other, criterion):
            yield _pair("context_order", criterion, one, other, in_order(*moved))


def _anchor(result: Result) -> Iterator[Outcome]:
    if result.row.kind != ANCHOR:
        return
    for criterion, label in result.row.labels.items():
        if (scored := result.scored(criterion)) is not None:
            yield _outcome("anchor_hit", criterion, result.row.id, result, float(scored.level == label.level))


def in_order(worse: float, better: float) -> float:
    """1 when the better answer scores higher, 0 when lower, one half for a tie."""
    return 0.5 if _tied(worse, better) else float(better > worse)


def _tied(worse: float, better: float) -> bool:
    return abs(better - worse) <= TIE


def _moved(one: Result, other: Result, criterion: str) -> tuple[float, float] | None:
    """The scores of the worse and the better answer, as the labels order them."""
    labels = [result.row.labels.get(criterion) for result in (one, other)]
    scores = [score_of(result, criterion) for result in (one, other)]
    if None in labels or None in scores:
        return None
    (first, a), (second, b) = (
        (label.truth, s) for label, s in zip(labels, scores, strict=True) if label and s is not None
    )
    if first == second:
        return None
    return (a, b) if first < second else (b, a)


def _scored_in_both(one: Result, other: Result) -> list[str]:
    return [part.id for part in (one.grade.criteria if one.grade else ()) if other.scored(part.id)]


def _change(one: Result, other: Result, criterion: str) -> float | None:
    before, after = one.score(criterion), other.score(criterion)
    return None if before is None or after is None else abs(after - before)


def _pair(metric: str, criterion: str, one: Result, other: Result, value: float) -> Outcome:
    return _outcome(metric, criterion, " | ".join(sorted((one.row.id, other.row.id))), one, value)


def _outcome(metric: str, criterion: str, unit: str, result: Result, value: float) -> Outcome:
    return Outcome(metric, criterion, unit, question_of(result.row), value)
