"""The command line."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
import yaml

from service.key_text import is_key
from tests.conftest import ANSWER, QUESTION
from tests.grading.helpers import rubric_data

ASK = ["grade", "--question", "Q", "--answer", "A"]


def run(*arguments: str, stdin: str | None = None, **environment: str) -> subprocess.CompletedProcess[str]:
    """``debrief`` with these arguments, in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "service.cli", *arguments],
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "DEBRIEF_MODEL": "scripted/echo", "DEBRIEF_SECRET": "s", "COLUMNS": "120", **environment},
    )


@pytest.fixture
def database(tmp_path: Path) -> Mapping[str, str]:
    """A database of the test's own."""
    return {"DEBRIEF_DATABASE__URL": f"sqlite:///{tmp_path / 'cli.db'}"}


def test_an_answer_is_graded_and_printed_for_a_person(database: Mapping[str, str]) -> None:
    """Levels, quotes, cost; exit code 0."""
    result = run("grade", "--question", QUESTION, "--answer", "-", stdin=ANSWER, **database)

    assert result.returncode == 0, result.stderr
    assert re.search(r"(Not yet|Weak|Mixed|Good|Strong)  \d\.\d+ of 5", result.stdout)
    assert "Correctness: Half right" in result.stdout
    assert "“A p-value is the probability that the null hypothesis is true.”" in result.stdout


def test_json_output_is_the_api_s_document(database: Mapping[str, str]) -> None:
    """For scripts."""
    result = run("grade", "--question", QUESTION, "--answer", ANSWER, "--json", "--scores", **database)

    grade = json.loads(result.stdout)
    assert grade["object"] == "grade"
    assert grade["commentary"]["status"] == "omitted"


def test_a_rubric_file_can_be_used(database: Mapping[str, str], tmp_path: Path) -> None:
    """Before it is published anywhere."""
    path = tmp_path / "mine.yaml"
    path.write_text(yaml.safe_dump(rubric_data()))

    result = run("grade", "--question", QUESTION, "--answer", ANSWER, "--rubric", str(path), "--json", **database)

    assert [c["id"] for c in json.loads(result.stdout)["criteria"]] == ["facts", "form"]


@pytest.mark.parametrize(
    ("arguments", "environment", "says"),
    [
        pytest.param(["grade", "--question", "Q", "--answer", ""], {}, "answer is empty", id="empty answer"),
        pytest.param(
            [*ASK, "--rubric", "none"],
            {},
            "ds-interview@1.2.0",
            id="rubric",
        ),
        pytest.param(["models"], {"DEBRIEF_MODEL": "openai/gpt-4o", "OPENAI_API_KEY": ""}, "OPENAI_API_KEY", id="key"),
        pytest.param(["models"], {"DEBRIEF_PORT": "many"}, "DEBRIEF_PORT", id="setting"),
        pytest.param(["serve", "--host", "0.0.0.0"], {}, "this machine only", id="open to the world"),
        pytest.param(["rubric", "check", "no-such-folder"], {}, "does not exist", id="missing path"),
        pytest.param(
            ["grade", "--question", "Q", "--answer", "A"],
            {"DEBRIEF_DATABASE__URL": "mysql://x"},
            "sqlite",
            id="database",
        ),
    ],
)
def test_what_cannot_work_exits_1_and_says_what_to_do(
    arguments: list[str], environment: dict[str, str], says: str, database: Mapping[str, str]
) -> None:
    """No traceback."""
    result = run(*arguments, **{**database, **environment})

    assert result.returncode == 1
    assert says in " ".join(result.stderr.split())
    assert "Traceback" not in result.stderr


def test_wrong_usage_exits_2() -> None:
    """As usual on the command line."""
    assert run("grade").returncode == 2


def test_a_faulty_rubric_is_named_with_its_place(tmp_path: Path) -> None:
    """The good ones pass."""
    (tmp_path / "good.yaml").write_text(yaml.safe_dump(rubric_data()))
    bad = yaml.safe_dump(rubric_data(version="1"))
    (tmp_path / "bad.yaml").write_text(bad)
    (tmp_path / "broken.yaml").write_text("a: [")

    result = run("rubric", "check", str(tmp_path))

    assert result.returncode == 1
    line = bad.splitlines().index("version: '1'") + 1
    assert f"bad.yaml:{line}: error: version" in result.stderr
    assert "broken.yaml:1: error: is not valid YAML" in result.stderr
    assert "good.yaml" not in result.stderr
    assert "2 of 3" in result.stderr


def test_the_product_s_own_content_is_faultless() -> None:
    """What make check runs."""
    assert run("rubric", "check", "rubrics").returncode == 0
    assert run("prompt", "check", "prompts").returncode == 0


def test_models_says_what_is_configured(database: Mapping[str, str]) -> None:
    """Model, judge, reachability, cost."""
    result = run("models", **database)

    assert result.returncode == 0
    for word in ("scripted/echo", "readout", "reachable", "$ 0.0000"):
        assert word in result.stdout


def test_a_key_is_made_shown_once_listed_rotated_and_revoked(database: Mapping[str, str]) -> None:
    """The text of the key alone on standard output, for scripts."""
    made = run("keys", "create", "--tenant", "acme", "--name", "ci", "--scopes", "grades:read", **database)
    key_id = made.stderr.split()[0]
    listed = run("keys", "list", **database)
    rotated = run("keys", "rotate", key_id, "--keep-old", "0h", **database)
    revoked = run("keys", "revoke", rotated.stderr.split()[0], **database)
    after = run("keys", "list", **database)

    assert is_key(made.stdout.strip())
    assert is_key(rotated.stdout.strip())
    assert "acme  ci  " in listed.stdout
    assert made.stdout.strip() not in listed.stdout + listed.stderr
    assert "is revoked" in revoked.stdout
    assert after.stdout.count("ended") == 2


@pytest.mark.parametrize(
    ("arguments", "says", "code"),
    [
        pytest.param(["create", "--scopes", "grades:everything"], "grades:write", 2, id="scope"),
        pytest.param(["create", "--tenant", "a b"], "letters", 2, id="tenant"),
        pytest.param(["create", "--lasts", "soon"], "90d", 2, id="time"),
        pytest.param(["revoke", "key_x"], "debrief keys list", 1, id="unknown"),
    ],
)
def test_what_cannot_be_a_key_is_said(arguments: list[str], says: str, code: int, database: Mapping[str, str]) -> None:
    """With what to write instead."""
    result = run("keys", *arguments, **database)

    assert result.returncode == code
    assert says in result.stderr
