"""The contract of the job and batch stores, on both databases."""

from __future__ import annotations

import os
from datetime import timedelta
from itertools import count

import pytest

from service.grading.grade import GradeStatus
from service.jobs import (
    BUDGET_EXHAUSTED,
    CANCELLED,
    CRASHED,
    MOST_ATTEMPTS,
    BatchId,
    BatchStatus,
    Item,
    LineError,
    NewBatch,
    Portion,
    PortionId,
)
from service.records import GradeId, GradeRecord, Tenant
from service.storage import Database, SqlBatchStore, SqlGradeStore, SqlJobStore, SqlWorkerStore
from tests.storage.test_grades import MINE, NOON, YOURS, finished, record

pytestmark = pytest.mark.anyio
BATCH = BatchId("bat_1")


@pytest.fixture
def jobs(database: Database, store: SqlGradeStore) -> SqlJobStore:
    """The job store of a fresh database."""
    return SqlJobStore(database, store)


@pytest.fixture
def batches(database: Database, store: SqlGradeStore) -> SqlBatchStore:
    """The batch store of a fresh database."""
    return SqlBatchStore(database, store)


def names() -> PortionId:
    """A new portion's id."""
    return PortionId(f"por_{next(_NUMBERS):026d}")


_NUMBERS = count(1)


async def fed(jobs: SqlJobStore, room: int = 100, size: int = 10) -> tuple[Portion, ...]:
    """The next portions."""
    return await jobs.feed(room, size, NOON, names)


async def begin(
    batches: SqlBatchStore,
    items: int,
    *,
    tenant: Tenant = MINE,
    name: BatchId = BATCH,
    first: int = 1,
    largest_usd: float = 0.0,
    **more: float,
) -> list[GradeRecord]:
    """A sealed batch of so many items, its first record numbered ``first``."""
    records = [record(first + n, tenant=tenant) for n in range(items)]
    await batches.begin(NewBatch(id=name, tenant=tenant, created_at=NOON, **more))
    lines = [Item(line=n, custom_id=f"c{n}", record=each) for n, each in enumerate(records, 1)]
    await batches.add(name, lines, [])
    await batches.seal(name, NOON, largest_usd)
    return records


async def claimed(jobs: SqlJobStore) -> list[GradeRecord]:
    """Everything that is handed out, claimed."""
    claims = [
        await jobs.claim(job, portion.id, NOON) for portion in await fed(jobs) for job in await jobs.open_in(portion.id)
    ]
    return [claim.record for claim in claims if claim]


async def test_a_submitted_answer_is_handed_out_claimed_and_finished_once(
    jobs: SqlJobStore, store: SqlGradeStore
) -> None:
    """The second to finish it is told so, and changes nothing."""
    given = record()
    await jobs.add(given)

    (portion,) = await fed(jobs)
    assert await jobs.open_in(portion.id) == (given.id,)
    claim = await jobs.claim(given.id, portion.id, NOON)
    first = await jobs.finish(finished(given), {})
    second = await jobs.finish(finished(given, "failed"), {})

    assert claim is not None
    assert (claim.record, claim.attempt, claim.crashes) == (given, 1, 0)
    assert (first, second) == (True, False)
    assert await store.get(MINE, given.id) == finished(given)
    assert await fed(jobs) == ()
    assert await jobs.open_portions() == ()


async def test_what_is_handed_out_is_not_handed_out_again(jobs: SqlJobStore) -> None:
    """Until it is given back."""
    await jobs.add(record())

    (portion,) = await fed(jobs)
    assert await fed(jobs) == ()
    assert await jobs.open_portions() == (portion.id,)
    assert await jobs.give_back(portion.id) == 1
    (again,) = await fed(jobs)

    assert again.id != portion.id
    assert await jobs.claim(record().id, portion.id, NOON) is None


async def test_tenants_share_the_room_evenly_however_much_one_sends(jobs: SqlJobStore, batches: SqlBatchStore) -> None:
    """Three answers of one tenant do not wait behind a hundred of another."""
    await begin(batches, 100)
    for number in range(3):
        await jobs.add(record(1_000 + number, tenant=YOURS))

    portions = await fed(jobs, room=20, size=5)

    sizes = dict.fromkeys((MINE, YOURS), 0)
    for portion in portions:
        sizes[portion.tenant] += len(await jobs.open_in(portion.id))
    assert sizes == {MINE: 10, YOURS: 3}


async def test_the_queue_holds_no_more_than_the_room(jobs: SqlJobStore, batches: SqlBatchStore) -> None:
    """However many items a batch has; the rest waits in its own table."""
    await begin(batches, 50)

    first = await fed(jobs, room=10, size=4)
    second = await fed(jobs, room=10, size=4)

    assert [len(await jobs.open_in(portion.id)) for portion in first] == [4, 4, 2]
    assert second == ()


async def test_a_batch_is_counted_and_closed_with_its_last_item(jobs: SqlJobStore, batches: SqlBatchStore) -> None:
    """Counts, cost and end come with the grades, in the same transactions."""
    await begin(batches, 3)

    records = await claimed(jobs)
    for each in records[:2]:
        await jobs.finish(finished(each), {})
    await jobs.count(NOON)
    before = await batches.get(MINE, BATCH)
    await jobs.finish(finished(records[2]), {})
    await jobs.count(NOON)
    after = await batches.get(MINE, BATCH)

    assert before is not None
    assert after is not None
    assert (before.status, before.counts.graded + before.counts.needs_review) == (BatchStatus.IN_PROGRESS, 2)
    assert (after.status, after.counts.in_progress, after.finished_at) == (BatchStatus.COMPLETED, 0, NOON)
    assert await batches.get(YOURS, BATCH) is None


async def test_cancelling_keeps_what_is_done_and_what_is_being_graded(
    jobs: SqlJobStore, batches: SqlBatchStore, store: SqlGradeStore
) -> None:
    """The rest is ungraded with the reason; the batch ends when the last running one does."""
    records = await begin(batches, 4)
    (portion,) = await fed(jobs, room=3)
    done, running = [await jobs.claim(each.id, portion.id, NOON) for each in records[:2]]
    assert done is not None
    assert running is not None
    await jobs.finish(finished(done.record), {})

    cancelling = await batches.cancel(MINE, BATCH, NOON)
    late = await jobs.claim(records[2].id, portion.id, NOON)
    await jobs.finish(finished(running.record), {})
    await jobs.count(NOON)
    cancelled = await batches.get(MINE, BATCH)
    skipped = await store.get(MINE, records[3].id)

    assert cancelling is not None
    assert cancelled is not None
    assert skipped is not None
    assert late is None
    assert (cancelling.status, cancelled.status) == (BatchStatus.CANCELLING, BatchStatus.CANCELLED)
    assert (cancelled.counts.ungraded, cancelled.counts.in_progress) == (2, 0)
    assert (skipped.status, skipped.reason) == (GradeStatus.UNGRADED, CANCELLED)
    assert await batches.cancel(YOURS, BATCH, NOON) is None


async def test_a_budget_reserves_what_is_being_graded_and_stops_before_it_is_overspent(
    jobs: SqlJobStore, batches: SqlBatchStore
) -> None:
    """With room for two dollars and one reserved for each, the third waits, and is begun once the two were cheaper."""
    records = await begin(batches, 5, max_cost_usd=2.0, largest_usd=1.0)
    later = NOON + timedelta(minutes=1)

    begun = await claimed(jobs)
    for each in begun:
        await jobs.finish(finished(each, cost_usd=0.5), {})
    (portion,) = await jobs.feed(100, 10, later, names)
    third = await jobs.claim(records[2].id, portion.id, later)
    assert third is not None
    await jobs.finish(finished(third.record, cost_usd=0.5), {})
    fourth = await jobs.claim(records[3].id, portion.id, later)
    await jobs.count(later)
    batch = await batches.get(MINE, BATCH)

    assert batch is not None
    assert [each.id for each in begun] == [each.id for each in records[:2]]
    assert fourth is None
    assert (batch.status, batch.reason, batch.cost_usd) == (BatchStatus.CANCELLED, BUDGET_EXHAUSTED, 1.5)
    assert (batch.counts.graded + batch.counts.needs_review, batch.counts.ungraded) == (3, 2)


async def test_an_answer_that_kills_its_worker_is_given_up_after_five_tries(
    jobs: SqlJobStore, store: SqlGradeStore
) -> None:
    """It ends as ungraded with the reason; nobody tries a sixth time."""
    given = record()
    await jobs.add(given)
    (portion,) = await fed(jobs)

    tries = [await jobs.claim(given.id, portion.id, NOON) for _ in range(MOST_ATTEMPTS + 1)]
    kept = await store.get(MINE, given.id)

    assert kept is not None
    assert [each.crashes if each else None for each in tries] == [0, 1, 2, 3, 4, None]
    assert (kept.status, kept.reason) == (GradeStatus.UNGRADED, CRASHED)


async def test_a_job_put_off_is_due_at_its_time(jobs: SqlJobStore) -> None:
    """Not before; a try that says nothing about the answer is not counted."""
    given, later = record(), NOON + timedelta(minutes=5)
    await jobs.add(given)
    (portion,) = await fed(jobs)
    await jobs.claim(given.id, portion.id, NOON)

    assert await jobs.postpone(given.id, later, counted=False)
    assert await fed(jobs) == ()
    (again,) = await jobs.feed(10, 10, later, names)
    claim = await jobs.claim(given.id, again.id, later)

    assert claim is not None
    assert claim.attempt == 1


async def test_a_job_of_a_batch_being_stopped_is_not_put_off(jobs: SqlJobStore, batches: SqlBatchStore) -> None:
    """It has to end now."""
    (only,) = await begin(batches, 1)
    await claimed(jobs)
    await batches.cancel(MINE, BATCH, NOON)

    assert not await jobs.postpone(only.id, NOON, counted=True)


async def test_results_and_errors_come_in_the_order_they_were_sent(jobs: SqlJobStore, batches: SqlBatchStore) -> None:
    """Whatever the order they were finished in; page by page."""
    await batches.begin(NewBatch(id=BATCH, tenant=MINE, created_at=NOON))
    items = [Item(line=n, custom_id=f"c{n}", record=record(n)) for n in (1, 2, 4, 5)]
    refused = LineError(line=3, custom_id=None, errors=({"pointer": "#", "detail": "is not valid JSON"},))
    await batches.add(BATCH, items, [refused])
    await batches.seal(BATCH, NOON)
    records = await claimed(jobs)
    for each in reversed(records):
        await jobs.finish(finished(each), {})

    first = await batches.finished(BATCH, 0, 3, ungraded=False)
    rest = await batches.finished(BATCH, first[-1].line, 3, ungraded=False)

    assert [each.line for each in (*first, *rest)] == [1, 2, 4, 5]
    assert [each.custom_id for each in rest] == ["c5"]
    assert await batches.refused(BATCH, 0, 10) == (refused,)
    assert await batches.refused(BATCH, 3, 10) == ()


async def test_a_batch_whose_sending_broke_off_is_forgotten_and_never_graded(
    jobs: SqlJobStore, batches: SqlBatchStore, store: SqlGradeStore
) -> None:
    """It was not acknowledged."""
    await batches.begin(NewBatch(id=BATCH, tenant=MINE, created_at=NOON))
    await batches.add(BATCH, [Item(line=1, custom_id="c", record=record())], [])

    assert await fed(jobs) == ()
    assert await batches.drop_unsealed(NOON) == 0
    assert await batches.drop_unsealed(NOON + timedelta(seconds=1)) == 1
    assert await batches.get(MINE, BATCH) is None
    assert await store.get(MINE, GradeId(record().id)) is None


async def test_a_batch_without_a_valid_line_has_failed(batches: SqlBatchStore) -> None:
    """With the reason."""
    await batches.begin(NewBatch(id=BATCH, tenant=MINE, created_at=NOON))
    await batches.seal(BATCH, NOON)

    batch = await batches.get(MINE, BATCH)

    assert batch is not None
    assert batch.reason is not None
    assert (batch.status, batch.reason.code) == (BatchStatus.FAILED, "no_valid_lines")


async def test_later_batches_of_a_tenant_know_what_comes_before_them(jobs: SqlJobStore, batches: SqlBatchStore) -> None:
    """The queue position counts answers, and ends once all are handed out."""
    await begin(batches, 5)
    second = BatchId("bat_2")
    await batches.begin(NewBatch(id=second, tenant=MINE, created_at=NOON + timedelta(seconds=1)))
    await batches.add(second, [Item(line=1, custom_id="c", record=record(99))], [])
    await batches.seal(second, NOON)

    before = await batches.get(MINE, second)
    await fed(jobs)
    after = await batches.get(MINE, second)

    assert before is not None
    assert after is not None
    assert (before.queue_position, after.queue_position) == (5, None)


async def test_batches_are_listed_newest_first(batches: SqlBatchStore) -> None:
    """Following the cursor meets each once, and only a tenant's own."""
    for number in range(5):
        name, tenant = BatchId(f"bat_{number}"), YOURS if number == 2 else MINE
        await batches.begin(NewBatch(id=name, tenant=tenant, created_at=NOON + timedelta(seconds=number)))

    first = await batches.page(MINE, None, 3)
    rest = await batches.page(MINE, first.next_cursor, 3)

    assert [batch.id for batch in (*first.batches, *rest.batches)] == ["bat_4", "bat_3", "bat_1", "bat_0"]
    assert rest.next_cursor is None


async def test_a_worker_takes_the_name_of_one_that_is_gone(database: Database) -> None:
    """So that what it left behind goes on at once; living ones keep theirs."""
    workers = SqlWorkerStore(database)

    first = await workers.enlist("host", 1_000_001, lambda _: True)
    second = await workers.enlist("host", 1_000_002, lambda _: True)
    third = await workers.enlist("host", 1_000_003, lambda pid: pid != 1_000_001)
    elsewhere = await workers.enlist("other", os.getpid(), lambda _: False)

    assert (first, second, third, elsewhere) == ("host/0", "host/1", "host/0", "other/0")


async def test_heartbeats_only_grow(database: Database) -> None:
    """And end with the worker."""
    workers = SqlWorkerStore(database)
    name = await workers.enlist("host", 1, lambda _: True)

    (first,), (second,) = await workers.beat(name), await workers.beat(name)
    await workers.dismiss(name)

    assert second.beats == first.beats + 1
    assert await workers.beat(name) == ()
