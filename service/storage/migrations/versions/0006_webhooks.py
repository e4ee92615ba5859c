"""Webhook endpoints, the outbox of events, and deliveries."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0003"


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "webhook_endpoints",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("tenant", sa.String(64), nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("url", sa.Text, nullable=False),
        sa.Column("events", sa.String(200), nullable=False),
        sa.Column("description", sa.String(200), nullable=False),
        sa.Column("enabled", sa.SmallInteger, nullable=False),
        sa.Column("disabled_reason", sa.String(32)),
        sa.Column("seed", sa.String(128), nullable=False),
        sa.Column("previous_seed", sa.String(128)),
        sa.Column("previous_until", sa.BigInteger),
    )
    op.create_index("webhook_endpoints_of_tenant", "webhook_endpoints", ["tenant", "id"])
    op.create_table(
        "webhook_events",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("tenant", sa.String(64), nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "webhook_deliveries",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("tenant", sa.String(64), nullable=False),
        sa.Column("endpoint_id", sa.String(64), nullable=False),
        sa.Column("event_id", sa.String(64), nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("due_at", sa.BigInteger, nullable=False),
        sa.Column("claimed_by", sa.String(64)),
        sa.Column("last_attempt_at", sa.BigInteger),
        sa.Column("last_status", sa.Integer),
        sa.Column("last_error", sa.String(32)),
    )
    op.create_index("webhook_deliveries_due", "webhook_deliveries", ["endpoint_id", "status", "due_at"])
    op.create_index("webhook_deliveries_newest", "webhook_deliveries", ["endpoint_id", "id"])
    op.create_index("webhook_deliveries_of_event", "webhook_deliveries", ["event_id"])
    op.create_index("webhook_deliveries_old", "webhook_deliveries", ["status", "created_at"])
    op.create_index("webhook_deliveries_held", "webhook_deliveries", ["claimed_by"])


def downgrade() -> None:
    """Drop the tables."""
    for table in ("webhook_deliveries", "webhook_events", "webhook_endpoints"):
        op.drop_table(table)
