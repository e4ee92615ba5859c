"""Events are written in the transaction that makes them true, on both databases."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from service.grading.grade import GradeStatus, Reason
from service.jobs import MOST_ATTEMPTS
from service.ports import NotReplaceable
from service.records import GradeRecord, Tenant
from service.reviews import Appeal, AppealId, AppealStatus
from service.storage import (
    Database,
    SqlBatchStore,
    SqlEndpointStore,
    SqlGradeStore,
    SqlJobStore,
    SqlReviewStore,
)
from service.storage.outbox import record as record_event
from service.storage.webhook_tables import WEBHOOK_DELIVERIES, WEBHOOK_EVENTS
from service.webhook_records import SUBSCRIBABLE, Endpoint, EndpointId
from tests.storage.test_grades import HARD_TEXT, MINE, NOON, finished, record
from tests.storage.test_jobs import BATCH, batches, begin, claimed, fed, jobs

__all__ = ["batches", "jobs"]
pytestmark = pytest.mark.anyio


@pytest.fixture
async def endpoint(database: Database) -> Endpoint:
    """My tenant's endpoint, for all events."""
    made = Endpoint(
        id=EndpointId("whe_1"),
        tenant=MINE,
        created_at=NOON,
        url="https://hooks.example.org/",
        events=SUBSCRIBABLE,
        description=HARD_TEXT,
        enabled=True,
        disabled_reason=None,
        seed="s.c",
        previous_seed=None,
        previous_until=NOON,
    )
    assert await SqlEndpointStore(database).add(made, 16)
    return made


async def events(database: Database) -> list[dict[str, Any]]:
    """Every event in the outbox, each with a delivery."""
    wanted = sa.select(WEBHOOK_EVENTS.c.body, WEBHOOK_DELIVERIES.c.endpoint_id).join(
        WEBHOOK_DELIVERIES, WEBHOOK_DELIVERIES.c.event_id == WEBHOOK_EVENTS.c.id
    )
    rows = await database.read(lambda connection: connection.execute(wanted.order_by(WEBHOOK_EVENTS.c.id)).all())
    return [json.loads(row.body) for row in rows]


def in_review(of: GradeRecord) -> GradeRecord:
    """The grade, in need of a person."""
    return finished(of).model_copy(update={"status": GradeStatus.NEEDS_REVIEW})


async def test_an_endpoint_comes_back_exactly_as_it_was_stored(database: Database, endpoint: Endpoint) -> None:
    """Every field; to its tenant alone."""
    store = SqlEndpointStore(database)

    assert await store.endpoint(MINE, endpoint.id) == endpoint
    assert await store.endpoint(Tenant("yours"), endpoint.id) is None
    assert await store.endpoints(Tenant("yours")) == ()


async def test_a_stored_grade_is_an_event_of_ids_and_status(
    database: Database, store: SqlGradeStore, endpoint: Endpoint
) -> None:
    """Nothing of the answer, the question, the learner or the metadata."""
    await store.add(finished(record()))

    (event,) = await events(database)
    assert event["type"] == "grade.completed"
    assert event["data"] == {"id": record().id, "object": "grade", "status": "graded"}


async def test_a_grade_in_progress_is_no_event_until_it_is_finished(
    database: Database, store: SqlGradeStore, endpoint: Endpoint
) -> None:
    """One event each time it is finished; a commentary written again is one more."""
    await store.add(record())
    before = await events(database)
    await store.finish(finished(record(), "failed"))
    await store.finish(finished(record()))

    assert before == []
    assert [event["type"] for event in await events(database)] == ["grade.completed", "grade.completed"]


async def test_a_grade_that_needs_a_person_is_two_events(
    database: Database, store: SqlGradeStore, endpoint: Endpoint
) -> None:
    """It is finished, and it asks for review."""
    await store.add(in_review(record()))

    assert {(event["type"], event["data"]["status"]) for event in await events(database)} == {
        ("grade.completed", "needs_review"),
        ("grade.review_needed", "needs_review"),
    }


async def test_an_appeal_that_is_left_to_a_person_is_an_event(
    database: Database, store: SqlGradeStore, endpoint: Endpoint
) -> None:
    """Of review alone, once: the grade was finished before."""
    graded = finished(record())
    reviews = SqlReviewStore(database, store)
    appeal = Appeal(id=AppealId("apl_1"), created_at=NOON, reason=HARD_TEXT)
    await store.add(graded)
    appealed = await reviews.open_appeal(graded, appeal)
    assert appealed is not None
    await reviews.conclude(appealed, appeal.model_copy(update={"status": AppealStatus.UNDECIDED, "detail": "x"}))

    assert sorted(event["type"] for event in await events(database)) == ["grade.completed", "grade.review_needed"]


async def test_a_grade_that_was_interrupted_is_an_event_too(
    database: Database, store: SqlGradeStore, endpoint: Endpoint
) -> None:
    """Whoever waits for it hears that it ended without a grade."""
    await store.add(record())
    await store.interrupt_unfinished(Reason(code="interrupted", detail="x", retryable=True), NOON + timedelta(days=1))

    (event,) = await events(database)
    assert event["data"] == {"id": record().id, "object": "grade", "status": "ungraded"}


async def test_a_batch_that_ends_is_an_event_with_counts_after_those_of_its_items(
    database: Database, jobs: SqlJobStore, batches: SqlBatchStore, endpoint: Endpoint
) -> None:
    """Once, in the transaction that counts its last item."""
    await begin(batches, 2)
    for each in await claimed(jobs):
        await jobs.finish(finished(each), {})
        await jobs.count(NOON)

    found = {event["type"]: event["data"] for event in await events(database)}
    assert len(await events(database)) == 3
    assert found["batch.completed"] == {
        "id": "bat_1",
        "object": "batch",
        "status": "completed",
        "counts": {"total": 2, "graded": 2, "needs_review": 0, "ungraded": 0},
    }


async def test_a_cancelled_batch_is_one_event_however_many_items_it_never_got_to(
    database: Database, batches: SqlBatchStore, endpoint: Endpoint
) -> None:
    """Its counts say how many."""
    await begin(batches, 50)
    await batches.cancel(MINE, BATCH, NOON)

    (event,) = await events(database)
    assert (event["type"], event["data"]["status"], event["data"]["counts"]["ungraded"]) == (
        "batch.completed",
        "cancelled",
        50,
    )


async def test_an_answer_given_up_is_an_event(database: Database, jobs: SqlJobStore, endpoint: Endpoint) -> None:
    """Ungraded: nobody tries again by themselves."""
    await jobs.add(record())
    (portion,) = await fed(jobs)
    for _ in range(MOST_ATTEMPTS + 1):
        await jobs.claim(record().id, portion.id, NOON)

    (event,) = await events(database)
    assert event["data"] == {"id": record().id, "object": "grade", "status": "ungraded"}


async def test_no_event_without_the_grade(database: Database, store: SqlGradeStore, endpoint: Endpoint) -> None:
    """A transaction that fails leaves neither."""
    with pytest.raises(NotReplaceable):
        await store.finish(finished(record()))

    def fails_afterwards(connection: sa.Connection) -> None:
        record_event(connection, MINE, "batch.completed", {"id": "bat_1"}, NOON)
        raise NotReplaceable

    with pytest.raises(NotReplaceable):
        await database.write(fails_afterwards)
    assert await events(database) == []


async def test_another_tenant_s_grade_is_no_event_of_mine(
    database: Database, store: SqlGradeStore, endpoint: Endpoint
) -> None:
    """Endpoints hear of their own tenant."""
    await store.add(finished(record(tenant="yours")))

    assert await events(database) == []


async def test_a_tenant_keeps_so_many_endpoints_and_no_more(database: Database, endpoint: Endpoint) -> None:
    """Its own, not others'."""
    store = SqlEndpointStore(database)
    second = endpoint.model_copy(update={"id": "whe_2"})

    assert not await store.add(second, 1)
    assert await store.add(second.model_copy(update={"tenant": "yours"}), 1)
