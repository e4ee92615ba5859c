"""The tables of webhooks: endpoints, the outbox of events, and deliveries."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, SmallInteger, String, Table, Text

from service.storage.personal import Impersonal, personal
from service.storage.tables import METADATA

WEBHOOK_ENDPOINTS = Table(
    "webhook_endpoints",
    METADATA,
    Column("id", String(64), primary_key=True),
    Column("tenant", String(64), nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("url", Text, nullable=False),
    Column("events", String(200), nullable=False),
    Column("description", String(200), nullable=False),
    Column("enabled", SmallInteger, nullable=False),
    Column("disabled_reason", String(32)),
    Column("seed", String(128), nullable=False),
    Column("previous_seed", String(128)),
    Column("previous_until", BigInteger),
    Index("webhook_endpoints_of_tenant", "tenant", "id"),
    info=personal(Impersonal("addresses of systems that listen")),
)
"""Who wants to hear of what. A seed is no secret: signing secrets also need the instance secret."""

WEBHOOK_EVENTS = Table(
    "webhook_events",
    METADATA,
    Column("id", String(64), primary_key=True),
    Column("tenant", String(64), nullable=False),
    Column("kind", String(32), nullable=False),
    Column("body", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    info=personal(Impersonal("ids and states of grades, never a text or a learner")),
)
"""The outbox: each event exactly as it is sent."""

WEBHOOK_DELIVERIES = Table(
    "webhook_deliveries",
    METADATA,
    Column("id", String(64), primary_key=True),
    Column("tenant", String(64), nullable=False),
    Column("endpoint_id", String(64), nullable=False),
    Column("event_id", String(64), nullable=False),
    Column("kind", String(32), nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("status", String(16), nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("due_at", BigInteger, nullable=False),
    Column("claimed_by", String(64)),
    Column("last_attempt_at", BigInteger),
    Column("last_status", Integer),
    Column("last_error", String(32)),
    Index("webhook_deliveries_due", "endpoint_id", "status", "due_at"),
    Index("webhook_deliveries_newest", "endpoint_id", "id"),
    Index("webhook_deliveries_of_event", "event_id"),
    Index("webhook_deliveries_old", "status", "created_at"),
    Index("webhook_deliveries_held", "claimed_by"),
    info=personal(Impersonal("when an event was sent, and with what result")),
)
"""One event on its way to one endpoint. While a sender holds it, ``due_at`` is the end of its lease."""
