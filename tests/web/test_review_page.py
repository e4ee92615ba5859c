"""The review queue as a page: see why, set levels, go on."""

from __future__ import annotations

import httpx
import pytest

from service.bootstrap import Services
from service.library import FileLibrary
from tests.conftest import Client
from tests.web.making import record_of
from tests.web.reading import read
from tests.web.samples import DOUBTFUL, FIRST

pytestmark = pytest.mark.anyio
LEVELS = {"level:correctness": "1", "level:clarity": "4", "level:storytelling": "4", "level:business_framing": "3"}


@pytest.fixture
async def reviewer(site: tuple[Client, Services], library: FileLibrary) -> Client:
    """A queue of two, and a grade nobody doubts."""
    browser, services = site
    rubric = library.rubric("technical-phone-screen")
    assert rubric is not None
    for name, made in {"ONE": DOUBTFUL, "TWO": DOUBTFUL, "SURE": FIRST}.items():
        await services.store.add(record_of(made, rubric, name))
    return browser


async def save(reviewer: Client, grade: str, fields: dict[str, str], **headers: str) -> httpx.Response:
    """The form, sent."""
    return await reviewer.post(
        "/review", params={"grade": grade}, files={name: (None, text) for name, text in fields.items()}, headers=headers
    )


async def test_the_oldest_grade_that_waits_is_shown_with_its_reasons(reviewer: Client) -> None:
    """Answer, machine's levels with probabilities, every level's descriptor."""
    page = read(await reviewer.get("/review"))

    assert "2 grades wait for a person" in page.text
    assert "Clarity: the judge is not sure enough of the level." in page.text
    assert page.said == [DOUBTFUL.answer]
    assert len([box for box in page.all("input") if box.get("type") == "radio"]) == 20


async def test_levels_are_kept_beside_the_machine_s_and_the_next_is_shown(reviewer: Client) -> None:
    """The grade stands; the review is in it; the queue is shorter; agreement is counted."""
    saved = await save(reviewer, "grd_ONE", {**LEVELS, "reviewer": "maria", "note": "Fine."})
    page = read(await reviewer.get(saved.headers["location"]))

    grade = (await reviewer.get("/v1/grades/grd_ONE")).json()
    assert saved.status_code == 303
    assert grade["reviews"][0]["levels"]["clarity"] == 4
    assert grade["reviews"][0]["reviewer"] == "maria"
    assert grade["criteria"][1]["level"] == 3
    assert "1 grade waits for a person" in page.text
    assert "1 grade reviewed" in page.text
    assert any(field.get("value") == "maria" for field in page.all("input"))


@pytest.mark.parametrize(("more", "golden"), [({"golden": "true"}, True), ({}, False)], ids=["checked", "not checked"])
async def test_a_checkbox_makes_it_a_golden_answer(reviewer: Client, more: dict[str, str], golden: bool) -> None:
    """It is in the review, and only when it was checked."""
    boxes = [box for box in read(await reviewer.get("/review")).all("input") if box.get("name") == "golden"]

    await save(reviewer, "grd_ONE", {**LEVELS, "reviewer": "maria", **more})

    assert [box["type"] for box in boxes] == ["checkbox"]
    assert "checked" not in boxes[0]
    assert (await reviewer.get("/v1/grades/grd_ONE")).json()["reviews"][0]["golden"] is golden


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        pytest.param({**LEVELS, "reviewer": ""}, "Your name", id="nobody"),
        pytest.param({"reviewer": "maria"}, "Levels", id="no levels"),
    ],
)
async def test_what_is_missing_is_said_and_nothing_is_lost(reviewer: Client, fields: dict[str, str], says: str) -> None:
    """The same grade again, with what was chosen."""
    sent = await save(reviewer, "grd_ONE", {**fields, "note": "Keep me."})

    page = read(sent)
    assert sent.status_code == 422
    assert says in page.text
    assert "Keep me." in page.text
    checked = [box["name"] for box in page.all("input") if "checked" in box]
    assert checked == [name for name in LEVELS if name in fields]


async def test_a_reviewer_can_judge_without_seeing_the_machine(reviewer: Client) -> None:
    """No level, no probability, no marks; and it stays so for the next grade."""
    page = read(await reviewer.get("/review", params={"blind": "true"}))

    assert "Machine:" not in page.text
    assert page.marked == []
    assert page.said == [DOUBTFUL.answer]
    assert any("blind=true" in form.get("action", "") for form in page.all("form"))


async def test_a_grade_can_be_skipped(reviewer: Client) -> None:
    """The next one, with a way back from the end."""
    page = read(await reviewer.get("/review"))
    skip = next(link["href"] for link in page.all("a") if "cursor=" in link["href"])

    following = read(await reviewer.get(skip))

    assert any("grade=grd_TWO" in form.get("action", "") for form in following.all("form"))


async def test_an_empty_queue_says_so(browser: Client) -> None:
    """Nothing to do is good news."""
    assert "Nothing waits" in read(await browser.get("/review")).text


async def test_a_review_from_another_site_is_refused(reviewer: Client) -> None:
    """Nobody reviews through somebody else's browser."""
    refused = await save(reviewer, "grd_ONE", {**LEVELS, "reviewer": "eve"}, **{"Sec-Fetch-Site": "cross-site"})

    assert refused.status_code == 403
    assert (await reviewer.get("/v1/grades/grd_ONE")).json()["reviews"] == []
