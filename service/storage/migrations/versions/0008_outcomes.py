"""What came of a job, and whether its batch has counted it."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Add the columns; what is done already was counted when it was finished."""
    op.add_column("jobs", sa.Column("outcome", sa.String(16)))
    op.add_column("jobs", sa.Column("cost_usd", sa.Float))
    op.add_column("jobs", sa.Column("counted", sa.SmallInteger, nullable=False, server_default="1"))
    op.execute("UPDATE jobs SET counted = 0 WHERE batch_id IS NOT NULL AND state <> 'done'")
    op.create_index("jobs_uncounted", "jobs", ["counted", "state", "batch_id"])


def downgrade() -> None:
    """Drop them."""
    op.drop_index("jobs_uncounted", "jobs")
    for column in ("counted", "cost_usd", "outcome"):
        op.drop_column("jobs", column)
