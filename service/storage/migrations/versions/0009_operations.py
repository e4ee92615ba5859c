"""What a grade's result says on model, time, cost and failure, beside it: for counting without reading results."""

import json

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"

_BATCH = 500
_INDEX = ["tenant", "created_at", "model", "status", "latency_ms", "cost_usd", "criteria", "unscored", "error"]


def upgrade() -> None:
    """Add the columns and fill them for the grades there are."""
    op.add_column("grades", sa.Column("model", sa.String(200)))
    op.add_column("grades", sa.Column("latency_ms", sa.Integer))
    op.add_column("grades", sa.Column("cost_usd", sa.Float))
    op.add_column("grades", sa.Column("criteria", sa.SmallInteger, nullable=False, server_default="0"))
    op.add_column("grades", sa.Column("unscored", sa.SmallInteger, nullable=False, server_default="0"))
    op.add_column("grades", sa.Column("error", sa.String(64)))
    _fill(op.get_bind())
    op.create_index("grades_counted", "grades", _INDEX)


def downgrade() -> None:
    """Drop them."""
    op.drop_index("grades_counted", "grades")
    for column in ("error", "unscored", "criteria", "cost_usd", "latency_ms", "model"):
        op.drop_column("grades", column)


def _fill(connection: sa.Connection) -> None:
    rows = sa.text("SELECT id, result FROM grades WHERE id > :after AND result IS NOT NULL ORDER BY id LIMIT :most")
    change = sa.text(
        "UPDATE grades SET model = :model, latency_ms = :latency_ms, cost_usd = :cost_usd, criteria = :criteria, "
        "unscored = :unscored, error = :error WHERE id = :id"
    )
    after = ""
    while found := connection.execute(rows, {"after": after, "most": _BATCH}).all():
        connection.execute(change, [{"id": row.id, **_counted(json.loads(row.result))} for row in found])
        after = found[-1].id


def _counted(result: dict) -> dict:
    """As ``operations_row`` had it when this was written."""
    grade, usage = result.get("grade") or {}, result.get("usage") or {}
    criteria = grade.get("criteria") or []
    models = (grade.get("receipt") or {}).get("models") or []
    judges = dict.fromkeys(model["requested"] for model in models if model["role"] != "coach")
    unscored = [item["reason"]["code"] for item in criteria if item["status"] == "unscored"]
    reason = grade.get("reason") or result.get("reason") or {}
    return {
        "model": " + ".join(judges or dict.fromkeys(model["requested"] for model in models))[:200] or None,
        "latency_ms": usage.get("latency_ms") if usage.get("model_calls") else None,
        "cost_usd": usage.get("cost_usd"),
        "criteria": sum(item["status"] != "not_applicable" for item in criteria),
        "unscored": len(unscored),
        "error": reason.get("code") or next(iter(unscored), None),
    }
