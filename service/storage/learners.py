"""Everything kept on a learner: erased, exported, and emptied of text when answers expire.

Which rows of which table that is, the tables say themselves (:mod:`service.storage.personal`).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

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
from service.records import GradeId, KeptRow, Tenant
from service.storage.database import Database, insert_once, micros
from service.storage.grades import SqlGradeStore, grade_row
from service.storage.personal import OfGrade, OfLearner, OfSubmission, Personal, declared
from service.storage.tables import GRADES, METADATA, RETENTION

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

    async def erase(self, tenant: Tenant, learner: str) -> Mapping[str, int]:
        """Delete all there is on a learner in one transaction; the rows deleted or emptied, by table."""
        theirs = _grades_of(tenant, learner)

        def work(connection: Connection) -> dict[str, int]:
            counts = {}
            for table, what in self._tables:
                if isinstance(what, OfGrade):
                    counts[table.name] = _erase_of_grades(connection, table, what, theirs)
                elif isinstance(what, OfLearner):
                    mine = (table.c.tenant == tenant) & (table.c[what.column] == learner)
                    counts[table.name] = connection.execute(delete(table).where(mine)).rowcount
                elif isinstance(what, OfSubmission):
                    condition = _of_nobody_else(table, what, tenant, learner)
                    counts[table.name] = connection.execute(delete(table).where(condition)).rowcount
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
                for table, condition in _held(self._tables, tenant, learner)
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
        """Whoever has grades."""
        wanted = select(GRADES.c.tenant).distinct()
        return await self._database.read(lambda connection: list(connection.execute(wanted).scalars()))

    async def expire(self, tenant: Tenant, before: datetime, now: datetime) -> int:
        """Take the texts out of some of a tenant's answers from before a moment; how many (0: none are left)."""
        due = (GRADES.c.tenant == tenant) & GRADES.c.expired_at.is_(None) & (GRADES.c.created_at < micros(before))
        wanted = select(GRADES).where(due).order_by(GRADES.c.created_at).limit(AT_ONCE).with_for_update()

        def work(connection: Connection) -> int:
            rows = connection.execute(wanted).mappings().all()
            for row in rows:
                record = expired(self._grades.record(connection, row), now)
                connection.execute(update(GRADES).where(GRADES.c.id == record.id).values(grade_row(record)))
            _expire_what_belongs(self._tables, connection, tenant, [row["id"] for row in rows])
            _drop_unowned(self._tables, connection, tenant, {row["submission_sha256"] for row in rows})
            return len(rows)

        return await self._database.write(work)

    async def scrub(self) -> bool:
        """Make what was deleted unreadable in the database's files, as far as that is ours to do."""
        return await self._database.scrub()


def _grades_of(tenant: Tenant, learner: str) -> Select[str]:
    return select(GRADES.c.id).where(GRADES.c.tenant == tenant, GRADES.c.learner == learner)


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


def _held(tables: Tables, tenant: Tenant, learner: str) -> Iterator[tuple[Table, ColumnElement[bool]]]:
    for table, what in tables:
        if isinstance(what, OfGrade):
            yield table, _belongs(table, what, _grades_of(tenant, learner))
        elif isinstance(what, OfLearner):
            yield table, (table.c.tenant == tenant) & (table.c[what.column] == learner)
        elif isinstance(what, OfSubmission):
            yield table, _of_nobody_else(table, what, tenant, learner)


def _erase_of_grades(connection: Connection, table: Table, what: OfGrade, grades: Select[str]) -> int:
    condition = _belongs(table, what, grades)
    if what.when_erased == "delete":
        return connection.execute(delete(table).where(condition)).rowcount
    return _change(connection, table, condition, what.when_erased)


def _change(connection: Connection, table: Table, condition: ColumnElement[bool], change: Any) -> int:
    rows = connection.execute(select(table).where(condition)).mappings().all()
    key = table.primary_key.columns
    for row in rows:
        if values := change(row):
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
