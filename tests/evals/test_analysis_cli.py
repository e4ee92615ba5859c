"""The analysis commands as a shell runs them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from evals.analysis_cli import app
from service.library import FileLibrary
from tests.evals.example import example_run
from tests.evals.makers import BASE, OTHER, write_run
from tests.evals.test_calibrate import judged
from tests.evals.test_compare import answers


def run(*arguments: object) -> tuple[int, str]:
    """Exit code and everything printed, white space folded: tables wrap."""
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    return result.exit_code, " ".join(result.output.split())


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The example run."""
    return example_run(tmp_path_factory.mktemp("cli") / "run")


def test_report_writes_three_files_and_prints_the_verdict(example: Path) -> None:
    """Exit 0: nothing got worse."""
    code, said = run("report", example)

    assert code == 0
    assert f"{OTHER} grades better than {BASE}." in said
    assert {"report.html", "summary.md", "junit.xml"} <= {path.name for path in example.iterdir()}


def test_a_baseline_is_accepted_with_a_reason_held_and_broken(tmp_path: Path) -> None:
    """0 for the accepted run itself, 1 for a worse one with what is red, 2 before there is a baseline."""
    good = write_run(tmp_path / "good", answers(20, 0.3, variant=BASE))
    bad = write_run(tmp_path / "bad", answers(20, 1.8, variant=BASE))
    folder = ("--baselines", tmp_path / "baselines")

    before = run("gate", good, *folder)
    accepted = run("accept", good, "--reason", "The first numbers there are.", *folder)
    held, broken = run("gate", good, *folder), run("gate", bad, *folder)

    assert before[0] == 2
    assert "debrief eval accept" in before[1]
    assert accepted[0] == held[0] == 0
    assert broken[0] == 1
    assert "worse by 1.4" in broken[1]
    kept = json.loads((tmp_path / "baselines" / "smoke-readout-embedded.json").read_text(encoding="utf-8"))
    assert kept["reason"] == "The first numbers there are."


def test_a_reason_that_is_none_is_refused(tmp_path: Path, example: Path) -> None:
    """And nothing is written."""
    code, said = run("accept", example, "--reason", "ok", "--baselines", tmp_path / "b")

    assert code == 2
    assert "10 characters or more" in said
    assert not (tmp_path / "b").exists()


def test_diff_compares_two_runs_on_their_shared_rows(tmp_path: Path) -> None:
    """The same prompt before and after: the second run is worse."""
    first = write_run(tmp_path / "first", answers(20, 0.2, variant=BASE))
    second = write_run(tmp_path / "second", answers(25, 1.8, variant=BASE, seed=1))

    code, said = run("diff", first, second)

    assert code == 1
    assert "20 answers" in said
    assert (second / "diff" / "report.html").is_file()


def test_migrate_names_the_models_and_what_shifts(tmp_path: Path) -> None:
    """Agreement of the two with one another, the shift in levels, the affected answers."""
    old = write_run(tmp_path / "old", answers(20, 0.0, variant=BASE, jitter=0.1), model="openai/old")
    new = write_run(tmp_path / "new", answers(20, 1.0, variant=BASE, jitter=0.1), model="openai/new")

    _, said = run("migrate", old, new)

    assert "from openai/old to openai/new" in said
    assert "+1.00 (+1.00 to +1.00)" in said
    assert "20 answers change a level" in said


def test_runs_without_a_shared_row_cannot_be_compared(tmp_path: Path, example: Path) -> None:
    """Exit 2."""
    other = write_run(tmp_path / "other", answers(5, 0.0, variant=BASE))

    code, said = run("diff", example, other)

    assert code == 2
    assert "share no row" in said


def test_noise_shows_floors_and_without_repeats_says_how_to_get_them(tmp_path: Path, example: Path) -> None:
    """0 and 2."""
    measured = run("noise", example)
    unmeasured = run("noise", write_run(tmp_path / "r", answers(5, 0.0, variant=BASE)))

    assert measured[0] == 0
    assert "level-form" in measured[1]
    assert unmeasured[0] == 2
    assert "--repeat" in unmeasured[1]


def test_calibrate_shows_before_and_after_and_writes_only_when_asked(tmp_path: Path) -> None:
    """A dry run leaves no file."""
    folder = write_run(tmp_path / "run", judged(300, scale=0.4, shift=-0.8))
    rubric = FileLibrary().rubric("ds-interview")
    assert rubric is not None
    results = (folder / "results.jsonl").read_text(encoding="utf-8")
    (folder / "results.jsonl").write_text(
        results.replace("r" * 64, rubric.sha256).replace("1.1.0", rubric.version), encoding="utf-8"
    )

    dry, wet = (run("calibrate", folder, "--out", tmp_path / "out", *more) for more in (["--dry-run"], []))

    assert dry[0] == wet[0] == 0
    assert " → " in dry[1]
    assert "does not order answers better" in dry[1]
    assert "used from the service's next start" not in dry[1]
    assert [path.suffix for path in (tmp_path / "out").iterdir()] == [".json"]


@pytest.mark.parametrize("command", ["report", "gate", "noise", "calibrate"])
def test_a_folder_without_a_run_is_no_traceback(tmp_path: Path, command: str) -> None:
    """Exit 2 and what is missing."""
    code, said = run(command, tmp_path)

    assert code == 2
    assert "holds no manifest.json" in said


def test_an_unknown_variant_is_named_with_those_there_are(example: Path) -> None:
    """Exit 2."""
    code, said = run("gate", example, "--variant", "nobody@1")

    assert code == 2
    assert f"{BASE}, {OTHER}" in said


def test_without_the_libraries_of_the_analysis_it_says_how_to_get_them(tmp_path: Path) -> None:
    """A wheel without the extra: exit 2 and the command, no traceback."""
    code = "import sys; sys.modules['numpy'] = None; from evals.analysis_cli import app; app(['report', '.'])"

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=tmp_path)

    assert done.returncode == 2
    assert "pip install 'debrief-service[evals]'" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_service_starts_without_the_statistics_libraries() -> None:
    """Neither the command line nor the analysis commands import them before they are needed."""
    heavy = "{'numpy', 'scipy', 'sklearn', 'statsmodels', 'krippendorff', 'pandas'}"
    code = f"import sys, service.cli, service.bootstrap, evals.analysis_cli; print({heavy} & set(sys.modules))"

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "set()"


def test_judges_stand_beside_each_other_suite_by_suite(example: Path, tmp_path: Path) -> None:
    """Agreement with n, and what an answer took: from the sums of the manifest, replayed calls included."""
    other = write_run(tmp_path / "other", answers(20, 0.3, variant=BASE))
    path = other / "manifest.json"
    manifest = json.loads(path.read_text(encoding="utf-8"))
    manifest["suite"]["name"] = "another.jsonl"
    manifest["in_full"] = {BASE: {"calls": 60, "input_tokens": 20_000, "output_tokens": 400, "seconds": 110.0}}
    path.write_text(json.dumps(manifest), encoding="utf-8")

    code, said = run("table", example, other, "--markdown")
    missing = run("table", example, "--criterion", "spelling")

    lines = [line.strip() for line in said.split("| |") if "judge-readout" in line]
    assert code == 0
    assert [line.split(" | ")[:2] for line in lines] == [["smoke", BASE], ["smoke", OTHER], ["another.jsonl", BASE]]
    assert lines[2].removesuffix(" |").split(" | ")[-3:] == ["3.0", "1.0k", "6"]
    assert lines[0].removesuffix(" |").split(" | ")[-3:] == ["–", "–", "–"]
    assert missing[0] == 2
    assert "spelling" in missing[1]
