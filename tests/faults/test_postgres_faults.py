"""A Postgres that stops, or stops answering, and comes back."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from service.settings import DatabaseSettings
from tests.conftest import Client, make_settings, running
from tests.faults.databases import OwnPostgres

pytestmark = pytest.mark.anyio
NO_HANG_SECONDS = 60.0
"""An upper bound that a hang breaks and a busy machine does not; what is promised is in docs/promises.md."""


@pytest.fixture
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OwnPostgres]:
    """A server of this test's own, since it is going to be stopped."""
    server = OwnPostgres(tmp_path_factory.mktemp("pg"))
    yield server
    server.close()


async def refused(client: Client, body: dict[str, object]) -> list[httpx.Response]:
    """A write, a read and readiness while the store is away; none of them hangs."""
    async with asyncio.timeout(NO_HANG_SECONDS):
        write = await client.post("/v1/grades", json={**body, "detail": "scores"})
        read = await client.get("/v1/grades")
        ready = await client.get("/readyz")
    return [write, read, ready]


async def works_again(client: Client, body: dict[str, object]) -> None:
    """Within the time the pool needs to notice."""
    async with asyncio.timeout(NO_HANG_SECONDS):
        while (await client.post("/v1/grades", json=body)).status_code != 201:  # noqa: ASYNC110
            await asyncio.sleep(0.1)
        assert (await client.get("/readyz")).status_code == 200


async def test_a_postgres_that_stops_answering_is_503_and_all_is_well_when_it_goes_on(
    tmp_path: Path, server: OwnPostgres, body: dict[str, object]
) -> None:
    """Writes, reads and readiness are refused with Retry-After, health is not; what was acknowledged is there."""
    settings = make_settings(tmp_path, database=DatabaseSettings(url=server.url))
    async with running(settings) as (client, _):
        before = await client.post("/v1/grades", json=body)
        with server.frozen():
            replies = await refused(client, body)
            alive = await client.get("/healthz")
        await works_again(client, body)
        kept = await client.get(before.headers["location"])

    assert [reply.status_code for reply in replies] == [503, 503, 503]
    assert all(int(reply.headers["retry-after"]) >= 1 for reply in replies)
    assert alive.status_code == 200
    assert kept.json() == before.json()


async def test_a_postgres_that_is_gone_is_503_and_all_is_well_when_it_is_back(
    tmp_path: Path, server: OwnPostgres, body: dict[str, object]
) -> None:
    """Stopped at once, as by a crash, and started again."""
    settings = make_settings(tmp_path, database=DatabaseSettings(url=server.url))
    async with running(settings) as (client, _):
        before = await client.post("/v1/grades", json=body)
        with server.gone():
            replies = await refused(client, body)
        await works_again(client, body)
        kept = await client.get(before.headers["location"])

    assert [reply.status_code for reply in replies] == [503, 503, 503]
    assert kept.json() == before.json()
