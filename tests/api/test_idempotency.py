"""Requests repeated under an Idempotency-Key."""

from __future__ import annotations

import asyncio
import hashlib
from collections import Counter
from pathlib import Path
from typing import Any

import httpx
import pytest

from service.access import ALL_SCOPES
from service.api.idempotency import IN_MEMORY, REPLAYED
from service.bootstrap import Services
from service.grading.errors import ModelUnavailable
from service.grading.models import ChatReply, ChatRequest
from service.keyed_requests import KeyClaim, KeyedRequest
from service.llm.scripted import RepliesInOrder, echo
from service.records import LOCAL_TENANT, GradeFilter, Tenant
from service.settings import Settings
from tests.conftest import Client, make_settings, running

pytestmark = pytest.mark.anyio
Body = dict[str, object]
SAME = ("content-type", "location")


async def post(client: Client, body: Body, key: str = "k-1", path: str = "/v1/grades", **headers: str) -> Any:
    """The answer to a keyed request."""
    return await client.post(path, json=body, headers={"idempotency-key": key, **headers})


def seen(reply: httpx.Response) -> tuple[object, ...]:
    """What has to be the same in a replay."""
    return reply.status_code, reply.content, *(reply.headers.get(name) for name in SAME)


async def grades(services: Services, tenant: Tenant = LOCAL_TENANT) -> int:
    """How many grades a tenant has."""
    count, cursor = 0, None
    while True:
        page = await services.grading.page(tenant, GradeFilter(), cursor, 100)
        count, cursor = count + len(page.records), page.next_cursor
        if cursor is None:
            return count


async def crashed(services: Services, path: str, body: bytes, key: str = "k-1") -> KeyClaim:
    """What a process leaves behind that claimed the key and died, once its lease has ended."""
    told = "\n".join(("POST", path, "", hashlib.sha256(body).hexdigest()))
    request = KeyedRequest(LOCAL_TENANT, key, hashlib.sha256(told.encode()).hexdigest())
    claim = await services.idempotency.claim(request)
    assert isinstance(claim, KeyClaim)
    await services.idempotency.hand_back(claim)
    return claim


@pytest.mark.parametrize("prefer", ["", "respond-async"], ids=["waiting", "respond-async"])
async def test_a_repeat_gets_the_first_answer_byte_for_byte(settings: Settings, body: Body, prefer: str) -> None:
    """Status, body, Location; one grade."""
    async with running(settings) as (client, services):
        first = await post(client, body, prefer=prefer)
        again = await post(client, body, prefer=prefer)

        assert seen(first) == seen(again)
        assert (first.headers.get(REPLAYED), again.headers[REPLAYED]) == (None, "true")
        assert await grades(services) == 1


async def test_answers_outlive_a_restart(settings: Settings, body: Body) -> None:
    """The store keeps them."""
    async with running(settings) as (client, _):
        first = await post(client, body)
    async with running(settings) as (client, services):
        again = await post(client, body)

        assert seen(first) == seen(again)
        assert await grades(services) == 1


async def test_another_body_under_the_key_is_refused(client: Client, body: Body) -> None:
    """422, saying so; the first answer stands. Another path is another request, too."""
    first = await post(client, body)
    other = await post(client, {**body, "answer": "Something else."})
    elsewhere = await client.post(first.headers["location"] + "/retry", headers={"idempotency-key": "k-1"})
    again = await post(client, body)

    assert (other.status_code, elsewhere.status_code) == (422, 422)
    assert other.json()["type"] == elsewhere.json()["type"] == "urn:debrief:problem:idempotency-key-reused"
    assert seen(again) == seen(first)


async def test_tenants_do_not_share_keys(settings: Settings, body: Body) -> None:
    """The same key, the same body: two grades."""
    async with running(settings) as (client, services):
        keys = [(await services.keys.create(Tenant(name), "n", ALL_SCOPES)).text for name in ("mine", "yours")]
        replies = [await post(client, body, authorization=f"Bearer {key}") for key in keys]

    assert len({reply.headers["location"] for reply in replies}) == 2
    assert [reply.headers.get(REPLAYED) for reply in replies] == [None, None]


async def test_many_keys_sent_in_many_copies_have_one_effect_each(settings: Settings, body: Body) -> None:
    """200 keys, 20 parallel copies each: one grade per key; the copies replay it or are told to wait."""
    keys, copies = 200, 20
    async with running(settings) as (client, services):

        async def burst(number: int) -> list[httpx.Response]:
            request = {**body, "detail": "scores", "metadata": {"n": str(number)}}
            return list(await asyncio.gather(*(post(client, request, f"k-{number}") for _ in range(copies))))

        replies = [await burst(number) for number in range(keys)]
        repeats = [
            await post(client, {**body, "detail": "scores", "metadata": {"n": str(number)}}, f"k-{number}")
            for number in range(keys)
        ]
        made = await grades(services)

    assert made == keys
    for burst_replies, repeat in zip(replies, repeats, strict=True):
        kinds = Counter(reply.status_code for reply in burst_replies)
        assert set(kinds) <= {201, 409}
        assert kinds[201] >= 1
        assert {seen(reply) for reply in burst_replies if reply.status_code == 201} == {seen(repeat)}
        assert all("retry-after" in reply.headers for reply in burst_replies if reply.status_code == 409)


async def test_while_the_first_runs_a_copy_is_told_to_wait(settings: Settings, body: Body) -> None:
    """409 with Retry-After; when the first is done its answer is given."""
    begun, go_on = asyncio.Event(), asyncio.Event()

    class Held(RepliesInOrder):
        async def complete(self, request: ChatRequest, seconds: float) -> ChatReply:
            begun.set()
            await go_on.wait()
            return await echo().complete(request, seconds)

    async with running(settings, Held([])) as (client, _):
        running_first = asyncio.create_task(post(client, body))
        await begun.wait()
        copy = await post(client, body)
        go_on.set()
        first = await running_first
        after = await post(client, body)

    assert copy.status_code == 409
    assert copy.json()["type"] == "urn:debrief:problem:idempotency-key-in-use"
    assert int(copy.headers["retry-after"]) >= 1
    assert seen(after) == seen(first)


async def test_a_failure_of_the_model_frees_the_key(tmp_path: Path, body: Body) -> None:
    """After a 503 the repeat grades."""

    class Recovering(RepliesInOrder):
        recovered = False

        async def complete(self, request: ChatRequest, seconds: float) -> ChatReply:
            if not self.recovered:
                raise ModelUnavailable("down", retry_after=60)
            return await echo().complete(request, seconds)

    model = Recovering([])
    async with running(make_settings(tmp_path), model) as (client, _):
        failed = await post(client, body)
        model.recovered = True
        again = await post(client, body)

    assert (failed.status_code, again.status_code) == (503, 201)
    assert failed.headers["location"] != again.headers["location"]


async def test_an_invalid_request_frees_the_key(client: Client, body: Body) -> None:
    """Mended, it can be sent under the same key."""
    refused = await post(client, {**body, "answer": ""})
    mended = await post(client, body)

    assert (refused.status_code, mended.status_code) == (422, 201)


@pytest.mark.parametrize(("prefer", "status"), [("", 201), ("respond-async", 202)])
async def test_what_was_made_before_a_crash_is_found_and_not_made_again(
    settings: Settings, body: Body, prefer: str, status: int
) -> None:
    """The process died between storing the grade and keeping the answer; a repeat is answered as the first was."""
    async with running(settings) as (client, services):
        request = client.build_request("POST", "/v1/grades", json=body)
        claim = await crashed(services, "/v1/grades", request.content)
        made = await client.post("/v1/grades", json=body)
        stored = await services.store.get(LOCAL_TENANT, made.json()["id"])
        assert stored is not None
        await services.store.add(stored.model_copy(update={"id": f"grd_{claim.effect}"}))
        before = await grades(services)

        repeated = await post(client, body, prefer=prefer)

        assert (repeated.status_code, repeated.json()["id"]) == (status, f"grd_{claim.effect}")
        assert await grades(services) == before


async def test_a_crash_before_anything_was_made_does_not_block_the_key(settings: Settings, body: Body) -> None:
    """The repeat makes it, under the id the first would have used."""
    async with running(settings) as (client, services):
        request = client.build_request("POST", "/v1/grades", json=body)
        claim = await crashed(services, "/v1/grades", request.content)

        repeated = await post(client, body)

        assert (repeated.status_code, repeated.json()["id"]) == (201, f"grd_{claim.effect}")
        assert await grades(services) == 1


async def test_a_batch_is_taken_in_once(settings: Settings, body: Body) -> None:
    """Bodies larger than what is held in memory included; another body is refused."""
    line = {**body, "custom_id": "1", "answer": "x " * 5_000}
    large = [{**line, "custom_id": str(number)} for number in range(IN_MEMORY // 10_000 + 10)]
    async with running(settings) as (client, services):
        replies = [
            await client.post("/v1/batches", json=lines, headers={"idempotency-key": key})
            for key, lines in (("a", [line]), ("a", [line]), ("b", large), ("b", large), ("b", large[:-1]))
        ]
        page = await services.batches.page(LOCAL_TENANT, None, 10)

    assert [reply.status_code for reply in replies] == [202, 202, 202, 202, 422]
    assert seen(replies[0]) == seen(replies[1])
    assert seen(replies[2]) == seen(replies[3])
    assert len(page.batches) == 2


async def test_a_batch_whose_sending_broke_off_is_taken_in_by_the_repeat(settings: Settings, body: Body) -> None:
    """What the crash left of it is dropped; a batch that was complete is found."""
    lines = [{**body, "custom_id": "1"}]
    async with running(settings) as (client, services):
        request = client.build_request("POST", "/v1/batches", json=lines)
        claim = await crashed(services, "/v1/batches", request.content)
        first = await client.post("/v1/batches", json=lines, headers={"idempotency-key": "k-1"})

    assert (first.status_code, first.json()["id"]) == (202, f"bat_{claim.effect}")


@pytest.mark.parametrize("keys", [[""], ["a b"], ["k" * 256], ["a", "b"], ["é"]], ids=repr)
async def test_a_malformed_key_is_refused(client: Client, body: Body, keys: list[str]) -> None:
    """400, before anything is done."""
    headers = [(b"idempotency-key", key.encode("latin-1")) for key in keys]

    reply = await client.post("/v1/grades", json=body, headers=headers)

    assert reply.status_code == 400
