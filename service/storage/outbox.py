"""The outbox of webhooks: an event is written in the very transaction that makes it true, or not at all."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, insert, select
from ulid import ULID

from service.grading.grade import GradeStatus
from service.records import GradeRecord, Tenant
from service.storage.database import micros
from service.storage.webhook_tables import WEBHOOK_DELIVERIES, WEBHOOK_ENDPOINTS, WEBHOOK_EVENTS
from service.webhook_records import DeliveryStatus, EventData, EventKind

MAX_BODY = 16 * 1024
"""Bytes of an event; Standard Webhooks asks for less than 20 kB."""


def record(connection: Connection, tenant: Tenant, kind: EventKind, data: EventData, now: datetime) -> None:
    """Write an event for every enabled endpoint of the tenant that asked for its kind; nothing where there is none.

    Call it inside the transaction that makes the event true: both are kept, or neither.

    Args:
        connection: of that transaction.
        tenant: whose event it is.
        kind: the event's type.
        data: ``id``, ``object``, ``status`` and counts; never an answer, a question or a learner.
        now: when it happened.

    Raises:
        ValueError: the event is too large to be sent.
    """
    wanted = select(WEBHOOK_ENDPOINTS.c.id, WEBHOOK_ENDPOINTS.c.events).where(
        WEBHOOK_ENDPOINTS.c.tenant == tenant, WEBHOOK_ENDPOINTS.c.enabled == 1
    )
    endpoints = [row.id for row in connection.execute(wanted) if kind in row.events.split(",")]
    if endpoints:
        write(connection, tenant, endpoints, kind, data, now)


def record_grade(connection: Connection, grade: GradeRecord, now: datetime) -> None:
    """The events of a grade that has just been finished; none while it is in progress."""
    if grade.status is GradeStatus.IN_PROGRESS:
        return
    record_grade_status(connection, grade.tenant, grade.id, grade.status, now)


def record_grade_status(
    connection: Connection, tenant: Tenant, grade_id: str, status: GradeStatus, now: datetime
) -> None:
    """As :func:`record_grade`, for who has only the id."""
    record(connection, tenant, "grade.completed", _grade(grade_id, status), now)
    if status is GradeStatus.NEEDS_REVIEW:
        record_review_needed(connection, tenant, grade_id, now)


def record_review_needed(connection: Connection, tenant: Tenant, grade_id: str, now: datetime) -> None:
    """The event of a grade that asks for a person from now on: when it is finished, or after an appeal."""
    record(connection, tenant, "grade.review_needed", _grade(grade_id, GradeStatus.NEEDS_REVIEW), now)


def _grade(grade_id: str, status: GradeStatus) -> EventData:
    return {"id": grade_id, "object": "grade", "status": status.value}


def write(
    connection: Connection, tenant: Tenant, endpoints: Iterable[str], kind: EventKind, data: EventData, now: datetime
) -> list[str]:
    """Write an event for these endpoints; the ids of the deliveries."""
    event = {
        "id": f"evt_{ULID()}",
        "tenant": tenant,
        "kind": kind,
        "body": _body(kind, data, now),
        "created_at": micros(now),
    }
    rows = [_delivery(event, endpoint) for endpoint in endpoints]
    connection.execute(insert(WEBHOOK_EVENTS), event)
    connection.execute(insert(WEBHOOK_DELIVERIES), rows)
    return [row["id"] for row in rows]


def _body(kind: EventKind, data: EventData, now: datetime) -> str:
    moment = now.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    body = json.dumps({"type": kind, "timestamp": moment, "data": data}, separators=(",", ":"))
    if len(body) > MAX_BODY:
        raise ValueError(f"a webhook event has to be at most {MAX_BODY} bytes")
    return body


def _delivery(event: dict[str, Any], endpoint: str) -> dict[str, Any]:
    return {
        "id": f"whd_{ULID()}",
        "tenant": event["tenant"],
        "endpoint_id": endpoint,
        "event_id": event["id"],
        "kind": event["kind"],
        "created_at": event["created_at"],
        "status": DeliveryStatus.PENDING.value,
        "attempts": 0,
        "due_at": event["created_at"],
    }
