"""Logging and metrics, set up once. No answer, question, name or key is ever logged or labelled."""

from __future__ import annotations

import json
import logging
import sys
from datetime import UTC, datetime

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from service.grading.grade import Call, Grade, ScoredCriterion, UnscoredCriterion, Usage
from service.grading.judgement import Judgement
from service.records import GradeRecord

LOGGER = logging.getLogger("debrief")
_SECONDS = (0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 180)


class JsonLines(logging.Formatter):
    """One JSON object a line; JSON escaping makes forged lines impossible.

    What a library says is withheld but for who said it and which error it was about: its words may hold an answer.
    """

    def format(self, record: logging.LogRecord) -> str:
        """The record as JSON."""
        entry = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            **_said(record),
        }
        if record.exc_info and record.exc_info[0]:
            entry["exception"] = record.exc_info[0].__name__
            entry["at"] = _where(record.exc_info[2])
        return json.dumps(entry, ensure_ascii=True)


def _said(record: logging.LogRecord) -> dict[str, object]:
    if record.name == LOGGER.name or record.name.startswith(f"{LOGGER.name}."):
        return {"event": record.getMessage(), **getattr(record, "fields", {})}
    return {"event": "library_message", "logger": record.name, "line": f"{record.module}:{record.lineno}"}


def _where(traceback: object) -> list[str]:
    """File and line of each frame: enough to find the fault, without the values that may hold an answer."""
    frames = []
    while traceback is not None:
        code = traceback.tb_frame.f_code  # type: ignore[attr-defined]
        frames.append(f"{code.co_filename.rpartition('/')[2]}:{traceback.tb_lineno} {code.co_name}")  # type: ignore[attr-defined]
        traceback = traceback.tb_next  # type: ignore[attr-defined]
    return frames[-12:]


def set_up_logging(level: str) -> None:
    """Send log lines to standard error; libraries only speak from warnings on, and without their words."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    LOGGER.handlers[:] = [handler]
    LOGGER.setLevel(level)
    LOGGER.propagate = False
    root = logging.getLogger()
    root.handlers[:] = [*(kept for kept in root.handlers if not isinstance(kept.formatter, JsonLines)), handler]
    for noisy in ("httpx", "httpcore", "openai", "LiteLLM", "aiosqlite", "sqlalchemy", "asyncio"):
        logging.getLogger(noisy).setLevel(logging.WARNING)


def log(event: str, level: int = logging.INFO, **fields: str | int | float | bool | None) -> None:
    """One log line: a fixed event name and plain fields (ids, codes, counts; never texts)."""
    LOGGER.log(level, event, extra={"fields": fields})


class Metrics:
    """The process's counters, in a registry of their own so that several apps can live in one process."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.grades = self._counter("grades", "Finished grades", "status")
        self.unscored = self._counter("criteria_unscored", "Criteria without a level", "code")
        self.commentaries = self._counter("commentaries", "Commentaries by outcome", "status")
        self.quotes = self._counter("quotes", "Quotes by how they were found; those not found are dropped", "match")
        self.remarks = self._counter("remarks", "A model's remarks, by whether they were shown", "shown")
        self.cache = self._counter("judgements", "Judgements by origin", "cache")
        self.calls = self._counter("model_calls", "Model calls", "purpose", "outcome")
        self.tokens = self._counter("model_tokens", "Tokens by kind", "kind")
        self.cost = self._counter("model_cost_usd", "Known cost of model calls in US dollars")
        self.webhooks = self._counter("webhook_attempts", "Webhook attempts by outcome", "outcome")
        self.cascade = self._counter("cascade_answers", "Answers a cascade judged", "escalated")
        self.strong_cost = self._counter(
            "cascade_strong_cost_usd", "Known cost of a cascade's strong judge, US dollars"
        )
        self.saved = Gauge(
            "debrief_cascade_saved_usd",
            "Estimated US dollars not spent: answers the cheap judge decided, at the mean cost of those that went on",
            registry=self.registry,
        )
        self._kept, self._strong_answers, self._strong_costs = 0, 0, 0.0
        self.requests = self._counter("http_requests", "HTTP requests", "method", "route", "status")
        self.seconds = Histogram(
            "debrief_grade_seconds", "Time to a finished grade", registry=self.registry, buckets=_SECONDS
        )
        self.in_flight = Gauge("debrief_grades_in_flight", "Grades being made", registry=self.registry)

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(f"debrief_{name}", text, labels, registry=self.registry)

    def finished(self, record: GradeRecord) -> None:
        """Count a finished grade."""
        self.grades.labels(record.status.value).inc()
        if record.grade is not None:
            self._count_grade(record.grade)
        if record.usage is not None:
            self._count_usage(record.usage)
            if record.judgement is not None and record.usage.cache == "miss":
                self._count_judgement(record.judgement)

    def called(self, call: Call) -> None:
        """Count one model call, failed ones included."""
        self.calls.labels(call.purpose, call.outcome).inc()
        self.tokens.labels("input").inc(call.input_tokens)
        self.tokens.labels("output").inc(call.output_tokens)
        self.tokens.labels("cached").inc(call.cached_tokens)
        self.cost.inc(call.cost_usd or 0.0)

    def exposition(self) -> bytes:
        """All metrics in Prometheus' text format."""
        return generate_latest(self.registry)

    def _count_grade(self, grade: Grade) -> None:
        self.commentaries.labels(grade.commentary.status).inc()
        if (checks := grade.commentary.checks) is not None:
            self.quotes.labels("dropped").inc(checks.quotes_dropped)
            self.remarks.labels("yes").inc(checks.remarks - checks.remarks_dropped)
            self.remarks.labels("no").inc(checks.remarks_dropped)
        for criterion in grade.criteria:
            if isinstance(criterion, UnscoredCriterion):
                self.unscored.labels(criterion.reason.code).inc()
            elif isinstance(criterion, ScoredCriterion):
                for evidence in criterion.evidence:
                    self.quotes.labels(evidence.match).inc()

    def _count_judgement(self, judgement: Judgement) -> None:
        """Whether a cascade went on, what that cost, and what the answers it did not go on with would have cost."""
        escalation = judgement.escalation
        if escalation is None:
            return
        self.cascade.labels("yes" if escalation.escalated else "no").inc()
        if not escalation.escalated:
            self._kept += 1
        elif escalation.strong_cost_usd is not None:
            self.strong_cost.inc(escalation.strong_cost_usd)
            self._strong_costs += escalation.strong_cost_usd
            self._strong_answers += 1
        if self._strong_answers:
            self.saved.set(self._kept * self._strong_costs / self._strong_answers)

    def _count_usage(self, usage: Usage) -> None:
        self.cache.labels(usage.cache).inc()
        self.seconds.observe(usage.latency_ms / 1000)
