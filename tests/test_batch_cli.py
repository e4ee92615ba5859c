"""``debrief batch``: a file in, a file out, and on again after a stop."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pytest

from service.csv_lines import UnknownColumns, csv_lines
from tests.conftest import ANSWER, QUESTION
from tests.engine.conftest import ModelServer

pytestmark = pytest.mark.timeout(600)


@pytest.fixture
def model_server() -> Iterator[ModelServer]:
    """A running model server."""
    server = ModelServer()
    yield server
    server.process.kill()
    server.process.wait()


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """The environment of a command on a database of its own."""
    return {
        **os.environ,
        "DEBRIEF_DATABASE__URL": f"sqlite:///{tmp_path / 'debrief.db'}",
        "DEBRIEF_MODEL": "scripted/echo",
        "DEBRIEF_SECRET": "a secret for tests",
    }


def write(path: Path, lines: Sequence[Mapping[str, object]]) -> Path:
    """A JSONL file."""
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


def line(number: int, **more: object) -> dict[str, object]:
    """A valid line with an answer of its own."""
    body = {"custom_id": f"c{number}", "question": QUESTION, "answer": f"Case {number}. {ANSWER}", "detail": "scores"}
    return {**body, **more}


def command(*arguments: object) -> list[str]:
    """The command line."""
    return [sys.executable, "-m", "service.cli", "batch", *map(str, arguments)]


def run(environment: Mapping[str, str], *arguments: object) -> subprocess.CompletedProcess[str]:
    """Run it to the end."""
    return subprocess.run(
        command(*arguments), env=environment, capture_output=True, text=True, check=False, timeout=240
    )


def custom_ids(path: Path) -> list[str]:
    """The names in a file of results."""
    return [json.loads(each)["custom_id"] for each in path.read_text().splitlines()]


def test_a_file_is_graded_in_its_order_and_faults_are_written_beside_it(
    tmp_path: Path, environment: dict[str, str]
) -> None:
    """Exit code 1 says that something has no grade; a second run costs nothing and changes nothing."""
    file, out = write(tmp_path / "in.jsonl", [line(1), line(2, answer=""), line(3)]), tmp_path / "out.jsonl"

    first = run(environment, file, "--out", out)
    before = out.read_text()
    second = run(environment, file, "--out", out)

    (error,) = [json.loads(each) for each in (tmp_path / "out.errors.jsonl").read_text().splitlines()]
    assert (first.returncode, second.returncode) == (1, 1)
    assert custom_ids(out) == ["c1", "c3"]
    assert (error["line"], error["custom_id"]) == (2, "c2")
    assert out.read_text() == before
    assert "Going on with bat_" in second.stderr


def test_a_csv_file_with_a_header_is_as_good(tmp_path: Path, environment: dict[str, str]) -> None:
    """Rows without a name are named by their number."""
    file, out = tmp_path / "in.csv", tmp_path / "out.jsonl"
    file.write_text(
        "question_id,answer,industry,key_points,metadata.course\n"
        f'p-value-meaning,"{ANSWER}, really",healthcare,one | two,c-7\n'
        f"p-value-meaning,{ANSWER},,,\n"
    )

    done = run(environment, file, "--out", out)

    first, second = [json.loads(each) for each in out.read_text().splitlines()]
    assert done.returncode == 0
    assert (first["custom_id"], second["custom_id"]) == ("1", "2")
    assert first["grade"]["metadata"] == {"course": "c-7"}
    assert [point["point"] for point in first["grade"]["key_points"]] == ["one", "two"]


@pytest.mark.anyio
async def test_unknown_columns_are_named_not_guessed(tmp_path: Path) -> None:
    """The message lists what there can be."""
    file = tmp_path / "in.csv"
    file.write_text("answer,anwser\nx,y\n")

    with pytest.raises(UnknownColumns, match="question_id"):
        [each async for each in csv_lines(file)]


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT], ids=["kill -9", "Ctrl-C"])
def test_the_same_command_goes_on_where_it_was_stopped(
    tmp_path: Path, environment: dict[str, str], model_server: ModelServer, how: signal.Signals
) -> None:
    """All are graded once; only what was being graded when it was killed is asked again."""
    count, at_once = 60, 8
    file, out = write(tmp_path / "in.jsonl", [line(n) for n in range(count)]), tmp_path / "out.jsonl"
    environment |= {
        "DEBRIEF_MODEL": "openai/fake",
        "OPENAI_BASE_URL": model_server.url,
        "OPENAI_API_KEY": "none",
        "DEBRIEF_WORKER__CONCURRENCY": str(at_once),
    }

    begun = subprocess.Popen(command(file, "--out", out), env=environment, stderr=subprocess.DEVNULL)
    end = time.monotonic() + 120
    while model_server.calls() < 20 and time.monotonic() < end:
        time.sleep(0.05)
    begun.send_signal(how)
    stopped = begun.wait(timeout=60)
    written = out.exists()
    again = run(environment, file, "--out", out)

    assert stopped != 0
    assert not written
    assert again.returncode == 0, again.stderr
    assert custom_ids(out) == [f"c{n}" for n in range(count)]
    assert model_server.calls() <= count + (at_once if how is signal.SIGKILL else 0)
