"""Batches as pages: estimate, send, watch, stop."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from tests.conftest import ANSWER, QUESTION, Client
from tests.web.reading import read

pytestmark = pytest.mark.anyio
CSV = f'custom_id,question,answer\nada,{QUESTION},"{ANSWER}"\neve,{QUESTION},"It is a tail, under the null."\n'
JSONL = "".join(json.dumps({"custom_id": n, "question": QUESTION, "answer": f"{ANSWER} {n}"}) + "\n" for n in "abc")


async def send(
    browser: Client, name: str, text: str | bytes, do: str = "send", budget: str = "", **headers: str
) -> httpx.Response:
    """The upload form."""
    fields: dict[str, Any] = {
        "file": (name, text, "application/octet-stream"),
        "do": (None, do),
        "max_cost_usd": (None, budget),
    }
    return await browser.post("/batches", files=fields, headers=headers)


async def through(browser: Client, sent: httpx.Response) -> None:
    """Wait until a batch is at its end."""
    async with browser.stream("GET", f"/v1{sent.headers['location']}/events") as events:
        async for _ in events.aiter_lines():
            pass


@pytest.mark.parametrize(
    ("name", "text", "answers"),
    [pytest.param("c.CSV", CSV, 2, id="csv"), pytest.param("c.jsonl", JSONL, 3, id="jsonl")],
)
async def test_a_file_becomes_a_batch(browser: Client, name: str, text: str, answers: int) -> None:
    """Its page counts, follows and leads to the grades."""
    sent = await send(browser, name, text)
    page = read(await browser.get(sent.headers["location"]))

    assert sent.status_code == 303
    assert f"of {answers}" in page.text
    batch = sent.headers["location"].removeprefix("/batches/")
    assert f"/v1/batches/{batch}/results" in {link["href"] for link in page.all("a")}
    assert sent.headers["location"] in {link["href"] for link in read(await browser.get("/batches")).all("a")}
    await through(browser, sent)


async def test_an_estimate_keeps_nothing(browser: Client) -> None:
    """Items, unusable lines with their reasons, cost."""
    shown = await send(browser, "cohort.csv", CSV + "bob,,\n", do="estimate")

    page = read(shown)
    assert "What cohort.csv would take" in page.text
    assert "Line 3" in page.text
    assert "Nothing yet." in page.text


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        pytest.param("c.csv", "name,reply\na,b\n", "header", id="unknown columns"),
        pytest.param("c.csv", b"answer\n\xff\xfe\n", "UTF-8", id="not text"),
        pytest.param("", "", "Choose a file first", id="no file"),
    ],
)
async def test_what_cannot_be_read_is_said(browser: Client, name: str, text: str | bytes, says: str) -> None:
    """422, and nothing is kept."""
    refused = await send(browser, name, text)

    assert refused.status_code == 422
    assert says in read(refused).text


async def test_a_budget_is_kept(browser: Client) -> None:
    """As sent, and said on the batch's page."""
    sent = await send(browser, "c.jsonl", JSONL, budget="2.50")

    page = read(await browser.get(sent.headers["location"]))

    assert "of at most $2.50" in page.text
    await through(browser, sent)


@pytest.mark.parametrize("budget", ["much", "-1", "nan", "inf", "1e400", "2000000"])
async def test_what_is_no_amount_is_no_budget(browser: Client, budget: str) -> None:
    """422, nothing is kept, and what was typed still stands there."""
    refused = await send(browser, "c.jsonl", JSONL, budget=budget)

    assert refused.status_code == 422
    assert "an amount of dollars" in read(refused).text
    assert budget in {field.get("value") for field in read(refused).all("input")}
    assert (await browser.get("/v1/batches")).json()["data"] == []


async def test_lines_without_a_grade_are_listed_with_the_reason(browser: Client) -> None:
    """The line's number, the sender's name for it, what is wrong; never what it held."""
    sent = await send(browser, "cohort.csv", CSV + "bob,,<b>It is.</b>\n")
    await through(browser, sent)

    page = read(await browser.get(sent.headers["location"]))

    assert "Without a grade" in page.text
    assert "bob" in page.text
    assert "It is." not in page.text
    assert f"/v1{sent.headers['location']}/errors" in {link["href"] for link in page.all("a")}


async def test_a_batch_can_be_stopped(browser: Client) -> None:
    """And stays readable."""
    sent = await send(browser, "c.jsonl", JSONL)

    stopped = await browser.post(f"{sent.headers['location']}/cancel")
    page = read(await browser.get(stopped.headers["location"]))

    assert stopped.status_code == 303
    assert "cancel" in page.text or "completed" in page.text
    await through(browser, sent)


async def test_another_site_cannot_send_a_batch(browser: Client) -> None:
    """Nor stop one."""
    refused = await send(browser, "c.jsonl", JSONL, **{"Sec-Fetch-Site": "cross-site"})

    assert refused.status_code == 403
    assert (await browser.get("/v1/batches")).json()["data"] == []
