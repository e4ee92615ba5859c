"""SQLite that cannot write: the n-th statement fails, for every n; a disk that is full."""

from __future__ import annotations

import resource
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from service.bootstrap import Services
from service.storage import SqlGradeStore
from service.storage.database import SqliteDatabase
from tests.conftest import Client, make_settings, running

pytestmark = pytest.mark.anyio


def database_of(services: Services) -> SqliteDatabase:
    """The database behind a service."""
    assert isinstance(services.store, SqlGradeStore)
    assert isinstance(services.store._database, SqliteDatabase)
    return services.store._database


@dataclass
class Fault:
    """Fails one write, counted from when it is armed: a statement that changes something, or a commit."""

    at: int = 0
    seen: int = 0
    happened: bool = False

    def watch(self, engine: sa.Engine) -> None:
        """See every statement and every commit of an engine."""
        sa.event.listen(engine, "before_cursor_execute", self._statement)
        sa.event.listen(engine, "commit", lambda _: self._count())

    def arm(self, at: int) -> None:
        """Let the write of this number fail, once."""
        self.at, self.seen, self.happened = at, 0, False

    def _statement(self, _connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if statement.split(maxsplit=1)[0].upper() in ("INSERT", "UPDATE", "DELETE"):
            self._count()

    def _count(self) -> None:
        self.seen += 1
        if self.seen == self.at:
            self.happened = True
            raise sa.exc.OperationalError("a write", None, sqlite3.OperationalError("disk I/O error"))


async def used(client: Client, body: dict[str, object]) -> list[tuple[int, str]]:
    """Use what writes; the statuses and where each acknowledged grade is."""
    made = await client.post("/v1/grades", json=body)
    later = await client.post("/v1/grades", json={**body, "learner": "l"}, headers={"Prefer": "respond-async"})
    at = made.headers.get("location", "/v1/grades/grd_none")
    reviewed = await client.post(f"{at}/reviews", json={"reviewer": "r", "levels": {"clarity": 3}})
    rubric = (await client.get("/v1/rubrics/ds-interview")).json()
    erased = await client.delete("/v1/learners/nobody")
    assert rubric["id"] == "ds-interview"
    replies = [made, later, reviewed, erased]
    for reply in replies:
        assert reply.status_code in (200, 201, 202, 404, 503), reply.text
        if reply.status_code == 503:
            assert reply.json()["type"] == "urn:debrief:problem:store-unavailable"
            assert int(reply.headers["retry-after"]) >= 1
            assert "disk" not in reply.text
    return [(reply.status_code, reply.headers.get("location", "")) for reply in (made, later)]


async def test_whichever_write_fails_nothing_acknowledged_is_lost_and_nothing_half_done_stays(
    tmp_path: Path, body: dict[str, object]
) -> None:
    """N = 1, 2, 3 ... until a run ends without a fault; after each, the service works without a restart."""
    async with running(make_settings(tmp_path)) as (client, services):
        database, fault, acknowledged, n = database_of(services), Fault(), set[str](), 0
        fault.watch(database.engine)
        while n == 0 or fault.happened:
            n += 1
            fault.arm(n)
            replies = await used(client, {**body, "answer": f"Answer {n}: it assumes the null hypothesis."})
            acknowledged |= {at for status, at in replies if status in (201, 202)}
            for at in acknowledged:
                assert (await client.get(at)).status_code == 200
        fault.arm(0)
        after = await client.post("/v1/grades", json=body)
        whole = await database.read(lambda c: c.execute(sa.text("PRAGMA integrity_check")).scalar())
        orphans = await database.read(lambda c: c.execute(sa.text(_ORPHANS)).scalar())

    assert n > 10
    assert after.status_code == 201
    assert (whole, orphans) == ("ok", 0)


_ORPHANS = """
SELECT (SELECT count(*) FROM reviews WHERE grade_id NOT IN (SELECT id FROM grades))
     + (SELECT count(*) FROM jobs WHERE id NOT IN (SELECT id FROM grades))
     + (SELECT count(*) FROM reusable WHERE submission_sha256 NOT IN (SELECT submission_sha256 FROM grades))
"""


@contextmanager
def full_disk(database: Path) -> Iterator[None]:
    """No file of this process may grow beyond what the database's log is now: a write fails as on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    size = max(path.stat().st_size for path in database.parent.glob(f"{database.name}*"))
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


async def test_a_full_disk_refuses_writes_goes_on_reading_and_is_not_ready(
    tmp_path: Path, body: dict[str, object]
) -> None:
    """503 and readiness 503, reads 200, health 200; all is well again once there is room, without a restart."""
    settings = make_settings(tmp_path)
    async with running(settings) as (client, services):
        made = await client.post("/v1/grades", json=body)
        database = database_of(services)
        for name in ("debrief.db", "debrief.db-wal"):
            assert (tmp_path / name).exists()
        await database.scrub()
        await client.post("/v1/grades", json={**body, "answer": "so that the log holds something " * 400})
        with full_disk(tmp_path / "debrief.db"):
            answers = [f"{number} " + "more and more text " * 900 for number in range(12)]
            replies = [await client.post("/v1/grades", json={**body, "answer": answer}) for answer in answers]
            statuses = [reply.status_code for reply in replies]
            ready = [(await client.get("/readyz")).status_code for _ in range(3)]
            read = await client.get(made.headers["location"])
            alive = await client.get("/healthz")
        recovered = await client.post("/v1/grades", json={**body, "answer": "there is room again, and it is graded"})
        ready_again = await client.get("/readyz")
        whole = await database.read(lambda c: c.execute(sa.text("PRAGMA integrity_check")).scalar())
        listed = (await client.get("/v1/grades", params={"limit": 100})).json()["data"]

    assert statuses[-1] == 503
    assert set(statuses) <= {201, 503}
    assert ready[-1] == 503
    assert (read.status_code, alive.status_code) == (200, 200)
    assert (recovered.status_code, ready_again.status_code, whole) == (201, 200, "ok")
    assert len(listed) == 3 + statuses.count(201)
