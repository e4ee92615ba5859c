"""Evaluation runs as pages."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import date
from pathlib import Path

import pytest

from service.settings import Settings
from service.web.runs import Runs
from tests.conftest import Client, make_settings
from tests.evals import makers as made
from tests.evals.test_compare import answers
from tests.web.conftest import site_running
from tests.web.reading import read

pytestmark = pytest.mark.anyio


def write_run(folder: Path, name: str, day: int, pairs: list[tuple[int, int]], *, report: bool = False) -> None:
    """A run's folder as the evaluation leaves it: machine's level and label of each answer."""
    path = folder / name
    path.mkdir(parents=True)
    head = {
        "id": name,
        "created": f"{date(2026, 11, day)}T09:00:00Z",
        "status": "done",
        "suite": {"name": "dev/smoke", "sha256": "0"},
        "variants": [{"name": "judge-readout@4", "judge": "readout"}],
        "model": "scripted/echo",
    }
    (path / "manifest.json").write_text(json.dumps(head))
    lines = [
        {
            "row": {"id": str(n), "labels": {"clarity": {"level": label, "source": "human"}}},
            "variant": "judge-readout@4",
            "repeat": repeat,
            "grade": {"criteria": [{"id": "clarity", "level": level}]},
        }
        for n, (level, label) in enumerate(pairs)
        for repeat in (0, 1)
    ]
    (path / "results.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines) + '{"cut sh')
    if report:
        (path / "report.html").write_text("<!doctype html><script>alert(1)</script>")


@pytest.fixture
async def laboratory(tmp_path: Path) -> AsyncIterator[Client]:
    """A site beside two runs of one suite."""
    write_run(tmp_path / "runs", "first", 1, [(1, 1), (2, 3), (4, 4), (5, 2)])
    write_run(tmp_path / "runs", "second", 2, [(1, 1), (3, 3), (4, 4), (4, 2)], report=True)
    (tmp_path / "runs" / "no-run").mkdir()
    settings: Settings = make_settings(tmp_path, runs_dir=tmp_path / "runs")
    async with site_running(settings) as (browser, _):
        yield browser


async def test_runs_are_listed_with_the_trend_of_agreement(laboratory: Client) -> None:
    """Oldest first in the trend; what is no run is passed over."""
    page = read(await laboratory.get("/evals"))

    assert "2 evaluation runs" in page.text
    assert "smoke, run after run" in page.text
    assert page.text.rindex("50%") < page.text.rindex("75%")
    assert "no-run" not in page.text


async def test_agreement_counts_every_answer_once(tmp_path: Path) -> None:
    """Repeats measure noise, not agreement; a line cut short by a crash is left out."""
    write_run(tmp_path, "r", 1, [(1, 1), (2, 3), (4, 4), (5, 2)])
    runs = Runs(tmp_path)
    run = runs.find("r")
    assert run is not None

    (found,) = runs.agreement(run)

    assert (found.n, found.exact) == (4, 0.5)
    assert found.kappa == pytest.approx(1 - 4 * 10 / 64)


async def test_a_report_is_a_page_of_no_site(laboratory: Client) -> None:
    """Its own script runs in a sandbox; none of ours is loosened."""
    page = read(await laboratory.get("/evals/second"))
    report = await laboratory.get("/evals/second/report")

    assert "/evals/second/report" in {link["href"] for link in page.all("a")}
    assert report.headers["content-security-policy"].startswith("sandbox allow-scripts;")
    assert "allow-same-origin" not in report.headers["content-security-policy"]


@pytest.mark.parametrize(
    "address", ["/evals/first/report", "/evals/nothing", "/evals/..%2f..", "/evals/.hidden", "/evals/no-run"]
)
async def test_what_is_no_run_or_report_is_not_there(laboratory: Client, address: str) -> None:
    """404; no way out of the folder."""
    assert (await laboratory.get(address)).status_code in (404, 422)


async def test_without_runs_the_page_says_how_to_make_one(tmp_path: Path) -> None:
    """A folder that is not there is no fault."""
    async with site_running(make_settings(tmp_path, runs_dir=tmp_path / "none")) as (browser, _):
        page = read(await browser.get("/evals"))

    assert "make eval" in page.text


@pytest.fixture
async def pair(tmp_path: Path) -> AsyncIterator[Client]:
    """A site beside three whole runs: two of the same answers, the later graded worse, and one of others."""
    runs = tmp_path / "runs"
    made.write_run(runs / "first", answers(20, 0.2, variant=made.BASE))
    made.write_run(runs / "second", answers(20, 1.8, variant=made.BASE, seed=1))
    foreign = [
        r.model_copy(update={"row": r.row.model_copy(update={"id": f"x{n}"})})
        for n, r in enumerate(answers(6, 0.0, variant=made.BASE))
    ]
    made.write_run(runs / "others", foreign)
    async with site_running(make_settings(tmp_path, runs_dir=runs)) as (browser, _):
        yield browser


async def test_two_runs_are_compared_answer_by_answer(pair: Client) -> None:
    """The evaluation's own verdict, with n and what is known of the noise; nothing was stored before."""
    page = read(await pair.get("/evals/compare?base=first&other=second"))

    assert "The later run grades worse" in page.text
    assert "20 answers both hold" in page.text
    assert "The noise floor was not measured" in page.text
    assert {"first", "second"} <= {option.get("value") for option in read(await pair.get("/evals")).all("option")}


async def test_a_run_beside_itself_cannot_tell(pair: Client) -> None:
    """No difference is no verdict."""
    page = read(await pair.get("/evals/compare?base=first&other=first"))

    assert "These runs cannot tell" in page.text


async def test_runs_without_a_common_answer_are_not_compared(pair: Client) -> None:
    """It says so by the runs' names, not by where they lie."""
    refused = await pair.get("/evals/compare?base=first&other=others")

    assert refused.status_code == 422
    assert "first and others share no row" in read(refused).text


@pytest.mark.parametrize("other", ["nothing", "..", "%2e%2e%2ffirst", ""])
async def test_only_runs_of_the_folder_are_compared(pair: Client, other: str) -> None:
    """404 otherwise."""
    assert (await pair.get(f"/evals/compare?base=first&other={other}")).status_code == 404


async def test_agreement_is_drawn_over_time(laboratory: Client) -> None:
    """One chart per criterion, which says in words what it shows."""
    page = read(await laboratory.get("/evals"))

    assert "Clarity, same level as the labels, oldest run first: 50%, 75%" in {
        drawn.get("aria-label") for drawn in page.all("svg")
    }
