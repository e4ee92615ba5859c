"""What a tenant can do with webhooks: register endpoints, rotate secrets, look at deliveries, replay, test."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Any

from ulid import ULID

from service.ports import Clock
from service.records import Tenant
from service.webhook_ports import EndpointStore
from service.webhook_records import (
    Delivery,
    DeliveryId,
    DeliveryPage,
    DeliveryStatus,
    Endpoint,
    EndpointId,
    Subscribable,
)
from service.webhooks.signing import ROTATION, Signer

MOST_ENDPOINTS = 16


class TooManyEndpoints(Exception):
    """The tenant has as many endpoints as it may."""


class EndpointDisabled(Exception):
    """Nothing is sent to this endpoint until it is enabled again."""


@dataclass(frozen=True, slots=True)
class EndpointChange:
    """What to change; None leaves a part as it is."""

    url: str | None = None
    events: tuple[Subscribable, ...] | None = None
    description: str | None = None
    enabled: bool | None = None


@dataclass(frozen=True, slots=True)
class Webhooks:
    """The endpoints of all tenants. Every method takes the tenant; another's things look like none.

    Attributes:
        vetted: the checked form of a URL; raises UrlRefused.
    """

    store: EndpointStore
    vetted: Callable[[str], Awaitable[str]]
    signer: Signer
    clock: Clock

    async def register(
        self, tenant: Tenant, url: str, events: tuple[Subscribable, ...], description: str
    ) -> tuple[Endpoint, str]:
        """A new endpoint and its secret, which is not shown again.

        Raises:
            UrlRefused: the URL is not one webhooks are sent to.
            TooManyEndpoints: the tenant has its full number.
        """
        endpoint_id = EndpointId(f"whe_{ULID()}")
        endpoint = Endpoint(
            id=endpoint_id,
            tenant=tenant,
            created_at=self.clock.now(),
            url=await self.vetted(url),
            events=events,
            description=description,
            enabled=True,
            disabled_reason=None,
            seed=self.signer.new_seed(endpoint_id),
            previous_seed=None,
            previous_until=None,
        )
        if not await self.store.add(endpoint, MOST_ENDPOINTS):
            raise TooManyEndpoints
        return endpoint, self.signer.secret(endpoint.id, endpoint.seed)

    async def endpoints(self, tenant: Tenant) -> tuple[Endpoint, ...]:
        """All endpoints of a tenant, the oldest first."""
        return await self.store.endpoints(tenant)

    async def endpoint(self, tenant: Tenant, endpoint_id: EndpointId) -> Endpoint | None:
        """One endpoint, or None."""
        return await self.store.endpoint(tenant, endpoint_id)

    async def change(self, tenant: Tenant, endpoint_id: EndpointId, change: EndpointChange) -> Endpoint | None:
        """Change an endpoint; None when there is no such endpoint.

        Disabling moves what is pending to the dead list, from where it can be replayed.

        Raises:
            UrlRefused: the new URL is not one webhooks are sent to.
        """
        if change.url is not None:
            change = replace(change, url=await self.vetted(change.url))
        return await self.store.change(tenant, endpoint_id, lambda endpoint: _changed(endpoint, change))

    async def remove(self, tenant: Tenant, endpoint_id: EndpointId) -> bool:
        """Remove an endpoint and all its deliveries; False when there is none."""
        return await self.store.remove(tenant, endpoint_id)

    async def rotate(self, tenant: Tenant, endpoint_id: EndpointId) -> tuple[Endpoint, str] | None:
        """Give an endpoint a new secret; the one before signs beside it for 24 hours."""
        seed = self.signer.new_seed(endpoint_id)
        until = self.clock.now() + ROTATION

        def rotated(endpoint: Endpoint) -> Endpoint:
            return endpoint.model_copy(update={"seed": seed, "previous_seed": endpoint.seed, "previous_until": until})

        endpoint = await self.store.change(tenant, endpoint_id, rotated)
        return (endpoint, self.signer.secret(endpoint.id, seed)) if endpoint else None

    async def deliveries(
        self, tenant: Tenant, endpoint_id: EndpointId, status: DeliveryStatus | None, cursor: str | None, limit: int
    ) -> DeliveryPage | None:
        """Deliveries of an endpoint, newest first; None when there is no such endpoint.

        Raises:
            InvalidCursor: the cursor is not one of ours.
        """
        if await self.store.endpoint(tenant, endpoint_id) is None:
            return None
        return await self.store.deliveries(tenant, endpoint_id, status, cursor, limit)

    async def replay(self, tenant: Tenant, endpoint_id: EndpointId, delivery_id: DeliveryId) -> Delivery | None:
        """Send a delivery again now, under the same id, with the whole schedule before it; None when there is none.

        Raises:
            EndpointDisabled: enable the endpoint first.
        """
        endpoint = await self.store.endpoint(tenant, endpoint_id)
        if endpoint is not None and not endpoint.enabled:
            raise EndpointDisabled
        return await self.store.replay(tenant, endpoint_id, delivery_id, self.clock.now())

    async def test(self, tenant: Tenant, endpoint_id: EndpointId) -> Delivery | None:
        """Send an event of type ``webhook.test``; None when there is no such endpoint.

        Raises:
            EndpointDisabled: enable the endpoint first.
        """
        endpoint = await self.store.endpoint(tenant, endpoint_id)
        if endpoint is None:
            return None
        if not endpoint.enabled:
            raise EndpointDisabled
        return await self.store.send_test(endpoint, self.clock.now())


def _changed(endpoint: Endpoint, change: EndpointChange) -> Endpoint:
    update: dict[str, Any] = {}
    for name in ("url", "events", "description", "enabled"):
        value = getattr(change, name)
        if value is not None:
            update[name] = value
    if change.enabled is not None:
        update["disabled_reason"] = None if change.enabled else "by_you"
    return endpoint.model_copy(update=update)
