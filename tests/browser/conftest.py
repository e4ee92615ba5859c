"""A real browser on the real site. Without a browser the tests say so; ``make test-browser`` insists on one."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from service.jobs import BatchId
from service.library import FileLibrary
from service.lines import RawLine
from service.records import LOCAL_TENANT
from tests.browser.server import Site, serving
from tests.conftest import make_settings
from tests.evals.makers import BASE, write_run
from tests.evals.test_compare import answers
from tests.web.making import record_of
from tests.web.samples import DOUBTFUL, FIRST, OTHER, SECOND, THIRD

NO_BROWSER = "no Chromium on this machine: apt-get install chromium, then make test-browser"
INSIST = "DEBRIEF_TEST_BROWSER"
PATIENCE = 60_000
"""Milliseconds; a busy machine is no fault of a page."""


def _found() -> str | None:
    return shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """Debian's Chromium."""
    program = _found()
    if program is None:
        if os.environ.get(INSIST):
            pytest.fail(NO_BROWSER)
        pytest.skip(NO_BROWSER)
    expect.set_options(timeout=PATIENCE)
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield chromium
        chromium.close()


@pytest.fixture(scope="package")
def site(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """One site for all, with attempts of a learner, a batch with a fault in it, and two evaluation runs."""
    folder = tmp_path_factory.mktemp("site")
    write_run(folder / "runs" / "first", answers(12, 0.2, variant=BASE), created="2026-11-20T09:00:00Z")
    write_run(folder / "runs" / "second", answers(12, 1.6, variant=BASE, seed=1), created="2026-11-21T09:00:00Z")
    with serving(make_settings(folder, runs_dir=folder / "runs")) as running:
        rubric = FileLibrary().rubric("technical-phone-screen")
        assert rubric is not None
        attempts = {"FIRST": FIRST, "SECOND": SECOND, "OTHER": OTHER, "THIRD": THIRD}
        running.keep([record_of(replace(made, learner="ada"), rubric, name) for name, made in attempts.items()])
        running.keep([record_of(DOUBTFUL, rubric, "DOUBTFUL")])
        running.run(
            running.services.batches.take_in(LOCAL_TENANT, _lines(), batch_id=BatchId("bat_01KAP0J3V8T6W1Q9SHOWN000"))
        )
        yield running


async def _lines() -> AsyncIterator[RawLine]:
    """A good line and two bad ones."""
    for number, answer in enumerate(("So that we see new data.", "", ""), 1):
        line = {"custom_id": f"learner-{number}", "question": "Why split?", "answer": answer}
        yield RawLine(number, json.dumps(line).encode())


@pytest.fixture
def context(browser: Browser, site: Site) -> Iterator[BrowserContext]:
    """A fresh profile; whatever a page reports to its console fails the test."""
    made = browser.new_context(base_url=site.address, viewport={"width": 1280, "height": 900})
    made.set_default_timeout(PATIENCE)
    complaints: list[str] = []
    made.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    made.on("weberror", lambda error: complaints.append(str(error.error)))
    yield made
    made.close()
    assert [text for text in complaints if "404" not in text and "422" not in text] == []


@pytest.fixture
def page(context: BrowserContext) -> Page:
    """One tab."""
    return context.new_page()


@pytest.fixture
def held(site: Site) -> Iterator[Site]:
    """The site while its model waits to be let go."""
    site.model.go.clear()
    yield site
    site.model.go.set()


@pytest.fixture(scope="session")
def screenshots() -> Path:
    """Where pictures of the pages are put, to be looked at."""
    folder = Path(os.environ.get("DEBRIEF_TEST_SCREENSHOTS", "tests/browser/screenshots"))
    folder.mkdir(parents=True, exist_ok=True)
    return folder
