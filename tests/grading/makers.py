"""Makers of whole grades."""

from __future__ import annotations

from collections.abc import Mapping

from service.grading.grade import (
    ArtefactRef,
    CommentaryStatus,
    Grade,
    GradeStatus,
    Overall,
    Receipt,
    Review,
    ScoredCriterion,
)

Result = tuple[int, float]
"""A level and a score."""


def graded(results: Mapping[str, Result], overall: Result = (2, 2.0)) -> Grade:
    """A grade on three levels with these results by criterion, and overall."""
    criteria = tuple(_criterion(name, *result) for name, result in results.items())
    return Grade(
        status=GradeStatus.GRADED,
        overall=Overall(
            score=overall[1],
            max_score=3,
            level=overall[0],
            label="Fair",
            confidence=None,
            capped_by=None,
            summary=None,
        ),
        criteria=criteria,
        review=Review(needed=False, reasons=()),
        receipt=Receipt(
            rubric=ArtefactRef(id="tiny", version="1.0.0", sha256="0" * 64),
            prompt=None,
            coach_prompt=None,
            judge="readout",
            models=(),
            calibration=None,
            service="0",
        ),
        commentary=CommentaryStatus(status="omitted"),
    )


def _criterion(name: str, level: int, score: float) -> ScoredCriterion:
    return ScoredCriterion(
        id=name,
        name=name,
        weight=0.5,
        score=score,
        level=level,
        label="some",
        distribution=(0.3, 0.4, 0.3),
        confidence=None,
    )
