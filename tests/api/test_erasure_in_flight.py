"""A learner is erased over HTTP while a model is being asked about their answer."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from service.grading.errors import ModelUnavailable
from service.grading.models import ChatReply, ChatRequest
from service.llm.scripted import RepliesInOrder, echo
from tests.api.test_learner_data import CANARY, PATH, contents, sent
from tests.conftest import Client, make_settings, running

pytestmark = pytest.mark.anyio


class Held(RepliesInOrder):
    """The echo model; once ``held`` it is not let go on, and with ``down`` it fails."""

    def __init__(self) -> None:
        super().__init__([])
        self.asked, self.go_on = asyncio.Event(), asyncio.Event()
        self.go_on.set()
        self.down = False

    def hold(self) -> None:
        """Hold the next call."""
        self.asked.clear()
        self.go_on.clear()

    async def complete(self, request: ChatRequest, seconds: float) -> ChatReply:
        """The echo model's reply, when it may."""
        if self.down:
            raise ModelUnavailable("down")
        self.asked.set()
        await self.go_on.wait()
        return await echo().complete(request, seconds)


async def erased_while(client: Client, model: Held, path: str, **more: Any) -> Any:
    """The answer to a request during whose model call the learner is erased."""
    model.hold()
    waiting = asyncio.create_task(client.post(path, **more))
    await model.asked.wait()
    assert (await client.delete(PATH)).status_code == 200
    model.go_on.set()
    return await waiting


async def test_a_grade_that_is_being_made_is_not_kept(tmp_path: Path) -> None:
    """409 that says so; under a key, too, which is free again."""
    settings, model = make_settings(tmp_path), Held()
    keyed = {"Idempotency-Key": "k-1"}
    async with running(settings, model) as (client, _):
        reply = await erased_while(client, model, "/v1/grades", json=sent(), headers=keyed)
        left = await contents(settings)
        again = await client.post("/v1/grades", json=sent(), headers=keyed)

    assert (reply.status_code, reply.json()["type"]) == (409, "urn:debrief:problem:learner-erased")
    assert CANARY not in reply.text
    assert CANARY not in left
    assert again.status_code == 201


async def test_a_retry_and_an_appeal_find_nothing(tmp_path: Path) -> None:
    """404, as for any grade that is not there."""
    settings, model = make_settings(tmp_path), Held()
    async with running(settings, model) as (client, _):
        model.down = True
        ungraded = await client.post("/v1/grades", json=sent("too"))
        model.down = False
        retried = await erased_while(client, model, ungraded.headers["location"] + "/retry")
        graded = await client.post("/v1/grades", json=sent())
        at = graded.headers["location"] + "/appeals"
        appealed = await erased_while(client, model, at, json={"reason": CANARY})
        left = await contents(settings)

    assert (ungraded.status_code, graded.status_code) == (503, 201)
    assert (retried.status_code, appealed.status_code) == (404, 404)
    assert retried.json() == appealed.json()
    assert CANARY not in left


async def test_of_two_retries_at_once_the_later_shows_what_stands(tmp_path: Path) -> None:
    """A finished grade never changes, and nobody gets an error of ours."""
    model = Held()
    async with running(make_settings(tmp_path), model) as (client, _):
        model.down = True
        at = (await client.post("/v1/grades", json=sent())).headers["location"]
        model.down = False
        model.hold()
        both = [asyncio.create_task(client.post(at + "/retry")) for _ in range(2)]
        await model.asked.wait()
        model.go_on.set()
        replies = await asyncio.gather(*both)
        stands = await client.get(at)

    assert [reply.status_code for reply in replies] == [200, 200]
    assert replies[0].json()["criteria"] == replies[1].json()["criteria"] == stands.json()["criteria"]


async def test_a_key_on_a_request_that_makes_nothing_keeps_no_answer(tmp_path: Path) -> None:
    """Reading, streaming, and trying out a batch: what they answer would outlive an erasure."""
    settings = make_settings(tmp_path)
    line = {**sent(), "custom_id": CANARY, "rubric": "no-such-rubric"}
    async with running(settings) as (client, _):
        at = (await client.post("/v1/grades", json=sent())).headers["location"]
        for number, path in enumerate((f"{at}?include=submission", "/v1/grades", f"{at}/events", f"{at}/receipt")):
            read = await client.get(path, headers={"Idempotency-Key": f"k-{number}"})
            assert (read.status_code, CANARY in read.text or "data:" in read.text) == (200, True)
        tried = await client.post(
            "/v1/batches", params={"dry_run": "true"}, json=[line], headers={"Idempotency-Key": "k-9"}
        )
        await client.delete(PATH)
        left = await contents(settings)

    assert tried.json()["errors"][0]["custom_id"] == CANARY
    assert CANARY not in left
