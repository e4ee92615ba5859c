"""The contract of the review store, on both databases."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest

from service.grading.grade import Grade, GradeStatus, Reason, Review, UnscoredCriterion
from service.ports import InvalidCursor
from service.records import GradeFilter, GradeId, GradeRecord
from service.reviews import Appeal, AppealId, AppealStatus, PersonReview, ReviewId
from service.storage import Database, SqlGradeStore, SqlReviewStore, open_migrated
from service.storage.database import open_database
from service.storage.migrate import alembic_config
from tests.storage.test_grades import MINE, NOON, YOURS, finished, record

pytestmark = pytest.mark.anyio


@pytest.fixture
def reviews(database: Database, store: SqlGradeStore) -> SqlReviewStore:
    """A review store on a fresh database."""
    return SqlReviewStore(database, store)


def unsure(number: int = 1, *reasons: str, **changes: object) -> GradeRecord:
    """A graded record that a person has to look at."""
    made = finished(record(number, **changes))
    assert made.grade is not None
    reasons = reasons or ("unscored:form",)
    missing = UnscoredCriterion(
        id="form", name="Form", weight=0.25, reason=Reason(code="x", detail="x", retryable=True)
    )
    grade = made.grade.model_copy(
        update={
            "criteria": (*made.grade.criteria, missing),
            "status": GradeStatus.NEEDS_REVIEW,
            "review": Review(needed=True, reasons=reasons),
        }
    )
    return made.model_copy(
        update={"grade": Grade.model_validate(grade.model_dump()), "status": GradeStatus.NEEDS_REVIEW}
    )


def said(number: int = 1, minutes: int = 1, **levels: int) -> PersonReview:
    """A person's review."""
    return PersonReview(
        id=ReviewId(f"rev_{number:026d}"),
        created_at=NOON + timedelta(minutes=minutes),
        reviewer="maria",
        levels=levels or {"form": 2},
        note="שלום 👩‍👩‍👧",
        settles=(),
        overall=None,
    )


def objection(number: int = 1, **changes: object) -> Appeal:
    """An appeal in progress."""
    values = {"id": AppealId(f"apl_{number:026d}"), "created_at": NOON, "reason": "It is right."}
    return Appeal.model_validate({**values, **changes})


async def waiting(reviews: SqlReviewStore, kind: str | None = None) -> list[str]:
    """The ids in the queue."""
    return [item.record.id for item in (await reviews.queue(MINE, kind, None, 100)).items]


async def listed(store: SqlGradeStore, status: GradeStatus) -> list[str]:
    """The ids listed under a status."""
    return [r.id for r in (await store.page(MINE, GradeFilter(status=status), None, 100)).records]


async def test_a_review_comes_back_with_its_grade_which_is_as_before(
    store: SqlGradeStore, reviews: SqlReviewStore
) -> None:
    """Read alone and in a list, text to the letter."""
    made = unsure()
    await store.add(made)

    after = await reviews.add_review(made, said())

    read = await store.get(MINE, made.id)
    assert read is not None
    assert (after.reviews, read.reviews) == ((said(),), (said(),))
    assert (read.grade, read.judgement, read.calls) == (made.grade, made.judgement, made.calls)
    assert (await store.page(MINE, GradeFilter(), None, 10)).records[0].reviews == (said(),)


async def test_a_grade_that_needs_review_waits_until_its_reasons_are_settled(
    store: SqlGradeStore, reviews: SqlReviewStore
) -> None:
    """The queue and the listed status follow."""
    made = unsure(1, "unscored:form", "manipulation_suspected")
    await store.add(made)
    before = await waiting(reviews)

    half = await reviews.add_review(made, said(1, facts=2))
    still = await waiting(reviews), await waiting(reviews, "manipulation_suspected")
    await reviews.add_review(half, said(2, form=2))

    assert before == [made.id]
    assert still == ([made.id], [])
    assert await waiting(reviews) == []
    assert await listed(store, GradeStatus.GRADED) == [made.id]
    assert await listed(store, GradeStatus.NEEDS_REVIEW) == []


async def test_a_finished_retry_joins_the_queue_and_a_review_outlives_one(
    store: SqlGradeStore, reviews: SqlReviewStore
) -> None:
    """Writing the commentary again does not bring back what a person has answered."""
    started = record()
    await store.add(started)
    made = unsure()
    assert made.grade is not None
    partial = made.grade.commentary.model_copy(update={"status": "partial"})
    open_still = made.model_copy(update={"grade": made.grade.model_copy(update={"commentary": partial})})
    await store.finish(open_still)
    queued = await waiting(reviews)

    await reviews.add_review(open_still, said(1, form=3))
    await store.finish(made)

    assert queued == [made.id]
    assert await waiting(reviews) == []
    assert await listed(store, GradeStatus.GRADED) == [made.id]


async def test_a_grade_takes_one_appeal(store: SqlGradeStore, reviews: SqlReviewStore) -> None:
    """Of five at the same moment one is kept."""
    made = finished(record())
    await store.add(made)

    kept = await asyncio.gather(*(reviews.open_appeal(made, objection(number)) for number in range(5)))

    assert sum(after is not None for after in kept) == 1


async def test_an_appeal_left_open_waits_and_a_concluded_one_stays(
    store: SqlGradeStore, reviews: SqlReviewStore
) -> None:
    """The first conclusion counts."""
    made = finished(record())
    await store.add(made)
    await reviews.open_appeal(made, objection())
    in_progress = await waiting(reviews)

    await reviews.conclude(made, objection(status=AppealStatus.UNDECIDED, detail="no level"))
    after = await reviews.conclude(made, objection(status=AppealStatus.AGREED, detail="late"))

    assert in_progress == []
    assert after.appeals[0].status is AppealStatus.UNDECIDED
    assert await waiting(reviews, "appeal") == [made.id]


async def test_appeals_a_stopped_process_left_behind_go_to_people(
    store: SqlGradeStore, reviews: SqlReviewStore
) -> None:
    """Only the old ones; who has just begun is not disturbed."""
    old, new = finished(record(1)), finished(record(2))
    for number, made in enumerate((old, new)):
        await store.add(made)
        await reviews.open_appeal(made, objection(number, created_at=NOON + timedelta(hours=number)))

    found = await reviews.give_up_appeals("stopped", NOON + timedelta(minutes=30))

    assert found == 1
    assert await waiting(reviews) == [old.id]


async def test_the_queue_is_oldest_first_however_it_is_paged(store: SqlGradeStore, reviews: SqlReviewStore) -> None:
    """Grades of one moment in the order of their ids; none twice, none left out."""
    for number in (3, 1, 2, 5, 4):
        await store.add(unsure(number, created_at=NOON + timedelta(seconds=number // 2)))

    seen: list[str] = []
    cursor = None
    while True:
        page = await reviews.queue(MINE, None, cursor, 2)
        seen += [item.record.id for item in page.items]
        if (cursor := page.next_cursor) is None:
            break

    assert seen == [record(number).id for number in (1, 2, 3, 4, 5)]
    with pytest.raises(InvalidCursor):
        await reviews.queue(MINE, None, "bm9uc2Vuc2U", 2)


async def test_a_tenant_sees_its_own_queue_and_agreement_only(store: SqlGradeStore, reviews: SqlReviewStore) -> None:
    """Another's grades are not there."""
    made = unsure()
    await store.add(made)
    await reviews.add_review(made, said(1, facts=2))

    assert (await reviews.queue(YOURS, None, None, 10)).items == ()
    assert await reviews.agreement(YOURS) == (0, ())
    assert await reviews.reviewed(YOURS, None, 10) == ()


async def test_agreement_counts_pairs_of_levels_and_the_last_word_of_each_grade(
    store: SqlGradeStore, reviews: SqlReviewStore
) -> None:
    """A criterion the machine left without a level is reviewed, but there is nothing to agree with."""
    for number in (1, 2):
        made = unsure(number)
        await store.add(made)
        await reviews.add_review(made, said(10 * number, facts=3, form=1))
        await reviews.add_review(made, said(10 * number + 1, facts=number))

    count, (facts,) = await reviews.agreement(MINE)

    assert count == 2
    assert (facts.rubric, facts.criterion, facts.counts) == ("tiny", "facts", {(1, 1): 1, (1, 2): 1})


async def test_reviewed_grades_are_read_in_order_after_one(store: SqlGradeStore, reviews: SqlReviewStore) -> None:
    """Each once, however many reviews it has."""
    for number in (1, 2, 3):
        made = unsure(number)
        await store.add(made)
        await reviews.add_review(made, said(number, form=2, facts=1))

    first = await reviews.reviewed(MINE, None, 2)
    rest = await reviews.reviewed(MINE, GradeId(first[-1].id), 2)

    assert [r.id for r in (*first, *rest)] == [record(number).id for number in (1, 2, 3)]
    assert rest[0].reviews[0].levels == {"form": 2, "facts": 1}


async def test_two_people_at_once_leave_the_queue_in_order(store: SqlGradeStore, reviews: SqlReviewStore) -> None:
    """Each settles a reason of the same grade; both are gone afterwards."""
    for number in range(10):
        made = unsure(number, "unscored:form", "low_confidence:facts")
        await store.add(made)
        await asyncio.gather(
            reviews.add_review(made, said(2 * number, form=1)), reviews.add_review(made, said(2 * number + 1, facts=1))
        )

    assert await waiting(reviews) == []


async def test_grades_that_waited_before_there_was_a_queue_are_in_it(tmp_path: Path) -> None:
    """The migration fills it."""
    from alembic import command
    from sqlalchemy import Connection, insert

    from service.storage.tables import GRADES, RUBRIC_TEXTS

    url = f"sqlite:///{tmp_path / 'old.db'}"
    old = open_database(url)
    made = unsure()
    rubric = made.request.rubric
    text = {"tenant": MINE, "sha256": rubric.sha256, "text": rubric.model_dump_json()}
    row = {
        "id": made.id,
        "tenant": MINE,
        "created_at": 1,
        "status": "needs_review",
        "open": 0,
        "rubric_id": rubric.id,
        "rubric_sha256": rubric.sha256,
        "request": made.request.model_dump_json(exclude={"rubric"}),
        "result": made.model_dump_json(include={"grade", "usage"}),
    }

    def before(connection: Connection) -> None:
        config = alembic_config()
        config.attributes["connection"] = connection
        command.upgrade(config, "0002")
        connection.execute(insert(RUBRIC_TEXTS), text)
        connection.execute(insert(GRADES), row)

    await old.write(before)
    await old.close()
    database = await open_migrated(url)
    try:
        grades = SqlGradeStore(database)
        later = unsure(2)
        await grades.add(later)
        found = await SqlReviewStore(database, grades).queue(MINE, None, None, 10)
    finally:
        await database.close()

    assert found.waiting == 2
    assert next((item.record.id, item.reasons) for item in found.items) == (made.id, ("unscored:form",))
