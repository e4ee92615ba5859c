"""The progress page: the API's facts, drawn and in words."""

from __future__ import annotations

import pytest

from service.bootstrap import Services
from service.library import FileLibrary
from tests.conftest import Client
from tests.web.making import record_of
from tests.web.reading import read
from tests.web.samples import FIRST, OTHER, SECOND, THIRD

pytestmark = pytest.mark.anyio


@pytest.fixture
async def practised(site: tuple[Client, Services], library: FileLibrary) -> Client:
    """A learner with four attempts."""
    browser, services = site
    rubric = library.rubric("technical-phone-screen")
    assert rubric is not None
    for name, made in {"A": FIRST, "B": SECOND, "C": OTHER, "D": THIRD}.items():
        await services.store.add(record_of(made, rubric, name))
    return browser


async def test_trends_gaps_and_what_is_next_are_shown(practised: Client) -> None:
    """Every chart has its words."""
    page = read(await practised.get("/learners/me"))

    charts = [svg["aria-label"] for svg in page.all("svg") if svg.get("class") == "trend"]
    assert len(charts) == 4
    assert charts[0].startswith("Correctness, of 5, oldest attempt first: ")
    assert "4 graded answers to 2 questions" in page.text
    assert "Practise next" in page.text
    assert "Fixed" in page.text
    assert "/?again=grd_C" in {link["href"] for link in page.all("a")}


async def test_a_learner_without_attempts_is_told_how_to_begin(practised: Client) -> None:
    """No empty charts."""
    page = read(await practised.get("/learners/nobody"))

    assert "Nothing graded yet" in page.text
    assert "A new topic" in page.text


async def test_a_hostile_reference_is_text(practised: Client) -> None:
    """It stands on the page as it was sent."""
    page = read(await practised.get("/learners/%3Cscript%3E"))

    assert "<script>" in page.text
    assert [script for script in page.all("script") if "src" not in script] == []
