"""Batches over HTTP: send many answers, follow them, read them in order, stop them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import httpx
import pytest

from service.grading.errors import ModelRefused
from service.grading.models import ChatReply, ChatRequest, Tokens
from service.llm.scripted import ScriptedChat, echo
from service.settings import LimitSettings, WorkerSettings
from tests.conftest import ANSWER, QUESTION, Client, make_settings, running

pytestmark = pytest.mark.anyio
JSONL = {"Content-Type": "application/jsonl"}
Line = Mapping[str, object] | bytes


def line(number: int, **more: object) -> dict[str, object]:
    """A valid line; each has an answer of its own."""
    return {
        "custom_id": f"c{number}",
        "question": QUESTION,
        "answer": f"{ANSWER} It is number {number}.",
        "detail": "scores",
        **more,
    }


def body_of(lines: Sequence[Line]) -> bytes:
    """JSONL; bytes go in as they are."""
    return b"\n".join(each if isinstance(each, bytes) else json.dumps(each).encode() for each in lines)


async def send(client: Client, lines: Sequence[Line], **query: Any) -> httpx.Response:
    """POST /v1/batches."""
    return await client.post("/v1/batches", content=body_of(lines), headers=JSONL, params=query)


async def until_through(client: Client, batch: Mapping[str, Any]) -> dict[str, Any]:
    """The batch, once nothing changes any more."""
    while True:
        now: dict[str, Any] = (await client.get(f"/v1/batches/{batch['id']}")).json()
        if now["finished_at"]:
            return now
        await asyncio.sleep(0.05)


async def lines_of(client: Client, batch: Mapping[str, Any], what: str) -> list[dict[str, Any]]:
    """The lines of /results or /errors."""
    reply = await client.get(f"/v1/batches/{batch['id']}/{what}")
    assert reply.headers["content-type"].startswith("application/jsonl")
    return [json.loads(each) for each in reply.text.splitlines()]


class Priced(ScriptedChat):
    """Costs a cent a call; says what it was asked."""

    def __init__(self) -> None:
        super().__init__("scripted/priced", lambda _answer, levels: levels)
        self.asked = 0

    async def complete(self, request: ChatRequest, seconds: float) -> ChatReply:
        """Count, and answer."""
        self.asked += 1
        return await super().complete(request, seconds)

    def cost_usd(self, tokens: Tokens) -> float | None:
        """A cent."""
        return 0.01


class Unpriced(ScriptedChat):
    """Nobody knows what it costs."""

    def __init__(self) -> None:
        super().__init__("scripted/unpriced", lambda _answer, levels: levels)

    def cost_usd(self, tokens: Tokens) -> float | None:
        """Unknown."""
        return None


class Choosy(ScriptedChat):
    """Declines answers that say so."""

    def __init__(self) -> None:
        super().__init__("scripted/choosy", lambda _answer, levels: levels)

    async def complete(self, request: ChatRequest, seconds: float) -> ChatReply:
        """Refuse, or answer as echo does."""
        if "please refuse" in str(request.messages):
            raise ModelRefused("the model declined to answer")
        return await echo().complete(request, seconds)


async def test_a_batch_is_accepted_at_once_graded_and_read_in_the_order_it_was_sent(client: Client) -> None:
    """202 with Location; every line's grade is a resource of its own."""
    accepted = await send(client, [line(n) for n in range(40)])
    batch = await until_through(client, accepted.json())
    results = await lines_of(client, batch, "results")
    one = await client.get(f"/v1/grades/{results[7]['grade']['id']}", params={"include": "submission"})

    assert accepted.status_code == 202
    assert accepted.headers["location"] == f"/v1/batches/{batch['id']}"
    assert (batch["status"], batch["cost_usd"], batch["reason"]) == ("completed", 0.0, None)
    assert batch["counts"] == {
        "total": 40,
        "graded": 40,
        "needs_review": 0,
        "ungraded": 0,
        "in_progress": 0,
        "invalid": 0,
    }
    assert [each["custom_id"] for each in results] == [f"c{n}" for n in range(40)]
    assert {each["grade"]["status"] for each in results} == {"graded"}
    assert one.json()["submission"]["answer"].endswith("It is number 7.")
    assert await lines_of(client, batch, "errors") == []


async def test_bad_lines_are_named_with_number_and_reason_and_good_ones_are_graded(client: Client) -> None:
    """Each kind of fault, and never a word of what was sent."""
    secret = "a-secret-of-the-candidate"
    lines: list[Line] = [
        line(1),
        b'{"custom_id": "c2", ' + secret.encode(),
        b"",
        line(4, answer=""),
        line(5, nonsense=secret),
        line(1, answer=secret),
        {"question": QUESTION, "answer": secret},
        line(8, rubric="no-such-rubric"),
        b'{"custom_id": "c9", "question": "Why?", "answer": "' + b"x" * 300_000 + b'"}',
        line(10),
    ]

    batch = await until_through(client, (await send(client, lines)).json())
    errors = await lines_of(client, batch, "errors")
    results = await lines_of(client, batch, "results")

    assert (batch["counts"]["total"], batch["counts"]["invalid"]) == (2, 7)
    assert [each["custom_id"] for each in results] == ["c1", "c10"]
    assert [(each["line"], each["errors"][0]["pointer"]) for each in errors] == [
        (2, "#"),
        (4, "#/answer"),
        (5, "#"),
        (6, "#/custom_id"),
        (7, "#/custom_id"),
        (8, "#/rubric"),
        (9, "#"),
    ]
    assert secret not in json.dumps(errors)


async def test_a_json_array_is_as_good_as_lines(client: Client) -> None:
    """Its elements are numbered from 1."""
    array = json.dumps([line(1), line(2, answer=""), line(3)], indent=1)

    reply = await client.post("/v1/batches", content=array, headers={"Content-Type": "application/json"})
    batch = await until_through(client, reply.json())

    assert [each["line"] for each in await lines_of(client, batch, "results")] == [1, 3]
    assert [each["line"] for each in await lines_of(client, batch, "errors")] == [2]


@pytest.mark.parametrize("text", ["{}", "[1", '[{"a": 1},]', "[] []", "[,]", "", '["]"'], ids=repr)
async def test_what_is_no_array_is_refused_and_nothing_is_kept(client: Client, text: str) -> None:
    """400, and no batch."""
    reply = await client.post("/v1/batches", content=text, headers={"Content-Type": "application/json"})

    assert (reply.status_code, reply.json()["type"]) == (400, "urn:debrief:problem:invalid-json")
    assert (await client.get("/v1/batches")).json()["data"] == []


async def test_a_batch_without_a_valid_line_fails_with_its_errors_kept(client: Client) -> None:
    """There is nothing to grade."""
    batch = await until_through(client, (await send(client, [b"nonsense"])).json())

    assert (batch["status"], batch["reason"]["code"]) == ("failed", "no_valid_lines")
    assert len(await lines_of(client, batch, "errors")) == 1


async def test_over_the_limits_of_lines_and_bytes_nothing_is_kept(tmp_path: Path) -> None:
    """413, saying which."""
    limits = LimitSettings(batch_lines=3, batch_bytes=10_000)
    async with running(make_settings(tmp_path, limits=limits)) as (client, _):
        lines = await send(client, [line(n) for n in range(4)])
        size = await send(client, [line(1, reference="x" * 10_000)])
        kept = await client.get("/v1/batches")
        grades = await client.get("/v1/grades")

    assert (lines.status_code, lines.json()["type"]) == (413, "urn:debrief:problem:batch-too-long")
    assert (size.status_code, size.json()["type"]) == (413, "urn:debrief:problem:body-too-large")
    assert "10000" in size.json()["detail"]
    assert kept.json()["data"] == grades.json()["data"] == []


async def test_other_media_are_refused(client: Client) -> None:
    """415."""
    reply = await client.post("/v1/batches", content=b"a,b", headers={"Content-Type": "text/csv"})
    packed = await client.post("/v1/batches", content=b"x", headers={**JSONL, "Content-Encoding": "gzip"})

    assert (reply.status_code, packed.status_code) == (415, 415)


async def test_an_answer_that_cannot_be_graded_is_in_the_errors_with_its_reason(tmp_path: Path) -> None:
    """Failure is never a grade; the resource can be retried like any other."""
    async with running(make_settings(tmp_path), Choosy()) as (client, _):
        lines = [line(1), line(2, answer="please refuse this one, dear model"), line(3)]
        batch = await until_through(client, (await send(client, lines)).json())
        (error,) = await lines_of(client, batch, "errors")
        grade = await client.get(f"/v1/grades/{error['grade_id']}")

    assert (batch["status"], batch["counts"]["graded"], batch["counts"]["ungraded"]) == ("completed", 2, 1)
    assert (error["line"], error["custom_id"], error["reason"]["code"]) == (2, "c2", "model_refused")
    assert (grade.json()["status"], grade.json()["overall"]) == ("ungraded", None)


async def test_a_budget_stops_cleanly_and_keeps_what_is_done(tmp_path: Path) -> None:
    """Never overspent; what was left out says why."""
    model = Priced()
    settings = make_settings(tmp_path, worker=WorkerSettings(concurrency=4))
    async with running(settings, model) as (client, _):
        accepted = await send(client, [line(n) for n in range(60)], max_cost_usd=0.5)
        batch = await until_through(client, accepted.json())
        errors = await lines_of(client, batch, "errors")

    assert (batch["status"], batch["reason"]["code"]) == ("cancelled", "budget_exhausted")
    assert 0 < batch["cost_usd"] <= 0.5
    assert batch["cost_usd"] == pytest.approx(model.asked * 0.01)
    assert batch["counts"]["graded"] + len(errors) == 60
    assert {each["reason"]["code"] for each in errors} == {"budget_exhausted"}


async def test_a_budget_needs_a_price(tmp_path: Path) -> None:
    """422 before anything is read."""
    async with running(make_settings(tmp_path), Unpriced()) as (client, _):
        reply = await send(client, [line(1)], max_cost_usd=1)

    assert (reply.status_code, reply.json()["errors"][0]["pointer"]) == (422, "?max_cost_usd")


async def test_a_dry_run_estimates_and_keeps_nothing(tmp_path: Path) -> None:
    """No model is asked."""
    model = Priced()
    async with running(make_settings(tmp_path), model) as (client, _):
        reply = await send(client, [*(line(n) for n in range(30)), b"nonsense"], dry_run=True)
        kept = await client.get("/v1/batches")

    estimate = reply.json()
    assert reply.status_code == 200
    assert (estimate["items"], estimate["invalid"], len(estimate["errors"])) == (30, 1, 1)
    assert estimate["input_tokens"] > 30 * 100
    assert estimate["cost_usd"] > 0
    assert model.asked == 0
    assert kept.json()["data"] == []


async def test_cancelling_keeps_what_is_done(tmp_path: Path) -> None:
    """The rest is ungraded, reason cancelled; a second time changes nothing."""

    class Gated(ScriptedChat):
        """Answers ten calls, then waits."""

        def __init__(self) -> None:
            super().__init__("scripted/gated", lambda _answer, levels: levels)
            self.left = 10
            self.waiting, self.open = asyncio.Event(), asyncio.Event()

        async def complete(self, request: ChatRequest, seconds: float) -> ChatReply:
            self.left -= 1
            if self.left < 0:
                self.waiting.set()
                await self.open.wait()
            return await super().complete(request, seconds)

    model = Gated()
    async with running(make_settings(tmp_path, worker=WorkerSettings(concurrency=2)), model) as (client, _):
        accepted = (await send(client, [line(n) for n in range(50)])).json()
        await model.waiting.wait()
        cancelling = await client.post(f"/v1/batches/{accepted['id']}/cancel")
        model.open.set()
        batch = await until_through(client, accepted)
        again = await client.post(f"/v1/batches/{accepted['id']}/cancel")
        results = await lines_of(client, batch, "results")
        errors = await lines_of(client, batch, "errors")

    assert cancelling.json()["status"] == "cancelling"
    assert (batch["status"], batch["reason"]["code"]) == ("cancelled", "cancelled")
    assert len(results) + len(errors) == 50
    assert 1 <= len(results) <= 5
    assert {each["reason"]["code"] for each in errors} == {"cancelled"}
    assert again.json() == batch


async def test_progress_can_be_followed_to_the_end(client: Client) -> None:
    """Server-sent events: progress, then done with the batch as it is."""
    accepted = (await send(client, [line(n) for n in range(5)])).json()

    async with asyncio.timeout(60):
        reply = await client.get(f"/v1/batches/{accepted['id']}/events")
    events = [
        (block.split("event: ")[1].split("\n")[0], json.loads(block.split("data: ")[1].split("\n")[0]))
        for block in reply.text.replace("\r\n", "\n").split("\n\n")
        if "data: " in block
    ]

    assert reply.headers["content-type"].startswith("text/event-stream")
    assert events[-1][0] == "done"
    assert {name for name, _ in events[:-1]} <= {"progress"}
    assert events[-1][1]["counts"]["graded"] == 5


@pytest.mark.parametrize("path", ["", "/results", "/errors", "/events"])
@pytest.mark.parametrize("name", ["bat_unknown", "grd_unknown", "bat_ü", "bat_a.b"])
async def test_unknown_batches_are_not_found(client: Client, name: str, path: str) -> None:
    """404, the same body for all."""
    reply = await client.get(f"/v1/batches/{name}{path}")

    assert (reply.status_code, reply.json()["type"]) == (404, "urn:debrief:problem:not-found")


async def test_a_server_that_is_no_worker_keeps_batches_for_those_that_are(tmp_path: Path) -> None:
    """They are graded once a worker comes."""
    settings = make_settings(tmp_path, worker=WorkerSettings(in_server=False))
    async with running(settings) as (client, services):
        accepted = (await send(client, [line(1)])).json()
        before = (await client.get(f"/v1/batches/{accepted['id']}")).json()
        async with services.worker.running():
            after = await until_through(client, accepted)

    assert (before["status"], before["queue_position"]) == ("in_progress", 0)
    assert after["counts"]["graded"] == 1
