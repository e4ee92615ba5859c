"""The economy tier: one file to the provider, the same grades, nothing sent twice, nothing left behind."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest

from service.bootstrap import Services
from service.jobs import BatchId
from service.llm.openai_chat import OpenAIChat
from service.llm.prices import Price
from service.settings import DatabaseSettings, Settings
from tests.clock import HeldClock
from tests.conftest import ANSWER, QUESTION, Client, make_settings, running
from tests.llm.provider import Provider
from tests.storage.conftest import postgres, url

__all__ = ["postgres", "url"]

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(300)]
ITEMS = 5
HOUR = 3_600


@pytest.fixture
def provider() -> Provider:
    """A fake provider."""
    return Provider()


@pytest.fixture
def clock() -> HeldClock:
    """A clock that a test moves."""
    return HeldClock()


@pytest.fixture
def settings(url: str, tmp_path: Path) -> Settings:
    """A service on each kind of database whose batches are graded by nobody until a test says so."""
    return make_settings(tmp_path, database=DatabaseSettings(url=url), judge="single_call", worker={"in_server": False})


@asynccontextmanager
async def service(settings: Settings, provider: Provider, clock: HeldClock) -> AsyncIterator[tuple[Client, Services]]:
    """The service on the provider, as it is after each start."""
    chat = OpenAIChat("openai/m", "m", api_key="k", price=Price(1e-6, 2e-6, 5e-7), client=provider.client())
    async with running(settings, chat) as (client, services):
        services.economy.clock = clock
        yield client, services


def lines(count: int = ITEMS, **more: object) -> bytes:
    """Answers that are all different."""
    made = ({"custom_id": f"c{n}", "question": QUESTION, "answer": f"Case {n}. {ANSWER}", **more} for n in range(count))
    return b"\n".join(map(orjson.dumps, made))


async def sent(client: Client, body: bytes, tier: str = "economy") -> str:
    """A batch's id."""
    headers = {"Content-Type": "application/jsonl"}
    reply = await client.post(f"/v1/batches?service_tier={tier}", content=body, headers=headers)
    assert reply.status_code == 202, reply.text
    return str(reply.json()["id"])


async def graded(client: Client, services: Services, batch: str) -> list[dict[str, Any]]:
    """The grades of a batch once workers have done what there was to do."""
    async with services.worker.running():
        for _ in range(600):
            if (await client.get(f"/v1/batches/{batch}")).json()["finished_at"]:
                break
            await asyncio.sleep(0.05)
    results = await client.get(f"/v1/batches/{batch}/results")
    return [orjson.loads(line)["grade"] for line in results.content.splitlines()]


def judged(grade: dict[str, Any]) -> dict[str, Any]:
    """What makes a grade a grade, without ids, times and costs."""
    return {name: grade[name] for name in ("status", "overall", "criteria", "next_steps", "review", "commentary")}


async def test_replies_of_a_provider_s_batch_make_the_same_grades_for_half_the_money(
    settings: Settings, provider: Provider, clock: HeldClock, tmp_path: Path
) -> None:
    """One request an answer, no other call, and what the provider counted at half the list price."""
    async with service(settings, provider, clock) as (client, services):
        batch = await sent(client, lines())
        await services.economy.tend()
        names = [line["custom_id"].partition(".")[0] for line in provider.requests()]
        await provider.finish()
        clock.pass_(HOUR)
        await services.economy.tend()
        cheap = await graded(client, services, batch)
        calls_for_economy, left = provider.chats, dict(provider.files)
    other = make_settings(tmp_path / "other", judge="single_call", worker={"in_server": False})
    async with service(other, provider, clock) as (client, services):
        usual = await graded(client, services, await sent(client, lines(), "standard"))

    assert names == [grade["id"] for grade in cheap]
    assert calls_for_economy == 0
    assert [judged(grade) for grade in cheap] == [judged(grade) for grade in usual]
    for mine, theirs in zip(cheap, usual, strict=True):
        assert mine["usage"]["model_calls"] == theirs["usage"]["model_calls"] == 1
        assert mine["usage"]["input_tokens"] == theirs["usage"]["input_tokens"] > 0
        assert mine["usage"]["cost_usd"] == pytest.approx(theirs["usage"]["cost_usd"] / 2)
    assert left == {}


async def test_answers_wait_until_the_provider_is_through(
    settings: Settings, provider: Provider, clock: HeldClock
) -> None:
    """Workers do not grade them meanwhile."""
    async with service(settings, provider, clock) as (client, services):
        batch = BatchId(await sent(client, lines()))
        await services.economy.tend()
        clock.pass_(HOUR)
        await services.economy.tend()
        fed = await services.worker.jobs.feed(100, 16, clock.now(), lambda: None)  # type: ignore[arg-type, return-value]
        document = (await client.get(f"/v1/batches/{batch}")).json()

    assert fed == ()
    assert document["counts"]["in_progress"] == ITEMS
    assert len(provider.batches) == 1


async def test_a_lost_acknowledgement_sends_nothing_twice(
    settings: Settings, provider: Provider, clock: HeldClock
) -> None:
    """The provider made the batch and broke down before it said so; a new process finds it by its name."""
    provider.silent = True
    async with service(settings, provider, clock) as (client, services):
        batch = await sent(client, lines())
        await services.economy.tend()
    clock.pass_(HOUR)
    async with service(settings, provider, clock) as (client, services):
        await services.economy.tend()
        await provider.finish()
        clock.pass_(HOUR)
        await services.economy.tend()
        grades = await graded(client, services, batch)

    assert len(provider.batches) == 1
    assert (len(grades), provider.chats) == (ITEMS, 0)


async def test_a_process_that_died_while_it_sent_is_followed_by_another_after_its_lease(
    settings: Settings, provider: Provider, clock: HeldClock
) -> None:
    """Before that nobody else sends; then the provider's batch is found if there is one, and made if not."""
    async with service(settings, provider, clock) as (client, services):
        batch = await sent(client, lines())
        taken = await services.economy.store.due(clock.now(), clock.now() + timedelta(minutes=10))
    async with service(settings, provider, clock) as (client, services):
        await services.economy.tend()
        meanwhile = len(provider.batches)
        clock.pass_(HOUR)
        await services.economy.tend()
        await provider.finish()
        clock.pass_(HOUR)
        await services.economy.tend()
        grades = await graded(client, services, batch)

    assert taken is not None
    assert (meanwhile, len(provider.batches), len(grades)) == (0, 1, ITEMS)


async def test_a_request_that_failed_is_asked_in_the_ordinary_way(
    settings: Settings, provider: Provider, clock: HeldClock
) -> None:
    """And costs the ordinary price."""
    async with service(settings, provider, clock) as (client, services):
        batch = await sent(client, lines())
        await services.economy.tend()
        provider.failing = {provider.requests()[1]["custom_id"]}
        await provider.finish()
        clock.pass_(HOUR)
        await services.economy.tend()
        grades = await graded(client, services, batch)

    costs = [grade["usage"]["cost_usd"] for grade in grades]
    assert (len(grades), provider.chats) == (ITEMS, 1)
    assert costs[1] > 1.5 * costs[0]


@pytest.mark.parametrize("status", ["expired", "failed", "cancelled"])
async def test_a_batch_the_provider_gave_up_is_graded_all_the_same(
    settings: Settings, provider: Provider, clock: HeldClock, status: str
) -> None:
    """Whatever it calls it."""
    async with service(settings, provider, clock) as (client, services):
        batch = await sent(client, lines(2))
        await services.economy.tend()
        await provider.finish(status)
        clock.pass_(HOUR)
        await services.economy.tend()
        grades = await graded(client, services, batch)

    assert (len(grades), provider.chats) == (2, 2)


async def test_a_provider_without_batches_is_asked_in_the_ordinary_way(
    settings: Settings, provider: Provider, clock: HeldClock
) -> None:
    """An address of the operator's own may speak only half of the API."""
    provider.refuses = True
    async with service(settings, provider, clock) as (client, services):
        batch = await sent(client, lines(2))
        await services.economy.tend()
        grades = await graded(client, services, batch)

    assert (len(grades), provider.chats) == (2, 2)


async def test_a_cancelled_batch_is_called_off_at_the_provider(
    settings: Settings, provider: Provider, clock: HeldClock
) -> None:
    """What it has not begun costs nothing, and its files are deleted."""
    async with service(settings, provider, clock) as (client, services):
        batch = await sent(client, lines())
        await services.economy.tend()
        await client.post(f"/v1/batches/{batch}/cancel")
        clock.pass_(HOUR)
        await services.economy.tend()

    assert [made["status"] for made in provider.batches] == ["cancelled"]
    assert provider.files == {}


async def test_answers_that_must_stay_here_are_not_sent(
    settings: Settings, provider: Provider, clock: HeldClock
) -> None:
    """Nor those that a rule settles without a model."""
    here = lines(1, data_policy="local").replace(b'"c0"', b'"here"').replace(b"Case 0", b"Case 9")
    blank = orjson.dumps({"custom_id": "blank", "question": QUESTION, "answer": " . "})
    async with service(settings, provider, clock) as (client, services):
        await sent(client, b"\n".join([lines(1), here, blank]))
        await services.economy.tend()

    assert len(provider.requests()) == 1
    assert b"Case 9" not in orjson.dumps(provider.requests())


@pytest.mark.parametrize(
    ("query", "more"),
    [
        pytest.param("service_tier=economy", {"samples": 3}, id="several samples"),
        pytest.param("service_tier=economy", {"judge": "readout"}, id="another judge"),
        pytest.param("service_tier=economy&max_cost_usd=1", {}, id="a budget"),
    ],
)
async def test_it_is_refused_where_it_cannot_be_kept(
    tmp_path: Path, provider: Provider, clock: HeldClock, query: str, more: dict[str, object]
) -> None:
    """With what to do instead."""
    given = {"judge": "single_call", "worker": {"in_server": False}, **more}
    async with service(make_settings(tmp_path, **given), provider, clock) as (client, _):
        reply = await client.post(
            f"/v1/batches?{query}", content=lines(1), headers={"Content-Type": "application/jsonl"}
        )

    assert reply.status_code == 422
    assert reply.json()["errors"][0]["pointer"] == "?service_tier"


async def test_it_is_refused_by_models_without_a_batch_api(client: Client) -> None:
    """Such as the scripted ones."""
    headers = {"Content-Type": "application/jsonl"}
    reply = await client.post("/v1/batches?service_tier=economy", content=lines(1), headers=headers)

    assert reply.status_code == 422
    assert "leave it out" in reply.text
