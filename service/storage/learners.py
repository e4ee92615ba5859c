"""Everything kept on a learner: erased, exported, and emptied of text when answers expire.

Which rows of which table that is, the tables say themselves (:mod:`service.storage.personal`).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import (
    ColumnElement,
    Connection,
    RowMapping,
    Select,
    String,
    Table,
    and_,
    delete,
    exists,
    literal,
    select,
    update,
)

from service.expiry import expired
from service.grading.grade import GradeStatus
from service.records import GradeId, KeptRow, Tenant
from service.storage.database import Database, insert_once, micros
from service.storage.erasures import begin_erasing, forget_erasures, shut_out
from service.storage.grades import SqlGradeStore, grade_row
from service.storage.personal import OfGrade, OfLearner, OfSubmission, Personal, RowChange, declared
from service.storage.tables import BATCH_ERRORS, BATCHES, GRADES, IDEMPOTENCY, JOBS, METADATA, NAMELESS, RETENTION

AT_ONCE = 100
Tables = Sequence[tuple[Table, Personal]]


class SqlLearnerStore:
    """Implements :class:`service.ports.LearnerStore`.

    Raises (when made):
        KeyError: a table does not say what it holds on learners.
    """

    def __init__(self, database: Database, grades: SqlGradeStore, tables: Tables | None = None) -> None:
        self._database = database
        self._grades = grades
        self._tables = tables or declared(METADATA)

    async def erase(self, tenant: Tenant, learner: str, now: datetime) -> Mapping[str, int]:
        """Delete all there is on a learner in one transaction; the rows deleted or emptied, by table."""
        theirs = _grades_of(tenant, learner)

        def work(connection: Connection) -> dict[str, int]:
            shut_out(connection, tenant, learner, now)
            _hold_all(connection, theirs)
            counts = {
                table.name: _erased(connection, table, condition, _when_erased(what))
                for table, what, condition in _held(self._tables, tenant, learner)
            }
            mine = (GRADES.c.tenant == tenant) & (GRADES.c.learner == learner)
            return {"grades": connection.execute(delete(GRADES).where(mine)).rowcount, **counts}

        return await self._database.write(work)

    async def grade_ids(self, tenant: Tenant, learner: str) -> Sequence[GradeId]:
        """The ids of a learner's grades, oldest first."""
        wanted = _grades_of(tenant, learner).order_by(GRADES.c.created_at, GRADES.c.id)
        return await self._database.read(lambda connection: [GradeId(row[0]) for row in connection.execute(wanted)])

    async def kept(self, tenant: Tenant, learner: str) -> Sequence[KeptRow]:
        """What other tables hold on a learner, row by row."""

        def work(connection: Connection) -> list[KeptRow]:
            return [
                KeptRow(table=table.name, columns=_readable(row))
                for table, _, condition in _held(self._tables, tenant, learner)
                for row in connection.execute(select(table).where(condition)).mappings()
            ]

        return await self._database.read(work)

    async def answer_days(self) -> Mapping[Tenant, int]:
        """The tenants that keep answers for a time of their own, in days; 0 is for ever."""
        wanted = select(RETENTION.c.tenant, RETENTION.c.answer_days)
        return await self._database.read(lambda connection: {row[0]: row[1] for row in connection.execute(wanted)})

    async def keep_answers(self, tenant: Tenant, days: int | None) -> None:
        """Set a tenant's own time, or take it back with None."""

        def work(connection: Connection) -> None:
            connection.execute(delete(RETENTION).where(RETENTION.c.tenant == tenant))
            if days is not None:
                insert_once(self._database, connection, RETENTION, [{"tenant": tenant, "answer_days": days}])

        await self._database.write(work)

    async def tenants(self) -> Sequence[Tenant]:
        """Whoever has grades or batches."""
        wanted = select(GRADES.c.tenant).union(select(BATCHES.c.tenant))
        return await self._database.read(lambda connection: list(connection.execute(wanted).scalars()))

    async def expire(self, tenant: Tenant, before: datetime, now: datetime) -> int:
        """Take the texts out of some of a tenant's answers from before a moment; how many (0: none are left).

        An answer that still waits to be graded expires once it is.
        """
        due = (GRADES.c.tenant == tenant) & GRADES.c.expired_at.is_(None) & (GRADES.c.created_at < micros(before))
        due &= GRADES.c.status != GradeStatus.IN_PROGRESS.value
        wanted = select(GRADES).where(due).order_by(GRADES.c.created_at).limit(AT_ONCE).with_for_update()

        def work(connection: Connection) -> int:
            begin_erasing(connection, tenant)
            rows = connection.execute(wanted).mappings().all()
            for row in rows:
                record = expired(self._grades.record(connection, row), now)
                connection.execute(update(GRADES).where(GRADES.c.id == record.id).values(grade_row(record)))
            _expire_what_belongs(self._tables, connection, tenant, [row["id"] for row in rows])
            _drop_unowned(self._tables, connection, tenant, {row["submission_sha256"] for row in rows})
            return len(rows)

        return await self._database.write(work)

    async def forget_names(self, tenant: Tenant, before: datetime) -> int:
        """Take the names out of refused lines of old batches; line numbers and reasons stay."""
        old = select(BATCHES.c.id).where(BATCHES.c.tenant == tenant, BATCHES.c.created_at < micros(before))
        named = BATCH_ERRORS.c.custom_id.is_not(None) | BATCH_ERRORS.c.learner.is_not(None)
        change = update(BATCH_ERRORS).where(BATCH_ERRORS.c.batch_id.in_(old), named).values(NAMELESS)
        return await self._database.write(lambda connection: connection.execute(change).rowcount)

    async def tidy(self, now: datetime) -> int:
        """Delete the answers of repeated requests whose day is over, and forget past erasures."""
        over = delete(IDEMPOTENCY).where(IDEMPOTENCY.c.expires_at <= micros(now))

        def work(connection: Connection) -> int:
            return connection.execute(over).rowcount + forget_erasures(connection, now)

        return await self._database.write(work)

    async def scrub(self) -> bool:
        """Make what was deleted unreadable in the database's files, as far as that is ours to do."""
        return await self._database.scrub()


def _grades_of(tenant: Tenant, learner: str) -> Select[str]:
    return select(GRADES.c.id).where(GRADES.c.tenant == tenant, GRADES.c.learner == learner)


def _hold_all(connection: Connection, grades: Select[str]) -> None:
    """Wait for whoever writes about these grades, and make others wait: jobs first, as those do who finish them."""
    jobs = select(JOBS.c.id).where(JOBS.c.id.in_(grades)).order_by(JOBS.c.id)
    for wanted in (jobs, grades.order_by(GRADES.c.id)):
        connection.execute(wanted.with_for_update()).all()


def _belongs(table: Table, what: OfGrade, grades: Select[str]) -> ColumnElement[bool]:
    """The rows of a table that belong to some grades."""
    ids = grades.with_only_columns(literal(what.prefix, String).concat(GRADES.c.id)) if what.prefix else grades
    return table.c[what.column].in_(ids)


def _of_nobody_else(table: Table, what: OfSubmission, tenant: Tenant, learner: str) -> ColumnElement[bool]:
    """The rows of submissions that are this learner's and in no grade of another's that still has its text."""
    same = (GRADES.c.tenant == table.c.tenant) & (GRADES.c.submission_sha256 == table.c[what.column])
    others = GRADES.c.learner.is_distinct_from(learner) & GRADES.c.expired_at.is_(None)
    return and_(
        table.c.tenant == tenant,
        exists().where(same, GRADES.c.learner == learner),
        ~exists().where(same, others),
    )


def _held(tables: Tables, tenant: Tenant, learner: str) -> Iterator[tuple[Table, Personal, ColumnElement[bool]]]:
    """The tables that may hold something on a learner, and which of their rows do."""
    for table, what in tables:
        if isinstance(what, OfGrade):
            yield table, what, _belongs(table, what, _grades_of(tenant, learner))
        elif isinstance(what, OfLearner):
            yield table, what, (table.c.tenant == tenant) & (table.c[what.column] == learner)
        elif isinstance(what, OfSubmission):
            yield table, what, _of_nobody_else(table, what, tenant, learner)


def _when_erased(what: Personal) -> Literal["delete"] | RowChange:
    return what.when_erased if isinstance(what, (OfGrade, OfLearner)) else "delete"


def _erased(
    connection: Connection, table: Table, condition: ColumnElement[bool], how: Literal["delete"] | RowChange
) -> int:
    if how == "delete":
        return connection.execute(delete(table).where(condition)).rowcount
    return _change(connection, table, condition, how)


def _change(connection: Connection, table: Table, condition: ColumnElement[bool], change: RowChange) -> int:
    rows = connection.execute(select(table).where(condition)).mappings().all()
    key = table.primary_key.columns
    for row in rows:
        if values := change(dict(row)):
            here = and_(*(column == row[column.name] for column in key))
            connection.execute(update(table).where(here).values(values))
    return len(rows)


def _expire_what_belongs(tables: Tables, connection: Connection, tenant: Tenant, ids: Sequence[str]) -> None:
    grades = select(GRADES.c.id).where(GRADES.c.tenant == tenant, GRADES.c.id.in_(ids))
    for table, what in tables:
        if not isinstance(what, OfGrade) or what.when_expired == "keep":
            continue
        condition = _belongs(table, what, grades)
        if what.when_expired == "delete":
            connection.execute(delete(table).where(condition))
        else:
            _change(connection, table, condition, what.when_expired)


def _drop_unowned(tables: Tables, connection: Connection, tenant: Tenant, submissions: set[str]) -> None:
    """Delete what came from submissions of which no grade has its text any more."""
    for table, what in tables:
        if isinstance(what, OfSubmission):
            same = (GRADES.c.tenant == table.c.tenant) & (GRADES.c.submission_sha256 == table.c[what.column])
            owned = exists().where(same, GRADES.c.expired_at.is_(None))
            gone = (table.c.tenant == tenant) & table.c[what.column].in_(submissions) & ~owned
            connection.execute(delete(table).where(gone))


def _readable(row: RowMapping) -> dict[str, Any]:
    return {name: _value(value) for name, value in row.items()}


def _value(value: Any) -> Any:
    """A column as JSON can show it; text that holds JSON is opened."""
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    if isinstance(value, str) and value[:1] in ("{", "["):
        try:
            return json.loads(value)
        except ValueError:
            return value
    return value
