"""The grade store on SQL: one short transaction a call, the same statements on SQLite and Postgres."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import Connection, RowMapping, Select, and_, bindparam, exists, insert, or_, select, text, update

from service.grading.grade import GradeStatus, Reason
from service.grading.rubric import Rubric
from service.ports import NotReplaceable
from service.records import GradeFilter, GradeId, GradePage, GradeRecord, Tenant
from service.storage.cursors import decode, encode
from service.storage.database import Database, insert_once, micros, moment, utc_now
from service.storage.erasures import refuse_erased
from service.storage.operations import operations_row
from service.storage.outbox import record_grade, record_grade_status
from service.storage.review_rows import queue_new, settle, with_people
from service.storage.tables import GRADES, JOBS, REUSABLE, RUBRIC_TEXTS

KNOWN_RUBRICS = 1_000
_LISTED = [column for column in GRADES.columns if column.name != "audit"]
_RUBRIC: TypeAdapter[Rubric] = TypeAdapter(Rubric)
_REPLACE = update(GRADES).where(
    GRADES.c.id == bindparam("which"), GRADES.c.tenant == bindparam("of"), GRADES.c.open == 1
)


class SqlGradeStore:
    """Implements :class:`service.ports.GradeStore`."""

    def __init__(self, database: Database, now: Callable[[], datetime] = utc_now) -> None:
        self._database = database
        self._now = now
        self._rubrics: OrderedDict[tuple[str, str], Rubric] = OrderedDict()

    async def add(self, record: GradeRecord, reusable: Mapping[str, str] = {}) -> None:
        """Store a new record, reusable results, and the events of a finished grade, in one transaction.

        Raises:
            LearnerErased: the learner was erased since the record was begun.
        """
        await self._database.write(lambda connection: self.insert(connection, record, reusable))
        self.know(record.tenant, record.request.rubric)

    async def finish(self, record: GradeRecord, reusable: Mapping[str, str] = {}) -> None:
        """Replace a record that may still be replaced.

        Raises:
            NotReplaceable: it is finished, expired, unknown or another tenant's.
        """

        def work(connection: Connection) -> None:
            if not self.replace(connection, record, reusable):
                raise NotReplaceable(record.id)
            settle(self._database, connection, with_people(connection, [record])[0], micros(record.created_at))

        await self._database.write(work)

    def insert(self, connection: Connection, record: GradeRecord, reusable: Mapping[str, str] = {}) -> None:
        """The statements of :meth:`add`, for a transaction that stores more."""
        self._keep_rubric(connection, record)
        connection.execute(insert(GRADES), grade_row(record))
        refuse_erased(connection, record)
        self._keep_reusable(connection, record, reusable)
        queue_new(self._database, connection, record)
        record_grade(connection, record, self._now())

    def insert_all(self, connection: Connection, records: Sequence[GradeRecord]) -> None:
        """Insert many records at once."""
        for record in {record.request.rubric.sha256: record for record in records}.values():
            self._keep_rubric(connection, record)
        connection.execute(insert(GRADES), [grade_row(record) for record in records])

    def replace(self, connection: Connection, record: GradeRecord, reusable: Mapping[str, str] = {}) -> bool:
        """The statements of :meth:`finish`, for a transaction that stores more; False if it may not be replaced."""
        values = {**grade_row(record), "which": record.id, "of": record.tenant}
        if connection.execute(_REPLACE, values).rowcount != 1:
            return False
        self._keep_reusable(connection, record, reusable)
        record_grade(connection, record, self._now())
        return True

    def complete(self, connection: Connection, record: GradeRecord, reusable: Mapping[str, str] = {}) -> bool:
        """Replace a record that was in progress until now, so that no person can have said anything on it."""
        if not self.replace(connection, record, reusable):
            return False
        queue_new(self._database, connection, record)
        return True

    async def get(self, tenant: Tenant, grade_id: GradeId) -> GradeRecord | None:
        """One record of this tenant, with its audit part."""
        wanted = select(GRADES).where(GRADES.c.id == grade_id, GRADES.c.tenant == tenant)

        def work(connection: Connection) -> GradeRecord | None:
            row = connection.execute(wanted).mappings().first()
            return with_people(connection, [self.record(connection, row)])[0] if row else None

        return await self._database.read(work)

    async def page(self, tenant: Tenant, wanted: GradeFilter, cursor: str | None, limit: int) -> GradePage:
        """Records newest first, without their audit part."""
        query = _page_query(tenant, wanted, decode(cursor, "grd") if cursor else None).limit(limit + 1)

        def work(connection: Connection) -> GradePage:
            rows = connection.execute(query).mappings().all()
            records = with_people(connection, [self.record(connection, row) for row in rows[:limit]])
            last = rows[limit - 1] if len(rows) > limit else None
            return GradePage(records=records, next_cursor=encode(last["created_at"], last["id"]) if last else None)

        return await self._database.read(work)

    def records(self, connection: Connection, tenant: Tenant, ids: Sequence[str]) -> tuple[GradeRecord, ...]:
        """Records of this tenant in the order of their ids, without their audit part, inside a transaction."""
        wanted = select(*_LISTED).where(GRADES.c.tenant == tenant, GRADES.c.id.in_(ids)).order_by(GRADES.c.id)
        rows = connection.execute(wanted).mappings().all()
        return with_people(connection, [self.record(connection, row) for row in rows])

    async def reusable(self, tenant: Tenant, key: str) -> str | None:
        """A stored result of this tenant."""
        wanted = select(REUSABLE.c.text).where(REUSABLE.c.tenant == tenant, REUSABLE.c.key == key)
        return await self._database.read(lambda connection: connection.execute(wanted).scalar())

    async def interrupt_unfinished(self, reason: Reason, before: datetime) -> int:
        """Mark what was left in progress, and no job will finish, as ungraded."""
        result = _OBJECT.dump_json({"reason": reason.model_dump()}).decode()
        stale = (
            (GRADES.c.status == GradeStatus.IN_PROGRESS.value)
            & (GRADES.c.created_at < micros(before))
            & ~exists().where(JOBS.c.id == GRADES.c.id)
        )
        change = update(GRADES).where(stale).values(status=GradeStatus.UNGRADED.value, result=result, error=reason.code)

        def work(connection: Connection) -> int:
            changed = connection.execute(change.returning(GRADES.c.tenant, GRADES.c.id)).all()
            for tenant, grade_id in changed:
                record_grade_status(connection, tenant, grade_id, GradeStatus.UNGRADED, self._now())
            return len(changed)

        return await self._database.write(work)

    async def ping(self) -> None:
        """Write for real, since a full disk takes an empty transaction: the schema's version over itself."""
        again = text("UPDATE alembic_version SET version_num = version_num")
        await self._database.write(lambda connection: connection.execute(again).rowcount)

    def _keep_rubric(self, connection: Connection, record: GradeRecord) -> None:
        rubric = record.request.rubric
        if (record.tenant, rubric.sha256) not in self._rubrics:
            row = {"tenant": record.tenant, "sha256": rubric.sha256, "text": rubric.model_dump_json()}
            insert_once(self._database, connection, RUBRIC_TEXTS, [row])

    def _keep_reusable(self, connection: Connection, record: GradeRecord, reusable: Mapping[str, str]) -> None:
        shared = {
            "tenant": record.tenant,
            "created_at": micros(record.created_at),
            "submission_sha256": record.submission_sha256,
        }
        rows = [{**shared, "key": key, "text": body} for key, body in reusable.items()]
        if rows:
            insert_once(self._database, connection, REUSABLE, rows)

    def record(self, connection: Connection, row: RowMapping) -> GradeRecord:
        """The record of a row."""
        rubric = self._rubric(connection, row["tenant"], row["rubric_sha256"])
        parts: dict[str, Any] = {}
        for column in ("result", "audit"):
            if row.get(column):
                parts |= _OBJECT.validate_json(row[column])
        if row["expired_at"] is not None:
            parts["expired"] = {"at": moment(row["expired_at"]), "submission_sha256": row["submission_sha256"]}
        return GradeRecord.model_validate(
            {
                "id": row["id"],
                "tenant": row["tenant"],
                "created_at": moment(row["created_at"]),
                "status": row["status"],
                "request": {**_OBJECT.validate_json(row["request"]), "rubric": rubric},
                **parts,
            }
        )

    def _rubric(self, connection: Connection, tenant: Tenant, sha256: str) -> Rubric:
        known = self._rubrics.get((tenant, sha256))
        if known is None:
            at = (RUBRIC_TEXTS.c.tenant == tenant) & (RUBRIC_TEXTS.c.sha256 == sha256)
            known = _RUBRIC.validate_json(connection.execute(select(RUBRIC_TEXTS.c.text).where(at)).scalar_one())
            self.know(tenant, known)
        return known

    def know(self, tenant: Tenant, rubric: Rubric) -> None:
        """Remember that a rubric's text is committed."""
        self._rubrics[tenant, rubric.sha256] = rubric
        while len(self._rubrics) > KNOWN_RUBRICS:
            self._rubrics.popitem(last=False)


_OBJECT: TypeAdapter[dict[str, Any]] = TypeAdapter(dict[str, Any])


def grade_row(record: GradeRecord) -> dict[str, Any]:
    """The row of a record."""
    finished = record.grade is not None or record.reason is not None
    expired = record.expired
    return {
        "id": record.id,
        "tenant": record.tenant,
        "created_at": micros(record.created_at),
        "status": record.status.value,
        "open": int(_is_open(record)),
        "learner": record.request.learner,
        "rubric_id": record.request.rubric.id,
        "rubric_sha256": record.request.rubric.sha256,
        "request": record.request.model_dump_json(exclude={"rubric"}),
        "result": record.model_dump_json(include={"grade", "usage", "reason"}) if finished else None,
        "audit": record.model_dump_json(include={"judgement", "calls"}) if finished else None,
        "submission_sha256": record.submission_sha256,
        "expired_at": micros(expired.at) if expired else None,
        **operations_row(record),
    }


def _is_open(record: GradeRecord) -> bool:
    if record.expired is not None:
        return False
    if record.status in (GradeStatus.IN_PROGRESS, GradeStatus.UNGRADED):
        return True
    return record.grade is not None and record.grade.commentary.status in ("failed", "partial")


def _page_query(tenant: Tenant, wanted: GradeFilter, after: tuple[int, str] | None) -> Select[Any]:
    conditions = [GRADES.c.tenant == tenant]
    if wanted.learner is not None:
        conditions.append(GRADES.c.learner == wanted.learner)
    if wanted.rubric is not None:
        conditions.append(GRADES.c.rubric_id == wanted.rubric)
    if wanted.status is not None:
        conditions.append(GRADES.c.status == wanted.status.value)
    if wanted.created_after is not None:
        conditions.append(GRADES.c.created_at > micros(wanted.created_after))
    if after is not None:
        since, grade_id = after
        older = GRADES.c.created_at < since
        conditions.append(or_(older, and_(GRADES.c.created_at == since, GRADES.c.id < grade_id)))
    return select(*_LISTED).where(*conditions).order_by(GRADES.c.created_at.desc(), GRADES.c.id.desc())
