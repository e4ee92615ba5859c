"""The page of a grade: everything the grade says, and nothing the answer smuggles in."""

from __future__ import annotations

from dataclasses import replace

import pytest

from service.bootstrap import Services
from service.grading.errors import ModelUnavailable
from service.grading.grade import Flag
from service.grading.rubric import Rubric
from service.library import FileLibrary
from service.llm.scripted import RepliesInOrder
from service.settings import Settings
from tests.conftest import ANSWER, Client
from tests.web.conftest import site_running
from tests.web.making import Made, Remark, record_of
from tests.web.reading import Page, read
from tests.web.samples import FIRST, SECOND

pytestmark = pytest.mark.anyio

HOSTILE = (
    '<script>alert(1)</script> "><img src=x onerror=alert(2)> {{ 7 * 7 }} \u202egnisrever\u202c שלום 👩‍🔬🎓 '
    "a p-value is basically the probability that the null hypothesis is true. "
    "The smaller it is, the bigger the effect. We usually compare it with 0.05. "
    "When we tested the new checkout at my last job we rolled it out to all customers. "
)


@pytest.fixture
def phone_screen(library: FileLibrary) -> Rubric:
    """The rubric the samples are judged by."""
    rubric = library.rubric("technical-phone-screen")
    assert rubric is not None
    return rubric


async def shown(site: tuple[Client, Services], rubric: Rubric, *attempts: Made) -> Page:
    """The page of the last of some attempts."""
    browser, services = site
    for number, made in enumerate(attempts):
        await services.store.add(record_of(made, rubric, f"G{number}"))
    return read(await browser.get(f"/grades/grd_G{len(attempts) - 1}"))


async def test_every_part_of_a_grade_is_shown(site: tuple[Client, Services], phone_screen: Rubric) -> None:
    """Score, levels, probabilities, remarks, points, misconceptions, rewrite, follow-up, doubts, receipt."""
    page = await shown(site, phone_screen, FIRST)

    for said in (
        "fairly sure (71%)",
        "Begin with the assumption",
        "Missing",
        "The smaller the p-value, the bigger the effect.",
        "You could say",
        "Answer this next",
        "Clarity: level 3 is the likeliest reading, but only 52% sure.",
        f"Rubric technical-phone-screen {phone_screen.version}",
        "made by a language model and can be wrong",
    ):
        assert said in page.text


async def test_a_cap_is_explained(site: tuple[Client, Services], phone_screen: Rubric) -> None:
    """Which criterion holds the score down, and to what."""
    fluent = {**FIRST.remarks, "clarity": Remark(level=5), "storytelling": Remark(level=5)}

    page = await shown(site, phone_screen, replace(FIRST, remarks=fluent))

    assert "Correctness holds the score down" in page.text
    assert "cannot go above 2.5" in page.text


async def test_probabilities_have_words_beside_their_bars(site: tuple[Client, Services], phone_screen: Rubric) -> None:
    """Who does not see the bars hears all of them."""
    page = await shown(site, phone_screen, FIRST)

    chart = next(svg["aria-label"] for svg in page.all("svg") if svg.get("class") == "levels")
    assert chart.startswith("Level 1 of 5: Wrong. Probabilities: level 1 71%, level 2")


async def test_each_quote_leads_to_its_remark_and_back(site: tuple[Client, Services], phone_screen: Rubric) -> None:
    """Every link inside the page has a target."""
    page = await shown(site, phone_screen, FIRST)

    inside = {link["href"].removeprefix("#") for link in page.all("a") if link["href"].startswith("#")}
    assert inside <= page.ids
    assert {name for name in inside if name.startswith("said-")}
    assert {name for name in inside if name.startswith("remark-")}


async def test_strengths_and_gaps_differ_in_words_as_well(site: tuple[Client, Services], phone_screen: Rubric) -> None:
    """Not by colour alone."""
    page = await shown(site, phone_screen, FIRST)

    assert "true (gap: Correctness)" in page.text
    assert "0.05 (strength: Clarity)" in page.text


async def test_hostile_answers_are_text(site: tuple[Client, Services], phone_screen: Rubric) -> None:
    """Markup, template syntax, direction marks and emoji come out as they were sent."""
    hostile = replace(
        FIRST, answer=HOSTILE, question=HOSTILE, question_id=None, summary=HOSTILE, rewrite=(HOSTILE, HOSTILE)
    )

    page = await shown(site, phone_screen, hostile)

    assert page.said == [HOSTILE]
    assert "a p-value is basically the probability that the null hypothesis is true" in page.marked
    assert [script for script in page.all("script") if "src" not in script] == []
    assert page.all("img") == []
    assert "49" not in page.text.replace(HOSTILE, "")


async def test_the_longest_answer_is_shown_whole(site: tuple[Client, Services], phone_screen: Rubric) -> None:
    """20,000 code points outside the basic plane, the quotes at their end."""
    answer = "𝔸" * (20_000 - len(FIRST.answer)) + FIRST.answer

    page = await shown(site, phone_screen, replace(FIRST, answer=answer))

    assert page.said == [answer]
    assert "We usually compare it with 0.05" in page.marked


async def test_a_later_attempt_stands_beside_the_earlier(site: tuple[Client, Services], phone_screen: Rubric) -> None:
    """What got fixed, what is open, how sure the change is, both answers."""
    page = await shown(site, phone_screen, FIRST, SECOND)

    assert "Fixed 8" in page.text
    assert "Still open 1" in page.text
    assert "clearly up" in page.text
    assert "about the same" in page.text
    assert page.said == [FIRST.answer, SECOND.answer, SECOND.answer]


async def test_what_a_person_should_look_at_is_said(site: tuple[Client, Services], phone_screen: Rubric) -> None:
    """Review reasons and flags in sentences."""
    flag = Flag(code="manipulation_suspected", spans=((0, 4),), detail="Words that speak to a grader.")
    doubtful = replace(FIRST, reasons=("manipulation_suspected", "low_confidence:clarity"), flags=(flag,))

    page = await shown(site, phone_screen, doubtful)

    assert "A person should look at this grade" in page.text
    assert "Clarity: the judge is not sure enough of the level." in page.text
    assert "Words that speak to a grader." in page.text


async def test_without_a_model_the_answer_is_kept_and_can_be_graded_again(settings: Settings) -> None:
    """No score is made up; a button asks again."""
    down = RepliesInOrder([ModelUnavailable("the model is down")])
    async with site_running(settings, down) as (browser, _):
        made = await browser.post("/v1/grades", json={"question": "Why?", "answer": ANSWER})
        address = made.headers["location"].removeprefix("/v1")
        page = read(await browser.get(address))
        again = await browser.post(f"{address}/retry")

    assert "no score was made up" in page.text
    assert page.said == [ANSWER]
    assert again.headers["location"] == address


async def test_the_stream_draws_each_criterion_on_the_server(browser: Client) -> None:
    """Stages, one escaped piece of page a criterion, the end."""
    sent = await browser.post("/", files={"question": (None, "<b>Why</b> split?"), "answer": (None, ANSWER)})

    events = (await browser.get(f"{sent.headers['location']}/live")).text

    names = [line.removeprefix("event: ") for line in events.splitlines() if line.startswith("event: ")]
    assert names == ["stage", *["criterion"] * 4, "stage", "commentary", "done"]
    assert "Level 3 of 5" in events
