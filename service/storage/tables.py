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
