"""The tables. A rubric's text is kept once per tenant and hash; times are microseconds since 1970, UTC."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, MetaData, SmallInteger, String, Table, Text

METADATA = MetaData()

GRADES = Table(
    "grades",
    METADATA,
    Column("id", String(64), primary_key=True),
    Column("tenant", String(64), nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("status", String(16), nullable=False),
    Column("open", SmallInteger, nullable=False),
    Column("learner", String(200)),
    Column("rubric_id", String(64), nullable=False),
    Column("rubric_sha256", String(64), nullable=False),
    Column("request", Text, nullable=False),
    Column("result", Text),
    Column("audit", Text),
    Index("grades_newest", "tenant", "created_at", "id"),
    Index("grades_of_learner", "tenant", "learner", "created_at"),
    Index("grades_unfinished", "status", "created_at"),
)
"""``open`` is 1 while a record may still be replaced: in progress, ungraded, or without its commentary."""

RUBRIC_TEXTS = Table(
    "rubric_texts",
    METADATA,
    Column("tenant", String(64), primary_key=True),
    Column("sha256", String(64), primary_key=True),
    Column("text", Text, nullable=False),
)

RUBRICS = Table(
    "rubrics",
    METADATA,
    Column("tenant", String(64), primary_key=True),
    Column("id", String(64), primary_key=True),
    Column("version", String(32), primary_key=True),
    Column("sha256", String(64), nullable=False),
    Column("created_at", BigInteger, nullable=False),
)
"""The rubric versions tenants published; their texts lie in ``rubric_texts``."""

REUSABLE = Table(
    "reusable",
    METADATA,
    Column("tenant", String(64), primary_key=True),
    Column("key", String(64), primary_key=True),
    Column("text", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
)
"""Judgements and commentaries under the hash of everything that led to them."""

REVIEWS = Table(
    "reviews",
    METADATA,
    Column("id", String(64), primary_key=True),
    Column("tenant", String(64), nullable=False),
    Column("grade_id", String(64), nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("text", Text, nullable=False),
    Index("reviews_of_grade", "grade_id"),
)
"""People's reviews of grades, as JSON."""

APPEALS = Table(
    "appeals",
    METADATA,
    Column("id", String(64), primary_key=True),
    Column("tenant", String(64), nullable=False),
    Column("grade_id", String(64), nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("in_progress", SmallInteger, nullable=False),
    Column("text", Text, nullable=False),
    Index("appeal_of_grade", "grade_id", unique=True),
    Index("appeals_in_progress", "in_progress", "created_at"),
)
"""Appeals against grades, as JSON: at most one a grade."""

REVIEW_QUEUE = Table(
    "review_queue",
    METADATA,
    Column("tenant", String(64), primary_key=True),
    Column("grade_id", String(64), primary_key=True),
    Column("reason", String(100), primary_key=True),
    Column("kind", String(40), nullable=False),
    Column("opened_at", BigInteger, nullable=False),
    Index("review_queue_oldest", "tenant", "opened_at", "grade_id"),
)
"""Which grades wait for a person, a row for each reason. Follows from the grade, its reviews and its appeal."""

REVIEWED_LEVELS = Table(
    "reviewed_levels",
    METADATA,
    Column("tenant", String(64), primary_key=True),
    Column("grade_id", String(64), primary_key=True),
    Column("criterion", String(64), primary_key=True),
    Column("rubric_id", String(64), nullable=False),
    Column("machine", SmallInteger, nullable=True),
    Column("person", SmallInteger, nullable=False),
)
"""The machine's level (null: it gave none) beside the last person's, for counting how far they agree."""
