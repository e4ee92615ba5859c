"""The regression gate: what turns it red, what does not, and how a baseline is moved."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from evals.baseline import NoBaseline, accept, baseline_path, read_baseline
from evals.finished import FinishedRun, UnreadableRun, read_run
from evals.gate import gate
from evals.results import Result
from tests.evals.makers import BASE, OTHER, result, row, usage, write_run
from tests.evals.test_compare import answers

REASON = "The claim check of version 2 tells more twins apart."


def run_of(folder: Path, results: list[Result], **head: object) -> FinishedRun:
    """A run read back from its directory."""
    return read_run(write_run(folder, results, **head))


@pytest.fixture
def accepted(tmp_path: Path) -> Path:
    """A baseline of twenty answers, each .5 levels off, and one blank settled by rule."""
    run = run_of(tmp_path / "good", [*answers(20, 0.5, variant=BASE), blank(1.0, "rule:blank")])
    return accept(run, REASON, "2026-11-25", tmp_path / "baselines")


def blank(score: float, judge: str, variant: str = BASE) -> Result:
    """A blank answer."""
    golden = row("blank", {"clarity": 1}, tags=("gate", "blank"), answer="")
    return result(golden, {"clarity": score}, judge=judge, spent=usage(0), variant=variant)


def test_the_same_numbers_are_green(tmp_path: Path, accepted: Path) -> None:
    """Nothing changed, nothing is red."""
    run = run_of(tmp_path / "again", [*answers(20, 0.5, variant=BASE), blank(1.0, "rule:blank")])

    checked = gate(run, read_baseline(accepted))

    assert checked.red == ()
    assert any(check.name == "correctness.mae" and check.state == "green" for check in checked.checks)


def test_a_damaged_judge_is_red_and_says_by_how_much(tmp_path: Path, accepted: Path) -> None:
    """Errors grow from half a level to one and a half."""
    run = run_of(tmp_path / "bad", [*answers(20, 1.5, variant=OTHER), blank(1.0, "rule:blank", OTHER)])

    red = {check.name: check for check in gate(run, read_baseline(accepted)).red}

    assert {"correctness.mae", "clarity.mae", "all criteria.mae"} <= red.keys()
    assert "worse by 0.9" in red["correctness.mae"].why
    assert "tolerance" in red["correctness.mae"].why


def test_a_better_judge_is_green(tmp_path: Path, accepted: Path) -> None:
    """The gate holds what was reached; it does not hold anyone back."""
    run = run_of(tmp_path / "better", [*answers(20, 0.0, variant=OTHER, jitter=0.1), blank(1.0, "rule:blank", OTHER)])

    assert gate(run, read_baseline(accepted)).red == ()


def test_pair_by_pair_a_small_even_loss_is_seen(tmp_path: Path, accepted: Path) -> None:
    """A fifth of a level on every answer: inside the interval of either run alone, outside that of the difference."""
    run = run_of(tmp_path / "slightly", [*answers(20, 0.7, variant=OTHER), blank(1.0, "rule:blank", OTHER)])

    red = {check.name for check in gate(run, read_baseline(accepted)).red}

    assert "all criteria.mae" in red


def test_a_blank_above_the_lowest_level_is_red_without_tolerance(tmp_path: Path, accepted: Path) -> None:
    """One of twenty-one is enough, and so is a model that was asked about it."""
    run = run_of(tmp_path / "praise", [*answers(20, 0.5, variant=BASE), blank(2.0, "readout")])

    red = {check.name for check in gate(run, read_baseline(accepted)).red}

    assert red == {"safety.gate_above_lowest", "safety.gate_model_called"}


def test_a_number_that_can_no_longer_be_computed_is_red(tmp_path: Path, accepted: Path) -> None:
    """A judge that fails on everything does not pass."""
    failed = [result(r.row, None, variant=BASE) for r in answers(20, 0.5, variant=BASE)]
    red = {c.name: c.why for c in gate(run_of(tmp_path / "down", failed), read_baseline(accepted)).red}

    assert "can no longer be computed" in red["correctness.mae"]
    assert "all criteria.unscored" in red


def test_the_noise_floor_widens_the_tolerance(tmp_path: Path) -> None:
    """The accepted judge moved by 1 when asked again."""
    noisy = [*answers(20, 0.5, variant=BASE), *answers(20, 1.5, variant=BASE, repeat=1)]
    path = accept(run_of(tmp_path / "noisy", noisy), REASON, "2026-11-25", tmp_path / "baselines")

    run = run_of(tmp_path / "later", answers(20, 1.2, variant=OTHER))

    assert "all criteria.mae" not in {check.name for check in gate(run, read_baseline(path)).red}


def test_a_changed_suite_is_pointed_out(tmp_path: Path, accepted: Path) -> None:
    """Other rows may explain a difference."""
    run = run_of(tmp_path / "other", answers(20, 0.5, variant=BASE), suite={"name": "smoke", "sha256": "0" * 64})

    assert any("suite smoke has changed" in note for note in gate(run, read_baseline(accepted)).notes)


def test_accepting_keeps_reason_date_and_hashes_and_needs_a_real_reason(tmp_path: Path, accepted: Path) -> None:
    """Ten characters at least."""
    kept = read_baseline(accepted)

    assert (kept.reason, kept.accepted, kept.variant) == (REASON, "2026-11-25", BASE)
    assert kept.hashes["suite smoke"] == "s" * 64
    assert accepted.name == "smoke-readout-embedded.json"
    with pytest.raises(ValidationError):
        accept(run_of(tmp_path / "r", answers(5, 0.5, variant=BASE)), " ok ", "2026-11-25", tmp_path)


def test_the_file_name_holds_no_path_however_suite_and_model_are_called(tmp_path: Path) -> None:
    """``openai/gpt-4o-mini`` is a model, ``../sets/mine.jsonl`` a suite."""
    run = run_of(
        tmp_path / "r", answers(5, 0, variant=BASE), suite={"name": "../sets/mine.jsonl"}, model="openai/gpt-4o"
    )

    assert baseline_path(run, BASE, tmp_path) == tmp_path / "mine-readout-openai_gpt_4o.json"


def test_no_baseline_says_how_to_make_one(tmp_path: Path) -> None:
    """Not a traceback."""
    with pytest.raises(NoBaseline, match="debrief eval accept"):
        read_baseline(tmp_path / "none.json")


@pytest.mark.parametrize("missing", ["manifest.json", "results.jsonl"])
def test_a_folder_without_a_run_says_what_is_missing(tmp_path: Path, missing: str) -> None:
    """By name."""
    folder = write_run(tmp_path / "r", answers(5, 0.5, variant=BASE))
    (folder / missing).unlink()

    with pytest.raises(UnreadableRun, match=missing):
        read_run(folder)
