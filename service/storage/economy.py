"""The parts of economy batches on SQL, and the replies that came for them until they are used."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, RowMapping, delete, exists, func, insert, select, update

from service.economy_ports import PART_LINES, Part
from service.jobs import BatchId, BatchStatus, JobState
from service.records import GradeId, GradeRecord, Tenant
from service.storage.database import Database, begin_writing, insert_once, micros, moment
from service.storage.grades import SqlGradeStore
from service.storage.tables import BATCHES, GRADES, JOBS, PROVIDER_PARTS, PROVIDER_REPLIES

_OPEN = PROVIDER_PARTS.c.closed == 0


class SqlEconomyStore:
    """Implements :class:`service.economy_ports.EconomyStore`."""

    def __init__(self, database: Database, grades: SqlGradeStore) -> None:
        self._database = database
        self._grades = grades

    async def due(self, now: datetime, until: datetime) -> Part | None:
        """A part to see to, not given to anybody else for a while."""
        wanted = select(PROVIDER_PARTS).where(_OPEN, PROVIDER_PARTS.c.look_at <= micros(now))
        first = wanted.order_by(PROVIDER_PARTS.c.look_at).limit(1)

        def look(connection: Connection) -> bool:
            return connection.execute(first).first() is not None

        def work(connection: Connection) -> Part | None:
            begin_writing(connection)
            row = connection.execute(first.with_for_update(skip_locked=True)).mappings().first()
            if row is None:
                return None
            _change(connection, row["id"], look_at=micros(until))
            return _part(connection, row)

        return await self._database.write(work) if await self._database.read(look) else None

    async def items(self, part: Part, after: int, limit: int) -> Sequence[tuple[int, GradeRecord]]:
        """The next answers of a part that wait to be graded."""
        query = (
            select(JOBS.c.line, *(column for column in GRADES.columns if column.name != "audit"))
            .join(GRADES, GRADES.c.id == JOBS.c.id)
            .where(JOBS.c.batch_id == part.batch, JOBS.c.line > after, JOBS.c.line <= part.last)
            .where(JOBS.c.state == JobState.WAITING.value)
            .order_by(JOBS.c.line)
            .limit(limit)
        )

        def work(connection: Connection) -> Sequence[tuple[int, GradeRecord]]:
            rows = connection.execute(query).mappings().all()
            return [(row["line"], self._grades.record(connection, row)) for row in rows]

        return await self._database.read(work)

    async def sent(self, part: Part, provider_id: str, look_at: datetime) -> None:
        """The provider has a part."""
        change = {"provider_id": provider_id, "looks": 0, "look_at": micros(look_at)}
        await self._database.write(lambda connection: _change(connection, part.id, **change))

    async def later(self, part: Part, look_at: datetime) -> None:
        """Look at a part again."""
        change = {"looks": part.looks + 1, "look_at": micros(look_at)}
        await self._database.write(lambda connection: _change(connection, part.id, **change))

    async def keep(self, part: Part, replies: Sequence[tuple[GradeId, str, str]]) -> None:
        """Keep replies to answers of this part; for grades that are gone or done there is nothing to keep.

        A grade that is being erased at the same moment waits for this, and takes its replies with it.
        """
        ids = {grade for grade, _, _ in replies}
        wanted = (
            select(JOBS.c.id)
            .join(GRADES, GRADES.c.id == JOBS.c.id)
            .where(JOBS.c.batch_id == part.batch, JOBS.c.state != JobState.DONE.value, JOBS.c.id.in_(ids))
            .with_for_update(read=True, of=GRADES)
        )

        def work(connection: Connection) -> None:
            begin_writing(connection)
            known = set(connection.execute(wanted).scalars())
            rows = [
                {"grade_id": grade, "fingerprint": fingerprint, "tenant": part.tenant, "body": body}
                for grade, fingerprint, body in replies
                if grade in known
            ]
            if rows:
                insert_once(self._database, connection, PROVIDER_REPLIES, rows)

        if replies:
            await self._database.write(work)

    async def close(self, part: Part) -> None:
        """A part is through; with its last one the batch's answers may be graded."""
        others = exists().where(PROVIDER_PARTS.c.batch_id == part.batch, _OPEN)
        let_go = update(BATCHES).where(BATCHES.c.id == part.batch, ~others).values(held=0)

        def work(connection: Connection) -> None:
            connection.execute(select(BATCHES.c.id).where(BATCHES.c.id == part.batch).with_for_update()).first()
            _change(connection, part.id, closed=1)
            connection.execute(let_go)

        await self._database.write(work)


def add_parts(connection: Connection, batch: str) -> None:
    """Cut a held batch that is complete as sent into parts."""
    row = connection.execute(select(BATCHES).where(BATCHES.c.id == batch, BATCHES.c.held == 1)).mappings().first()
    last = connection.execute(select(func.max(JOBS.c.line)).where(JOBS.c.batch_id == batch)).scalar()
    if row is None or last is None:
        return
    shared = {"batch_id": batch, "tenant": row["tenant"], "made_at": row["created_at"]}
    fresh = {"provider_id": None, "looks": 0, "look_at": 0, "closed": 0}
    parts = [
        {"id": f"{batch}-{first}", "first_line": first, "last_line": first + PART_LINES - 1, **shared, **fresh}
        for first in range(1, last + 1, PART_LINES)
    ]
    connection.execute(insert(PROVIDER_PARTS), parts)


def replies_for(connection: Connection, job: str) -> Mapping[str, str]:
    """The replies that wait for a job, by the fingerprint of the request."""
    mine = PROVIDER_REPLIES.c.grade_id == job
    found = connection.execute(select(PROVIDER_REPLIES.c.fingerprint, PROVIDER_REPLIES.c.body).where(mine))
    return {row.fingerprint: row.body for row in found}


def drop_replies(connection: Connection, job: str) -> None:
    """Forget the replies of a job that is done."""
    connection.execute(delete(PROVIDER_REPLIES).where(PROVIDER_REPLIES.c.grade_id == job))


def _change(connection: Connection, part: str, **values: Any) -> None:
    connection.execute(update(PROVIDER_PARTS).where(PROVIDER_PARTS.c.id == part).values(**values))


def _part(connection: Connection, row: RowMapping) -> Part:
    status = connection.execute(select(BATCHES.c.status).where(BATCHES.c.id == row["batch_id"])).scalar()
    return Part(
        id=row["id"],
        tenant=Tenant(row["tenant"]),
        batch=BatchId(row["batch_id"]),
        first=row["first_line"],
        last=row["last_line"],
        made_at=moment(row["made_at"]),
        provider_id=row["provider_id"],
        looks=row["looks"],
        wanted=status == BatchStatus.IN_PROGRESS.value,
    )
