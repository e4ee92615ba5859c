"""What several transactions do with a batch's rows: count a finished item, stop a batch, close one that is through."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence

from sqlalchemy import ColumnElement, Connection, case, func, select, update

from service.grading.grade import GradeStatus, Reason
from service.jobs import BatchStatus, JobState
from service.records import Tenant
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
_UNCOUNTED = (JOBS.c.counted == 0) & (JOBS.c.state == JobState.DONE.value)


def uncounted(connection: Connection) -> Sequence[str]:
    """The batches with finished jobs that their counts do not hold yet."""
    return connection.execute(select(JOBS.c.batch_id).where(_UNCOUNTED).distinct()).scalars().all()


def uncounted_usd(connection: Connection, batch_id: str) -> float:
    """The known cost of a batch's finished jobs that its cost does not hold yet."""
    wanted = select(func.sum(JOBS.c.cost_usd)).where(_UNCOUNTED, JOBS.c.batch_id == batch_id)
    return connection.execute(wanted).scalar() or 0.0


def count_finished(connection: Connection, batch_id: str, now: int) -> bool:
    """Bring a batch's counts and cost up to its finished jobs; True when that was the last of them."""
    row = connection.execute(select(BATCHES).where(BATCHES.c.id == batch_id).with_for_update()).mappings().first()
    taken = update(JOBS).where(_UNCOUNTED, JOBS.c.batch_id == batch_id).values(counted=1)
    done = connection.execute(taken.returning(JOBS.c.outcome, JOBS.c.cost_usd)).all()
    if row is None or not done:
        return False
    outcomes, costs = Counter(each.outcome for each in done), [each.cost_usd for each in done]
    known = [cost for cost in costs if cost is not None]
    change = {column.name: row[column.name] + outcomes[status.value] for status, column in _COLUMN.items()}
    change |= {
        "cost_usd": row["cost_usd"] + sum(known),
        "unpriced": row["unpriced"] + len(costs) - len(known),
        "largest_usd": max(row["largest_usd"], *known, 0.0),
    }
    connection.execute(update(BATCHES).where(BATCHES.c.id == batch_id).values(**change))
    return close_if_through(connection, batch_id, now)


def stop(connection: Connection, batch_id: str, reason: Reason, now: int) -> None:
    """End what has not begun as ungraded for a reason; what is being graded is finished and kept."""
    mine = JOBS.c.batch_id == batch_id
    begin_to_stop = update(BATCHES).where(BATCHES.c.id == batch_id, BATCHES.c.status.in_(_OPEN))
    connection.execute(begin_to_stop.values(status=BatchStatus.CANCELLING.value, reason=reason.model_dump_json()))
    end(connection, batch_id, mine & JOBS.c.state.in_(NOT_STARTED), reason, now)


def end(connection: Connection, batch_id: str | None, jobs: ColumnElement[bool], reason: Reason, now: int) -> None:
    """End some jobs (of one batch, if of any) as ungraded for a reason."""
    result = json.dumps({"reason": reason.model_dump()})
    connection.execute(select(JOBS.c.id).where(jobs).order_by(JOBS.c.id).with_for_update())
    of_jobs = (GRADES.c.status == GradeStatus.IN_PROGRESS.value) & GRADES.c.id.in_(select(JOBS.c.id).where(jobs))
    values = {"status": GradeStatus.UNGRADED.value, "result": result, "error": reason.code}
    connection.execute(update(GRADES).where(of_jobs).values(**values))
    ended = connection.execute(
        update(JOBS).where(jobs).values(state=JobState.DONE.value, portion=None, counted=1)
    ).rowcount
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
