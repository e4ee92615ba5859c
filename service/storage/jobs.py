"""The jobs on SQL: handing them out fairly, claiming, finishing, giving back."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any

from sqlalchemy import Connection, Float, RowMapping, bindparam, case, func, insert, or_, select, text, update

from service.grading.grade import GradeStatus, Reason
from service.jobs import (
    BUDGET_EXHAUSTED,
    CANCELLED,
    CRASHED,
    MOST_ATTEMPTS,
    BatchStatus,
    Claim,
    JobState,
    Portion,
    PortionId,
)
from service.records import GradeId, GradeRecord, Tenant
from service.storage import batch_rows
from service.storage.database import Database, begin_immediate, micros, moment
from service.storage.economy import drop_replies, replies_for
from service.storage.grades import SqlGradeStore
from service.storage.outbox import record_grade_status
from service.storage.tables import BATCHES, GRADES, JOBS

LOOK_AGAIN = 1_000_000
"""Microseconds until a job for which the budget had no room is looked at again."""

_FEEDING = 4_711_002
_BEGUN = (JobState.QUEUED.value, JobState.RUNNING.value)

_CLAIM = (
    update(JOBS)
    .where(JOBS.c.id == bindparam("job"), JOBS.c.portion == bindparam("of"), JOBS.c.state.in_(_BEGUN))
    .values(
        state=JobState.RUNNING.value,
        attempts=JOBS.c.attempts + 1,
        crashes=JOBS.c.crashes + case((JOBS.c.state == JobState.RUNNING.value, 1), else_=0),
    )
    .returning(JOBS.c.attempts, JOBS.c.crashes, JOBS.c.batch_id, JOBS.c.tenant)
)
_FINISH = (
    update(JOBS)
    .where(JOBS.c.id == bindparam("job"), JOBS.c.state != JobState.DONE.value)
    .values(
        state=JobState.DONE.value, portion=None, outcome=bindparam("outcome"), cost_usd=bindparam("cost", type_=Float)
    )
)
_BATCH = select(BATCHES).join(JOBS, JOBS.c.batch_id == BATCHES.c.id).where(JOBS.c.id == bindparam("job"))
_GRADE = select(GRADES).where(GRADES.c.id == bindparam("job"))
"""What every job does is built once: building a statement costs more than running it."""


class SqlJobStore:
    """Implements :class:`service.job_ports.JobStore`."""

    def __init__(self, database: Database, grades: SqlGradeStore) -> None:
        self._database = database
        self._grades = grades

    async def add(self, record: GradeRecord) -> None:
        """Store a grade in progress and its job in one transaction."""

        def work(connection: Connection) -> None:
            self._grades.insert(connection, record)
            connection.execute(insert(JOBS), new_job(record, JobState.DUE))

        await self._database.write(work)
        self._grades.know(record.tenant, record.request.rubric)

    async def feed(self, room: int, size: int, now: datetime, new_id: Callable[[], PortionId]) -> tuple[Portion, ...]:
        """Make portions of due jobs until ``room`` jobs are out, the tenants with any sharing it evenly."""
        moment = micros(now)
        if not await self._database.read(lambda connection: _something_to_feed(connection, moment)):
            return ()
        return await self._database.write(lambda connection: _fed(connection, room, size, moment, new_id))

    async def open_in(self, portion: PortionId) -> tuple[GradeId, ...]:
        """The jobs of a portion that are not done, in the order they were sent."""
        wanted = select(JOBS.c.id).where(JOBS.c.portion == portion, JOBS.c.state.in_(_BEGUN)).order_by(JOBS.c.line)
        return await self._database.read(lambda connection: tuple(connection.execute(wanted).scalars()))

    async def open_portions(self) -> tuple[PortionId, ...]:
        """Portions that hold jobs which are not done."""
        wanted = select(JOBS.c.portion).distinct().where(JOBS.c.state.in_(_BEGUN))
        return await self._database.read(lambda connection: tuple(connection.execute(wanted).scalars()))

    async def claim(self, job: GradeId, portion: PortionId, now: datetime) -> Claim | None:
        """Begin a job of a portion; None when it is done, taken back or given up."""
        return await self._database.write(lambda connection: self._claim(connection, job, portion, micros(now)))

    async def finish(self, record: GradeRecord, reusable: Mapping[str, str]) -> bool:
        """Store a job's grade once, whoever comes first; False for everyone after."""
        cost = record.usage.cost_usd if record.usage else 0.0
        ended = {"job": record.id, "outcome": record.status.value, "cost": cost}

        def work(connection: Connection) -> bool:
            if connection.execute(_FINISH, ended).rowcount != 1:
                return False
            self._grades.complete(connection, record, reusable)
            drop_replies(connection, record.id)
            return True

        return await self._database.write(work)

    async def count(self, now: datetime) -> None:
        """Bring batches' counts up to what is finished, and close those that are through."""
        for batch in await self._database.read(batch_rows.uncounted):
            await self._database.write(partial(batch_rows.count_finished, batch_id=batch, now=micros(now)))

    async def postpone(self, job: GradeId, until: datetime, *, counted: bool) -> bool:
        """Put a running job off until a moment; False when its batch is being stopped, so it has to end now."""
        going_on = select(BATCHES.c.id).where(BATCHES.c.status == BatchStatus.IN_PROGRESS.value)
        mine = (
            (JOBS.c.id == job)
            & (JOBS.c.state == JobState.RUNNING.value)
            & or_(JOBS.c.batch_id.is_(None), JOBS.c.batch_id.in_(going_on))
        )
        attempts = JOBS.c.attempts if counted else JOBS.c.attempts - 1
        values = {"state": JobState.DUE.value, "portion": None, "due_at": micros(until), "attempts": attempts}
        change = update(JOBS).where(mine).values(**values)
        return await self._database.write(lambda connection: connection.execute(change).rowcount == 1)

    async def give_back(self, portion: PortionId) -> int:
        """Make what is left of a portion due at once; a job cut short here does not count as tried."""
        mine = JOBS.c.portion == portion
        back: dict[str, Any] = {"state": JobState.DUE.value, "portion": None, "due_at": 0}
        queued = update(JOBS).where(mine, JOBS.c.state == JobState.QUEUED.value).values(**back)
        running = update(JOBS).where(mine, JOBS.c.state == JobState.RUNNING.value)
        running = running.values(**back, attempts=JOBS.c.attempts - 1)

        def work(connection: Connection) -> int:
            return connection.execute(queued).rowcount + connection.execute(running).rowcount

        return await self._database.write(work)

    def _claim(self, connection: Connection, job: GradeId, portion: PortionId, now: int) -> Claim | None:
        batch = _batch_of(connection, job)
        row = connection.execute(_CLAIM, {"job": job, "of": portion}).first()
        if row is None:
            return None
        if refusal := _refusal(batch, row.attempts):
            batch_rows.end(connection, row.batch_id, JOBS.c.id == job, refusal, now)
            if refusal is CRASHED:
                record_grade_status(connection, row.tenant, job, GradeStatus.UNGRADED, moment(now))
            return None
        if batch is not None and not _fits_the_budget(connection, batch, job, now):
            return None
        grade = connection.execute(_GRADE, {"job": job}).mappings().first()
        if grade is None:
            batch_rows.end(connection, row.batch_id, JOBS.c.id == job, CANCELLED, now)
            return None
        record = self._grades.record(connection, grade)
        economy = batch is not None and batch["tier"] == "economy"
        replies = replies_for(connection, job) if economy else {}
        return Claim(id=job, attempt=row.attempts, crashes=row.crashes, record=record, replies=replies)


def new_job(record: GradeRecord, state: JobState, **more: Any) -> dict[str, Any]:
    """The row of a new job."""
    row = {"id": record.id, "tenant": record.tenant, "batch_id": None, "line": None, "custom_id": None}
    return {
        **row,
        "state": state.value,
        "attempts": 0,
        "crashes": 0,
        "due_at": 0,
        "portion": None,
        "counted": 1,
        **more,
    }


def _batch_of(connection: Connection, job: GradeId) -> RowMapping | None:
    """The batch of a job, locked while its budget is looked at."""
    row = connection.execute(_BATCH, {"job": job}).mappings().first()
    if row is None or row["max_cost_usd"] is None:
        return row
    locked = select(BATCHES).where(BATCHES.c.id == row["id"]).with_for_update()
    return connection.execute(locked).mappings().first()


def _refusal(batch: RowMapping | None, attempts: int) -> Reason | None:
    """Why a job is not begun after all."""
    if attempts > MOST_ATTEMPTS:
        return CRASHED
    return CANCELLED if batch is not None and batch["status"] != BatchStatus.IN_PROGRESS.value else None


def _fits_the_budget(connection: Connection, batch: RowMapping, job: GradeId, now: int) -> bool:
    """Whether the budget has room for this job beside those running; if not it waits for them, or all is stopped."""
    if batch["max_cost_usd"] is None:
        return True
    others = select(func.count()).where(
        JOBS.c.batch_id == batch["id"], JOBS.c.state == JobState.RUNNING.value, JOBS.c.id != job
    )
    running = connection.execute(others).scalar_one()
    spent = batch["cost_usd"] + batch_rows.uncounted_usd(connection, batch["id"])
    if spent + (running + 1) * batch["largest_usd"] <= batch["max_cost_usd"]:
        return True
    later = {"state": JobState.DUE.value, "portion": None, "due_at": now + LOOK_AGAIN, "attempts": JOBS.c.attempts - 1}
    connection.execute(update(JOBS).where(JOBS.c.id == job).values(**later))
    if not running:
        batch_rows.stop(connection, batch["id"], BUDGET_EXHAUSTED, now)
    return False


def _something_to_feed(connection: Connection, now: int) -> bool:
    due = select(JOBS.c.id).where(JOBS.c.state == JobState.DUE.value, JOBS.c.due_at <= now).limit(1)
    return connection.execute(due).first() is not None or bool(_unfed(connection))


def _fed(
    connection: Connection, room: int, size: int, now: int, new_id: Callable[[], PortionId]
) -> tuple[Portion, ...]:
    if not _alone(connection):
        return ()
    batches = _unfed(connection)
    tenants = sorted({*_tenants_due(connection), *(batch["tenant"] for batch in batches)})
    out = _out_by_tenant(connection)
    share = max(1, room // max(1, len(tenants)))
    portions: list[Portion] = []
    for tenant in tenants:
        jobs = _due_jobs(connection, tenant, share - out.get(tenant, 0), now)
        for batch in batches:
            if batch["tenant"] == tenant:
                jobs += _next_items(connection, batch, share - out.get(tenant, 0) - len(jobs))
        portions += [_portion(connection, Tenant(tenant), ids, new_id()) for ids in _cut(jobs, size)]
    return tuple(portions)


def _alone(connection: Connection) -> bool:
    """Whether no other process is feeding; SQLite makes it wait instead."""
    if connection.dialect.name == "sqlite":
        begin_immediate(connection)
        return True
    return bool(connection.execute(text("SELECT pg_try_advisory_xact_lock(:key)"), {"key": _FEEDING}).scalar())


def _unfed(connection: Connection) -> Sequence[RowMapping]:
    wanted = select(BATCHES.c.id, BATCHES.c.tenant).where(
        BATCHES.c.status == BatchStatus.IN_PROGRESS.value, BATCHES.c.fed < BATCHES.c.total, BATCHES.c.held == 0
    )
    return connection.execute(wanted.order_by(BATCHES.c.created_at)).mappings().all()


def _tenants_due(connection: Connection) -> Iterable[str]:
    """The tenants with due jobs, jumping from one to the next through the index, however many jobs each has."""
    last: str | None = ""
    while last is not None:
        after = select(func.min(JOBS.c.tenant)).where(JOBS.c.state == JobState.DUE.value, JOBS.c.tenant > last)
        last = connection.execute(after).scalar()
        if last is not None:
            yield last


def _out_by_tenant(connection: Connection) -> dict[str, int]:
    wanted = select(JOBS.c.tenant, func.count().label("out")).where(JOBS.c.state.in_(_BEGUN)).group_by(JOBS.c.tenant)
    return {row.tenant: row.out for row in connection.execute(wanted)}


def _due_jobs(connection: Connection, tenant: str, most: int, now: int) -> list[str]:
    if most <= 0:
        return []
    due = (JOBS.c.state == JobState.DUE.value) & (JOBS.c.tenant == tenant) & (JOBS.c.due_at <= now)
    return list(connection.execute(select(JOBS.c.id).where(due).order_by(JOBS.c.due_at).limit(most)).scalars())


def _next_items(connection: Connection, batch: RowMapping, most: int) -> list[str]:
    if most <= 0:
        return []
    waiting = (JOBS.c.batch_id == batch["id"]) & (JOBS.c.state == JobState.WAITING.value)
    ids = list(connection.execute(select(JOBS.c.id).where(waiting).order_by(JOBS.c.line).limit(most)).scalars())
    fed = update(BATCHES).where(BATCHES.c.id == batch["id"]).values(fed=BATCHES.c.fed + len(ids))
    connection.execute(fed)
    return ids


def _cut(jobs: list[str], size: int) -> list[list[str]]:
    return [jobs[start : start + size] for start in range(0, len(jobs), size)]


def _portion(connection: Connection, tenant: Tenant, jobs: Sequence[str], portion: PortionId) -> Portion:
    change = update(JOBS).where(JOBS.c.id.in_(jobs)).values(state=JobState.QUEUED.value, portion=portion)
    connection.execute(change)
    return Portion(id=portion, tenant=tenant)
