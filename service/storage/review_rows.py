"""Reviews, appeals and the review queue as rows: statements that run inside somebody's transaction."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Connection, delete, insert, literal, select, union_all, update

from service.expiry import expired, expired_appeal, expired_review
from service.grading.grade import GradeStatus
from service.ports import GradeGone
from service.records import GradeRecord
from service.reviews import Appeal, AppealStatus, PersonReview, kind_of
from service.storage.database import Database, begin_writing, insert_once, micros, moment
from service.storage.tables import APPEALS, GRADES, REVIEW_QUEUE, REVIEWS


def with_people(connection: Connection, records: Sequence[GradeRecord]) -> tuple[GradeRecord, ...]:
    """The records with what people said on them, oldest first."""
    ids = [record.id for record in records if record.grade is not None]
    if not ids:
        return tuple(records)
    parts = (
        select(literal(table.name).label("kind"), table.c.grade_id, table.c.created_at, table.c.id, table.c.text).where(
            table.c.grade_id.in_(ids)
        )
        for table in (REVIEWS, APPEALS)
    )
    said: dict[tuple[str, str], list[str]] = defaultdict(list)
    for kind, grade_id, *_, text in connection.execute(union_all(*parts).order_by("created_at", "id")):
        said[kind, grade_id].append(text)
    return tuple(_with(record, said["reviews", record.id], said["appeals", record.id]) for record in records)


def _with(record: GradeRecord, reviews: Iterable[str], appeals: Iterable[str]) -> GradeRecord:
    return record.model_copy(
        update={
            "reviews": tuple(map(PersonReview.model_validate_json, reviews)),
            "appeals": tuple(map(Appeal.model_validate_json, appeals)),
        }
    )


def hold(connection: Connection, record: GradeRecord) -> GradeRecord:
    """Make others who write about this grade wait until the transaction ends, erasing and expiring included.

    Returns:
        the record, as it is once expired where its answer has expired since it was read.

    Raises:
        GradeGone: it was erased since.
    """
    begin_writing(connection)
    wanted = select(GRADES.c.expired_at).where(GRADES.c.id == record.id, GRADES.c.tenant == record.tenant)
    row = connection.execute(wanted.with_for_update()).first()
    if row is None:
        raise GradeGone
    return record if row.expired_at is None else expired(record, moment(row.expired_at))


def queue_new(database: Database, connection: Connection, record: GradeRecord) -> None:
    """Put a grade nobody has said anything on into the queue, if somebody has to look at it."""
    _put(database, connection, record, record.open_reasons, micros(record.created_at))


def settle(database: Database, connection: Connection, record: GradeRecord, now: int) -> None:
    """Bring a grade's place in the queue and its listed status in line with the grade and what people said.

    Args:
        database: where the connection leads.
        connection: of a transaction that writes.
        record: the grade with its reviews and appeals as they are in this transaction.
        now: microseconds; when reasons that are new were opened.
    """
    if record.standing not in (GradeStatus.GRADED, GradeStatus.NEEDS_REVIEW):
        return
    reasons = record.open_reasons
    mine = (REVIEW_QUEUE.c.tenant == record.tenant) & (REVIEW_QUEUE.c.grade_id == record.id)
    connection.execute(delete(REVIEW_QUEUE).where(mine, REVIEW_QUEUE.c.reason.not_in(reasons)))
    _put(database, connection, record, reasons, now)
    same = (GRADES.c.id == record.id) & (GRADES.c.tenant == record.tenant)
    connection.execute(update(GRADES).where(same).values(status=record.standing.value))


def _put(database: Database, connection: Connection, record: GradeRecord, reasons: Iterable[str], now: int) -> None:
    rows: list[dict[str, Any]] = [
        {"tenant": record.tenant, "grade_id": record.id, "reason": r, "kind": kind_of(r), "opened_at": now}
        for r in reasons
    ]
    if rows:
        insert_once(database, connection, REVIEW_QUEUE, rows)


def add_review(connection: Connection, record: GradeRecord, review: PersonReview) -> None:
    """Insert a review; without its words where the answer has expired."""
    review = expired_review(review) if record.expired else review
    connection.execute(
        insert(REVIEWS),
        {
            "id": review.id,
            "tenant": record.tenant,
            "grade_id": record.id,
            "created_at": micros(review.created_at),
            "text": review.model_dump_json(),
        },
    )


def appeal_values(record: GradeRecord, appeal: Appeal) -> dict[str, Any]:
    """An appeal as a row; without its words where the answer has expired."""
    appeal = expired_appeal(appeal) if record.expired else appeal
    return {
        "id": appeal.id,
        "tenant": record.tenant,
        "grade_id": record.id,
        "created_at": micros(appeal.created_at),
        "in_progress": int(appeal.status is AppealStatus.IN_PROGRESS),
        "text": appeal.model_dump_json(),
    }
