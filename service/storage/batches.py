"""Batches on SQL: taken in piece by piece, looked at, cancelled, read out in the order they were sent."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, RowMapping, and_, delete, func, insert, or_, select, update

from service.grading.grade import GradeStatus, Reason
from service.jobs import (
    CANCELLED,
    Batch,
    BatchId,
    BatchPage,
    BatchStatus,
    Counts,
    Finished,
    Item,
    JobState,
    LineError,
    NewBatch,
)
from service.records import Tenant
from service.storage import batch_rows
from service.storage.cursors import decode, encode
from service.storage.database import EPOCH, Database, begin_writing, micros
from service.storage.economy import add_parts
from service.storage.erasures import erased_since
from service.storage.grades import SqlGradeStore
from service.storage.jobs import new_job
from service.storage.tables import BATCH_ERRORS, BATCHES, GRADES, JOBS, NAMELESS

ERASED = {"pointer": "#/learner", "detail": "was erased while the batch was sent"}
NOTHING_VALID = Reason(code="no_valid_lines", detail="no line of the batch could be graded", retryable=False)


class SqlBatchStore:
    """Implements :class:`service.job_ports.BatchStore`."""

    def __init__(self, database: Database, grades: SqlGradeStore) -> None:
        self._database = database
        self._grades = grades

    async def begin(self, new: NewBatch) -> None:
        """Make an empty batch, not handed out before it is sealed."""
        numbers = dict.fromkeys(
            ("total", "invalid", "fed", "graded", "needs_review", "ungraded", "cost_usd", "unpriced"), 0
        )
        row: dict[str, Any] = {
            **new.model_dump(),
            "held": int(new.tier == "economy"),
            **numbers,
            "largest_usd": 0.0,
            "created_at": micros(new.created_at),
            "status": BatchStatus.VALIDATING.value,
        }
        await self._database.write(lambda connection: connection.execute(insert(BATCHES), row).rowcount)

    async def add(self, batch: BatchId, items: Sequence[Item], errors: Sequence[LineError]) -> None:
        """Keep some more of a batch's items and refused lines."""
        named = [*(item.record.request.learner for item in items), *(error.learner for error in errors)]
        learners = {learner for learner in named if learner is not None}
        mine = BATCHES.c.id == batch

        def work(connection: Connection) -> None:
            begin_writing(connection)
            row = connection.execute(select(BATCHES.c.tenant, BATCHES.c.created_at).where(mine)).one()
            gone = erased_since(connection, row.tenant, learners, row.created_at)
            kept = [item for item in items if item.record.request.learner not in gone]
            refused = [_refused(batch, row.tenant, error, gone) for error in errors]
            refused += [_of_erased(batch, row.tenant, item) for item in items if item.record.request.learner in gone]
            if kept:
                self._grades.insert_all(connection, [item.record for item in kept])
                connection.execute(insert(JOBS), [_job(batch, item) for item in kept])
            if refused:
                connection.execute(insert(BATCH_ERRORS), refused)
            counts = {"total": BATCHES.c.total + len(kept), "invalid": BATCHES.c.invalid + len(refused)}
            connection.execute(update(BATCHES).where(mine).values(**counts))

        await self._database.write(work)
        for item in items:
            self._grades.know(item.record.tenant, item.record.request.rubric)

    async def seal(self, batch: BatchId, now: datetime, largest_usd: float = 0.0) -> None:
        """The batch is complete as sent: its items may be handed out. Without any it has failed."""
        open_ = update(BATCHES).where(BATCHES.c.id == batch, BATCHES.c.status == BatchStatus.VALIDATING.value)
        begun = open_.where(BATCHES.c.total > 0).values(status=BatchStatus.IN_PROGRESS.value, largest_usd=largest_usd)
        failed = open_.values(
            status=BatchStatus.FAILED.value, reason=NOTHING_VALID.model_dump_json(), finished_at=micros(now)
        )

        def work(connection: Connection) -> None:
            if connection.execute(begun).rowcount == 0:
                connection.execute(failed)
            else:
                add_parts(connection, batch)

        await self._database.write(work)

    async def drop(self, batch: BatchId) -> None:
        """Forget a batch that was never sealed, with all it holds."""
        await self._database.write(lambda connection: _drop(connection, batch))

    async def drop_unsealed(self, before: datetime) -> int:
        """Forget the batches whose sending broke off before a moment."""
        stale = (BATCHES.c.status == BatchStatus.VALIDATING.value) & (BATCHES.c.created_at < micros(before))

        def work(connection: Connection) -> int:
            found = connection.execute(select(BATCHES.c.id).where(stale)).scalars().all()
            for batch in found:
                _drop(connection, BatchId(batch))
            return len(found)

        return await self._database.write(work)

    async def get(self, tenant: Tenant, batch: BatchId) -> Batch | None:
        """One batch of this tenant."""
        return await self._one(BATCHES.c.id == batch, tenant)

    async def of_source(self, tenant: Tenant, source: str) -> Batch | None:
        """The newest sealed batch made of a file."""
        sealed = BATCHES.c.status != BatchStatus.VALIDATING.value
        return await self._one(and_(BATCHES.c.source == source, sealed), tenant)

    async def page(self, tenant: Tenant, cursor: str | None, limit: int) -> BatchPage:
        """Batches newest first."""
        query = select(BATCHES).where(BATCHES.c.tenant == tenant)
        if cursor:
            moment, name = decode(cursor, "bat")
            same = and_(BATCHES.c.created_at == moment, BATCHES.c.id < name)
            query = query.where(or_(BATCHES.c.created_at < moment, same))
        query = query.order_by(BATCHES.c.created_at.desc(), BATCHES.c.id.desc()).limit(limit + 1)

        def work(connection: Connection) -> BatchPage:
            rows = connection.execute(query).mappings().all()
            kept = tuple(_batch(connection, row) for row in rows[:limit])
            last = rows[limit - 1] if len(rows) > limit else None
            return BatchPage(batches=kept, next_cursor=encode(last["created_at"], last["id"]) if last else None)

        return await self._database.read(work)

    async def cancel(self, tenant: Tenant, batch: BatchId, now: datetime) -> Batch | None:
        """Stop a batch: what has not begun ends as cancelled. A batch that is through stays as it is."""

        def work(connection: Connection) -> None:
            batch_rows.count_finished(connection, batch, micros(now))
            mine = select(BATCHES.c.status).where(BATCHES.c.id == batch, BATCHES.c.tenant == tenant)
            if connection.execute(mine.with_for_update()).scalar() == BatchStatus.IN_PROGRESS.value:
                batch_rows.stop(connection, batch, CANCELLED, micros(now))

        await self._database.write(work)
        return await self.get(tenant, batch)

    async def finished(self, batch: BatchId, after: int, limit: int, *, ungraded: bool) -> tuple[Finished, ...]:
        """The next finished items after a line, in input order: those with a grade, or those without."""
        kinds = [GradeStatus.UNGRADED] if ungraded else [GradeStatus.GRADED, GradeStatus.NEEDS_REVIEW]
        query = (
            select(JOBS.c.line, JOBS.c.custom_id, *(c for c in GRADES.columns if c.name != "audit"))
            .join(GRADES, GRADES.c.id == JOBS.c.id)
            .where(JOBS.c.batch_id == batch, JOBS.c.line > after, JOBS.c.state == JobState.DONE.value)
            .where(GRADES.c.status.in_([kind.value for kind in kinds]))
            .order_by(JOBS.c.line)
            .limit(limit)
        )

        def work(connection: Connection) -> tuple[Finished, ...]:
            return tuple(
                Finished(line=row["line"], custom_id=row["custom_id"], record=self._grades.record(connection, row))
                for row in connection.execute(query).mappings().all()
            )

        return await self._database.read(work)

    async def refused(self, batch: BatchId, after: int, limit: int) -> tuple[LineError, ...]:
        """The next refused lines after a line, in input order."""
        mine = (BATCH_ERRORS.c.batch_id == batch) & (BATCH_ERRORS.c.line > after)
        query = select(BATCH_ERRORS).where(mine).order_by(BATCH_ERRORS.c.line).limit(limit)

        def work(connection: Connection) -> tuple[LineError, ...]:
            return tuple(
                LineError(line=row["line"], custom_id=row["custom_id"], errors=tuple(json.loads(row["errors"])))
                for row in connection.execute(query).mappings()
            )

        return await self._database.read(work)

    async def _one(self, which: Any, tenant: Tenant) -> Batch | None:
        query = select(BATCHES).where(which, BATCHES.c.tenant == tenant).order_by(BATCHES.c.created_at.desc()).limit(1)

        def work(connection: Connection) -> Batch | None:
            row = connection.execute(query).mappings().first()
            return _batch(connection, row) if row else None

        return await self._database.read(work)


def _job(batch: BatchId, item: Item) -> dict[str, Any]:
    return new_job(item.record, JobState.WAITING, batch_id=batch, line=item.line, custom_id=item.custom_id, counted=0)


def _refused(batch: BatchId, tenant: str, error: LineError, erased: Collection[str]) -> dict[str, Any]:
    """A refused line; without its names where its learner was erased while the batch was sent."""
    names = NAMELESS if error.learner in erased else {"custom_id": error.custom_id, "learner": error.learner}
    return {"batch_id": batch, "tenant": tenant, "line": error.line, "errors": json.dumps(list(error.errors)), **names}


def _of_erased(batch: BatchId, tenant: str, item: Item) -> dict[str, Any]:
    """A line that is not graded because its learner was erased while the batch was sent."""
    return _refused(batch, tenant, LineError(line=item.line, custom_id=None, errors=(ERASED,)), ())


def _batch(connection: Connection, row: RowMapping) -> Batch:
    counts = {name: row[name] for name in ("total", "graded", "needs_review", "ungraded", "invalid")}
    finished = row["finished_at"]
    return Batch(
        id=row["id"],
        tenant=row["tenant"],
        created_at=EPOCH + timedelta(microseconds=row["created_at"]),
        finished_at=None if finished is None else EPOCH + timedelta(microseconds=finished),
        status=row["status"],
        counts=Counts(**counts),
        queue_position=_ahead(connection, row),
        cost_usd=None if row["unpriced"] else row["cost_usd"],
        max_cost_usd=row["max_cost_usd"],
        reason=Reason.model_validate_json(row["reason"]) if row["reason"] else None,
    )


def _ahead(connection: Connection, row: RowMapping) -> int | None:
    """How many answers of the tenant's earlier batches have not been handed out."""
    if row["status"] != BatchStatus.IN_PROGRESS.value or row["fed"] >= row["total"]:
        return None
    earlier = (BATCHES.c.tenant == row["tenant"]) & (BATCHES.c.created_at < row["created_at"])
    unfed = select(func.sum(BATCHES.c.total - BATCHES.c.fed)).where(
        earlier, BATCHES.c.status == BatchStatus.IN_PROGRESS.value
    )
    return int(connection.execute(unfed).scalar() or 0)


def _drop(connection: Connection, batch: BatchId) -> None:
    unsealed = select(BATCHES.c.id).where(BATCHES.c.id == batch, BATCHES.c.status == BatchStatus.VALIDATING.value)
    if connection.execute(unsealed.with_for_update()).first() is None:
        return
    mine = select(JOBS.c.id).where(JOBS.c.batch_id == batch)
    connection.execute(delete(GRADES).where(GRADES.c.id.in_(mine)))
    connection.execute(delete(JOBS).where(JOBS.c.batch_id == batch))
    connection.execute(delete(BATCH_ERRORS).where(BATCH_ERRORS.c.batch_id == batch))
    connection.execute(delete(BATCHES).where(BATCHES.c.id == batch))
