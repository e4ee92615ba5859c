"""What several transactions do with a batch's rows: count a finished item, stop a batch, close one that is through."""

from __future__ import annotations

import json

from sqlalchemy import ColumnElement, Connection, Float, Integer, bindparam, case, select, update

from service.grading.grade import GradeStatus, Reason
from service.jobs import BatchStatus, JobState
from service.records import GradeRecord, Tenant
from service.storage import outbox
from service.storage.database import moment
from service.storage.tables import BATCHES, GRADES, JOBS
from service.webhook_records import EventData

NOT_STARTED = (JobState.WAITING.value, JobState.DUE.value, JobState.QUEUED.value)
_COUNTS = (BATCHES.c.total, BATCHES.c.graded, BATCHES.c.needs_review, BATCHES.c.ungraded)
_OPEN = (BatchStatus.IN_PROGRESS.value, BatchStatus.CANCELLING.value)
_COLUMN = {
    GradeStatus.GRADED: BATCHES.c.graded,
    GradeStatus.NEEDS_REVIEW: BATCHES.c.needs_review,
    GradeStatus.UNGRADED: BATCHES.c.ungraded,
}
_DONE = BATCHES.c.graded + BATCHES.c.needs_review + BATCHES.c.ungraded
_COST = bindparam("cost", type_=Float)
_COUNT = {
    status: update(BATCHES)
    .where(BATCHES.c.id == bindparam("batch"))
    .values(
        {
            column: column + 1,
            BATCHES.c.cost_usd: BATCHES.c.cost_usd + _COST,
            BATCHES.c.unpriced: BATCHES.c.unpriced + bindparam("unknown", type_=Integer),
            BATCHES.c.largest_usd: case((BATCHES.c.largest_usd < _COST, _COST), else_=BATCHES.c.largest_usd),
        }
    )
    .returning(BATCHES.c.total <= _DONE)
    for status, column in _COLUMN.items()
}


def count_finished(connection: Connection, batch_id: str, record: GradeRecord, now: int) -> bool:
    """Add one finished item to its batch; True when that was the last."""
    cost = record.usage.cost_usd if record.usage else 0.0
    counted = {"batch": batch_id, "cost": cost or 0.0, "unknown": int(cost is None)}
    through = connection.execute(_COUNT[record.status], counted).scalar()
    return bool(through) and close_if_through(connection, batch_id, now)


def stop(connection: Connection, batch_id: str, reason: Reason, now: int) -> None:
    """End what has not begun as ungraded for a reason; what is being graded is finished and kept."""
    mine = JOBS.c.batch_id == batch_id
    begin_to_stop = update(BATCHES).where(BATCHES.c.id == batch_id, BATCHES.c.status.in_(_OPEN))
    connection.execute(begin_to_stop.values(status=BatchStatus.CANCELLING.value, reason=reason.model_dump_json()))
    end(connection, batch_id, mine & JOBS.c.state.in_(NOT_STARTED), reason, now)


def end(connection: Connection, batch_id: str | None, jobs: ColumnElement[bool], reason: Reason, now: int) -> None:
    """End some jobs (of one batch, if of any) as ungraded for a reason."""
    result = json.dumps({"reason": reason.model_dump()})
    of_jobs = (GRADES.c.status == GradeStatus.IN_PROGRESS.value) & GRADES.c.id.in_(select(JOBS.c.id).where(jobs))
    connection.execute(update(GRADES).where(of_jobs).values(status=GradeStatus.UNGRADED.value, result=result))
    ended = connection.execute(update(JOBS).where(jobs).values(state=JobState.DONE.value, portion=None)).rowcount
    if batch_id is not None:
        more = {"ungraded": BATCHES.c.ungraded + ended}
        connection.execute(update(BATCHES).where(BATCHES.c.id == batch_id).values(**more))
        close_if_through(connection, batch_id, now)


def close_if_through(connection: Connection, batch_id: str, now: int) -> bool:
    """Close a batch with nothing left to do; True in the one transaction that closes it."""
    of = BATCHES.c
    through = (of.id == batch_id) & of.status.in_(_OPEN) & (of.total <= _DONE)
    closed = case(
        (of.status == BatchStatus.CANCELLING.value, BatchStatus.CANCELLED.value), else_=BatchStatus.COMPLETED.value
    )
    change = update(BATCHES).where(through).values(status=closed, finished_at=now)
    row = connection.execute(change.returning(of.tenant, of.status, *_COUNTS)).mappings().first()
    if row is None:
        return False
    counts = {column.name: row[column.name] for column in _COUNTS}
    data: EventData = {"id": batch_id, "object": "batch", "status": row["status"], "counts": counts}
    outbox.record(connection, Tenant(row["tenant"]), "batch.completed", data, moment(now))
    return True
