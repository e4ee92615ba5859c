"""What is counted of a grade."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Literal

import pytest

from service.grading.grade import Escalation, GradeStatus, Usage
from service.grading.judgement import Judgement
from service.grading.submission import Submission
from service.records import GradeId, GradeRecord, GradeRequest, Tenant
from service.telemetry import Metrics
from tests.grading.helpers import tiny_rubric


def judged(escalation: Escalation | None, cache: Literal["hit", "miss"] = "miss") -> GradeRecord:
    """A finished record of an answer that a cascade judged."""
    return GradeRecord(
        id=GradeId("grd_1"),
        tenant=Tenant("local"),
        created_at=datetime(2026, 11, 25, tzinfo=UTC),
        status=GradeStatus.GRADED,
        request=GradeRequest(submission=Submission("Q?", "A."), rubric=tiny_rubric()),
        judgement=Judgement(decisions=(), escalation=escalation),
        usage=Usage(
            model_calls=1,
            input_tokens=1,
            output_tokens=1,
            cached_tokens=0,
            cost_usd=0.0,
            latency_ms=1,
            cache=cache,
        ),
    )


def went_on(cost_usd: float | None) -> Escalation:
    """The strong judge was asked."""
    return Escalation(escalated=True, confidence=0.4, threshold=0.6, strong_cost_usd=cost_usd)


KEPT = Escalation(escalated=False, confidence=0.8, threshold=0.6)


def value(metrics: Metrics, name: str, **labels: str) -> float:
    """A metric as it is exposed."""
    found = metrics.registry.get_sample_value(f"debrief_{name}", labels)
    return 0.0 if found is None else found


def test_what_a_cascade_saves_is_what_the_kept_answers_would_have_cost() -> None:
    """At the mean known cost of those that went on."""
    metrics = Metrics()

    for escalation in (KEPT, went_on(0.02), went_on(0.04), went_on(None), KEPT, KEPT):
        metrics.finished(judged(escalation))

    assert value(metrics, "cascade_answers_total", escalated="no") == 3
    assert value(metrics, "cascade_answers_total", escalated="yes") == 3
    assert value(metrics, "cascade_strong_cost_usd_total") == pytest.approx(0.06)
    assert value(metrics, "cascade_saved_usd") == pytest.approx(3 * 0.03)


def test_a_reused_judgement_and_a_single_judge_are_no_cascade() -> None:
    """Nothing was decided anew."""
    metrics = Metrics()

    metrics.finished(judged(KEPT, cache="hit"))
    metrics.finished(judged(None))

    assert value(metrics, "cascade_answers_total", escalated="no") == 0
    assert value(metrics, "cascade_saved_usd") == 0
