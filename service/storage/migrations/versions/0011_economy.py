"""Batches that go through a provider's batch API: their parts there, and the replies until they are used."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    """Add the columns and tables; a batch of before is a standard one."""
    op.add_column("batches", sa.Column("tier", sa.String(16), nullable=False, server_default="standard"))
    op.add_column("batches", sa.Column("held", sa.SmallInteger, nullable=False, server_default="0"))
    op.create_table(
        "provider_parts",
        sa.Column("id", sa.String(128), primary_key=True),
        sa.Column("tenant", sa.String(64), nullable=False),
        sa.Column("batch_id", sa.String(64), nullable=False),
        sa.Column("first_line", sa.Integer, nullable=False),
        sa.Column("last_line", sa.Integer, nullable=False),
        sa.Column("made_at", sa.BigInteger, nullable=False),
        sa.Column("provider_id", sa.String(200)),
        sa.Column("looks", sa.Integer, nullable=False),
        sa.Column("look_at", sa.BigInteger, nullable=False),
        sa.Column("closed", sa.SmallInteger, nullable=False),
    )
    op.create_index("provider_parts_due", "provider_parts", ["closed", "look_at"])
    op.create_index("provider_parts_of_batch", "provider_parts", ["batch_id", "closed"])
    op.create_table(
        "provider_replies",
        sa.Column("grade_id", sa.String(64), primary_key=True),
        sa.Column("fingerprint", sa.String(64), primary_key=True),
        sa.Column("tenant", sa.String(64), nullable=False),
        sa.Column("body", sa.Text, nullable=False),
    )


def downgrade() -> None:
    """Drop them."""
    op.drop_table("provider_replies")
    op.drop_table("provider_parts")
    op.drop_column("batches", "held")
    op.drop_column("batches", "tier")
