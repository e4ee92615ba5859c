"""Makers of golden rows, runs and models for the tests of the evaluations."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path

from evals.golden import GoldenRow
from evals.manifest import Plan
from evals.results import Result
from evals.run import Asked, Mode, Run
from service.grading.models import Tokens
from service.llm.scripted import ScriptedChat
from service.settings import EmbeddedSettings, Settings
from tests.conftest import make_settings

QUESTION = "What does a p-value tell you?"
ANSWER = "It tells how often chance alone would give data like these, if the null hypothesis were true."


def row(row_id: str = "row-1", **changes: object) -> GoldenRow:
    """A golden row with a label for correctness, with changes."""
    return GoldenRow.model_validate(row_data(row_id, **changes))


def row_data(row_id: str = "row-1", **changes: object) -> dict[str, object]:
    """The same as it stands in a file."""
    return {
        "id": row_id,
        "question": QUESTION,
        "answer": ANSWER,
        "rubric": "ds-interview",
        "labels": {"correctness": {"level": 4, "source": "authored"}},
        "tags": ["plain"],
        "split": "dev",
        **changes,
    }


def write_rows(path: Path, rows: Iterable[GoldenRow]) -> Path:
    """Rows as a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{each.model_dump_json(exclude_defaults=True)}\n" for each in rows))
    return path


def write_jsonl(path: Path, items: Iterable[object]) -> Path:
    """Anything as JSON lines."""
    path.write_text("".join(f"{json.dumps(item)}\n" for item in items))
    return path


class Priced(ScriptedChat):
    """The echo model at ten cents a call."""

    def __init__(self) -> None:
        super().__init__("scripted/echo", lambda _answer, levels: (levels + 1) // 2)

    def cost_usd(self, tokens: Tokens) -> float | None:
        """Ten cents."""
        return 0.1


class Quiet:
    """A watcher that keeps what it is told."""

    def __init__(self) -> None:
        self.results: list[Result] = []
        self.total = self.done = 0

    def started(self, total: int, done: int) -> None:
        """Keep both."""
        self.total, self.done = total, done

    def graded(self, result: Result, cost_usd: float | None) -> None:
        """Keep it."""
        self.results.append(result)

    def ended(self) -> None:
        """Nothing to do."""


def eval_settings(tmp_path: Path, **more: object) -> Settings:
    """Settings with the echo model and a cache of the test's own."""
    return make_settings(tmp_path, embedded=EmbeddedSettings(cache_dir=tmp_path / "cache"), **more)


def plan_of(suite: Path, prompts: Sequence[str] = ("judge-readout@3",), **more: object) -> Plan:
    """A plan for a suite with the echo model."""
    base = {"suite": str(suite), "model": "scripted/echo", "prompts": tuple(prompts)}
    return Plan.model_validate({**base, **more})


def asked(tmp_path: Path, mode: Mode = "ask", budget_usd: float | None = None) -> Asked:
    """Runs and records in folders of the test's own."""
    return Asked(mode, tmp_path / "runs", tmp_path / "recorded", budget_usd)


async def ran(plan: Plan, tmp_path: Path, mode: Mode = "ask", resume: str | None = None) -> tuple[Run, list[Result]]:
    """A run of a plan, done, and what it graded this time."""
    run = Run.opened(plan, eval_settings(tmp_path), asked(tmp_path, mode), resume)
    watch = Quiet()
    await run.go(watch)
    return run, watch.results
