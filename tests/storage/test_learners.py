"""Erasing, exporting and expiring what is kept on learners, on both databases."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from service.grading.grade import Call, CommentaryStatus
from service.records import GradeId, GradeRecord, Tenant
from service.reviews import Appeal, AppealId, AppealStatus, PersonReview, ReviewId, SecondGrade
from service.storage import Database, SqlGradeStore, SqlLearnerStore, SqlReviewStore, open_migrated
from service.storage.personal import Impersonal, OfGrade, OfLearner, declared, personal
from service.storage.tables import METADATA
from tests.storage.test_grades import MINE, NOON, YOURS, finished, record

pytestmark = pytest.mark.anyio
LATER = NOON + timedelta(days=91)
LEARNER = "learner-1"
CANARY = "CANARY-71c3"


@pytest.fixture
def learners(database: Database, store: SqlGradeStore) -> SqlLearnerStore:
    """What is kept on learners, on a fresh database."""
    return SqlLearnerStore(database, store)


def of(learner: str | None, number: int, answer: str = f"{CANARY} because", tenant: Tenant = MINE) -> GradeRecord:
    """A finished grade of a learner."""
    made = finished(record(number, tenant=tenant))
    submission = made.request.submission
    request = made.request.model_copy(
        update={
            "learner": learner,
            "metadata": {},
            "submission": type(submission)(f"{CANARY} why?", answer, f"{CANARY} so"),
        }
    )
    return made.model_copy(update={"request": request})


def files_of(folder: Path) -> bytes:
    """Every byte of the database and its log."""
    return b"".join(path.read_bytes() for path in folder.iterdir())


async def everything(database: Database) -> str:
    """Every value of every table there is, whoever made it."""

    def work(connection: sa.Connection) -> str:
        found = sa.MetaData()
        found.reflect(connection)
        return "\n".join(
            str(tuple(row)) for table in found.sorted_tables for row in connection.execute(sa.select(table))
        )

    return await database.read(work)


@pytest.mark.parametrize("table", METADATA.sorted_tables, ids=lambda table: table.name)
def test_every_table_says_what_it_holds_on_learners(table: sa.Table) -> None:
    """A new table has to: ``info=personal(...)``, and it names columns it has."""
    what = dict(declared(METADATA))[table]

    if isinstance(what, Impersonal):
        assert len(what.why) > 10
    elif isinstance(what, (OfGrade, OfLearner)):
        assert what.column in table.c


def test_a_table_that_says_nothing_is_named() -> None:
    """So that whoever adds one learns what to do."""
    metadata = sa.MetaData()
    sa.Table("forgotten", metadata, sa.Column("id", sa.Integer, primary_key=True))

    with pytest.raises(KeyError, match="forgotten"):
        declared(metadata)


async def test_an_erased_learner_is_nowhere_in_the_database(
    database: Database, store: SqlGradeStore, learners: SqlLearnerStore
) -> None:
    """Grades, submissions, raw replies, reusable results; counted, and nothing the second time."""
    await store.add(of(LEARNER, 1), {"judgement": f"{CANARY} judged", "commentary": f"{CANARY} said"})
    await store.add(of(LEARNER, 2, f"{CANARY} another"))
    assert CANARY in await everything(database)

    erased = await learners.erase(MINE, LEARNER, LATER)
    again = await learners.erase(MINE, LEARNER, LATER)

    assert {name: count for name, count in erased.items() if count} == {"grades": 2, "reusable": 2}
    assert not any(again.values())
    left = await everything(database)
    assert CANARY not in left
    assert LEARNER not in left


async def test_a_result_another_s_grade_rests_on_stays_until_that_goes_too(
    store: SqlGradeStore, learners: SqlLearnerStore
) -> None:
    """Two learners gave the same answer; a third one's grade has expired and holds nothing back."""
    await store.add(of(LEARNER, 1), {"key": "shared"})
    await store.add(of("learner-2", 2))

    first = await learners.erase(MINE, LEARNER, LATER)
    kept = await store.reusable(MINE, "key")
    await learners.erase(MINE, "learner-2", LATER)

    assert (first["grades"], first["reusable"], kept) == (1, 0, "shared")
    assert await store.reusable(MINE, "key") is None


async def test_an_anonymous_grade_holds_a_shared_result_too(store: SqlGradeStore, learners: SqlLearnerStore) -> None:
    """No learner is another learner."""
    await store.add(of(None, 1), {"key": "shared"})
    await store.add(of(LEARNER, 2))

    await learners.erase(MINE, LEARNER, LATER)

    assert await store.reusable(MINE, "key") == "shared"


async def test_erasing_stays_within_a_tenant(store: SqlGradeStore, learners: SqlLearnerStore) -> None:
    """The same reference elsewhere is somebody else."""
    await store.add(of(LEARNER, 1, tenant=YOURS), {"key": "yours"})

    erased = await learners.erase(MINE, LEARNER, LATER)

    assert not any(erased.values())
    assert await store.get(YOURS, record(1).id) is not None
    assert await store.reusable(YOURS, "key") == "yours"


async def test_a_grade_in_progress_is_erased_and_does_not_come_back(
    database: Database, store: SqlGradeStore, learners: SqlLearnerStore
) -> None:
    """Whoever makes it finds no record to finish, and nothing of it is kept."""
    await store.add(record(1))
    await learners.erase(MINE, LEARNER, LATER)

    with pytest.raises(Exception, match="grd_"):
        await store.finish(of(LEARNER, 1), {"key": CANARY})

    assert CANARY not in await everything(database)


async def test_an_expired_answer_keeps_its_levels_and_no_word(
    database: Database, store: SqlGradeStore, learners: SqlLearnerStore
) -> None:
    """Scores, distribution, receipt and the submission's hash stand; who it was for, too."""
    before = of(LEARNER, 1)
    call = Call.model_validate({**before.calls[0].model_dump(), "raw": f"{CANARY} raw"})
    before = before.model_copy(update={"calls": (call,)})
    await store.add(before, {"key": f"{CANARY} judged"})

    count = await learners.expire(MINE, LATER, LATER)
    again = await learners.expire(MINE, LATER, LATER)
    after = await store.get(MINE, before.id)

    assert (count, again) == (1, 0)
    assert after is not None
    assert after.expired is not None
    assert (after.expired.at, after.submission_sha256) == (LATER, before.submission_sha256)
    assert after.grade is not None
    assert before.grade is not None
    assert after.grade.commentary == CommentaryStatus(status="expired")
    assert after.grade.receipt == before.grade.receipt
    assert [(c.score, c.level, c.distribution) for c in after.grade.criteria] == [
        (c.score, c.level, c.distribution) for c in before.grade.criteria
    ]
    assert after.request.learner == LEARNER
    left = await everything(database)
    assert CANARY not in left
    assert "שלום" not in left


async def test_only_what_is_due_expires(store: SqlGradeStore, learners: SqlLearnerStore) -> None:
    """By tenant and age; a result that a younger grade of the same answer rests on stays."""
    old, young = of(LEARNER, 1), of("learner-2", 2).model_copy(update={"created_at": NOON + timedelta(days=1)})
    await store.add(old, {"key": "shared"})
    await store.add(young)
    await store.add(of(LEARNER, 3, tenant=YOURS))

    count = await learners.expire(MINE, NOON + timedelta(hours=1), LATER)

    assert count == 1
    assert await store.get(MINE, young.id) == young
    assert await store.reusable(MINE, "key") == "shared"
    assert await store.get(YOURS, GradeId(f"grd_{3:026d}")) == of(LEARNER, 3, tenant=YOURS)


async def test_a_tenant_s_own_time_is_kept_changed_and_taken_back(learners: SqlLearnerStore) -> None:
    """In days."""
    await learners.keep_answers(MINE, 30)
    await learners.keep_answers(MINE, 7)
    await learners.keep_answers(YOURS, 0)
    set_to = dict(await learners.answer_days())
    await learners.keep_answers(MINE, None)

    assert set_to == {MINE: 7, YOURS: 0}
    assert dict(await learners.answer_days()) == {YOURS: 0}


async def test_what_was_erased_cannot_be_read_from_sqlite_s_files(tmp_path: Path) -> None:
    """Deleted cells are overwritten, and the write-ahead log is emptied."""
    database = await open_migrated(f"sqlite:///{tmp_path / 'debrief.db'}")
    store = SqlGradeStore(database)
    learners = SqlLearnerStore(database, store)
    for number in range(20):
        await store.add(of(LEARNER, number, f"{CANARY} {number} " * 500), {f"key-{number}": CANARY})
    await store.add(
        finished(record(99)).model_copy(update={"request": record(99).request.model_copy(update={"learner": "x"})})
    )
    assert CANARY.encode() in files_of(tmp_path)

    await learners.erase(MINE, LEARNER, LATER)
    scrubbed = await learners.scrub()

    left = files_of(tmp_path)
    await database.close()
    assert scrubbed
    assert CANARY.encode() not in left
    assert LEARNER.encode() not in left


async def test_rows_that_belong_to_a_grade_go_with_it(database: Database, store: SqlGradeStore) -> None:
    """As their table declares: deleted, or changed so that nothing is left; with or without a prefix."""
    extra = sa.Table(
        "replays",
        sa.MetaData(),
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("location", sa.String(200)),
        info=personal(OfGrade("location", prefix="/v1/grades/", when_expired="keep")),
    )
    await database.write(extra.create)
    await store.add(of(LEARNER, 1))
    await store.add(of("learner-2", 2))
    rows = [{"id": n, "location": f"/v1/grades/grd_{n:026d}"} for n in (1, 2)]
    await database.write(lambda connection: connection.execute(sa.insert(extra), rows).rowcount)
    learners = SqlLearnerStore(database, store, [*declared(METADATA), *((extra, extra.info["personal"]),)])

    exported = await learners.kept(MINE, LEARNER)
    erased = await learners.erase(MINE, LEARNER, LATER)

    assert [row.columns for row in exported if row.table == "replays"] == [rows[0]]
    assert erased["replays"] == 1
    left = await database.read(lambda connection: connection.execute(sa.select(extra.c.id)).scalars().all())
    assert left == [2]


async def test_an_expired_answer_s_reviews_keep_levels_and_lose_their_words(
    database: Database, store: SqlGradeStore, learners: SqlLearnerStore
) -> None:
    """The person's note, the learner's reason and the second grade's words go; levels and outcome stay."""
    made = of(LEARNER, 1)
    await store.add(made)
    reviews = SqlReviewStore(database, store)
    await reviews.open_appeal(made, appeal(made))
    await reviews.add_review(made, review(CANARY))

    await learners.expire(MINE, LATER, LATER)

    after = await store.get(MINE, made.id)
    assert after is not None
    assert after.reviews[0].levels == {"facts": 2}
    assert after.appeals[0].second is not None
    assert after.appeals[0].second.criteria[0].level == 1
    assert CANARY not in await everything(database)


async def test_what_people_said_on_a_grade_goes_with_its_learner(
    database: Database, store: SqlGradeStore, learners: SqlLearnerStore
) -> None:
    """Reviews, appeals, their place in the queue and the levels counted."""
    made = of(LEARNER, 1)
    await store.add(made)
    reviews = SqlReviewStore(database, store)
    await reviews.open_appeal(made, appeal(made))
    await reviews.add_review(made, review(CANARY))

    exported = {row.table for row in await learners.kept(MINE, LEARNER)}
    await learners.erase(MINE, LEARNER, LATER)

    assert {"reviews", "appeals", "reviewed_levels"} <= exported
    left = await everything(database)
    assert CANARY not in left
    assert made.id not in left


def review(note: str) -> PersonReview:
    """A person's review."""
    return PersonReview(
        id=ReviewId("rev_1"),
        created_at=NOON + timedelta(hours=1),
        reviewer="r",
        levels={"facts": 2},
        note=note,
        settles=(),
        overall=None,
    )


def appeal(record: GradeRecord) -> Appeal:
    """An appeal that came to another result."""
    assert record.grade is not None
    second = SecondGrade(
        how="restated", overall=record.grade.overall, criteria=record.grade.criteria, judge="readout", models=()
    )
    words = tuple(criterion.model_copy(update={"rationale": CANARY}) for criterion in second.criteria)
    return Appeal(
        id=AppealId("app_1"),
        created_at=NOON,
        reason=CANARY,
        status=AppealStatus.DIFFERED,
        second=second.model_copy(update={"criteria": words}),
    )
