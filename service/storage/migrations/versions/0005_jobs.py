"""Jobs, the batches they belong to, refused lines, and the workers that grade them."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "batches",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("tenant", sa.String(64), nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("finished_at", sa.BigInteger),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("source", sa.String(64)),
        *(
            sa.Column(name, sa.Integer, nullable=False)
            for name in ("total", "invalid", "fed", "graded", "needs_review", "ungraded")
        ),
        sa.Column("cost_usd", sa.Float, nullable=False),
        sa.Column("unpriced", sa.Integer, nullable=False),
        sa.Column("largest_usd", sa.Float, nullable=False),
        sa.Column("max_cost_usd", sa.Float),
        sa.Column("reason", sa.Text),
    )
    op.create_index("batches_newest", "batches", ["tenant", "created_at", "id"])
    op.create_index("batches_by_status", "batches", ["status", "created_at"])
    op.create_index("batches_of_source", "batches", ["tenant", "source"])
    op.create_table(
        "jobs",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("tenant", sa.String(64), nullable=False),
        sa.Column("batch_id", sa.String(64)),
        sa.Column("line", sa.Integer),
        sa.Column("custom_id", sa.String(200)),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("attempts", sa.SmallInteger, nullable=False),
        sa.Column("crashes", sa.SmallInteger, nullable=False),
        sa.Column("due_at", sa.BigInteger, nullable=False),
        sa.Column("portion", sa.String(64)),
    )
    op.create_index("jobs_of_batch", "jobs", ["batch_id", "line"])
    op.create_index("jobs_of_batch_by_state", "jobs", ["batch_id", "state", "line"])
    op.create_index("jobs_by_state", "jobs", ["state", "tenant", "due_at"])
    op.create_index("jobs_of_portion", "jobs", ["portion"])
    op.create_table(
        "batch_errors",
        sa.Column("batch_id", sa.String(64), primary_key=True),
        sa.Column("line", sa.Integer, primary_key=True),
        sa.Column("custom_id", sa.String(200)),
        sa.Column("errors", sa.Text, nullable=False),
    )
    op.create_table(
        "workers",
        sa.Column("id", sa.String(128), primary_key=True),
        sa.Column("host", sa.String(100), nullable=False),
        sa.Column("pid", sa.BigInteger, nullable=False),
        sa.Column("beats", sa.BigInteger, nullable=False),
    )


def downgrade() -> None:
    """Drop the tables."""
    for table in ("workers", "batch_errors", "jobs", "batches"):
        op.drop_table(table)
