"""The review store on SQL: reviews and appeals beside the grades, and the queue of grades that wait for a person."""

from __future__ import annotations

import base64
import binascii
import re
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, RowMapping, Select, and_, delete, func, insert, or_, select, update

from service.grading.grade import GradeStatus, ScoredCriterion
from service.ports import GradeGone, InvalidCursor
from service.records import GradeId, GradeRecord, QueueItem, QueuePage, Tenant
from service.reviews import Appeal, AppealStatus, CriterionAgreement, PersonReview
from service.storage.database import EPOCH, Database, begin_writing, micros, moment
from service.storage.grades import SqlGradeStore
from service.storage.outbox import record_review_needed
from service.storage.review_rows import add_review, appeal_values, hold, settle, with_people
from service.storage.tables import APPEALS, REVIEW_QUEUE, REVIEWED_LEVELS

_CURSOR = re.compile(r"(\d{1,18}) (grd_[0-9A-Za-z]{1,60})")


class SqlReviewStore:
    """Implements :class:`service.ports.ReviewStore`. ``grades`` reads the records."""

    def __init__(self, database: Database, grades: SqlGradeStore) -> None:
        self._database = database
        self._grades = grades

    async def add_review(self, record: GradeRecord, review: PersonReview) -> GradeRecord:
        """Keep a review, take what it settles out of the queue, count its levels."""
        rows = _levels(record, review)
        named = REVIEWED_LEVELS.c.criterion.in_(list(review.levels))
        mine = (REVIEWED_LEVELS.c.tenant == record.tenant) & (REVIEWED_LEVELS.c.grade_id == record.id)

        def work(connection: Connection) -> GradeRecord:
            held = hold(connection, record)
            add_review(connection, held, review)
            connection.execute(delete(REVIEWED_LEVELS).where(mine & named))
            connection.execute(insert(REVIEWED_LEVELS), rows)
            return self._settled(connection, held, micros(review.created_at))

        return await self._database.write(work)

    async def open_appeal(self, record: GradeRecord, appeal: Appeal) -> GradeRecord | None:
        """Keep an appeal; the table takes one a grade."""

        def work(connection: Connection) -> GradeRecord | None:
            held = hold(connection, record)
            if connection.execute(select(APPEALS.c.id).where(APPEALS.c.grade_id == record.id)).first():
                return None
            connection.execute(insert(APPEALS), appeal_values(held, appeal))
            return self._settled(connection, held, micros(appeal.created_at))

        return await self._database.write(work)

    async def conclude(self, record: GradeRecord, appeal: Appeal) -> GradeRecord:
        """Keep what came of an appeal that is in progress."""
        change = update(APPEALS).where(APPEALS.c.id == appeal.id, APPEALS.c.in_progress == 1)

        def work(connection: Connection) -> GradeRecord:
            held = hold(connection, record)
            connection.execute(change.values(appeal_values(held, appeal)))
            return self._settled(connection, held, micros(appeal.created_at))

        return await self._database.write(work)

    async def give_up_appeals(self, detail: str, before: datetime) -> int:
        """Leave appeals whose second grading was cut short to a person."""
        stale = select(APPEALS).where(APPEALS.c.in_progress == 1, APPEALS.c.created_at < micros(before))

        def work(connection: Connection) -> int:
            begin_writing(connection)
            rows = connection.execute(stale).mappings().all()
            return sum(self._give_up(connection, row, detail) for row in rows)

        return await self._database.write(work)

    def _give_up(self, connection: Connection, row: RowMapping, detail: str) -> bool:
        """Give one up; False when its grade is being erased by somebody else."""
        for record in self._grades.records(connection, Tenant(row["tenant"]), [row["grade_id"]]):
            try:
                held = hold(connection, record)
            except GradeGone:
                return False
            appeal = Appeal.model_validate_json(row["text"])
            given_up = appeal.model_copy(update={"status": AppealStatus.UNDECIDED, "detail": detail})
            at = update(APPEALS).where(APPEALS.c.id == appeal.id)
            connection.execute(at.values(appeal_values(held, given_up)))
            self._settled(connection, held, row["created_at"])
            return True
        return False

    async def queue(self, tenant: Tenant, kind: str | None, cursor: str | None, limit: int) -> QueuePage:
        """Grades that wait for a person, oldest first."""
        mine = REVIEW_QUEUE.c.tenant == tenant
        if kind is not None:
            mine &= REVIEW_QUEUE.c.kind == kind
        page = _oldest(mine, _decode(cursor) if cursor else None).limit(limit + 1)
        count = select(func.count(REVIEW_QUEUE.c.grade_id.distinct())).where(mine)

        def work(connection: Connection) -> QueuePage:
            rows = connection.execute(page).mappings().all()
            return QueuePage(
                items=self._items(connection, tenant, rows[:limit]),
                next_cursor=_encode(rows[limit - 1]) if len(rows) > limit else None,
                waiting=connection.execute(count).scalar_one(),
            )

        return await self._database.read(work)

    def _items(self, connection: Connection, tenant: Tenant, rows: Sequence[RowMapping]) -> tuple[QueueItem, ...]:
        records = {r.id: r for r in self._grades.records(connection, tenant, [row["grade_id"] for row in rows])}
        return tuple(
            QueueItem(
                record=records[row["grade_id"]],
                opened_at=EPOCH + timedelta(microseconds=row["opened_at"]),
                reasons=records[row["grade_id"]].open_reasons,
            )
            for row in rows
            if row["grade_id"] in records
        )

    async def agreement(self, tenant: Tenant) -> tuple[int, tuple[CriterionAgreement, ...]]:
        """How many grades people reviewed, and how often each pair of levels occurred."""
        of = REVIEWED_LEVELS.c
        reviewed = select(func.count(of.grade_id.distinct())).where(of.tenant == tenant)
        both = (of.rubric_id, of.criterion, of.machine, of.person)
        pairs = select(*both, func.count()).where(of.tenant == tenant, of.machine.is_not(None)).group_by(*both)

        def work(connection: Connection) -> tuple[int, tuple[CriterionAgreement, ...]]:
            counts: dict[tuple[str, str], dict[tuple[int, int], int]] = defaultdict(dict)
            for rubric, criterion, machine, person, n in connection.execute(pairs):
                counts[rubric, criterion][machine, person] = n
            found = tuple(
                CriterionAgreement(rubric=rubric, criterion=criterion, counts=table)
                for (rubric, criterion), table in sorted(counts.items())
            )
            return connection.execute(reviewed).scalar_one(), found

        return await self._database.read(work)

    async def reviewed(self, tenant: Tenant, after: GradeId | None, limit: int) -> tuple[GradeRecord, ...]:
        """Reviewed grades in the order of their ids."""
        of = REVIEWED_LEVELS.c
        ids = select(of.grade_id).distinct().where(of.tenant == tenant, of.grade_id > (after or ""))
        page = ids.order_by(of.grade_id).limit(limit)

        def work(connection: Connection) -> tuple[GradeRecord, ...]:
            wanted = list(connection.execute(page).scalars())
            return self._grades.records(connection, tenant, wanted)

        return await self._database.read(work)

    def _settled(self, connection: Connection, record: GradeRecord, now: int) -> GradeRecord:
        current = with_people(connection, [record])[0]
        settle(self._database, connection, current, now)
        if current.standing is GradeStatus.NEEDS_REVIEW and record.standing is not GradeStatus.NEEDS_REVIEW:
            record_review_needed(connection, record.tenant, record.id, moment(now))
        return current


def _levels(record: GradeRecord, review: PersonReview) -> list[dict[str, Any]]:
    criteria = record.grade.criteria if record.grade else ()
    machine = {criterion.id: criterion.level for criterion in criteria if isinstance(criterion, ScoredCriterion)}
    return [
        {
            "tenant": record.tenant,
            "grade_id": record.id,
            "criterion": criterion,
            "rubric_id": record.request.rubric.id,
            "machine": machine.get(criterion),
            "person": level,
        }
        for criterion, level in review.levels.items()
    ]


def _oldest(mine: Any, after: tuple[int, str] | None) -> Select[Any]:
    opened = func.min(REVIEW_QUEUE.c.opened_at)
    query = select(REVIEW_QUEUE.c.grade_id, opened.label("opened_at")).where(mine).group_by(REVIEW_QUEUE.c.grade_id)
    if after is not None:
        moment, grade_id = after
        query = query.having(or_(opened > moment, and_(opened == moment, REVIEW_QUEUE.c.grade_id > grade_id)))
    return query.order_by(opened, REVIEW_QUEUE.c.grade_id)


def _encode(row: RowMapping) -> str:
    return base64.urlsafe_b64encode(f"{row['opened_at']} {row['grade_id']}".encode()).decode().rstrip("=")


def _decode(cursor: str) -> tuple[int, str]:
    try:
        raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True).decode("ascii")
    except (binascii.Error, ValueError):
        raise InvalidCursor from None
    match = _CURSOR.fullmatch(raw)
    if match is None:
        raise InvalidCursor
    return int(match[1]), match[2]
