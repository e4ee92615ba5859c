"""Limits of tenants over HTTP."""

from __future__ import annotations

import re
from pathlib import Path

import httpx
import pytest

from service.access import ALL_SCOPES
from service.allowances import Allowance
from service.bootstrap import Services
from service.grading.models import ChatReply, Tokens
from service.llm.scripted import RepliesInOrder
from service.records import LOCAL_TENANT, Tenant
from service.settings import LimitSettings, Settings
from tests.conftest import Client, make_settings, running

pytestmark = pytest.mark.anyio
Body = dict[str, object]
POLICY = re.compile(r'"requests";q=(\d+);qu="requests";w=60')
STATE = re.compile(r'"requests";r=(\d+);t=(\d+)')


async def key(services: Services, tenant: str) -> dict[str, str]:
    """The header of a new key."""
    return {"authorization": f"Bearer {(await services.keys.create(Tenant(tenant), 'n', ALL_SCOPES)).text}"}


def remaining(reply: httpx.Response) -> int:
    """Requests left, as the answer tells."""
    state = STATE.fullmatch(reply.headers["ratelimit"])
    assert state
    return int(state[1])


async def test_every_answer_tells_the_limit_and_what_remains(client: Client, body: Body) -> None:
    """Good and bad ones, once each."""
    replies = [
        await client.get("/v1/rubrics"),
        await client.post("/v1/grades", json=body),
        await client.post("/v1/grades", json={}),
        await client.get("/v1/grades/grd_x"),
    ]

    assert [reply.status_code for reply in replies] == [200, 201, 422, 404]
    assert all(POLICY.fullmatch(reply.headers["ratelimit-policy"]) for reply in replies)
    assert [remaining(reply) for reply in replies] == [5_999, 5_998, 5_997, 5_996]


async def test_what_is_open_to_all_is_not_counted(client: Client) -> None:
    """Nobody was recognised."""
    assert "ratelimit" not in (await client.get("/healthz")).headers


async def test_beyond_the_limit_a_tenant_is_told_to_wait_and_another_is_not(tmp_path: Path) -> None:
    """429 before anything is done, with Retry-After of at least a second."""
    settings = make_settings(tmp_path, limits=LimitSettings(requests_per_minute=20))
    async with running(settings) as (client, services):
        mine, yours = await key(services, "mine"), await key(services, "yours")
        greedy = [await client.get("/v1/rubrics", headers=mine) for _ in range(60)]
        modest = [await client.get("/v1/rubrics", headers=yours) for _ in range(10)]

    refused = [reply for reply in greedy if reply.status_code == 429]
    assert len(refused) >= 39
    assert {reply.status_code for reply in modest} == {200}
    assert all(int(reply.headers["retry-after"]) >= 1 for reply in refused)
    assert refused[0].json()["type"] == "urn:debrief:problem:rate-limited"
    assert remaining(refused[-1]) == 0


async def test_a_tenant_s_own_limit_comes_before_the_usual_one(settings: Settings) -> None:
    """Higher or lower."""
    async with running(settings) as (client, services):
        await services.limiting.store.allow(Tenant("mine"), Allowance(requests_per_minute=9))
        reply = await client.get("/v1/rubrics", headers=await key(services, "mine"))

    assert reply.headers["ratelimit-policy"] == '"requests";q=9;qu="requests";w=60'


async def test_tokens_used_up_stop_grading_and_not_reading(settings: Settings, body: Body) -> None:
    """Until the minute slides on."""
    async with running(settings) as (client, services):
        await services.limiting.store.allow(LOCAL_TENANT, Allowance(tokens_per_minute=100))
        await services.limiting.used(LOCAL_TENANT, 100)
        grading = await client.post("/v1/grades", json=body)
        reading = await client.get("/v1/grades")

    assert (grading.status_code, reading.status_code) == (429, 200)
    assert '"tokens";r=0;' in grading.headers["ratelimit"]
    assert "tokens a minute" in grading.json()["detail"]


async def test_money_used_up_stops_grading_and_not_reading(settings: Settings, body: Body) -> None:
    """Until the next UTC day, with what to wait for."""
    async with running(settings) as (client, services):
        await services.limiting.store.allow(LOCAL_TENANT, Allowance(usd_per_day=0.5))
        before = await client.post("/v1/grades", json=body)
        await services.spending.paid(LOCAL_TENANT, Tokens(), 0.5)
        grading = await client.post("/v1/grades", json=body)
        reading = await client.get("/v1/grades")

    assert (before.status_code, grading.status_code, reading.status_code) == (201, 429, 200)
    assert grading.json()["type"] == "urn:debrief:problem:spending-limit-reached"
    assert 1 <= int(grading.headers["retry-after"]) <= 24 * 3_600 + 60


async def test_money_used_up_in_the_middle_of_a_grade_leaves_it_ungraded(tmp_path: Path, body: Body) -> None:
    """Retryable, and it says why."""

    class Costly(RepliesInOrder):
        def cost_usd(self, tokens: Tokens) -> float | None:
            return 1.0

    settings = make_settings(tmp_path, judge="single_call", limits=LimitSettings(usd_per_day=0.5))
    async with running(settings, Costly([ChatReply("unreadable")] * 10)) as (client, services):
        failed = await client.post("/v1/grades", json=body)
        spent = await services.limiting.store.spent((services.grading.clock.now().date().toordinal() - 719_163), None)

    assert failed.status_code == 503
    assert failed.json()["grade"]["reason"]["code"] == "spending_limit_reached"
    assert failed.json()["grade"]["usage"]["model_calls"] == spent == 1
