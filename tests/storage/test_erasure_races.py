"""Erasing a learner while something is being written about them: whoever comes first, nothing is left.

Each writer was handed what it writes about before the erasure, as one that waited for a model was.
"""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from datetime import timedelta
from typing import Any, TypeVar

import pytest
import sqlalchemy as sa

from service.grading.grade import GradeStatus
from service.idempotency import KEPT, Idempotency
from service.jobs import BatchId, Item, LineError, NewBatch, PortionId
from service.keyed_requests import KeptAnswer, KeyClaim, KeyedRequest
from service.ports import GradeGone, LearnerErased, NotReplaceable
from service.reviews import AppealStatus
from service.storage import (
    Database,
    SqlBatchStore,
    SqlGradeStore,
    SqlIdempotencyStore,
    SqlJobStore,
    SqlLearnerStore,
    SqlReviewStore,
    open_migrated,
)
from service.storage.database import PostgresDatabase
from service.storage.review_rows import hold
from service.storage.tables import BATCH_ERRORS, GRADES, IDEMPOTENCY, REVIEW_QUEUE
from tests.clock import HeldClock
from tests.storage.conftest import new_database
from tests.storage.test_grades import MINE, NOON, record
from tests.storage.test_learners import CANARY, LATER, LEARNER, appeal, everything, of, review

pytestmark = pytest.mark.anyio
T = TypeVar("T")
Write = Callable[[Database], Coroutine[Any, Any, object]]
"""Writes about the learner through any database it is given, as another process would."""

MADE = of(LEARNER, 1)
BATCH = BatchId("bat_1")
OBJECTION = appeal(MADE).model_copy(update={"status": AppealStatus.IN_PROGRESS, "second": None})
TOLD = KeptAnswer(201, (), CANARY.encode(), f"/v1/grades/{MADE.id}")


def reviews_of(database: Database) -> SqlReviewStore:
    """The review store of a database."""
    return SqlReviewStore(database, SqlGradeStore(database))


async def a_review(database: Database) -> Write:
    """A person's review of a grade they have open."""
    await SqlGradeStore(database).add(MADE)
    return lambda other: reviews_of(other).add_review(MADE, review(CANARY))


async def an_appeal(database: Database) -> Write:
    """A learner's appeal."""
    await SqlGradeStore(database).add(MADE)
    return lambda other: reviews_of(other).open_appeal(MADE, OBJECTION)


async def a_second_grading(database: Database) -> Write:
    """What came of an appeal, once the model has answered."""
    await SqlGradeStore(database).add(MADE)
    await reviews_of(database).open_appeal(MADE, OBJECTION)
    return lambda other: reviews_of(other).conclude(MADE, appeal(MADE))


async def a_grade_that_was_waited_for(database: Database) -> Write:
    """Stored only when it is finished, with results that others may use."""
    return lambda other: SqlGradeStore(other).add(MADE, {"key": CANARY})


async def a_retry(database: Database) -> Write:
    """An ungraded answer graded again."""
    ungraded = record(1).model_copy(update={"request": MADE.request, "status": GradeStatus.UNGRADED})
    await SqlGradeStore(database).add(ungraded)
    return lambda other: SqlGradeStore(other).finish(MADE, {"key": CANARY})


async def a_job(database: Database) -> Write:
    """A job that a worker has claimed."""
    jobs = SqlJobStore(database, SqlGradeStore(database))
    await jobs.add(record(1).model_copy(update={"request": MADE.request}))
    (portion,) = await jobs.feed(1, 1, NOON, lambda: PortionId("por_1"))
    await jobs.claim(MADE.id, portion.id, NOON)
    return lambda other: SqlJobStore(other, SqlGradeStore(other)).finish(MADE, {"key": CANARY})


async def a_kept_answer(database: Database) -> Write:
    """The answer to a request with an Idempotency-Key, kept for whoever repeats it."""
    await SqlGradeStore(database).add(MADE)
    claim = await Idempotency(SqlIdempotencyStore(database), HeldClock()).claim(KeyedRequest(MINE, "k", "f"))
    assert isinstance(claim, KeyClaim)
    return lambda other: SqlIdempotencyStore(other).keep(claim, TOLD)


async def some_more_of_a_batch(database: Database) -> Write:
    """Lines of a batch that is being sent: one to be graded, one refused under a name of the learner's."""
    begun = NewBatch(id=BATCH, tenant=MINE, created_at=NOON)
    await SqlBatchStore(database, SqlGradeStore(database)).begin(begun)
    item = Item(line=1, custom_id=CANARY, record=record(1).model_copy(update={"request": MADE.request}))
    refused = LineError(line=2, custom_id=CANARY, errors=({"pointer": "#", "detail": "x"},), learner=LEARNER)
    return lambda other: SqlBatchStore(other, SqlGradeStore(other)).add(BATCH, [item], [refused])


WRITERS = [
    a_review,
    an_appeal,
    a_second_grading,
    a_grade_that_was_waited_for,
    a_retry,
    a_job,
    a_kept_answer,
    some_more_of_a_batch,
]
each_writer = pytest.mark.parametrize("writer", WRITERS, ids=lambda writer: writer.__name__)


def erase(database: Database) -> Coroutine[Any, Any, object]:
    """Erase the learner."""
    return SqlLearnerStore(database, SqlGradeStore(database)).erase(MINE, LEARNER, LATER)


async def refused(write: Awaitable[object]) -> None:
    """Do it; it may be told that what it is about is gone."""
    with contextlib.suppress(GradeGone, LearnerErased, NotReplaceable):
        await write


async def assert_nothing_left(database: Database) -> None:
    """No word and no name in any table, and nothing that waits for a person."""
    left = await everything(database)
    assert CANARY not in left
    assert LEARNER not in left
    waiting = sa.select(sa.func.count()).select_from(REVIEW_QUEUE)
    assert await database.read(lambda connection: connection.execute(waiting).scalar_one()) == 0


@each_writer
async def test_what_ends_after_an_erasure_is_not_kept(
    database: Database, writer: Callable[[Database], Awaitable[Write]]
) -> None:
    """However long ago its grade was read."""
    write = await writer(database)

    await erase(database)
    await refused(write(database))

    await assert_nothing_left(database)


@each_writer
async def test_what_ended_before_an_erasure_goes_with_it(
    database: Database, writer: Callable[[Database], Awaitable[Write]]
) -> None:
    """Each of them did leave something."""
    write = await writer(database)
    await write(database)
    assert CANARY in await everything(database)

    await erase(database)

    await assert_nothing_left(database)


class Paused(PostgresDatabase):
    """A database whose next transaction has done its work and waits to be told to commit."""

    def __init__(self, url: sa.URL) -> None:
        super().__init__(url)
        self.done = asyncio.Event()
        self.commit = asyncio.Event()

    async def write(self, work: Callable[[sa.Connection], T]) -> T:
        """What ``work`` returns, once it may be committed and is."""
        async with self.engine.begin() as connection:
            result = await connection.run_sync(work)
            self.done.set()
            await self.commit.wait()
            return result


@pytest.fixture
async def server(postgres: str) -> AsyncIterator[tuple[Database, Paused]]:
    """A fresh Postgres database, and the same with transactions that can be held open."""
    url = await new_database(postgres)
    database, paused = await open_migrated(url), Paused(sa.make_url(url))
    yield database, paused
    await paused.close()
    await database.close()


async def meanwhile(database: Database, paused: Paused, first: Awaitable[object], second: Awaitable[object]) -> None:
    """Begin the second while the first's transaction is open; it has to wait for the first to commit."""
    open_ = asyncio.ensure_future(first)
    await paused.done.wait()
    waiting = asyncio.ensure_future(second)
    while not await _somebody_waits(database):
        assert not waiting.done(), "it did not wait"
    paused.commit.set()
    await open_
    await waiting


async def _somebody_waits(database: Database) -> bool:
    locked = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    return bool(await database.read(lambda connection: connection.execute(sa.text(locked)).scalar_one()))


@each_writer
async def test_an_erasure_waits_for_what_is_being_committed(
    server: tuple[Database, Paused], writer: Callable[[Database], Awaitable[Write]]
) -> None:
    """And takes it along."""
    database, paused = server
    write = await writer(database)

    await meanwhile(database, paused, write(paused), erase(database))

    await assert_nothing_left(database)


@each_writer
async def test_what_is_written_waits_for_an_erasure_that_is_being_committed(
    server: tuple[Database, Paused], writer: Callable[[Database], Awaitable[Write]]
) -> None:
    """And finds nothing to write about; neither waits for the other for ever."""
    database, paused = server
    write = await writer(database)

    await meanwhile(database, paused, erase(paused), refused(write(database)))

    await assert_nothing_left(database)


async def test_two_erasures_at_once_leave_nothing_of_an_answer_both_gave(server: tuple[Database, Paused]) -> None:
    """Each would leave the shared result to the other."""
    database, paused = server
    store = SqlGradeStore(database)
    await store.add(MADE, {"key": CANARY})
    await store.add(of("learner-2", 2))
    other = SqlLearnerStore(database, store).erase(MINE, "learner-2", LATER)

    await meanwhile(database, paused, erase(paused), other)

    await assert_nothing_left(database)


async def test_on_sqlite_no_other_process_writes_while_a_grade_is_held(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """What was read is still so when it is written by."""
    path = tmp_path_factory.mktemp("held") / "debrief.db"
    database = await open_migrated(f"sqlite:///{path}")
    await SqlGradeStore(database).add(MADE)

    def work(connection: sa.Connection) -> None:
        hold(connection, MADE)
        with (
            contextlib.closing(sqlite3.connect(path, timeout=0)) as other,
            pytest.raises(sqlite3.OperationalError, match="locked"),
        ):
            other.execute("BEGIN IMMEDIATE")

    await database.write(work)
    await database.close()


async def test_a_request_sent_after_an_erasure_is_one_like_any_other(database: Database) -> None:
    """The learner came back; also in a batch begun since."""
    await erase(database)
    later = LATER + timedelta(seconds=1)
    store = SqlGradeStore(database)
    batches = SqlBatchStore(database, store)

    await store.add(MADE.model_copy(update={"created_at": later}))
    await batches.begin(NewBatch(id=BATCH, tenant=MINE, created_at=later))
    item = Item(line=1, custom_id="c", record=record(2).model_copy(update={"request": MADE.request}))
    await batches.add(BATCH, [item], [])

    assert await store.get(MINE, MADE.id) is not None
    assert await store.get(MINE, item.record.id) is not None


async def test_an_erased_learner_s_line_of_a_batch_is_listed_as_refused(database: Database) -> None:
    """Without a name; the batch's counts add up."""
    write = await some_more_of_a_batch(database)
    await erase(database)

    await write(database)

    batches = SqlBatchStore(database, SqlGradeStore(database))
    batch = await batches.get(MINE, BATCH)
    assert batch is not None
    assert (batch.counts.total, batch.counts.invalid) == (0, 2)
    assert [(each.line, each.custom_id) for each in await batches.refused(BATCH, 0, 9)] == [(1, None), (2, None)]


async def test_an_erasure_is_forgotten_after_a_day_and_so_are_kept_answers(database: Database) -> None:
    """Nothing of either is left for good; the answer although nobody used another key since."""
    write = await a_kept_answer(database)
    await write(database)
    learners = SqlLearnerStore(database, SqlGradeStore(database))
    await learners.erase(MINE, "somebody", NOON)

    early = await learners.tidy(NOON + KEPT - timedelta(seconds=1))
    late = await learners.tidy(NOON + KEPT + timedelta(seconds=1))

    kept = await database.read(lambda connection: connection.execute(sa.select(IDEMPOTENCY)).all())
    assert (early, late, kept) == (0, 2, [])


async def test_names_in_refused_lines_go_with_their_learner_and_with_time(database: Database) -> None:
    """Line and reason stay; another tenant's and a younger batch's names, too."""
    write = await some_more_of_a_batch(database)
    await write(database)
    learners = SqlLearnerStore(database, SqlGradeStore(database))

    exported = [row.columns["custom_id"] for row in await learners.kept(MINE, LEARNER) if row.table == "batch_errors"]
    too_young = await learners.forget_names(MINE, NOON)
    expired = await learners.forget_names(MINE, LATER)

    wanted = sa.select(BATCH_ERRORS.c.line, BATCH_ERRORS.c.custom_id, BATCH_ERRORS.c.learner)
    left = await database.read(lambda connection: connection.execute(wanted).all())
    assert (exported, too_young, expired) == ([CANARY], 0, 1)
    assert [tuple(row) for row in left] == [(2, None, None)]


@pytest.mark.parametrize("writer", [a_review, an_appeal, a_second_grading], ids=lambda writer: writer.__name__)
async def test_what_ends_after_an_answer_expired_is_kept_without_its_words(
    database: Database, writer: Callable[[Database], Awaitable[Write]]
) -> None:
    """Levels and outcome are; note, reason and rationale are not."""
    write = await writer(database)
    await SqlLearnerStore(database, SqlGradeStore(database)).expire(MINE, LATER, LATER)

    await write(database)

    kept = await SqlGradeStore(database).get(MINE, MADE.id)
    assert kept is not None
    assert kept.reviews or kept.appeals
    assert CANARY not in await everything(database)


async def test_an_answer_kept_after_its_grade_expired_is_not(database: Database) -> None:
    """The repeat is told of the grade as it stands."""
    write = await a_kept_answer(database)
    await SqlLearnerStore(database, SqlGradeStore(database)).expire(MINE, LATER, LATER)

    await write(database)

    assert CANARY not in await everything(database)


async def test_an_answer_that_waits_to_be_graded_does_not_expire_before(database: Database) -> None:
    """What would be graded then is not what was sent."""
    write = await a_job(database)
    learners = SqlLearnerStore(database, SqlGradeStore(database))

    early = await learners.expire(MINE, LATER, LATER)
    await write(database)
    late = await learners.expire(MINE, LATER, LATER)

    assert (early, late) == (0, 1)


async def test_an_appeal_without_its_grade_stops_nobody_from_starting(database: Database) -> None:
    """Its grade was erased by an older version that left the appeal."""
    await an_appeal(database)
    reviews = reviews_of(database)
    await reviews.open_appeal(MADE, OBJECTION)
    await database.write(lambda connection: connection.execute(sa.delete(GRADES)).rowcount)

    assert await reviews.give_up_appeals("cut short", LATER) == 0


async def test_transactions_that_wait_for_each_other_are_both_done(postgres: str) -> None:
    """Postgres undoes one; it is done again, and nobody hears of it."""
    url = await new_database(postgres)
    database = await open_migrated(url)
    await SqlGradeStore(database).add(of(LEARNER, 1))
    await SqlGradeStore(database).add(of(LEARNER, 2))

    def locking(*numbers: int) -> Callable[[sa.Connection], None]:
        def work(connection: sa.Connection) -> None:
            for number in numbers:
                at = GRADES.c.id == record(number).id
                connection.execute(sa.select(GRADES.c.id).where(at).with_for_update())

        return work

    elsewhere = PostgresDatabase(sa.make_url(url))
    async with elsewhere.engine.connect() as other:
        await other.execute(sa.text("SET deadlock_timeout = '1min'"))  # so that ours is the one undone
        await other.run_sync(locking(2))
        ours = asyncio.ensure_future(database.write(locking(1, 2)))
        while not await _somebody_waits(database):
            assert not ours.done()
        await other.run_sync(locking(1))
        await other.commit()

    await ours
    await elsewhere.close()
    await database.close()
