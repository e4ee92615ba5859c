"""Practice without JavaScript: choose, answer, be graded, mend what cannot be used."""

from __future__ import annotations

import asyncio

import httpx
import pytest

from service.bootstrap import Services
from service.grading.grade import GradeStatus
from service.records import LOCAL_TENANT, GradeId
from tests.conftest import ANSWER, QUESTION, Client
from tests.web.reading import Page, read

pytestmark = pytest.mark.anyio
FORM = {"question_id": "p-value-meaning", "answer": ANSWER}


async def send(browser: Client, fields: dict[str, str], address: str = "/", **headers: str) -> httpx.Response:
    """The form, sent as browsers send it."""
    return await browser.post(address, files={name: (None, text) for name, text in fields.items()}, headers=headers)


async def graded(browser: Client, fields: dict[str, str]) -> tuple[str, Page]:
    """Where the feedback is, and its page, once it is there."""
    address = await finished(browser, await send(browser, fields))
    return address, read(await browser.get(address))


async def finished(browser: Client, sent: httpx.Response) -> str:
    """Where the feedback is, once it is there."""
    assert sent.status_code == 303, sent.text
    address = str(sent.headers["location"])
    async with browser.stream("GET", f"{address}/live") as events:
        async for _ in events.aiter_lines():
            pass
    return address


async def test_a_newcomer_is_asked_a_question_at_once(browser: Client) -> None:
    """The first page holds a question, a box, a button and what is judged."""
    page = read(await browser.get("/"))

    assert QUESTION in page.text
    assert "Correctness 50%" in page.text
    assert [box["name"] for box in page.all("textarea")] == ["answer"]


async def test_an_answer_leads_to_its_feedback(browser: Client) -> None:
    """Post, be sent on, read the feedback."""
    _, page = await graded(browser, {**FORM, "audience": "executives"})

    assert "Criterion by criterion" in page.text
    assert "You could say" in page.text
    assert any("A p-value is the probability" in words for words in page.marked)


async def test_what_the_form_takes_is_what_the_api_grades(browser: Client) -> None:
    """Question of the bank, context, and the local learner."""
    address, _ = await graded(browser, {**FORM, "industry": "Retail", "audience": "executives"})

    grade = (await browser.get(f"/v1{address}", params={"include": "submission"})).json()
    assert (grade["question_id"], grade["learner"]) == ("p-value-meaning", "me")
    assert grade["submission"]["context"]["industry"] == "Retail"


async def test_lines_end_as_the_learner_ended_them(browser: Client) -> None:
    """Browsers send CR LF; the answer, and so the offsets, have LF."""
    address, _ = await graded(browser, {**FORM, "answer": "A p-value is a tail.\r\n\r\nIt assumes the null."})

    grade = (await browser.get(f"/v1{address}", params={"include": "submission"})).json()
    assert grade["submission"]["answer"] == "A p-value is a tail.\n\nIt assumes the null."


async def test_one_s_own_question_is_graded_with_its_key_points(browser: Client) -> None:
    """One a line; empty lines are none."""
    fields = {"question": "Why split data?", "key_points": "unseen data\n\noverfitting", "answer": ANSWER}

    address, page = await graded(browser, fields)

    grade = (await browser.get(f"/v1{address}")).json()
    assert [point["point"] for point in grade["key_points"]] == ["unseen data", "overfitting"]
    assert "Why split data?" in page.text


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        pytest.param({**FORM, "answer": ""}, "Answer is empty", id="no answer"),
        pytest.param({**FORM, "answer": "a" * 20_001}, "20001", id="too long"),
        pytest.param({"question": "", "answer": ANSWER}, "Question", id="no question"),
        pytest.param({**FORM, "audience": "x" * 101}, "Audience", id="long audience"),
        pytest.param({"question": "Why?", "key_points": "one\none", "answer": ANSWER}, "Key points", id="twice"),
    ],
)
async def test_what_cannot_be_used_is_shown_again_with_what_to_mend(
    browser: Client, fields: dict[str, str], says: str
) -> None:
    """422, a summary that names the field, and nothing typed is lost."""
    sent = await send(browser, fields)

    page = read(sent)
    assert sent.status_code == 422
    assert says in page.text
    assert fields["answer"] in page.text
    assert [tag for tag, attributes in page.tags if attributes.get("role") == "alert"]


async def test_a_form_from_another_site_is_refused(browser: Client) -> None:
    """By Fetch Metadata, and by Origin where a browser has none."""
    foreign = [{"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}, {"Origin": "https://evil.example"}]
    own = [{"Sec-Fetch-Site": "same-origin"}, {"Origin": "http://127.0.0.1:8000"}, {}]

    assert [(await send(browser, FORM, **headers)).status_code for headers in foreign] == [403, 403, 403]
    for headers in own:
        await finished(browser, await send(browser, FORM, **headers))


async def test_a_question_of_the_bank_can_be_found_by_its_words(browser: Client) -> None:
    """Search narrows; the count says how far."""
    everything = read(await browser.get("/questions"))
    found = read(await browser.get("/questions", params={"q": "left join", "difficulty": "basic"}))

    links = [link["href"] for link in found.all("a") if link["href"].startswith("/?question=")]
    assert "/?question=sql-join-types" in links
    assert len(links) < len([link for link in everything.all("a") if link["href"].startswith("/?question=")])


@pytest.mark.parametrize(
    "address", ["/?question=nothing", "/grades/grd_NONE", "/grades/%00", "/nothing", "/static/no.css"]
)
async def test_what_is_not_there_is_a_page_that_says_so(browser: Client, address: str) -> None:
    """404, with a way on."""
    missing = await browser.get(address, headers={"Accept": "text/html"})

    assert missing.status_code == 404
    assert "Practise an answer" in read(missing).text


async def test_a_program_still_gets_problem_documents(browser: Client) -> None:
    """Whatever is not a page stays as the API describes it."""
    for address in ("/nothing", "/v1/nothing", "/v1/grades/grd_NONE"):
        missing = await browser.get(address)
        assert missing.headers["content-type"] == "application/problem+json"


async def test_trying_again_shows_the_earlier_attempt_beside_the_box(browser: Client) -> None:
    """The same question and context, the old words to start from."""
    address, _ = await graded(browser, {**FORM, "audience": "executives"})

    page = read(await browser.get("/", params={"again": address.removeprefix("/grades/")}))

    assert "Your last attempt" in page.text
    assert page.said == [ANSWER]
    assert any(field.get("value") == "executives" for field in page.all("input"))


async def test_the_follow_up_question_can_be_answered_next(browser: Client) -> None:
    """It stands in the question's box."""
    address, page = await graded(browser, FORM)
    grade = (await browser.get(f"/v1{address}")).json()

    following = next(link["href"] for link in page.all("a") if link["href"].startswith("/?follow="))

    assert grade["follow_up_question"] in read(await browser.get(following)).text


async def test_a_second_attempt_says_what_changed(browser: Client) -> None:
    """The page of the later attempt compares it with the earlier; the scores stand."""
    await graded(browser, FORM)
    _, page = await graded(browser, {**FORM, "answer": "It assumes the null. It is a tail probability."})

    assert "Since your last attempt" in page.text
    assert "Still open" in page.text


async def test_an_answer_that_waits_can_be_looked_at_again(site: tuple[Client, Services]) -> None:
    """While a grade is made its page says so and names every criterion."""
    browser, services = site
    address, _ = await graded(browser, FORM)
    made = await services.grading.get(LOCAL_TENANT, GradeId(address.removeprefix("/grades/")))
    assert made is not None
    waiting = made.model_copy(
        update={"id": GradeId("grd_WAITING"), "status": GradeStatus.IN_PROGRESS, "grade": None, "usage": None}
    )
    await services.store.add(waiting)

    page = read(await browser.get("/grades/grd_WAITING"))

    assert "Being graded" in page.text
    assert "Storytelling" in page.text
    assert any(link["href"] == "/grades/grd_WAITING" for link in page.all("a"))


async def test_many_answers_at_once_all_find_their_page(browser: Client) -> None:
    """Each form its own grade."""
    sent = await asyncio.gather(*(send(browser, FORM) for _ in range(5)))

    assert len({await finished(browser, answer) for answer in sent}) == 5
