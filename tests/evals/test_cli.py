"""``debrief eval`` and ``debrief golden``."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from evals.golden import read_rows
from evals.manifest import read_manifest
from service.cli import app
from tests.evals.helpers import ANSWER, QUESTION, row, row_data, write_jsonl, write_rows

Command = Callable[..., Result]


@pytest.fixture
def debrief(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Command:
    """``debrief`` with these arguments, in a folder and with a cache of the test's own."""
    monkeypatch.chdir(tmp_path)
    environment = {
        "DEBRIEF_MODEL": "scripted/echo",
        "DEBRIEF_EMBEDDED__CACHE_DIR": str(tmp_path / "cache"),
        "CI": "",
        "COLUMNS": "120",
    }

    def run(*arguments: str, stdin: str | None = None, **more: str) -> Result:
        return CliRunner().invoke(app, list(arguments), input=stdin, env={**environment, **more})

    return run


@pytest.fixture
def suite(tmp_path: Path) -> str:
    """A file of two rows."""
    rows = [row("row-1"), row("row-2", answer="Another answer, which says something else.")]
    return str(write_rows(tmp_path / "two.jsonl", rows))


def only_run(tmp_path: Path) -> Path:
    """The folder of the one run there is."""
    (folder,) = (tmp_path / "evals" / "runs").iterdir()
    return folder


def test_a_run_compares_two_prompts_and_says_where_it_lies(debrief: Command, suite: str, tmp_path: Path) -> None:
    """Exit code 0, and plain lines where there is no terminal."""
    result = debrief("eval", "run", "--suite", suite)

    assert result.exit_code == 0, result.output
    newest, before = (int(v.name.rpartition("@")[2]) for v in reversed(read_manifest(only_run(tmp_path)).variants))
    assert newest == before + 1
    assert f"judge-readout@{newest}: 2 of 2 graded" in result.stdout
    assert "4/4 graded" in result.stderr


def test_options_reach_the_plan(debrief: Command, suite: str, tmp_path: Path) -> None:
    """As written in the manifest, from which the run can be done again."""
    options = [
        "--prompt",
        "judge-single-call",
        "--limit",
        "1",
        "--repeat",
        "1",
        "--explain",
        "--rubric",
        "ds-interview",
    ]

    result = debrief("eval", "run", "--suite", suite, "--rubric", "ds-interview", *options)

    plan = read_manifest(only_run(tmp_path)).plan
    assert result.exit_code == 0, result.output
    assert (plan.limit, plan.repeats, plan.explain, plan.rubric) == (1, 1, True, "ds-interview")
    assert plan.prompts[0].startswith("judge-single-call@")


@pytest.mark.parametrize(
    ("arguments", "environment", "says"),
    [
        pytest.param(["--suite", "nightly"], {}, "no suite called nightly", id="suite"),
        pytest.param(["--prompt", "judge-readout@99"], {}, "no prompt called", id="prompt"),
        pytest.param(["--judge", "jury"], {}, "no judge called jury", id="judge"),
        pytest.param(["--rubric", "none"], {}, "no rubric called none", id="rubric"),
        pytest.param(["--replay", "--record"], {}, "exclude each other", id="modes"),
        pytest.param(["--map", "a=b"], {}, "go with --data", id="mapping without data"),
        pytest.param(["--model", "openai/gpt-4o-mini"], {"OPENAI_API_KEY": ""}, "OPENAI_API_KEY", id="key"),
        pytest.param(["--replay"], {}, "make eval-record", id="nothing recorded"),
        pytest.param([], {"CI": "true"}, "make eval-record", id="CI replays"),
        pytest.param(["--data", "no-such-file.jsonl", "--suite", "saf"], {}, "no file no-such-file", id="data"),
        pytest.param([], {"DEBRIEF_PORT": "many"}, "DEBRIEF_PORT", id="settings"),
        pytest.param(["--resume", "20200101-000000-0000", "--limit", "3"], {}, "leave out limit", id="resume changed"),
    ],
)
def test_what_cannot_run_exits_2_and_says_what_to_do(
    debrief: Command, suite: str, arguments: list[str], environment: dict[str, str], says: str
) -> None:
    """1 would say that a prompt got worse."""
    default = [] if {"--suite", "--resume"} & set(arguments) else ["--suite", suite]

    result = debrief("eval", "run", *default, *arguments, **environment)

    assert result.exit_code == 2
    assert says in result.stderr
    assert "Traceback" not in result.output


def test_a_run_can_be_resumed_by_its_id(debrief: Command, suite: str, tmp_path: Path) -> None:
    """A finished one has nothing left to do."""
    debrief("eval", "run", "--suite", suite)

    result = debrief("eval", "run", "--resume", only_run(tmp_path).name)

    assert result.exit_code == 0, result.output
    assert "grading 0 of 4" in result.stderr


def test_a_recorded_suite_is_replayed_in_ci_and_a_changed_prompt_is_not(
    debrief: Command, suite: str, tmp_path: Path
) -> None:
    """The message names the row."""
    recorded = ["--recorded", str(tmp_path / "recorded")]
    debrief("eval", "run", "--suite", suite, "--record", *recorded)

    same = debrief("eval", "run", "--suite", suite, *recorded, CI="true")
    other = debrief("eval", "run", "--suite", suite, "--prompt", "judge-readout@1", *recorded, CI="true")

    assert same.exit_code == 0, same.output
    assert other.exit_code == 2
    assert "no recorded reply for row-1 with judge-readout@1" in other.stderr


def test_a_public_set_states_its_licence_and_grades_what_is_labelled(debrief: Command, tmp_path: Path) -> None:
    """A plain score says nothing of storytelling."""
    record = {"question": "Q?", "answer": "An answer.", "score": 1, "max_score": 1, "id": "a"}
    path = write_jsonl(tmp_path / "saf.jsonl", [record])

    result = debrief("eval", "run", "--suite", "saf", "--data", str(path))

    assert result.exit_code == 0, result.output
    assert "licence: MIT" in result.stderr
    line = (only_run(tmp_path) / "results.jsonl").read_text().splitlines()[0]
    assert [criterion["id"] for criterion in json.loads(line)["grade"]["criteria"]] == ["correctness"]


def test_other_tools_cases_are_imported_into_a_new_file(debrief: Command, tmp_path: Path) -> None:
    """Never over one that exists."""
    path = write_jsonl(tmp_path / "samples.jsonl", [{"input": "Q", "target": "R", "metadata": {"answer": "A"}}])
    command = ["eval", "import", "inspect", str(path), "--out", "rows.jsonl"]

    first, second = debrief(*command), debrief(*command)

    assert first.exit_code == 0, first.output
    assert "1 of them have no label yet" in first.stdout
    assert next(read_rows(tmp_path / "rows.jsonl")).reference == "R"
    assert second.exit_code == 2
    assert "rows.jsonl exists" in second.stderr


def test_public_sets_are_listed_with_licence_and_source(debrief: Command) -> None:
    """So that nobody has to look them up."""
    result = debrief("eval", "sets")

    for word in ("saf", "digiklausur", "MPL-2.0", "https://github.com/SebOchs/SAF"):
        assert word in result.stdout


@pytest.fixture
def folder(tmp_path: Path) -> list[str]:
    """A golden folder with one row, as an option."""
    write_rows(tmp_path / "golden" / "a.jsonl", [row("row-1", tags=["ladder", "smoke"], group="g")])
    return ["--folder", str(tmp_path / "golden")]


def test_golden_rows_are_listed_and_shown(debrief: Command, folder: list[str]) -> None:
    """Short in the list, in full by id."""
    listed = debrief("golden", "list", *folder)
    shown = debrief("golden", "show", "row-1", *folder)
    as_json = debrief("golden", "show", "row-1", "--json", *folder)
    missing = debrief("golden", "show", "row-9", *folder)

    assert "row-1" in listed.stdout
    assert "correctness=4" in listed.stdout
    assert "1 rows" in debrief("golden", "list", "--suite", "smoke", *folder).stdout
    assert "0 rows" in debrief("golden", "list", "--kind", "twin", *folder).stdout
    assert ANSWER in " ".join(shown.stdout.split())
    assert json.loads(as_json.stdout)["group"] == "g"
    assert (missing.exit_code, "debrief golden list" in missing.stderr) == (2, True)


def test_a_row_is_added_from_options_or_from_json(debrief: Command, folder: list[str], tmp_path: Path) -> None:
    """What is missing is named where nobody can be asked."""
    to = ["--to", str(tmp_path / "golden" / "own.jsonl"), *folder]
    options = ["--id", "mine-1", "--question", "Why?", "--answer", "Because.", "--split", "dev", "--tag", "plain"]

    one = debrief("golden", "add", *options, "--label", "correctness=3.6", *to)
    two = debrief("golden", "add", "--json", "-", *to, stdin=json.dumps(row_data("mine-2", question="What?")))
    three = debrief("golden", "add", *options[2:], "--label", "clarity=2", *to)

    assert (one.exit_code, two.exit_code) == (0, 0), one.output + two.output
    assert (three.exit_code, "--id is missing" in three.stderr) == (2, True)
    added = list(read_rows(tmp_path / "golden" / "own.jsonl"))
    assert [each.id for each in added] == ["mine-1", "mine-2"]
    assert added[0].labels["correctness"].score == 3.6
    assert added[0].labels["correctness"].level == 4


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        pytest.param({"id": "row-1", "question": "Other?"}, "a row called row-1 already", id="id"),
        pytest.param({"answer": ANSWER.upper() + "!"}, "nearly the row row-1", id="near-duplicate"),
        pytest.param({"answer": "Something else.", "split": "test"}, "--split dev", id="split"),
        pytest.param({"labels": {"wit": {"level": 1, "source": "authored"}}}, "no criterion wit", id="criterion"),
        pytest.param({"rubric": "none"}, "no rubric called none", id="rubric"),
        pytest.param({"split": "train"}, "the row cannot be used: split", id="invalid"),
    ],
)
def test_a_row_that_adds_nothing_or_contradicts_is_refused(
    debrief: Command, folder: list[str], tmp_path: Path, changes: dict[str, object], says: str
) -> None:
    """And nothing is written."""
    to = tmp_path / "golden" / "own.jsonl"

    data = json.dumps({**row_data("new"), **changes})
    result = debrief("golden", "add", "--json", data, *folder, "--to", str(to))

    assert result.exit_code == 2
    assert says in result.stderr
    assert not to.exists()


def test_rows_of_one_group_may_share_an_answer(debrief: Command, folder: list[str], tmp_path: Path) -> None:
    """The same answer for two audiences is a pair on purpose."""
    to = tmp_path / "golden" / "own.jsonl"
    pair = row_data("row-2", tags=["ladder"], group="g", question=QUESTION)

    result = debrief("golden", "add", "--json", json.dumps(pair), *folder, "--to", str(to))

    assert result.exit_code == 0, result.output
