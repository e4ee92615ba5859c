"""Erased learners, and whose the refused lines of batches were."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    """Add the table and the columns; whose older lines were is not known."""
    op.create_table(
        "erasures",
        sa.Column("learner_sha256", sa.String(64), primary_key=True),
        sa.Column("erased_at", sa.BigInteger, nullable=False),
    )
    op.add_column("batch_errors", sa.Column("tenant", sa.String(64)))
    op.add_column("batch_errors", sa.Column("learner", sa.String(200)))
    op.create_index("batch_errors_of_learner", "batch_errors", ["tenant", "learner"])


def downgrade() -> None:
    """Drop them."""
    op.drop_index("batch_errors_of_learner", "batch_errors")
    for column in ("learner", "tenant"):
        op.drop_column("batch_errors", column)
    op.drop_table("erasures")
