"""Keeping grades: SQLite by default, Postgres by URL, the same code for both. The only home of SQLAlchemy."""

from __future__ import annotations

from service.storage.allowances import SqlAllowanceStore
from service.storage.batches import SqlBatchStore
from service.storage.database import Database, open_database
from service.storage.deliveries import SqlDeliveryQueue
from service.storage.economy import SqlEconomyStore
from service.storage.grades import SqlGradeStore
from service.storage.idempotency import SqlIdempotencyStore
from service.storage.jobs import SqlJobStore
from service.storage.keys import SqlKeyStore
from service.storage.learners import SqlLearnerStore
from service.storage.migrate import migrate
from service.storage.operations import SqlOperationsStore
from service.storage.reviews import SqlReviewStore
from service.storage.rubrics import SqlRubricStore
from service.storage.webhooks import SqlEndpointStore
from service.storage.workers import SqlWorkerStore

__all__ = [
    "Database",
    "SqlAllowanceStore",
    "SqlBatchStore",
    "SqlDeliveryQueue",
    "SqlEconomyStore",
    "SqlEndpointStore",
    "SqlGradeStore",
    "SqlIdempotencyStore",
    "SqlJobStore",
    "SqlKeyStore",
    "SqlLearnerStore",
    "SqlOperationsStore",
    "SqlReviewStore",
    "SqlRubricStore",
    "SqlWorkerStore",
    "open_migrated",
]


async def open_migrated(url: str) -> Database:
    """Open a database and bring it to the newest schema.

    Raises:
        StoreUnavailable, NewerDatabase, ValueError: it cannot be used, as their messages say.
    """
    database = open_database(url)
    try:
        await migrate(database)
    except BaseException:
        await database.close()
        raise
    return database
