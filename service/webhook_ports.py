"""The ports of webhooks: where endpoints are kept, and what hands deliveries to senders."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Protocol

from service.records import Tenant
from service.webhook_records import (
    Claimed,
    Delivery,
    DeliveryId,
    DeliveryPage,
    DeliveryStatus,
    Endpoint,
    EndpointId,
    Room,
    Verdict,
)


class EndpointStore(Protocol):
    """Keeps webhook endpoints and shows their deliveries.

    Raises (every method):
        StoreUnavailable: the transaction could not be done.
    """

    async def add(self, endpoint: Endpoint, most: int) -> bool:
        """Keep an endpoint; False when its tenant has ``most`` already."""

    async def endpoints(self, tenant: Tenant) -> tuple[Endpoint, ...]:
        """A tenant's endpoints, the oldest first."""

    async def endpoint(self, tenant: Tenant, endpoint_id: EndpointId) -> Endpoint | None:
        """One endpoint; None when it is unknown or another tenant's."""

    async def change(
        self, tenant: Tenant, endpoint_id: EndpointId, change: Callable[[Endpoint], Endpoint]
    ) -> Endpoint | None:
        """Replace an endpoint by what ``change`` makes of it, in one transaction; what is pending dies if disabled."""

    async def remove(self, tenant: Tenant, endpoint_id: EndpointId) -> bool:
        """Remove an endpoint with its deliveries; False when there is none."""

    async def deliveries(
        self, tenant: Tenant, endpoint_id: EndpointId, status: DeliveryStatus | None, cursor: str | None, limit: int
    ) -> DeliveryPage:
        """Deliveries newest first.

        Raises:
            InvalidCursor: the cursor is not one of ours.
        """

    async def replay(
        self, tenant: Tenant, endpoint_id: EndpointId, delivery_id: DeliveryId, now: datetime
    ) -> Delivery | None:
        """Make a delivery due now, attempts counted anew; one that is being sent this moment is left alone."""

    async def send_test(self, endpoint: Endpoint, now: datetime) -> Delivery:
        """Record a ``webhook.test`` event for this endpoint alone."""


class DeliveryQueue(Protocol):
    """Hands deliveries to senders, each to one at a time.

    Raises (every method):
        StoreUnavailable: the transaction could not be done.
    """

    async def claim(self, owner: str, now: datetime, until: datetime, room: Room) -> tuple[Claimed, ...]:
        """Take what is due and fits, until then for nobody else; the longest due first."""

    async def settle(self, owner: str, delivery: DeliveryId, verdict: Verdict) -> bool:
        """Write down what became of a claimed delivery; False when this owner does not hold it any more."""

    async def give_back(self, owner: str, now: datetime) -> int:
        """Make everything an owner holds due again, the attempts not counted; returns how many."""

    async def forget(self, *, delivered_before: datetime, dead_before: datetime) -> int:
        """Delete old deliveries, and events without any; returns how many deliveries."""
