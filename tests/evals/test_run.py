"""A run with its folder: manifest, results, going on, recording."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from evals.errors import CouldNotRun
from evals.manifest import MANIFEST, RESULTS, read_manifest
from evals.replies import recorded_path
from evals.results import Result, read_results
from evals.run import Run
from tests.evals.helpers import Quiet, asked, eval_settings, plan_of, ran, row, write_rows

pytestmark = pytest.mark.anyio

BOTH = ("judge-readout@2", "judge-readout@3")


@pytest.fixture
def suite(tmp_path: Path) -> Path:
    """Three rows."""
    rows = [row(f"row-{n}", answer=f"An answer of its own, number {n}, and not blank.") for n in range(3)]
    return write_rows(tmp_path / "three.jsonl", rows)


class Interrupts(Quiet):
    """A watcher that ends the run after some gradings, as Ctrl-C does."""

    def __init__(self, after: int) -> None:
        super().__init__()
        self._after = after

    def graded(self, result: Result, cost_usd: float | None) -> None:
        """Count, and pull the plug."""
        super().graded(result, cost_usd)
        if len(self.results) == self._after:
            task = next(task for task in asyncio.all_tasks() if task.get_name() == "run")
            task.cancel()


async def interrupted(suite: Path, tmp_path: Path, after: int = 2) -> Run:
    """A run of both prompts that was stopped."""
    run = Run.opened(plan_of(suite, BOTH), eval_settings(tmp_path, concurrency=1), asked(tmp_path))
    with pytest.raises(asyncio.CancelledError):
        await asyncio.create_task(run.go(Interrupts(after)), name="run")
    return run


async def test_a_run_leaves_a_manifest_and_a_line_for_each_grading(suite: Path, tmp_path: Path) -> None:
    """Whoever reads them needs nothing else."""
    run, _ = await ran(plan_of(suite, BOTH), tmp_path)

    manifest = read_manifest(run.folder)
    results = list(read_results(run.folder / RESULTS))
    assert manifest.status == "done"
    assert manifest.suite.n == 3
    assert [variant.name for variant in manifest.variants] == list(BOTH)
    assert manifest.rubrics[0].id == "ds-interview"
    assert manifest.totals.calls == sum(result.usage.model_calls for result in results) > 0
    assert {(r.row.id, r.variant) for r in results} == {(f"row-{n}", name) for n in range(3) for name in BOTH}


async def test_a_stopped_run_keeps_what_is_done_and_goes_on_from_there(suite: Path, tmp_path: Path) -> None:
    """Nothing is graded twice."""
    stopped = await interrupted(suite, tmp_path)
    assert read_manifest(stopped.folder).status == "stopped"
    kept = len(list(read_results(stopped.folder / RESULTS)))
    assert 2 <= kept < 6

    run, fresh = await ran(stopped.manifest.plan, tmp_path, resume=stopped.manifest.id)

    assert run.folder == stopped.folder
    assert len(fresh) == 6 - kept
    assert len(list(read_results(run.folder / RESULTS))) == 6
    assert read_manifest(run.folder).status == "done"


async def test_a_line_cut_by_a_crash_and_a_failed_item_are_graded_again(suite: Path, tmp_path: Path) -> None:
    """The rest is left alone."""
    run, _ = await ran(plan_of(suite), tmp_path)
    path = run.folder / RESULTS
    first, second, third = path.read_text().splitlines()
    failed = {**json.loads(second), "grade": None, "error": "correctness: model_unavailable: down"}
    path.write_text(f"{first}\n{json.dumps(failed)}\n{third[:100]}")

    _, fresh = await ran(run.manifest.plan, tmp_path, resume=run.manifest.id)

    assert len(fresh) == 2
    assert [result.error for result in read_results(path)] == [None, None, None]


async def test_a_run_whose_rows_changed_cannot_go_on(suite: Path, tmp_path: Path) -> None:
    """Half of it would be about something else."""
    stopped = await interrupted(suite, tmp_path)
    write_rows(suite, [row("row-0", answer="A different answer.")])

    with pytest.raises(CouldNotRun, match="suite changed since"):
        await ran(stopped.manifest.plan, tmp_path, resume=stopped.manifest.id)


async def test_an_unknown_run_cannot_go_on(suite: Path, tmp_path: Path) -> None:
    """With where to look."""
    with pytest.raises(CouldNotRun, match="there is no run at"):
        await ran(plan_of(suite), tmp_path, resume="20200101-000000-0000")


async def test_what_was_recorded_is_replayed_without_model_or_cache(suite: Path, tmp_path: Path) -> None:
    """As on a fresh clone, and with the same grades."""
    _, recorded = await ran(plan_of(suite, BOTH), tmp_path, "record")
    (tmp_path / "cache" / "eval-replies.sqlite").unlink()

    run, replayed = await ran(plan_of(suite, BOTH), tmp_path, "replay")

    assert [r.grade for r in replayed] == [r.grade for r in recorded]
    assert run.backend is None
    assert run.manifest.totals.calls == 0
    assert run.manifest.in_full.keys() == set(BOTH)
    assert not (tmp_path / "cache" / "eval-replies.sqlite").exists()


async def test_a_replay_does_not_read_the_cache(suite: Path, tmp_path: Path) -> None:
    """Else it would pass here and fail on a fresh clone."""
    await ran(plan_of(suite, ["judge-readout@3"]), tmp_path, "record")
    await ran(plan_of(suite, ["judge-readout@1"]), tmp_path)

    with pytest.raises(CouldNotRun, match="row-0 with judge-readout@1"):
        await ran(plan_of(suite, ["judge-readout@1"]), tmp_path, "replay")


async def test_a_model_nothing_is_recorded_of_cannot_be_replayed(suite: Path, tmp_path: Path) -> None:
    """It says how to record."""
    with pytest.raises(CouldNotRun, match=r"nothing was ever recorded of scripted/echo.*make eval-record"):
        await ran(plan_of(suite), tmp_path, "replay")


async def test_recording_again_gives_the_same_bytes_and_drops_what_is_not_used(suite: Path, tmp_path: Path) -> None:
    """Also when most of it comes from a stopped run."""
    path = recorded_path("three", "scripted/echo", tmp_path / "recorded")
    await ran(plan_of(suite, ["judge-readout@3"]), tmp_path, "record")
    once = path.read_bytes()
    await ran(plan_of(suite, ["judge-readout@1", "judge-readout@3"]), tmp_path, "record")
    both = path.read_bytes()
    run, _ = await ran(plan_of(suite, ["judge-readout@3"]), tmp_path, "record")
    await ran(run.manifest.plan, tmp_path, "record", resume=run.manifest.id)

    assert path.read_bytes() == once
    assert both != once


async def test_a_budget_without_a_price_is_refused(suite: Path, tmp_path: Path) -> None:
    """Nobody could keep it."""
    settings = eval_settings(tmp_path)
    plan = plan_of(suite).model_copy(update={"model": "hosted_vllm/unpriced"})

    with pytest.raises(CouldNotRun, match="price of hosted_vllm/unpriced is not known"):
        Run.opened(plan, settings, asked(tmp_path, budget_usd=1.0))


async def test_a_manifest_of_another_version_is_named(suite: Path, tmp_path: Path) -> None:
    """Not a traceback."""
    run, _ = await ran(plan_of(suite), tmp_path)
    (run.folder / MANIFEST).write_text("{}")

    with pytest.raises(CouldNotRun, match="another version"):
        read_manifest(run.folder)
