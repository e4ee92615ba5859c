"""What webhook tests share: databases, a sender to loopback, endpoints."""

from __future__ import annotations

from datetime import datetime, timedelta
from random import Random

import pytest
import sqlalchemy as sa

from service.records import Tenant
from service.storage import Database, SqlDeliveryQueue, SqlEndpointStore
from service.storage.database import moment
from service.storage.outbox import record
from service.storage.webhook_tables import WEBHOOK_DELIVERIES
from service.telemetry import Metrics
from service.webhook_records import (
    SUBSCRIBABLE,
    Delivery,
    DeliveryStatus,
    Endpoint,
    EventData,
    EventKind,
    Subscribable,
)
from service.webhooks.addresses import AddressPolicy
from service.webhooks.courier import Courier
from service.webhooks.endpoints import Webhooks
from service.webhooks.lanes import Lanes
from service.webhooks.signing import Signer
from service.webhooks.transport import SystemResolver, Transport
from tests.clock import HeldClock
from tests.storage.conftest import database, postgres, url

__all__ = ["database", "postgres", "url"]
MINE = Tenant("mine")
DATA: EventData = {"id": "grd_1", "object": "grade", "status": "graded"}


class Post:
    """A tenant with webhooks: register, record, send, look."""

    def __init__(self, database: Database, *, seconds: float = 5.0, clock: HeldClock | None = None) -> None:
        self.database = database
        self.clock = clock or HeldClock()
        self.transport = Transport(AddressPolicy(allow_private=True), SystemResolver(), seconds=seconds)
        self.signer = Signer(b"a secret for tests")
        self.store = SqlEndpointStore(database)
        self.queue = SqlDeliveryQueue(database)
        self.webhooks = Webhooks(self.store, self.transport.vetted, self.signer, self.clock)
        self.courier = self.sender()

    def sender(self, lanes: Lanes | None = None) -> Courier:
        """One more sender on the same database."""
        return Courier(
            self.queue,
            self.transport,
            self.signer,
            self.clock,
            Metrics(),
            random=Random(7),
            lanes=lanes or Lanes(),
            stop_seconds=0.1,
        )

    async def register(
        self, url: str, events: tuple[Subscribable, ...] = SUBSCRIBABLE, tenant: Tenant = MINE
    ) -> tuple[Endpoint, str]:
        """A new endpoint and its secret."""
        return await self.webhooks.register(tenant, url, events, "")

    async def record(self, kind: EventKind = "grade.completed", data: EventData = DATA, tenant: Tenant = MINE) -> None:
        """An event, in a transaction of its own."""
        await self.database.write(lambda connection: record(connection, tenant, kind, data, self.clock.now()))

    async def deliveries(self, endpoint: Endpoint, status: DeliveryStatus | None = None) -> tuple[Delivery, ...]:
        """Up to a hundred deliveries of an endpoint, the newest first."""
        return (await self.store.deliveries(endpoint.tenant, endpoint.id, status, None, 100)).deliveries

    async def delivery(self, endpoint: Endpoint) -> Delivery:
        """The only one."""
        (only,) = await self.deliveries(endpoint)
        return only

    async def send_until_idle(
        self, most: timedelta = timedelta(days=5), step: timedelta = timedelta(0)
    ) -> list[timedelta]:
        """Let time pass until nothing is pending; when something was sent, from the start.

        It passes from one due attempt to the next, or by ``step`` where that is longer.
        """
        started, moments = self.clock.now(), []
        while self.clock.now() - started <= most:
            if await self.courier.send_due():
                moments.append(self.clock.now() - started)
            waiting = await self.database.read(_next_due)
            if waiting is None:
                return moments
            self.clock.time = max(self.clock.time + step, waiting)
        raise AssertionError("it never ends")


def _next_due(connection: sa.Connection) -> datetime | None:
    due, status = WEBHOOK_DELIVERIES.c.due_at, WEBHOOK_DELIVERIES.c.status
    return moment(connection.execute(sa.select(sa.func.min(due)).where(status == "pending")).scalar())


@pytest.fixture
def post(database: Database) -> Post:
    """A tenant with webhooks on a fresh database."""
    return Post(database)
