"""What people say on grades, and which grades wait for a person."""

import json

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0002"


def upgrade() -> None:
    """Make the tables; grades that wait for a person already are put into the queue."""
    for name in ("reviews", "appeals"):
        op.create_table(
            name,
            sa.Column("id", sa.String(64), primary_key=True),
            sa.Column("tenant", sa.String(64), nullable=False),
            sa.Column("grade_id", sa.String(64), nullable=False),
            sa.Column("created_at", sa.BigInteger, nullable=False),
            *([sa.Column("in_progress", sa.SmallInteger, nullable=False)] if name == "appeals" else []),
            sa.Column("text", sa.Text, nullable=False),
        )
    op.create_index("reviews_of_grade", "reviews", ["grade_id"])
    op.create_index("appeal_of_grade", "appeals", ["grade_id"], unique=True)
    op.create_index("appeals_in_progress", "appeals", ["in_progress", "created_at"])
    queue = op.create_table(
        "review_queue",
        sa.Column("tenant", sa.String(64), primary_key=True),
        sa.Column("grade_id", sa.String(64), primary_key=True),
        sa.Column("reason", sa.String(100), primary_key=True),
        sa.Column("kind", sa.String(40), nullable=False),
        sa.Column("opened_at", sa.BigInteger, nullable=False),
    )
    op.create_index("review_queue_oldest", "review_queue", ["tenant", "opened_at", "grade_id"])
    op.create_table(
        "reviewed_levels",
        sa.Column("tenant", sa.String(64), primary_key=True),
        sa.Column("grade_id", sa.String(64), primary_key=True),
        sa.Column("criterion", sa.String(64), primary_key=True),
        sa.Column("rubric_id", sa.String(64), nullable=False),
        sa.Column("machine", sa.SmallInteger, nullable=True),
        sa.Column("person", sa.SmallInteger, nullable=False),
    )
    _fill(queue)


def _fill(queue: sa.Table) -> None:
    grades = sa.table("grades", *(sa.column(name) for name in ("id", "tenant", "created_at", "status", "result")))
    waiting = sa.select(grades).where(grades.c.status == "needs_review", grades.c.result.is_not(None))
    for row in op.get_bind().execute(waiting).mappings().all():
        reasons = dict.fromkeys(json.loads(row["result"])["grade"]["review"]["reasons"])
        op.bulk_insert(
            queue,
            [
                {
                    "tenant": row["tenant"],
                    "grade_id": row["id"],
                    "reason": reason,
                    "kind": reason.partition(":")[0],
                    "opened_at": row["created_at"],
                }
                for reason in reasons
            ],
        )


def downgrade() -> None:
    """Drop the tables."""
    for table in ("reviewed_levels", "review_queue", "appeals", "reviews"):
        op.drop_table(table)
