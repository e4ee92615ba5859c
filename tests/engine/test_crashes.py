"""Workers killed in the middle of their work: nothing acknowledged is lost, nothing is made twice."""

from __future__ import annotations

import asyncio
import json
import signal
from collections.abc import AsyncIterator, Callable

import pytest

from service.bootstrap import Services, open_services
from service.grading.grade import GradeStatus
from service.intake import read_line
from service.jobs import Batch, BatchStatus
from service.lines import RawLine
from service.records import LOCAL_TENANT, GradeFilter
from service.settings import Settings
from tests.conftest import ANSWER, QUESTION
from tests.engine.conftest import ModelServer, Workers

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(600)]
ITEMS, CONCURRENCY = 80, 8


async def lines(count: int = ITEMS) -> AsyncIterator[RawLine]:
    """Valid lines, each with an answer of its own; one model call each."""
    for n in range(1, count + 1):
        body = {"custom_id": f"c{n}", "question": QUESTION, "answer": f"Case {n}. {ANSWER}", "detail": "scores"}
        yield RawLine(n, json.dumps(body).encode())


async def until(services: Services, batch: Batch, reached: Callable[[Batch], bool]) -> Batch:
    """The batch, as soon as something holds of it."""
    async for now in services.batches.progress(batch):
        if reached(now):
            return now
    raise AssertionError("the batch ended before")


def done(batch: Batch) -> int:
    """How many of its answers are through."""
    return batch.counts.total - batch.counts.in_progress


async def all_ids(services: Services) -> list[str]:
    """The ids of all grades there are."""
    ids: list[str] = []
    cursor: str | None = None
    while True:
        page = await services.store.page(LOCAL_TENANT, GradeFilter(), cursor, 100)
        ids += [record.id for record in page.records]
        cursor = page.next_cursor
        if cursor is None:
            return ids


async def test_killed_workers_lose_nothing_and_double_nothing(
    settings: Settings, workers: Workers, model_server: ModelServer
) -> None:
    """Three kill -9 with jobs in flight; the surplus of model calls is at most kills x concurrency."""
    kills = 3
    async with open_services(settings) as services:
        batch = await services.batches.take_in(LOCAL_TENANT, lines())
        for kill in range(kills):
            process = workers.start(CONCURRENCY)
            goal = (kill + 1) * 12
            await until(services, batch, lambda now, goal=goal: done(now) >= goal)  # type: ignore[misc]
            process.send_signal(signal.SIGKILL)
            process.wait()
        workers.start(CONCURRENCY)
        batch = await until(services, batch, lambda now: now.status.final)
        results = [item async for item in services.batches.results(batch.id)]
        stored = await all_ids(services)

    assert (batch.status, batch.counts.graded + batch.counts.needs_review) == (BatchStatus.COMPLETED, ITEMS)
    assert [item.custom_id for item in results] == [f"c{n}" for n in range(1, ITEMS + 1)]
    assert sorted(stored) == sorted({item.record.id for item in results})
    assert ITEMS <= model_server.calls() <= ITEMS + kills * CONCURRENCY


async def test_two_workers_share_a_batch_and_one_goes_on_when_the_other_dies(
    settings: Settings, workers: Workers, model_server: ModelServer
) -> None:
    """The living one takes over what the dead one had."""
    async with open_services(settings) as services:
        first, second = workers.start(CONCURRENCY), workers.start(CONCURRENCY)
        batch = await services.batches.take_in(LOCAL_TENANT, lines())
        await until(services, batch, lambda now: done(now) >= ITEMS // 3)
        first.send_signal(signal.SIGKILL)
        batch = await until(services, batch, lambda now: now.status.final)
        results = [item async for item in services.batches.results(batch.id)]

    assert second.poll() is None
    assert (batch.status, len(results)) == (BatchStatus.COMPLETED, ITEMS)
    assert model_server.calls() <= ITEMS + CONCURRENCY


async def test_a_worker_told_to_stop_hands_back_what_it_has_not_done(
    settings: Settings, workers: Workers, model_server: ModelServer
) -> None:
    """SIGTERM: it ends by itself, no call is made twice, and the next one goes on at once."""
    async with open_services(settings) as services:
        batch = await services.batches.take_in(LOCAL_TENANT, lines())
        process = workers.start(CONCURRENCY)
        await until(services, batch, lambda now: done(now) >= 10)
        process.send_signal(signal.SIGTERM)
        code = await asyncio.to_thread(process.wait, 60)
        between = await services.batches.get(LOCAL_TENANT, batch.id)
        workers.start(CONCURRENCY)
        batch = await until(services, batch, lambda now: now.status.final)

    assert code == 0
    assert between is not None
    assert done(between) < ITEMS
    assert batch.counts.graded + batch.counts.needs_review == ITEMS
    assert model_server.calls() == ITEMS


async def test_an_acknowledged_answer_is_graded_although_the_server_died(
    settings: Settings, workers: Workers, model_server: ModelServer
) -> None:
    """Prefer: respond-async promises as much as a batch does."""
    async with open_services(settings) as services:
        body = json.dumps({"custom_id": "c", "question": QUESTION, "answer": ANSWER}).encode()
        request = await services.intake.request(LOCAL_TENANT, read_line(body))
        record = await services.grading.submit(LOCAL_TENANT, request)

    async with open_services(settings) as services:
        workers.start(CONCURRENCY)
        events = [event async for event in services.grading.events(record)]

    assert events[-1].data == {"id": record.id, "status": GradeStatus.GRADED.value}
    assert model_server.calls() >= 1
