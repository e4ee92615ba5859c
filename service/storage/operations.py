"""Counting grades and jobs on SQL, by tenant and model.

Every number is read from one narrow index, never from the grades themselves, which are some ten kilobytes each.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, and_, case, func, select

from service.grading.grade import GradeStatus, UnscoredCriterion
from service.jobs import BatchStatus, JobState
from service.operations import Queue, Use
from service.records import GradeRecord, Tenant
from service.storage.database import Database, micros, moment
from service.storage.tables import BATCHES, GRADES, JOBS

MOST_MODEL_LETTERS = 200
_JOINED = " + "
_COACH = "coach"
_OF = (GRADES.c.tenant, GRADES.c.model)
_OPEN = tuple(state.value for state in JobState if state is not JobState.DONE)
_OPEN_BATCHES = (BatchStatus.IN_PROGRESS.value, BatchStatus.CANCELLING.value)

Key = tuple[str, str | None]


class SqlOperationsStore:
    """Implements :class:`service.operations.OperationsStore`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def use(self, tenant: Tenant | None, since: datetime) -> tuple[Use, ...]:
        """What became of answers sent since a moment, by tenant and model."""
        wanted = _finished(tenant, since)

        def work(connection: Connection) -> tuple[Use, ...]:
            ranks, errors = _ranks(connection, wanted), _errors(connection, wanted)
            rows = connection.execute(counts_of(tenant, since)).all()
            return tuple(
                Use(
                    tenant=Tenant(row.tenant),
                    model=row.model,
                    grades=row.grades,
                    ungraded=row.ungraded,
                    criteria=row.criteria,
                    unscored=row.unscored,
                    cost_usd=row.cost_usd,
                    unpriced=row.unpriced,
                    p50_ms=ranks[row.tenant, row.model][0],
                    p95_ms=ranks[row.tenant, row.model][1],
                    errors=errors[row.tenant, row.model],
                )
                for row in rows
            )

        return await self._database.read(work)

    async def queues(self, tenant: Tenant | None) -> tuple[Queue, ...]:
        """Who waits for workers, by tenant."""
        return await self._database.read(lambda connection: _queues(connection, tenant))


def operations_row(record: GradeRecord) -> dict[str, Any]:
    """What a grade's row holds for counting; all null while it is being made."""
    if record.grade is None:
        reason = record.reason
        return {**_NOTHING, "error": reason.code if reason else None}
    usage, criteria = record.usage, record.grade.criteria
    unscored = [item.reason.code for item in criteria if isinstance(item, UnscoredCriterion)]
    reason = record.grade.reason
    return {
        "model": _model(record),
        "latency_ms": usage.latency_ms if usage and usage.model_calls else None,
        "cost_usd": usage.cost_usd if usage else None,
        "criteria": sum(item.status != "not_applicable" for item in criteria),
        "unscored": len(unscored),
        "error": reason.code if reason else next(iter(unscored), None),
    }


_NOTHING = {"model": None, "latency_ms": None, "cost_usd": None, "criteria": 0, "unscored": 0, "error": None}


def _model(record: GradeRecord) -> str | None:
    models = record.grade.receipt.models if record.grade else ()
    judges = dict.fromkeys(model.requested for model in models if model.role != _COACH)
    return _JOINED.join(judges or dict.fromkeys(model.requested for model in models))[:MOST_MODEL_LETTERS] or None


def _finished(tenant: Tenant | None, since: datetime) -> ColumnElement[bool]:
    done = and_(GRADES.c.created_at >= micros(since), GRADES.c.status != GradeStatus.IN_PROGRESS.value)
    return done if tenant is None else and_(done, GRADES.c.tenant == tenant)


def counts_of(tenant: Tenant | None, since: datetime) -> Select[Any]:
    """The query behind most of :meth:`SqlOperationsStore.use`."""
    of = GRADES.c
    return (
        select(
            *_OF,
            func.count().label("grades"),
            func.sum(case((of.status == GradeStatus.UNGRADED.value, 1), else_=0)).label("ungraded"),
            func.coalesce(func.sum(of.criteria), 0).label("criteria"),
            func.coalesce(func.sum(of.unscored), 0).label("unscored"),
            func.coalesce(func.sum(of.cost_usd), 0.0).label("cost_usd"),
            func.sum(case((and_(of.model.is_not(None), of.cost_usd.is_(None)), 1), else_=0)).label("unpriced"),
        )
        .where(_finished(tenant, since))
        .group_by(*_OF)
        .order_by(of.tenant, func.count().desc())
    )


def _ranks(connection: Connection, wanted: ColumnElement[bool]) -> Mapping[Key, tuple[int | None, int | None]]:
    """The value at half and at 95 % of the times in order, each of the nearest rank."""
    of = GRADES.c
    ordered = (
        select(
            *_OF,
            of.latency_ms,
            func.row_number().over(partition_by=_OF, order_by=of.latency_ms).label("rank"),
            func.count().over(partition_by=_OF).label("n"),
        )
        .where(wanted, of.latency_ms.is_not(None))
        .subquery()
    )
    at = [case((ordered.c.rank * 100 >= ordered.c.n * percent, ordered.c.latency_ms)) for percent in (50, 95)]
    found = select(ordered.c.tenant, ordered.c.model, *(func.min(part) for part in at))
    rows = connection.execute(found.group_by(ordered.c.tenant, ordered.c.model)).all()
    return defaultdict(lambda: (None, None), {(row[0], row[1]): (row[2], row[3]) for row in rows})


def _errors(connection: Connection, wanted: ColumnElement[bool]) -> Mapping[Key, dict[str, int]]:
    found: defaultdict[Key, dict[str, int]] = defaultdict(dict)
    count = func.count().label("times")
    rows = select(*_OF, GRADES.c.error, count).where(wanted, GRADES.c.error.is_not(None))
    for row in connection.execute(rows.group_by(*_OF, GRADES.c.error).order_by(count.desc())):
        found[row.tenant, row.model][row.error] = row.times
    return found


def _queues(connection: Connection, tenant: Tenant | None) -> tuple[Queue, ...]:
    mine = JOBS.c.state.in_(_OPEN) if tenant is None else and_(JOBS.c.state.in_(_OPEN), JOBS.c.tenant == tenant)
    running = func.sum(case((JOBS.c.state == JobState.RUNNING.value, 1), else_=0))
    rows = select(JOBS.c.tenant, func.count().label("out"), running.label("running")).where(mine)
    oldest = _oldest(connection, mine)
    return tuple(
        Queue(Tenant(row.tenant), row.out - row.running, row.running, moment(oldest.get(row.tenant)))
        for row in connection.execute(rows.group_by(JOBS.c.tenant).order_by(JOBS.c.tenant))
    )


def _oldest(connection: Connection, mine: ColumnElement[bool]) -> dict[str, int]:
    """When each tenant's oldest open answer was sent: with its batch, or by itself."""
    alone = (
        select(JOBS.c.tenant, func.min(GRADES.c.created_at))
        .join_from(JOBS, GRADES, GRADES.c.id == JOBS.c.id)
        .where(mine, JOBS.c.batch_id.is_(None))
        .group_by(JOBS.c.tenant)
    )
    in_batches = (
        select(BATCHES.c.tenant, func.min(BATCHES.c.created_at))
        .where(BATCHES.c.status.in_(_OPEN_BATCHES))
        .group_by(BATCHES.c.tenant)
    )
    found: dict[str, int] = {}
    for tenant, at in [*connection.execute(alone), *connection.execute(in_batches)]:
        found[tenant] = min(at, found.get(tenant, at))
    return found
