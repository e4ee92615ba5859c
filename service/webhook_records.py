"""What is kept about webhooks: the endpoints of a tenant, events, and one delivery per event and endpoint."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Literal, NewType, get_args

from pydantic import BaseModel, ConfigDict

from service.records import Tenant

EndpointId = NewType("EndpointId", str)
DeliveryId = NewType("DeliveryId", str)
EventId = NewType("EventId", str)
Subscribable = Literal["grade.completed", "grade.review_needed", "batch.completed"]
EventKind = Subscribable | Literal["webhook.test"]
SUBSCRIBABLE: tuple[Subscribable, ...] = get_args(Subscribable)

EventData = Mapping[str, str | int | float | bool | Mapping[str, int] | None]
"""The ``data`` of an event: ids, statuses and counts; never an answer, a question or a learner."""

DisabledReason = Literal["by_you", "gone"]
FailureCode = Literal[
    "status",
    "redirect",
    "gone",
    "timeout",
    "connection_failed",
    "connection_closed",
    "tls_failed",
    "invalid_reply",
    "name_not_resolved",
    "address_refused",
    "url_refused",
    "endpoint_disabled",
    "secret_changed",
    "internal",
]
"""Why an attempt failed. A closed set: nothing a receiver sent is kept but its status."""


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class DeliveryStatus(StrEnum):
    """Where a delivery stands; ``dead`` ones are not tried again until they are replayed."""

    PENDING = "pending"
    DELIVERED = "delivered"
    DEAD = "dead"


class Endpoint(_Value):
    """Where a tenant wants to hear of events.

    Attributes:
        seed: what the signing secret is derived from, together with the instance secret; useless alone.
        previous_seed: that of the secret before the last rotation, which signs too until ``previous_until``.
    """

    id: EndpointId
    tenant: Tenant
    created_at: datetime
    url: str
    events: tuple[Subscribable, ...]
    description: str
    enabled: bool
    disabled_reason: DisabledReason | None
    seed: str
    previous_seed: str | None
    previous_until: datetime | None


class Delivery(_Value):
    """One event on its way to one endpoint. ``next_attempt_at`` is None unless it is pending."""

    id: DeliveryId
    endpoint: EndpointId
    event: EventId
    kind: EventKind
    created_at: datetime
    status: DeliveryStatus
    attempts: int
    next_attempt_at: datetime | None
    last_attempt_at: datetime | None
    last_status: int | None
    last_error: FailureCode | None


class DeliveryPage(_Value):
    """One page of deliveries, newest first. ``next_cursor`` continues after the last; None at the end."""

    deliveries: tuple[Delivery, ...]
    next_cursor: str | None


class Claimed(_Value):
    """A delivery that one sender holds for a while.

    Attributes:
        attempts: attempts begun, this one included.
        body: the event exactly as it is sent and signed.
    """

    delivery: DeliveryId
    attempts: int
    endpoint: Endpoint
    event: EventId
    body: str


@dataclass(frozen=True, slots=True)
class Room:
    """How many deliveries a sender can take on.

    Attributes:
        total: in all.
        each: of one endpoint.
        busy: of endpoints that have some under way already.
        troubled: endpoints whose last attempt failed; of each of them one at a time.
        troubled_total: of all the troubled together.
    """

    total: int
    each: int
    busy: Mapping[EndpointId, int] = field(default_factory=dict)
    troubled: frozenset[EndpointId] = frozenset()
    troubled_total: int = 0

    def full(self) -> frozenset[EndpointId]:
        """The endpoints of which none can be taken."""
        without = {endpoint for endpoint, most in self.busy.items() if most <= 0}
        return frozenset(without) if self.troubled_total > 0 else self.troubled | without

    def most(self, endpoint: EndpointId, taken: int = 0, of_troubled: int = 0) -> int:
        """How many of an endpoint, when so many in all, and so many of troubled endpoints, are taken already."""
        left = self.total - taken
        if endpoint in self.troubled:
            left = min(left, self.troubled_total - of_troubled, 1)
        return max(0, min(left, self.busy.get(endpoint, self.each)))


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of an attempt.

    Attributes:
        status: ``pending`` when it is tried again at ``due``.
        code: the HTTP status of the reply, if there was one.
        error: why it failed; None when it was delivered.
        disable: why the endpoint is to be disabled, if it is.
    """

    status: DeliveryStatus
    at: datetime
    due: datetime | None = None
    code: int | None = None
    error: FailureCode | None = None
    disable: DisabledReason | None = None
