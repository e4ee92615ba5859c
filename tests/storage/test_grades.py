"""The contract of the grade store, on both databases."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from service.grading.grade import (
    ArtefactRef,
    Call,
    CommentaryStatus,
    Evidence,
    Grade,
    GradeStatus,
    Overall,
    Reason,
    Receipt,
    Review,
    ScoredCriterion,
    Usage,
)
from service.grading.judgement import Decided, Judgement
from service.grading.submission import Context, Submission
from service.ports import InvalidCursor, NotReplaceable, StoreUnavailable
from service.records import GradeFilter, GradeId, GradeRecord, GradeRequest, Tenant
from service.storage import SqlGradeStore, open_migrated
from service.storage.database import SqliteDatabase, open_database
from service.storage.migrate import HEAD, NewerDatabase, alembic_config
from tests.grading.helpers import tiny_rubric

pytestmark = pytest.mark.anyio
NOON = datetime(2026, 11, 22, 12, 0, 0, 123_456, tzinfo=UTC)
MINE, YOURS = Tenant("mine"), Tenant("yours")
HARD_TEXT = "👩‍👩‍👧 שלום e\u0301 \uffff ﬁ \U0001f9ea '; DROP TABLE grades; --"
INTERRUPTED = Reason(code="interrupted", detail="stopped", retryable=True)


def record(number: int = 1, **changes: object) -> GradeRecord:
    """A record in progress."""
    request = GradeRequest(
        submission=Submission("Why?", HARD_TEXT, "So.", ("a",), ("not a",), Context(industry="retail"), "en"),
        rubric=tiny_rubric(),
        learner="learner-1",
        metadata={"course": HARD_TEXT},
    )
    values = {
        "id": GradeId(f"grd_{number:026d}"),
        "tenant": MINE,
        "created_at": NOON,
        "status": GradeStatus.IN_PROGRESS,
        "request": request,
    }
    return GradeRecord.model_validate({**values, **changes})


def finished(of: GradeRecord, commentary: str = "written", cost_usd: float | None = None) -> GradeRecord:
    """The record with a grade."""
    criterion = ScoredCriterion(
        id="facts",
        name="Facts",
        weight=0.75,
        score=1.42,
        level=1,
        label="low",
        distribution=(0.66, 0.3, 0.04),
        confidence=0.66,
        rationale=HARD_TEXT,
        evidence=(Evidence(quote="שלום", start=9, end=13, match="verified", sign="gap", comment="c"),),
    )
    call = Call(
        purpose="judge",
        requested="m",
        reported=None,
        outcome="ok",
        input_tokens=1,
        output_tokens=2,
        cached_tokens=0,
        cost_usd=None,
        latency_ms=3,
        raw="raw",
    )
    usage = Usage(
        model_calls=1, input_tokens=1, output_tokens=2, cached_tokens=0, cost_usd=cost_usd, latency_ms=3, cache="miss"
    )
    grade = Grade(
        status=GradeStatus.GRADED,
        overall=Overall(score=1.42, max_score=3, level=1, label="Poor", confidence=0.66, capped_by=None, summary="s"),
        criteria=(criterion,),
        review=Review(needed=False, reasons=()),
        receipt=Receipt(
            rubric=ArtefactRef(id="tiny", version="1.0.0", sha256="0" * 64),
            prompt=None,
            coach_prompt=None,
            judge="readout",
            models=(),
            calibration=None,
            service="0",
        ),
        commentary=CommentaryStatus.model_validate({"status": commentary}),
    )
    judgement = Judgement(decisions=(Decided(criterion="facts", distribution=(0.66, 0.3, 0.04)),))
    changes = {"status": grade.status, "grade": grade, "usage": usage, "judgement": judgement, "calls": (call,)}
    return of.model_copy(update=changes)


async def test_a_record_comes_back_exactly_as_it_was_stored(store: SqlGradeStore) -> None:
    """Every field, text of every script included, microseconds too."""
    stored = finished(record())

    await store.add(stored)

    assert await store.get(MINE, stored.id) == stored


async def test_another_tenant_s_grade_looks_like_one_that_does_not_exist(store: SqlGradeStore) -> None:
    """Reading, listing and reusing stay within a tenant."""
    await store.add(record(), {"key": "mine"})

    assert await store.get(YOURS, record().id) is None
    assert (await store.page(YOURS, GradeFilter(), None, 10)).records == ()
    assert await store.reusable(YOURS, "key") is None
    assert await store.reusable(MINE, "key") == "mine"


async def test_the_first_result_under_a_key_stays(store: SqlGradeStore) -> None:
    """Two requests that judged the same answer at once agree afterwards."""
    await store.add(record(1), {"key": "first"})
    await store.add(record(2), {"key": "second", "other": "x"})

    assert await store.reusable(MINE, "key") == "first"
    assert await store.reusable(MINE, "other") == "x"


async def test_pages_hold_every_record_once_newest_first_even_when_times_are_equal(store: SqlGradeStore) -> None:
    """Seven records, two moments, pages of three."""
    times = [NOON + timedelta(seconds=number // 4) for number in range(7)]
    for number, moment in enumerate(times):
        await store.add(record(number, created_at=moment))

    seen: list[tuple[datetime, str]] = []
    cursor = None
    while True:
        page = await store.page(MINE, GradeFilter(), cursor, 3)
        seen += [(r.created_at, r.id) for r in page.records]
        cursor = page.next_cursor
        if cursor is None:
            break

    assert seen == sorted(seen, reverse=True)
    assert len(set(seen)) == 7


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        pytest.param(GradeFilter(learner="learner-1"), 2, id="learner"),
        pytest.param(GradeFilter(learner="nobody"), 0, id="unknown learner"),
        pytest.param(GradeFilter(rubric="tiny"), 2, id="rubric"),
        pytest.param(GradeFilter(status=GradeStatus.GRADED), 1, id="status"),
        pytest.param(GradeFilter(created_after=NOON), 1, id="created after is exclusive"),
        pytest.param(GradeFilter(status=GradeStatus.GRADED, created_after=NOON), 0, id="all parts have to match"),
    ],
)
async def test_filters_narrow_a_list(store: SqlGradeStore, wanted: GradeFilter, found: int) -> None:
    """One graded at noon, one in progress a second later."""
    await store.add(finished(record(1)))
    await store.add(record(2, created_at=NOON + timedelta(seconds=1)))

    assert len((await store.page(MINE, wanted, None, 10)).records) == found


@pytest.mark.parametrize("cursor", ["x", "!!!!", "MTIz", "MSBncmRfMQ==MSBncmRfMQ==", "é", "a" * 200, "MSAnOyBEUk9Q"])
async def test_a_cursor_of_somebody_else_s_making_is_refused(store: SqlGradeStore, cursor: str) -> None:
    """Whatever it holds."""
    with pytest.raises(InvalidCursor):
        await store.page(MINE, GradeFilter(), cursor, 3)


async def test_a_record_in_progress_can_be_finished_once(store: SqlGradeStore) -> None:
    """A finished grade never changes."""
    await store.add(record())

    await store.finish(finished(record()), {"key": "kept with it"})

    assert await store.get(MINE, record().id) == finished(record())
    assert await store.reusable(MINE, "key") == "kept with it"
    with pytest.raises(NotReplaceable):
        await store.finish(finished(record()))


async def test_a_grade_without_its_commentary_may_be_finished_again(store: SqlGradeStore) -> None:
    """Until the commentary is written."""
    await store.add(finished(record(), "failed"))

    await store.finish(finished(record()))

    with pytest.raises(NotReplaceable):
        await store.finish(finished(record()))


@pytest.mark.parametrize(
    "other", [record(tenant=YOURS), record(id=GradeId("grd_unknown"))], ids=["another tenant", "another id"]
)
async def test_only_a_known_record_of_the_same_tenant_can_be_finished(store: SqlGradeStore, other: GradeRecord) -> None:
    """And nothing is kept when it fails."""
    await store.add(record())

    with pytest.raises(NotReplaceable):
        await store.finish(finished(other), {"key": "lost"})

    assert await store.reusable(MINE, "key") is None


async def test_what_a_stopped_process_left_is_marked_and_can_be_finished(store: SqlGradeStore) -> None:
    """Only what is older than the given moment."""
    await store.add(record(1))
    await store.add(record(2, created_at=NOON + timedelta(hours=1)))
    await store.add(finished(record(3)))

    marked = await store.interrupt_unfinished(INTERRUPTED, NOON + timedelta(minutes=1))

    found = await store.get(MINE, record(1).id)
    assert marked == 1
    assert found is not None
    assert (found.status, found.reason) == (GradeStatus.UNGRADED, INTERRUPTED)
    await store.finish(finished(record(1)))


async def test_many_at_once_are_all_kept(store: SqlGradeStore) -> None:
    """Sixty-four writers on one store."""
    await asyncio.gather(*(store.add(record(number), {"key": "x"}) for number in range(64)))

    page = await store.page(MINE, GradeFilter(), None, 100)
    assert len(page.records) == 64


async def test_two_processes_may_open_a_new_database_at_once(url: str) -> None:
    """One migrates, the other waits and finds it done."""
    first, second = await asyncio.gather(open_migrated(url), open_migrated(url))

    await SqlGradeStore(first).add(record())

    assert await SqlGradeStore(second).get(MINE, record().id) == record()
    await first.close()
    await second.close()


async def test_a_database_of_a_newer_version_is_left_alone(url: str) -> None:
    """Rather than written by code that does not know it."""
    await (await open_migrated(url)).close()
    database = open_database(url)
    await database.write(lambda c: c.execute(sa.text("UPDATE alembic_version SET version_num = '9999'")).rowcount)
    await database.close()

    with pytest.raises(NewerDatabase, match="newer version"):
        await open_migrated(url)


async def test_the_tables_are_what_the_migrations_make(url: str) -> None:
    """Alembic finds nothing to add."""
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    from service.storage.tables import METADATA

    await (await open_migrated(url)).close()
    database = open_database(url)
    differences = await database.read(lambda sync: compare_metadata(MigrationContext.configure(sync), METADATA))
    await database.close()

    assert differences == []


def test_the_known_head_is_the_newest_migration() -> None:
    """So that start-up can tell without Alembic."""
    from alembic.script import ScriptDirectory

    assert ScriptDirectory.from_config(alembic_config()).get_current_head() == HEAD


async def test_a_new_sqlite_file_is_readable_by_its_owner_alone(tmp_path: Path) -> None:
    """It holds personal data."""
    path = tmp_path / "deep" / "debrief.db"

    await (await open_migrated(f"sqlite:///{path}")).close()

    assert path.stat().st_mode & 0o077 == 0


async def test_sqlite_survives_power_cuts(tmp_path: Path) -> None:
    """Write-ahead log, synchronous on every commit."""
    database = open_database(f"sqlite:///{tmp_path / 'x.db'}")

    mode = await database.write(lambda c: c.execute(sa.text("PRAGMA journal_mode")).scalar())
    synchronous = await database.write(lambda c: c.execute(sa.text("PRAGMA synchronous")).scalar())
    await database.close()

    assert (mode, synchronous) == ("wal", 2)


async def test_a_full_disk_is_said_without_any_of_the_data(tmp_path: Path) -> None:
    """Nothing is acknowledged, and reading still works."""
    database = await open_migrated(f"sqlite:///{tmp_path / 'x.db'}")
    assert isinstance(database, SqliteDatabase)
    store = SqlGradeStore(database)
    await store.add(record(1))
    pages = await database.read(lambda c: c.execute(sa.text("PRAGMA page_count")).scalar())
    sa.event.listen(database.engine, "begin", lambda c: c.exec_driver_sql(f"PRAGMA max_page_count={pages}").close())

    async def fill() -> None:
        for number in range(2, 200):
            await store.add(record(number))

    with pytest.raises(StoreUnavailable) as caught:
        await fill()

    assert "שלום" not in str(caught.value)
    assert await store.get(MINE, record(1).id) == record(1)
    await database.close()


async def test_a_server_that_is_not_there_is_said_at_once() -> None:
    """A closed port on this machine."""
    with pytest.raises(StoreUnavailable):
        await open_migrated("postgresql://nobody@127.0.0.1:9/none")


@pytest.mark.parametrize("url", ["mysql://root:secret@host/db", "nonsense secret", ""])
def test_another_kind_of_database_is_refused_without_repeating_its_url(url: str) -> None:
    """It may hold a password."""
    with pytest.raises(ValueError, match="database URL") as caught:
        open_database(url)

    assert "secret" not in str(caught.value)
