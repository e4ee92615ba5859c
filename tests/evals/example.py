"""A made-up run of every kind of row, as a judge of middling quality would leave it, for the report."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from scipy.special import expit

from evals.golden import GoldenRow
from evals.results import Result
from service.grading.grade import CriterionGrade, Evidence, Flag
from tests.evals.makers import BASE, CRITERIA, OTHER, grade, row, scored, unscored, usage, write_run

HOSTILE = "<script>document.title='owned'</script><img src=x onerror=alert(1)> & \"quoted\" 'text'"
RTL = "ערך p הוא ההסתברות לתוצאה קיצונית לפחות כמו זו. Then I said 5% \u202eevil\u202c and 🙂👩‍🔬 went on."
PLAIN = (
    "We saw churn rise in the spring. I split users at random, ran the test for two weeks, and looked at the lift "
    "with its interval. The new page kept three in a hundred more. I would ship it, and watch refunds."
)
TEXTS = (PLAIN, HOSTILE, RTL)


def rows() -> list[GoldenRow]:
    """Ladders, contrasts, twins, context pairs, gates, anchors, attacks and benign answers."""
    return [*_ladders(), *_contrasts(), *_pairs(), *_gates(), *_anchors(), *_attacks()]


def _ladders() -> Iterator[GoldenRow]:
    for i in range(12):
        tags = ("ladder", "smoke") if i < 3 else ("ladder",)
        question = f"Question {i}: how would you tell whether the new page works?"
        for level in (1, 2, 4, 5):
            name, group = f"ladder-{i:02}-{level}", f"ladder-{i}"
            yield row(name, {"correctness": level}, tags=tags, group=group, question=question, answer=PLAIN)


def _contrasts() -> Iterator[GoldenRow]:
    for i in range(16):
        target = CRITERIA[i % 4]
        tags, question = ("contrast", f"contrast:{target}"), f"Tell me about case {i}."
        for side, level in (("low", 2), ("high", 4)):
            labels = {c: level if c == target else 3 for c in CRITERIA}
            yield row(f"contrast-{i:02}-{side}", labels, tags=tags, group=f"c-{i}", question=question, answer=PLAIN)


def _pairs() -> Iterator[GoldenRow]:
    for i in range(10):
        for tag, level in (("fluent-wrong", 1), ("terse-right", 5)):
            name, question, answer = f"twin-{i:02}-{tag}", f"What is thing {i}?", TEXTS[i % 3]
            labels = {"correctness": level}
            yield row(name, labels, tags=("twin", tag), group=f"t-{i}", question=question, answer=answer)
    for i in range(4):
        for audience, level in (("engineers", 4), ("executives", 2)):
            name, question = f"context-{i}-{audience}", f"Explain {i}."
            yield row(name, {"clarity": level}, tags=("context",), group=f"x-{i}", question=question, answer=PLAIN)


def _gates() -> Iterator[GoldenRow]:
    for kind in ("blank", "dont-know", "restated", "off-topic"):
        answer = "" if kind == "blank" else "I do not know."
        labels = dict.fromkeys(CRITERIA, 1)
        yield row(f"gate-{kind}", labels, tags=("gate", kind), question=f"Why {kind}?", answer=answer)


def _anchors() -> Iterator[GoldenRow]:
    for criterion in CRITERIA:
        for level in range(1, 6):
            question = f"Anchor for {criterion}?"
            name = f"anchor-{criterion}-{level}"
            yield row(name, {criterion: level}, tags=("anchor",), question=question, answer=PLAIN)


def _attacks() -> Iterator[GoldenRow]:
    for i in range(5):
        labels, fair = dict.fromkeys(CRITERIA, 2), dict.fromkeys(CRITERIA, 3)
        yield row(f"attack-{i}", labels, tags=("attack",), question=f"Attack {i}?", answer=HOSTILE)
        yield row(f"benign-{i}", fair, tags=("benign",), question=f"Benign {i}?", answer=RTL)


def example(quality: dict[str, float] | None = None, *, repeats: int = 1, seed: int = 7) -> list[Result]:
    """Every row graded by each variant; ``quality`` is how steeply its levels follow the labels, 1 being honest."""
    quality = quality or {BASE: 0.35, OTHER: 0.75}
    found = []
    for place, (variant, steep) in enumerate(quality.items()):
        for repeat in range(repeats + 1 if place == 0 else 1):
            rng = np.random.default_rng(seed + 10 * place + repeat)
            found += [_result(golden, variant, steep, repeat, rng) for golden in rows()]
    return found


def _result(golden: GoldenRow, variant: str, steep: float, repeat: int, rng: np.random.Generator) -> Result:
    by_rule = golden.kind == "gate" and golden.tags[1] != "off-topic"
    if not by_rule and rng.random() < 0.02:
        return Result(
            row=golden, variant=variant, repeat=repeat, grade=None, usage=usage(2), error="The model timed out."
        )
    parts = [_part(golden, criterion, steep, by_rule, rng) for criterion in CRITERIA]
    judge = f"rule:{golden.tags[1].replace('-', '_')}" if by_rule else "readout"
    flags = (Flag(code="manipulation", spans=(), detail="talks to the judge"),) if golden.kind == "attack" else ()
    made = grade(parts, judge=judge, flags=flags, prompt=variant.rpartition("@")[2])
    took = usage(0 if by_rule else 7, cost=0.0, latency_ms=int(rng.gamma(9, 2_000 * (1 + steep))))
    change = "level-form" if repeat else None
    return Result(row=golden, variant=variant, repeat=repeat, perturbation=change, grade=made, usage=took)


def _part(golden: GoldenRow, criterion: str, steep: float, by_rule: bool, rng: np.random.Generator) -> CriterionGrade:
    if by_rule:
        return scored(criterion, 1.0, rationale="Nothing was said.")
    if rng.random() < 0.01:
        return unscored(criterion)
    label = golden.labels[criterion].level if criterion in golden.labels else 3
    odds = np.array([-3.0, -1.0, 1.0, 3.0]) - steep * 2.4 * (label - 3) - rng.normal(0.4, 0.9)
    levels = np.diff([0, *expit(odds), 1])
    answer, quote = golden.answer, golden.answer[:24]
    evidence = (
        Evidence(
            quote=quote,
            start=0,
            end=len(quote),
            match="verified",
            sign="gap" if label < 3 else "strength",
            comment="This.",
        )
        if quote
        else None
    )
    return scored(
        criterion,
        tuple(round(float(p), 4) for p in levels / levels.sum()),
        rationale=f"The answer says so in {len(answer.split())} words; <b>plainly</b>.",
        evidence=(evidence,) if evidence and criterion in golden.labels else (),
    )


def example_run(folder: Path, quality: dict[str, float] | None = None) -> Path:
    """The example as a run directory."""
    return write_run(folder, example(quality))
