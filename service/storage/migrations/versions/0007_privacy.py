"""Which submission a grade and a reusable result came from, when answers expire, and how long tenants keep them."""

import hashlib
import json

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"

_BATCH = 500


def upgrade() -> None:
    """Add the columns; reusable results of unknown origin go, they only save work."""
    op.add_column("grades", sa.Column("submission_sha256", sa.String(64), nullable=False, server_default=""))
    op.add_column("grades", sa.Column("expired_at", sa.BigInteger))
    op.add_column("reusable", sa.Column("submission_sha256", sa.String(64), nullable=False, server_default=""))
    op.execute("DELETE FROM reusable")
    _hash_submissions(op.get_bind())
    op.create_index("grades_of_submission", "grades", ["tenant", "submission_sha256"])
    op.create_index("grades_to_expire", "grades", ["tenant", "expired_at", "created_at"])
    op.create_index("reusable_of_submission", "reusable", ["tenant", "submission_sha256"])
    op.create_table(
        "retention",
        sa.Column("tenant", sa.String(64), primary_key=True),
        sa.Column("answer_days", sa.Integer, nullable=False),
    )


def downgrade() -> None:
    """Drop them."""
    op.drop_table("retention")
    op.drop_index("reusable_of_submission", "reusable")
    op.drop_index("grades_to_expire", "grades")
    op.drop_index("grades_of_submission", "grades")
    op.drop_column("reusable", "submission_sha256")
    op.drop_column("grades", "expired_at")
    op.drop_column("grades", "submission_sha256")


def _hash_submissions(connection: sa.Connection) -> None:
    """Give the grades there are the hash of their submission."""
    rows = sa.text("SELECT id, request FROM grades WHERE id > :after ORDER BY id LIMIT :most")
    change = sa.text("UPDATE grades SET submission_sha256 = :hash WHERE id = :id")
    after = ""
    while found := connection.execute(rows, {"after": after, "most": _BATCH}).all():
        connection.execute(change, [{"id": row.id, "hash": _digest(json.loads(row.request))} for row in found])
        after = found[-1].id


def _digest(request: dict) -> str:
    """As ``Submission.digest`` had it when this was written."""
    of = request["submission"]
    context = of.get("context") or {}
    parts = [
        of["question"],
        of["answer"],
        of.get("reference"),
        of.get("key_points") or [],
        of.get("misconceptions") or [],
        [context.get(name) for name in ("industry", "audience", "stage", "seniority")],
        of.get("language"),
    ]
    return hashlib.sha256(json.dumps(parts).encode("ascii")).hexdigest()
