"""Grades, the rubrics they were judged by, and reusable results."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "grades",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("tenant", sa.String(64), nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("open", sa.SmallInteger, nullable=False),
        sa.Column("learner", sa.String(200)),
        sa.Column("rubric_id", sa.String(64), nullable=False),
        sa.Column("rubric_sha256", sa.String(64), nullable=False),
        sa.Column("request", sa.Text, nullable=False),
        sa.Column("result", sa.Text),
        sa.Column("audit", sa.Text),
    )
    op.create_index("grades_newest", "grades", ["tenant", "created_at", "id"])
    op.create_index("grades_of_learner", "grades", ["tenant", "learner", "created_at"])
    op.create_index("grades_unfinished", "grades", ["status", "created_at"])
    op.create_table(
        "rubric_texts",
        sa.Column("tenant", sa.String(64), primary_key=True),
        sa.Column("sha256", sa.String(64), primary_key=True),
        sa.Column("text", sa.Text, nullable=False),
    )
    op.create_table(
        "reusable",
        sa.Column("tenant", sa.String(64), primary_key=True),
        sa.Column("key", sa.String(64), primary_key=True),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
    )


def downgrade() -> None:
    """Drop the tables."""
    for table in ("reusable", "rubric_texts", "grades"):
        op.drop_table(table)
