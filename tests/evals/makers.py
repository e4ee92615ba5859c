"""Makers of rows, grades and runs with known numbers."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from evals.golden import GoldenRow, Label
from evals.results import Result
from service.grading.grade import (
    ArtefactRef,
    CommentaryStatus,
    CriterionGrade,
    Evidence,
    Flag,
    Grade,
    GradeStatus,
    ModelRef,
    Overall,
    Reason,
    Receipt,
    Review,
    ScoredCriterion,
    UnscoredCriterion,
    Usage,
)

BASE, OTHER = "judge-readout@1", "judge-readout@2"
CRITERIA = ("correctness", "clarity", "storytelling", "business_framing")
NO_REPLY = Reason(code="model_reply_invalid", detail="no level", retryable=True)


def row(
    name: str,
    labels: Mapping[str, int],
    *,
    tags: Sequence[str] = ("plain",),
    group: str | None = None,
    question: str = "Why?",
    answer: str = "Because the sample was small.",
    rater: str | None = None,
) -> GoldenRow:
    """A golden row with these true levels."""
    return GoldenRow(
        id=name,
        question=question,
        answer=answer,
        rubric="ds-interview",
        labels={c: Label(level=level, source="authored", rater=rater) for c, level in labels.items()},
        tags=tuple(tags),
        split="dev",
        group=group,
    )


def spread(score: float, levels: int = 5) -> tuple[float, ...]:
    """A distribution over two neighbouring levels whose expected level is ``score``."""
    below = min(int(score), levels - 1)
    share = score - below
    return tuple((1 - share) if i == below else share if i == below + 1 else 0.0 for i in range(1, levels + 1))


def median(distribution: Sequence[float]) -> int:
    """The level shown for a distribution."""
    total = 0.0
    for level, p in enumerate(distribution, 1):
        total += p
        if total >= 0.5 - 1e-6:
            return level
    raise AssertionError("not a distribution")


def scored(
    criterion: str,
    score: float | Sequence[float],
    *,
    rationale: str | None = None,
    confidence: float | None = None,
    evidence: tuple[Evidence, ...] = (),
) -> ScoredCriterion:
    """A scored criterion with this expected level (or distribution)."""
    distribution = spread(score) if isinstance(score, int | float) else tuple(score)
    level = median(distribution)
    expected = sum(i * p for i, p in enumerate(distribution, 1))
    return ScoredCriterion(
        id=criterion,
        name=criterion.replace("_", " ").capitalize(),
        weight=0.25,
        score=round(expected, 2),
        level=level,
        label=f"Level {level}",
        distribution=distribution,
        confidence=round(distribution[level - 1], 2) if confidence is None else confidence,
        rationale=rationale,
        evidence=evidence,
    )


def unscored(criterion: str) -> UnscoredCriterion:
    """A criterion no level was decided for."""
    return UnscoredCriterion(id=criterion, name=criterion, weight=0.25, reason=NO_REPLY)


def grade(
    criteria: Iterable[CriterionGrade], *, judge: str = "readout", flags: tuple[Flag, ...] = (), prompt: str = "1"
) -> Grade:
    """A grade of these criteria; ungraded when none is scored."""
    parts = tuple(criteria)
    scores = [part.score for part in parts if isinstance(part, ScoredCriterion)]
    mean = sum(scores) / len(scores) if scores else 0.0
    total = Overall(
        score=round(mean, 2),
        max_score=5,
        level=int(mean + 0.5),
        label="Mixed",
        confidence=None,
        capped_by=None,
        summary=None,
    )
    return Grade(
        status=GradeStatus.GRADED if scores else GradeStatus.UNGRADED,
        overall=total if scores else None,
        criteria=parts,
        flags=flags,
        review=Review(needed=False, reasons=()),
        receipt=Receipt(
            rubric=ArtefactRef(id="ds-interview", version="1.1.0", sha256="r" * 64),
            prompt=None
            if judge.startswith("rule:")
            else ArtefactRef(id="judge-readout", version=prompt, sha256="p" * 64),
            coach_prompt=None,
            judge=judge,
            models=() if judge.startswith("rule:") else (ModelRef(role="judge", requested="embedded", reported=None),),
            calibration=None,
            service="0.1.0",
        ),
        commentary=CommentaryStatus(status="omitted"),
        reason=None if scores else NO_REPLY,
    )


def usage(calls: int = 5, *, cost: float | None = 0.001, latency_ms: int = 2_000) -> Usage:
    """What a grade took."""
    return Usage(
        model_calls=calls,
        input_tokens=400 * calls,
        output_tokens=10 * calls,
        cached_tokens=0,
        cost_usd=cost,
        latency_ms=latency_ms,
        cache="miss",
    )


def result(
    golden: GoldenRow,
    scores: Mapping[str, float | Sequence[float] | None] | None,
    *,
    variant: str = BASE,
    repeat: int = 0,
    judge: str = "readout",
    spent: Usage | None = None,
    flags: tuple[Flag, ...] = (),
    rationale: str | None = None,
) -> Result:
    """A row graded with these scores; None for an unscored criterion, or for a grade that broke off."""
    made = None
    if scores is not None:
        parts: list[CriterionGrade] = [
            unscored(c) if value is None else scored(c, value, rationale=rationale) for c, value in scores.items()
        ]
        made = grade(parts, judge=judge, flags=flags, prompt=variant.rpartition("@")[2])
    return Result(
        row=golden,
        variant=variant,
        repeat=repeat,
        grade=made,
        usage=spent or usage(),
        error=None if made else "the model gave up",
    )


def write_run(folder: Path, results: Sequence[Result], **head: object) -> Path:
    """A run directory as the runner leaves it."""
    folder.mkdir(parents=True, exist_ok=True)
    variants = list(dict.fromkeys(r.variant for r in results))
    manifest = {
        "id": folder.name,
        "created": "2026-11-25T12:00:00Z",
        "status": "done",
        "suite": {"name": "smoke", "sha256": "s" * 64, "n": len(results)},
        "variants": [{"name": v, "sha256": v[-1] * 64, "judge": "readout", "deterministic": True} for v in variants],
        "model": "embedded",
        "rubrics": [{"id": "ds-interview", "version": "1.1.0", "sha256": "r" * 64}],
        "replayed": 0,
        **head,
    }
    (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    lines = "".join(r.model_dump_json() + "\n" for r in results)
    (folder / "results.jsonl").write_text(lines, encoding="utf-8")
    return folder
