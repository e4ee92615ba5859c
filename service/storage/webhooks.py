"""Webhook endpoints and their deliveries, as the API sees them."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, RowMapping, Select, delete, func, insert, or_, select, update

from service.ports import InvalidCursor
from service.records import Tenant
from service.storage.database import Database, micros, moment
from service.storage.outbox import write
from service.storage.webhook_tables import WEBHOOK_DELIVERIES, WEBHOOK_ENDPOINTS
from service.webhook_records import Delivery, DeliveryId, DeliveryPage, DeliveryStatus, Endpoint, EndpointId

_CURSOR = re.compile(r"whd_[0-9A-HJKMNP-TV-Z]{26}")
PENDING = WEBHOOK_DELIVERIES.c.status == DeliveryStatus.PENDING.value


class SqlEndpointStore:
    """Implements :class:`service.webhook_ports.EndpointStore`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, endpoint: Endpoint, most: int) -> bool:
        """Keep an endpoint unless its tenant has its full number."""
        mine = select(func.count()).where(WEBHOOK_ENDPOINTS.c.tenant == endpoint.tenant)

        def work(connection: Connection) -> bool:
            if connection.execute(mine).scalar_one() >= most:
                return False
            connection.execute(insert(WEBHOOK_ENDPOINTS), _endpoint_values(endpoint))
            return True

        return await self._database.write(work)

    async def endpoints(self, tenant: Tenant) -> tuple[Endpoint, ...]:
        """A tenant's endpoints, the oldest first."""
        wanted = select(WEBHOOK_ENDPOINTS).where(WEBHOOK_ENDPOINTS.c.tenant == tenant).order_by(WEBHOOK_ENDPOINTS.c.id)

        def work(connection: Connection) -> tuple[Endpoint, ...]:
            return tuple(endpoint_of(row) for row in connection.execute(wanted).mappings())

        return await self._database.read(work)

    async def endpoint(self, tenant: Tenant, endpoint_id: EndpointId) -> Endpoint | None:
        """One endpoint of this tenant."""
        return await self._database.read(lambda connection: _found(connection, _endpoint(tenant, endpoint_id)))

    async def change(
        self, tenant: Tenant, endpoint_id: EndpointId, change: Callable[[Endpoint], Endpoint]
    ) -> Endpoint | None:
        """Replace an endpoint by what ``change`` makes of it."""
        wanted = _endpoint(tenant, endpoint_id).with_for_update()

        def work(connection: Connection) -> Endpoint | None:
            found = _found(connection, wanted)
            if found is None:
                return None
            changed = change(found)
            at = WEBHOOK_ENDPOINTS.c.id == endpoint_id
            connection.execute(update(WEBHOOK_ENDPOINTS).where(at).values(_endpoint_values(changed)))
            if not changed.enabled:
                end_pending(connection, endpoint_id)
            return changed

        return await self._database.write(work)

    async def remove(self, tenant: Tenant, endpoint_id: EndpointId) -> bool:
        """Remove an endpoint with its deliveries; events nobody waits for go with the next tidying."""
        mine = (WEBHOOK_ENDPOINTS.c.id == endpoint_id) & (WEBHOOK_ENDPOINTS.c.tenant == tenant)

        def work(connection: Connection) -> bool:
            if connection.execute(delete(WEBHOOK_ENDPOINTS).where(mine)).rowcount == 0:
                return False
            connection.execute(delete(WEBHOOK_DELIVERIES).where(WEBHOOK_DELIVERIES.c.endpoint_id == endpoint_id))
            return True

        return await self._database.write(work)

    async def deliveries(
        self, tenant: Tenant, endpoint_id: EndpointId, status: DeliveryStatus | None, cursor: str | None, limit: int
    ) -> DeliveryPage:
        """Deliveries newest first."""
        if cursor is not None and not _CURSOR.fullmatch(cursor):
            raise InvalidCursor
        wanted = select(WEBHOOK_DELIVERIES).where(
            WEBHOOK_DELIVERIES.c.endpoint_id == endpoint_id, WEBHOOK_DELIVERIES.c.tenant == tenant
        )
        if status is not None:
            wanted = wanted.where(WEBHOOK_DELIVERIES.c.status == status.value)
        if cursor is not None:
            wanted = wanted.where(WEBHOOK_DELIVERIES.c.id < cursor)
        wanted = wanted.order_by(WEBHOOK_DELIVERIES.c.id.desc()).limit(limit + 1)

        def work(connection: Connection) -> DeliveryPage:
            found = [_delivery_of(row) for row in connection.execute(wanted).mappings()]
            more = len(found) > limit
            return DeliveryPage(deliveries=tuple(found[:limit]), next_cursor=found[limit - 1].id if more else None)

        return await self._database.read(work)

    async def replay(
        self, tenant: Tenant, endpoint_id: EndpointId, delivery_id: DeliveryId, now: datetime
    ) -> Delivery | None:
        """Make a delivery due now, attempts counted anew."""
        mine = (
            (WEBHOOK_DELIVERIES.c.id == delivery_id)
            & (WEBHOOK_DELIVERIES.c.endpoint_id == endpoint_id)
            & (WEBHOOK_DELIVERIES.c.tenant == tenant)
        )
        idle = or_(WEBHOOK_DELIVERIES.c.claimed_by.is_(None), ~PENDING)
        again = {"status": DeliveryStatus.PENDING.value, "attempts": 0, "due_at": micros(now), "claimed_by": None}

        def work(connection: Connection) -> Delivery | None:
            connection.execute(update(WEBHOOK_DELIVERIES).where(mine, idle).values(again))
            row = connection.execute(select(WEBHOOK_DELIVERIES).where(mine)).mappings().first()
            return _delivery_of(row) if row else None

        return await self._database.write(work)

    async def send_test(self, endpoint: Endpoint, now: datetime) -> Delivery:
        """Record a test event for this endpoint alone."""
        data = {"id": endpoint.id, "object": "webhook_endpoint", "status": "enabled"}

        def work(connection: Connection) -> Delivery:
            (made,) = write(connection, endpoint.tenant, [endpoint.id], "webhook.test", data, now)
            at = WEBHOOK_DELIVERIES.c.id == made
            return _delivery_of(connection.execute(select(WEBHOOK_DELIVERIES).where(at)).mappings().one())

        return await self._database.write(work)


def end_pending(connection: Connection, endpoint_id: str) -> None:
    """Move what is pending for a disabled endpoint to the dead list; what a sender holds follows when it is done."""
    waiting = PENDING & (WEBHOOK_DELIVERIES.c.endpoint_id == endpoint_id) & WEBHOOK_DELIVERIES.c.claimed_by.is_(None)
    dead = {"status": DeliveryStatus.DEAD.value, "last_error": "endpoint_disabled"}
    connection.execute(update(WEBHOOK_DELIVERIES).where(waiting).values(dead))


def endpoint_of(row: RowMapping) -> Endpoint:
    """An endpoint from its row."""
    return Endpoint.model_validate(
        {
            **row,
            "created_at": moment(row["created_at"]),
            "events": tuple(row["events"].split(",")),
            "enabled": bool(row["enabled"]),
            "previous_until": moment(row["previous_until"]),
        }
    )


def _endpoint(tenant: Tenant, endpoint_id: EndpointId) -> Select[Any]:
    return select(WEBHOOK_ENDPOINTS).where(WEBHOOK_ENDPOINTS.c.id == endpoint_id, WEBHOOK_ENDPOINTS.c.tenant == tenant)


def _found(connection: Connection, wanted: Select[Any]) -> Endpoint | None:
    row = connection.execute(wanted).mappings().first()
    return endpoint_of(row) if row else None


def _endpoint_values(endpoint: Endpoint) -> dict[str, Any]:
    return {
        **endpoint.model_dump(),
        "created_at": micros(endpoint.created_at),
        "events": ",".join(endpoint.events),
        "enabled": int(endpoint.enabled),
        "previous_until": micros(endpoint.previous_until) if endpoint.previous_until else None,
    }


def _delivery_of(row: RowMapping) -> Delivery:
    pending = row["status"] == DeliveryStatus.PENDING.value
    return Delivery(
        id=row["id"],
        endpoint=row["endpoint_id"],
        event=row["event_id"],
        kind=row["kind"],
        created_at=moment(row["created_at"]),
        status=row["status"],
        attempts=row["attempts"],
        next_attempt_at=moment(row["due_at"]) if pending else None,
        last_attempt_at=moment(row["last_attempt_at"]),
        last_status=row["last_status"],
        last_error=row["last_error"],
    )
