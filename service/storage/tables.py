"""The tables. A rubric's text is kept once per tenant and hash; times are microseconds since 1970, UTC.

Each table says in its ``info`` what it holds on learners, so that erasing and expiring find it.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    Float,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    String,
    Table,
    Text,
)

from service.storage.expired_rows import appeal_without_words, review_without_words
from service.storage.personal import Grades, Impersonal, OfGrade, OfLearner, OfSubmission, personal

METADATA = MetaData()
GRADES_AT = "/v1/grades/"
"""What stands before a grade's id in a Location."""
NAMELESS = {"custom_id": None, "learner": None}
"""What becomes of the names in a refused line: its number and what was wrong with it stay."""

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
    Column("submission_sha256", String(64), nullable=False, server_default=""),
    Column("expired_at", BigInteger),
    Column("model", String(200)),
    Column("latency_ms", Integer),
    Column("cost_usd", Float),
    Column("criteria", SmallInteger, nullable=False, server_default="0"),
    Column("unscored", SmallInteger, nullable=False, server_default="0"),
    Column("error", String(64)),
    Index("grades_newest", "tenant", "created_at", "id"),
    Index("grades_of_learner", "tenant", "learner", "created_at"),
    Index("grades_unfinished", "status", "created_at"),
    Index("grades_of_submission", "tenant", "submission_sha256"),
    Index("grades_to_expire", "tenant", "expired_at", "created_at"),
    Index(
        "grades_counted",
        "tenant",
        "created_at",
        "model",
        "status",
        "latency_ms",
        "cost_usd",
        "criteria",
        "unscored",
        "error",
    ),
    info=personal(Grades()),
)
"""``open`` is 1 while a record may still be replaced: in progress, ungraded, or without its commentary.

``expired_at`` is null while the texts are there. ``model`` to ``error`` repeat what the result says, for counting:
the index ``grades_counted`` answers that alone.
"""

RUBRIC_TEXTS = Table(
    "rubric_texts",
    METADATA,
    Column("tenant", String(64), primary_key=True),
    Column("sha256", String(64), primary_key=True),
    Column("text", Text, nullable=False),
    info=personal(Impersonal("what a tenant judges by, not whom")),
)

RUBRICS = Table(
    "rubrics",
    METADATA,
    Column("tenant", String(64), primary_key=True),
    Column("id", String(64), primary_key=True),
    Column("version", String(32), primary_key=True),
    Column("sha256", String(64), nullable=False),
    Column("created_at", BigInteger, nullable=False),
    info=personal(Impersonal("names and versions of rubrics")),
)
"""The rubric versions tenants published; their texts lie in ``rubric_texts``."""

REUSABLE = Table(
    "reusable",
    METADATA,
    Column("tenant", String(64), primary_key=True),
    Column("key", String(64), primary_key=True),
    Column("text", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("submission_sha256", String(64), nullable=False, server_default=""),
    Index("reusable_of_submission", "tenant", "submission_sha256"),
    info=personal(OfSubmission()),
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
    info=personal(OfGrade("grade_id", when_expired=review_without_words)),
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
    info=personal(OfGrade("grade_id", when_expired=appeal_without_words)),
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
    info=personal(OfGrade("grade_id", when_expired="keep")),
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
    info=personal(OfGrade("grade_id", when_expired="keep")),
)
"""The machine's level (null: it gave none) beside the last person's, for counting how far they agree."""
BATCHES = Table(
    "batches",
    METADATA,
    Column("id", String(64), primary_key=True),
    Column("tenant", String(64), nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("finished_at", BigInteger),
    Column("status", String(16), nullable=False),
    Column("source", String(64)),
    Column("total", Integer, nullable=False),
    Column("invalid", Integer, nullable=False),
    Column("fed", Integer, nullable=False),
    Column("graded", Integer, nullable=False),
    Column("needs_review", Integer, nullable=False),
    Column("ungraded", Integer, nullable=False),
    Column("cost_usd", Float, nullable=False),
    Column("unpriced", Integer, nullable=False),
    Column("largest_usd", Float, nullable=False),
    Column("max_cost_usd", Float),
    Column("reason", Text),
    Column("tier", String(16), nullable=False, server_default="standard"),
    Column("held", SmallInteger, nullable=False, server_default="0"),
    Index("batches_newest", "tenant", "created_at", "id"),
    Index("batches_by_status", "status", "created_at"),
    Index("batches_of_source", "tenant", "source"),
    info=personal(Impersonal("counts and costs of a batch")),
)
"""``fed`` counts the items handed out so far, ``unpriced`` the finished ones of unknown cost.

While ``held`` is 1 nothing is handed out: a provider makes the replies of an economy batch.
"""

PROVIDER_PARTS = Table(
    "provider_parts",
    METADATA,
    Column("id", String(128), primary_key=True),
    Column("tenant", String(64), nullable=False),
    Column("batch_id", String(64), nullable=False),
    Column("first_line", Integer, nullable=False),
    Column("last_line", Integer, nullable=False),
    Column("made_at", BigInteger, nullable=False),
    Column("provider_id", String(200)),
    Column("looks", Integer, nullable=False),
    Column("look_at", BigInteger, nullable=False),
    Column("closed", SmallInteger, nullable=False),
    Index("provider_parts_due", "closed", "look_at"),
    Index("provider_parts_of_batch", "batch_id", "closed"),
    info=personal(Impersonal("which lines of a batch a provider has, never what they hold")),
)
"""Parts of economy batches. Who takes one moves ``look_at``, so that nobody else does before then."""

PROVIDER_REPLIES = Table(
    "provider_replies",
    METADATA,
    Column("grade_id", String(64), primary_key=True),
    Column("fingerprint", String(64), primary_key=True),
    Column("tenant", String(64), nullable=False),
    Column("body", Text, nullable=False),
    info=personal(OfGrade("grade_id")),
)
"""Replies a provider made beforehand, kept until their grade is made."""

JOBS = Table(
    "jobs",
    METADATA,
    Column("id", String(64), primary_key=True),
    Column("tenant", String(64), nullable=False),
    Column("batch_id", String(64)),
    Column("line", Integer),
    Column("custom_id", String(200)),
    Column("state", String(16), nullable=False),
    Column("attempts", SmallInteger, nullable=False),
    Column("crashes", SmallInteger, nullable=False),
    Column("due_at", BigInteger, nullable=False),
    Column("portion", String(64)),
    Column("outcome", String(16)),
    Column("cost_usd", Float),
    Column("counted", SmallInteger, nullable=False, server_default="1"),
    Index("jobs_uncounted", "counted", "state", "batch_id"),
    Index("jobs_of_batch", "batch_id", "line"),
    Index("jobs_of_batch_by_state", "batch_id", "state", "line"),
    Index("jobs_by_state", "state", "tenant", "due_at"),
    Index("jobs_of_portion", "portion"),
    info=personal(OfGrade("id", when_erased=lambda _: {"custom_id": None}, when_expired="keep")),
)
"""One per grade that is made later, under the grade's id. ``portion`` is kept while queued or running.

``attempts`` counts every try begun, ``crashes`` those that a dying process cut short. ``counted`` is 0 until the
batch's counts hold the ``outcome``: workers that all counted in one row would wait for each other's commits.
A job outlives its grade when the learner is erased, so that the batch can still come to its end.
"""

BATCH_ERRORS = Table(
    "batch_errors",
    METADATA,
    Column("batch_id", String(64), primary_key=True),
    Column("line", Integer, primary_key=True),
    Column("tenant", String(64)),
    Column("learner", String(200)),
    Column("custom_id", String(200)),
    Column("errors", Text, nullable=False),
    Index("batch_errors_of_learner", "tenant", "learner"),
    info=personal(OfLearner(when_erased=lambda _: NAMELESS)),
)
"""Lines that were refused when a batch was sent, with what is wrong; of the line itself only whose it was.

``tenant`` is null in rows older than that column; they lose their names when the batch's time is over.
"""

WORKERS = Table(
    "workers",
    METADATA,
    Column("id", String(128), primary_key=True),
    Column("host", String(100), nullable=False),
    Column("pid", BigInteger, nullable=False),
    Column("beats", BigInteger, nullable=False),
    info=personal(Impersonal("processes of ours")),
)
"""Worker processes. ``beats`` only ever grows while one lives: no clock is compared between machines."""


KEYS = Table(
    "keys",
    METADATA,
    Column("id", String(64), primary_key=True),
    Column("tenant", String(64), nullable=False),
    Column("name", String(100), nullable=False),
    Column("scopes", Text, nullable=False),
    Column("prefix", String(16), nullable=False),
    Column("sha256", String(64), nullable=False, unique=True),
    Column("created_at", BigInteger, nullable=False),
    Column("ends_at", BigInteger),
    info=personal(Impersonal("hashes of keys of systems, and what those may do")),
)
"""Keys by the hash of their text; ``scopes`` are separated by spaces."""

IDEMPOTENCY = Table(
    "idempotency",
    METADATA,
    Column("tenant", String(64), primary_key=True),
    Column("key", String(255), primary_key=True),
    Column("fingerprint", String(64), nullable=False),
    Column("effect", String(64), nullable=False),
    Column("holder", String(64), nullable=False),
    Column("leased_until", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Column("status", SmallInteger),
    Column("headers", Text),
    Column("body", LargeBinary),
    Column("location", String(200)),
    Index("idempotency_expired", "expires_at"),
    Index("idempotency_of", "tenant", "location"),
    info=personal(OfGrade("location", prefix=GRADES_AT)),
)
"""Requests by their Idempotency-Key; ``status`` to ``location`` are null while one runs."""

TENANT_LIMITS = Table(
    "tenant_limits",
    METADATA,
    Column("tenant", String(64), primary_key=True),
    Column("requests_per_minute", BigInteger),
    Column("tokens_per_minute", BigInteger),
    Column("micro_usd_per_day", BigInteger),
    info=personal(Impersonal("limits of a tenant")),
)
"""What one tenant may use, where it differs from the settings."""

SPENDING = Table(
    "spending",
    METADATA,
    Column("tenant", String(64), primary_key=True),
    Column("day", Integer, primary_key=True),
    Column("micro_usd", BigInteger, nullable=False),
    info=personal(Impersonal("what a tenant spent in a day")),
)
"""What was spent on models, in millionths of a dollar, by tenant and UTC day (days since 1970)."""
RETENTION = Table(
    "retention",
    METADATA,
    Column("tenant", String(64), primary_key=True),
    Column("answer_days", Integer, nullable=False),
    info=personal(Impersonal("a number of days for each tenant")),
)
"""How long a tenant's answers are kept, where that differs from the operator's setting; 0 days: for ever."""
