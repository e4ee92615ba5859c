"""Counting grades and jobs by tenant and model, on both databases."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, insert, select

from service.grading.grade import GradeStatus, ModelRef, Reason, UnscoredCriterion
from service.operations import Queue, Use
from service.records import GradeRecord, Tenant
from service.storage import Database, SqlBatchStore, SqlGradeStore, SqlJobStore, SqlOperationsStore, open_migrated
from service.storage.database import open_database
from service.storage.migrate import alembic_config
from service.storage.operations import counts_of
from service.storage.tables import GRADES, RUBRIC_TEXTS
from tests.storage.test_grades import INTERRUPTED, MINE, NOON, YOURS, finished, record
from tests.storage.test_jobs import begin, fed

pytestmark = pytest.mark.anyio
REFUSED = Reason(code="invalid_reply", detail="no level in it", retryable=True)


@pytest.fixture
def operations(database: Database) -> SqlOperationsStore:
    """The counts of a fresh database."""
    return SqlOperationsStore(database)


def timed(number: int, milliseconds: int, model: str = "openai/small", **changes: Any) -> GradeRecord:
    """A finished grade of a model that took so long."""
    made = finished(record(number, **changes), cost_usd=0.25)
    assert made.grade is not None
    assert made.usage is not None
    models = (
        ModelRef(role="judge", requested=model, reported=None),
        ModelRef(role="coach", requested="c", reported=None),
    )
    receipt = made.grade.receipt.model_copy(update={"models": models})
    return made.model_copy(
        update={
            "grade": made.grade.model_copy(update={"receipt": receipt}),
            "usage": made.usage.model_copy(update={"latency_ms": milliseconds}),
        }
    )


def partly(made: GradeRecord) -> GradeRecord:
    """The grade with one more criterion, which has no level."""
    assert made.grade is not None
    bare = UnscoredCriterion(id="form", name="Form", weight=0.25, reason=REFUSED)
    return made.model_copy(update={"grade": made.grade.model_copy(update={"criteria": (*made.grade.criteria, bare)})})


async def test_grades_are_counted_by_tenant_and_model(store: SqlGradeStore, operations: SqlOperationsStore) -> None:
    """Times by nearest rank, known cost, criteria without a level and why; the coach's model is not the judge's."""
    for number in range(1, 21):
        await store.add(timed(number, number * 100))
    await store.add(partly(timed(30, 7, "openai/large")))
    await store.add(timed(40, 9, tenant=YOURS))

    assert await operations.use(MINE, NOON) == (
        Use(MINE, "openai/small", 20, 0, 20, 0, 5.0, 0, 1_000, 1_900),
        Use(MINE, "openai/large", 1, 0, 2, 1, 0.25, 0, 7, 7, {"invalid_reply": 1}),
    )
    assert [use.tenant for use in await operations.use(None, NOON)] == [MINE, MINE, YOURS]


async def test_what_is_older_or_unfinished_is_not_counted(store: SqlGradeStore, operations: SqlOperationsStore) -> None:
    """A grade belongs to when it was asked for."""
    await store.add(timed(1, 5))
    await store.add(record(2, created_at=NOON + timedelta(days=1)))

    assert await operations.use(None, NOON + timedelta(seconds=1)) == ()


async def test_what_has_no_grade_is_an_error_without_a_model(
    store: SqlGradeStore, operations: SqlOperationsStore
) -> None:
    """An interrupted grade has a reason, no time and no cost."""
    await store.add(record(1))
    await store.interrupt_unfinished(INTERRUPTED, NOON + timedelta(days=1))

    assert await operations.use(None, NOON) == (Use(MINE, None, 1, 1, 0, 0, 0.0, 0, errors={"interrupted": 1}),)


async def test_an_unknown_price_is_not_free(store: SqlGradeStore, operations: SqlOperationsStore) -> None:
    """It is said beside the sum."""
    made = timed(1, 5)
    assert made.usage is not None
    await store.add(made.model_copy(update={"usage": made.usage.model_copy(update={"cost_usd": None})}))

    (use,) = await operations.use(None, NOON)

    assert (use.cost_usd, use.unpriced) == (0.0, 1)


async def test_a_grade_made_again_is_counted_as_it_stands(store: SqlGradeStore, operations: SqlOperationsStore) -> None:
    """Nothing of the failure stays."""
    failed = record(1, status=GradeStatus.UNGRADED, reason=INTERRUPTED)
    await store.add(failed)

    await store.finish(timed(1, 5))

    assert [(use.grades, use.ungraded, use.errors) for use in await operations.use(MINE, NOON)] == [(1, 0, {})]


async def test_the_queue_is_told_by_tenant_with_its_age(
    database: Database, store: SqlGradeStore, operations: SqlOperationsStore
) -> None:
    """A batch is as old as its sending, a single answer as its own; what is handed out but not begun waits, too."""
    jobs, batches = SqlJobStore(database, store), SqlBatchStore(database, store)
    await begin(batches, 3)
    await jobs.add(record(50, tenant=YOURS, created_at=NOON + timedelta(hours=1)))
    (portion,) = [portion for portion in await fed(jobs) if portion.tenant == MINE]
    first, *_ = await jobs.open_in(portion.id)
    await jobs.claim(first, portion.id, NOON)

    assert await operations.queues(None) == (
        Queue(MINE, 2, 1, NOON),
        Queue(YOURS, 1, 0, NOON + timedelta(hours=1)),
    )
    assert await operations.queues(Tenant("nobody")) == ()


@pytest.mark.parametrize("tenant", [MINE, None], ids=["one tenant", "all"])
async def test_counting_reads_one_index_and_no_grade(tmp_path: Path, tenant: Tenant | None) -> None:
    """As long as that holds, it is quick however long grades are."""

    def plan(connection: Connection) -> str:
        text = str(counts_of(tenant, NOON).compile(connection, compile_kwargs={"literal_binds": True}))
        return " ".join(row[3] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {text}"))

    database = await open_migrated(f"sqlite:///{tmp_path / 'counted.db'}")
    try:
        assert "USING COVERING INDEX grades_counted" in await database.read(plan)
    finally:
        await database.close()


async def test_grades_from_before_the_columns_are_counted(tmp_path: Path) -> None:
    """The migration fills them from the results, as the store does."""
    from alembic import command

    url = f"sqlite:///{tmp_path / 'old.db'}"
    old = open_database(url)
    made = partly(timed(1, 250))
    rubric = made.request.rubric
    row = {
        "id": made.id,
        "tenant": MINE,
        "created_at": 1_795_000_000_000_000,
        "status": "graded",
        "open": 0,
        "rubric_id": rubric.id,
        "rubric_sha256": rubric.sha256,
        "request": made.request.model_dump_json(exclude={"rubric"}),
        "result": made.model_dump_json(include={"grade", "usage"}),
    }

    def before(connection: Connection) -> None:
        config = alembic_config()
        config.attributes["connection"] = connection
        command.upgrade(config, "0008")
        connection.execute(
            insert(RUBRIC_TEXTS), {"tenant": MINE, "sha256": rubric.sha256, "text": rubric.model_dump_json()}
        )
        connection.execute(insert(GRADES).values({GRADES.c[name]: value for name, value in row.items()}))

    await old.write(before)
    await old.close()
    database = await open_migrated(url)
    try:
        await SqlGradeStore(database).add(partly(timed(2, 250)))
        columns = (GRADES.c.model, GRADES.c.latency_ms, GRADES.c.cost_usd, GRADES.c.criteria, GRADES.c.unscored)
        filled, stored = await database.read(
            lambda c: c.execute(select(*columns, GRADES.c.error).order_by(GRADES.c.id)).all()
        )
    finally:
        await database.close()

    assert filled == stored == ("openai/small", 250, 0.25, 2, 1, "invalid_reply")
