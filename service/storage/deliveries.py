"""Handing deliveries to senders: each to one at a time, by a lease in the database.

Claiming goes endpoint by endpoint, a few from each, so that one endpoint's backlog hides nobody else's event, and
costs one index look-up an endpoint however long the backlogs are.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import partial

from sqlalchemy import Connection, delete, exists, func, select, update

from service.storage.database import Database, micros
from service.storage.webhook_tables import WEBHOOK_DELIVERIES, WEBHOOK_ENDPOINTS, WEBHOOK_EVENTS
from service.storage.webhooks import PENDING, end_pending, endpoint_of
from service.webhook_records import Claimed, DeliveryId, DeliveryStatus, EndpointId, Room, Verdict

FORGET_AT_ONCE = 1_000


class SqlDeliveryQueue:
    """Implements :class:`service.webhook_ports.DeliveryQueue`: a lease ends at ``due_at``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def claim(self, owner: str, now: datetime, until: datetime, room: Room) -> tuple[Claimed, ...]:
        """Take what is due and fits; the database is written to only where something is due."""
        endpoints = await self._database.read(lambda connection: _due_endpoints(connection, now, room))
        if not endpoints:
            return ()

        def work(connection: Connection) -> tuple[Claimed, ...]:
            taken: list[str] = []
            of_troubled = 0
            for endpoint in endpoints:
                if most := room.most(endpoint, len(taken), of_troubled):
                    more = _take(connection, endpoint, owner, (micros(now), micros(until)), most)
                    of_troubled += len(more) if endpoint in room.troubled else 0
                    taken += more
            return _claimed(connection, taken)

        return await self._database.write(work)

    async def settle(self, owner: str, delivery: DeliveryId, verdict: Verdict) -> bool:
        """Write down what became of a claimed delivery."""
        at = micros(verdict.at)
        values = {
            "status": verdict.status.value,
            "claimed_by": None,
            "due_at": micros(verdict.due) if verdict.due else at,
            "last_attempt_at": at,
            "last_status": verdict.code,
            "last_error": verdict.error,
        }
        held = (WEBHOOK_DELIVERIES.c.id == delivery) & (WEBHOOK_DELIVERIES.c.claimed_by == owner)
        change = update(WEBHOOK_DELIVERIES).where(held).values(values).returning(WEBHOOK_DELIVERIES.c.endpoint_id)

        def work(connection: Connection) -> bool:
            endpoint = connection.execute(change).scalar()
            if endpoint is not None and verdict.disable:
                off = {"enabled": 0, "disabled_reason": verdict.disable}
                connection.execute(update(WEBHOOK_ENDPOINTS).where(WEBHOOK_ENDPOINTS.c.id == endpoint).values(off))
                end_pending(connection, endpoint)
            return endpoint is not None

        return await self._database.write(work)

    async def give_back(self, owner: str, now: datetime) -> int:
        """Make everything an owner holds due again."""
        free = {"claimed_by": None, "due_at": micros(now), "attempts": WEBHOOK_DELIVERIES.c.attempts - 1}
        change = update(WEBHOOK_DELIVERIES).where(WEBHOOK_DELIVERIES.c.claimed_by == owner).values(free)
        return await self._database.write(lambda connection: connection.execute(change).rowcount)

    async def forget(self, *, delivered_before: datetime, dead_before: datetime) -> int:
        """Delete old deliveries, and events without any, a thousand a transaction."""
        ages = {
            DeliveryStatus.DELIVERED: delivered_before,
            DeliveryStatus.DEAD: dead_before,
            DeliveryStatus.PENDING: dead_before,  # written while their endpoint was being removed
        }
        gone = 0
        for status, before in ages.items():
            while some := await self._database.write(partial(_forget_deliveries, status, before)):
                gone += some
        while await self._database.write(partial(_forget_events, delivered_before)):
            pass
        return gone


def _due_endpoints(connection: Connection, now: datetime, room: Room) -> Sequence[EndpointId]:
    """The endpoints that have room and something due, the longest waiting first."""
    first_due = (
        select(func.min(WEBHOOK_DELIVERIES.c.due_at))
        .where(WEBHOOK_DELIVERIES.c.endpoint_id == WEBHOOK_ENDPOINTS.c.id, PENDING)
        .scalar_subquery()
    )
    wanted = (
        select(WEBHOOK_ENDPOINTS.c.id)
        .where(WEBHOOK_ENDPOINTS.c.id.not_in(room.full()), first_due <= micros(now))
        .order_by(first_due)
        .limit(room.total)
    )
    return [EndpointId(row) for row in connection.execute(wanted).scalars()]


def _take(connection: Connection, endpoint: EndpointId, owner: str, lease: tuple[int, int], most: int) -> list[str]:
    """Claim the longest due deliveries of an endpoint.

    The condition is repeated in the update: on SQLite, where there are no row locks, it alone makes a claim exclusive.
    """
    now, until = lease
    due = PENDING & (WEBHOOK_DELIVERIES.c.endpoint_id == endpoint) & (WEBHOOK_DELIVERIES.c.due_at <= now)
    picked = (
        select(WEBHOOK_DELIVERIES.c.id)
        .where(due)
        .order_by(WEBHOOK_DELIVERIES.c.due_at, WEBHOOK_DELIVERIES.c.id)
        .limit(most)
        .with_for_update(skip_locked=True)
    )
    ids = connection.execute(picked).scalars().all()
    change = (
        update(WEBHOOK_DELIVERIES)
        .where(WEBHOOK_DELIVERIES.c.id.in_(ids), due)
        .values(claimed_by=owner, due_at=until, attempts=WEBHOOK_DELIVERIES.c.attempts + 1)
        .returning(WEBHOOK_DELIVERIES.c.id)
    )
    return list(connection.execute(change).scalars()) if ids else []


def _claimed(connection: Connection, ids: list[str]) -> tuple[Claimed, ...]:
    if not ids:
        return ()
    deliveries, events = WEBHOOK_DELIVERIES, WEBHOOK_EVENTS
    wanted = (
        select(
            deliveries.c.id.label("delivery"),
            deliveries.c.attempts,
            deliveries.c.event_id,
            events.c.body,
            deliveries.c.endpoint_id,
        )
        .join(events, events.c.id == deliveries.c.event_id)
        .where(deliveries.c.id.in_(ids))
        .order_by(deliveries.c.id)
    )
    rows = connection.execute(wanted).mappings().all()
    at = WEBHOOK_ENDPOINTS.c.id.in_({row["endpoint_id"] for row in rows})
    endpoints = {
        row["id"]: endpoint_of(row) for row in connection.execute(select(WEBHOOK_ENDPOINTS).where(at)).mappings()
    }
    return tuple(
        Claimed(
            delivery=row["delivery"],
            attempts=row["attempts"],
            endpoint=endpoints[row["endpoint_id"]],
            event=row["event_id"],
            body=row["body"],
        )
        for row in rows
        if row["endpoint_id"] in endpoints
    )


def _forget_deliveries(status: DeliveryStatus, before: datetime, connection: Connection) -> int:
    old = (
        select(WEBHOOK_DELIVERIES.c.id)
        .where(WEBHOOK_DELIVERIES.c.status == status.value, WEBHOOK_DELIVERIES.c.created_at < micros(before))
        .limit(FORGET_AT_ONCE)
    )
    return connection.execute(delete(WEBHOOK_DELIVERIES).where(WEBHOOK_DELIVERIES.c.id.in_(old))).rowcount


def _forget_events(before: datetime, connection: Connection) -> int:
    waited_for = exists().where(WEBHOOK_DELIVERIES.c.event_id == WEBHOOK_EVENTS.c.id)
    old = (
        select(WEBHOOK_EVENTS.c.id)
        .where(WEBHOOK_EVENTS.c.created_at < micros(before), ~waited_for)
        .limit(FORGET_AT_ONCE)
    )
    return connection.execute(delete(WEBHOOK_EVENTS).where(WEBHOOK_EVENTS.c.id.in_(old))).rowcount
