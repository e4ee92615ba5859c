"""What travels over HTTP about webhooks: endpoints, their secrets, deliveries; and what a receiver is sent."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from service.grading.grade import GradeStatus
from service.webhook_records import (
    SUBSCRIBABLE,
    Delivery,
    DeliveryPage,
    DeliveryStatus,
    DisabledReason,
    Endpoint,
    EventKind,
    FailureCode,
    Subscribable,
)
from service.webhooks.addresses import MAX_URL
from service.webhooks.schedule import DELAYS

Url = Annotated[
    str,
    Field(
        min_length=1,
        max_length=MAX_URL,
        description="Where to POST events: https, a public address, port 443 or one from 1024 on.",
        examples=["https://hooks.example.org/debrief"],
    ),
]
Events = Annotated[list[Subscribable], Field(min_length=1, max_length=len(SUBSCRIBABLE))]
Description = Annotated[str, Field(max_length=200, description="For you; not sent.")]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    @field_validator("events", check_fields=False)
    @classmethod
    def _each_once(cls, events: list[Subscribable] | None) -> list[Subscribable] | None:
        """Whatever the order and repeats, each kind once, in the order they are documented in."""
        return None if events is None else [kind for kind in SUBSCRIBABLE if kind in events]

    @field_validator("description", check_fields=False)
    @classmethod
    def _storable(cls, text: str | None) -> str | None:
        if text is not None and ("\x00" in text or any("\ud800" <= char <= "\udfff" for char in text)):
            raise ValueError("holds a NUL or half of a surrogate pair")
        return text


class _Document(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class EndpointBody(_Body):
    """A new webhook endpoint."""

    url: Url
    events: Events = Field(list(SUBSCRIBABLE), description="Which events to send; all when left out.")
    description: Description = ""


class EndpointChangeBody(_Body):
    """What to change; a member left out, or null, stays as it is."""

    url: Url | None = None
    events: Events | None = None
    description: Description | None = None
    enabled: bool | None = Field(
        None, description="false moves what is pending to the dead list; true sends what happens from now on."
    )


class EndpointDocument(_Document):
    """A webhook endpoint."""

    id: str
    object: Literal["webhook_endpoint"] = "webhook_endpoint"
    created_at: datetime
    url: str
    events: list[Subscribable]
    description: str
    enabled: bool
    disabled_reason: DisabledReason | None = Field(description="`gone`: the receiver answered 410.")
    previous_secret_until: datetime | None = Field(description="Until then the secret before the last signs as well.")


class EndpointWithSecret(EndpointDocument):
    """A webhook endpoint with its signing secret, which is shown this once."""

    secret: str = Field(description="`whsec_` and base64, as Standard Webhooks libraries take it. Shown this once.")


class EndpointList(_Document):
    """Every endpoint, the oldest first."""

    data: list[EndpointDocument]


class DeliveryEvent(_Document):
    """The event that is delivered. ``id`` is the header ``webhook-id``, the same in every attempt."""

    id: str
    type: EventKind


class DeliveryDocument(_Document):
    """One event on its way to one endpoint."""

    id: str
    object: Literal["webhook_delivery"] = "webhook_delivery"
    endpoint: str
    event: DeliveryEvent
    created_at: datetime
    status: DeliveryStatus = Field(description="`dead`: not tried again until it is replayed.")
    attempts: int = Field(description=f"At most {len(DELAYS)}, counted anew by a replay.")
    next_attempt_at: datetime | None
    last_attempt_at: datetime | None
    last_status: int | None = Field(description="The HTTP status of the last reply.")
    last_error: FailureCode | None


class DeliveryList(_Document):
    """One page, newest first."""

    data: list[DeliveryDocument]
    next_cursor: str | None
    has_more: bool


class GradeEventData(_Document):
    """Which grade, and how it ended; read the grade itself with its id."""

    id: str
    object: Literal["grade"] = "grade"
    status: GradeStatus


class GradeEventDocument(_Document):
    """What a receiver is sent about a grade."""

    type: Literal["grade.completed", "grade.review_needed"]
    timestamp: datetime
    data: GradeEventData


class BatchEventData(_Document):
    """Which batch, how it ended, and how many grades of which kind."""

    id: str
    object: Literal["batch"] = "batch"
    status: str
    counts: dict[str, int]


class BatchEventDocument(_Document):
    """What a receiver is sent about a batch."""

    type: Literal["batch.completed"]
    timestamp: datetime
    data: BatchEventData


def endpoint_document(endpoint: Endpoint) -> EndpointDocument:
    """The wire form of an endpoint."""
    return EndpointDocument(**_members(endpoint))


def endpoint_with_secret(endpoint: Endpoint, secret: str) -> EndpointWithSecret:
    """The wire form of an endpoint with its secret."""
    return EndpointWithSecret(**_members(endpoint), secret=secret)


def _members(endpoint: Endpoint) -> dict[str, Any]:
    return {
        **endpoint.model_dump(include={"id", "created_at", "url", "description", "enabled", "disabled_reason"}),
        "events": list(endpoint.events),
        "previous_secret_until": endpoint.previous_until,
    }


def delivery_document(delivery: Delivery) -> DeliveryDocument:
    """The wire form of a delivery."""
    return DeliveryDocument(
        **delivery.model_dump(exclude={"event", "kind"}), event=DeliveryEvent(id=delivery.event, type=delivery.kind)
    )


def delivery_list(page: DeliveryPage) -> DeliveryList:
    """The wire form of a page."""
    return DeliveryList(
        data=[delivery_document(delivery) for delivery in page.deliveries],
        next_cursor=page.next_cursor,
        has_more=page.next_cursor is not None,
    )
