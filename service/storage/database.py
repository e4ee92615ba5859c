"""Opening a database by its URL, running transactions on it, and what of its errors means "not now".

A transaction is a plain function of a connection. SQLite runs it whole on a thread of its own, one hop for
all its statements; Postgres runs it on asyncpg. Both through the same SQLAlchemy connection.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Protocol, TypeVar, overload

from sqlalchemy import Connection, Engine, Table, create_engine, event
from sqlalchemy.dialects.postgresql import insert as postgres_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, InterfaceError, OperationalError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from service.ports import StoreUnavailable

BUSY_SECONDS = 5.0
CONNECT_SECONDS = 3.0
COMMAND_SECONDS = 10.0
READERS = 2

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

T = TypeVar("T")


class Database(Protocol):
    """Runs transactions.

    Raises (``read`` and ``write``):
        StoreUnavailable: the database cannot be used now; nothing was kept.
    """

    sqlite: bool

    async def read(self, work: Callable[[Connection], T]) -> T:
        """What ``work`` reads, in one transaction."""

    async def write(self, work: Callable[[Connection], T]) -> T:
        """What ``work`` returns, once what it wrote is committed."""

    async def close(self) -> None:
        """Close all connections."""


def insert_once(database: Database, connection: Connection, table: Table, rows: list[dict[str, Any]]) -> None:
    """Insert rows; those whose key is there already are left as they are."""
    make = sqlite_insert if database.sqlite else postgres_insert
    connection.execute(make(table).on_conflict_do_nothing(), rows)


def micros(moment: datetime) -> int:
    """Microseconds since 1970, UTC: how the tables keep time."""
    return (moment - EPOCH) // timedelta(microseconds=1)


@overload
def moment(micros: int) -> datetime: ...
@overload
def moment(micros: None) -> None: ...
def moment(micros: int | None) -> datetime | None:
    """The moment a table's number stands for; None for none."""
    return None if micros is None else EPOCH + timedelta(microseconds=micros)


def utc_now() -> datetime:
    """The current time, for stores that are given no other clock."""
    return datetime.now(UTC)


def open_database(url: str) -> Database:
    """A database for ``sqlite:///path`` or ``postgresql://...``; no connection is made yet.

    Raises:
        ValueError: the URL is of another kind. It is not repeated, since it may hold a password.
    """
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise ValueError("the database URL cannot be read: use sqlite:///path or postgresql://...") from None
    backend = parsed.drivername.partition("+")[0]
    if backend == "sqlite":
        return SqliteDatabase(parsed)
    if backend in ("postgresql", "postgres"):
        return PostgresDatabase(parsed)
    raise ValueError("the database URL has to begin with sqlite:/// or postgresql://")


class SqliteDatabase:
    """A SQLite file in WAL mode, every commit on disk. One writer thread, so writers never meet in its lock."""

    sqlite = True

    def __init__(self, url: URL) -> None:
        if url.database and url.database != ":memory:":
            path = Path(url.database)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch(mode=0o600, exist_ok=True)
        self.engine: Engine = create_engine(
            url.set(drivername="sqlite"), connect_args={"timeout": BUSY_SECONDS}, pool_size=READERS + 1
        )
        event.listen(self.engine, "connect", _set_pragmas)
        self._writer = ThreadPoolExecutor(1, "sqlite-writer")
        self._readers = ThreadPoolExecutor(READERS, "sqlite-reader")

    async def read(self, work: Callable[[Connection], T]) -> T:
        """What ``work`` reads, in one transaction."""
        return await asyncio.get_running_loop().run_in_executor(self._readers, self._read, work)

    async def write(self, work: Callable[[Connection], T]) -> T:
        """What ``work`` returns, once what it wrote is committed."""
        return await asyncio.get_running_loop().run_in_executor(self._writer, self._write, work)

    async def close(self) -> None:
        """Finish what was begun and close all connections."""
        for pool in (self._writer, self._readers):
            await asyncio.to_thread(pool.shutdown)
        self.engine.dispose()

    def _read(self, work: Callable[[Connection], T]) -> T:
        with translated(), self.engine.connect() as connection:
            return work(connection)

    def _write(self, work: Callable[[Connection], T]) -> T:
        with translated(), self.engine.begin() as connection:
            return work(connection)


def _set_pragmas(connection: Any, _record: Any) -> None:
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=FULL", f"busy_timeout={BUSY_SECONDS * 1000:.0f}"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


class PostgresDatabase:
    """A Postgres server; one that does not answer is given up within seconds."""

    sqlite = False

    def __init__(self, url: URL) -> None:
        self.engine: AsyncEngine = create_async_engine(
            url.set(drivername="postgresql+asyncpg"),
            pool_size=5,
            max_overflow=10,
            pool_timeout=CONNECT_SECONDS,
            pool_pre_ping=True,
            connect_args={"timeout": CONNECT_SECONDS, "command_timeout": COMMAND_SECONDS},
        )

    async def read(self, work: Callable[[Connection], T]) -> T:
        """What ``work`` reads, in one transaction."""
        with translated():
            async with self.engine.connect() as connection:
                return await connection.run_sync(work)

    async def write(self, work: Callable[[Connection], T]) -> T:
        """What ``work`` returns, once what it wrote is committed."""
        with translated():
            async with self.engine.begin() as connection:
                return await connection.run_sync(work)

    async def close(self) -> None:
        """Close all connections."""
        await self.engine.dispose()


@contextmanager
def translated() -> Iterator[None]:
    """Turn errors that mean "not now" into StoreUnavailable, without statement or values; let others pass."""
    try:
        yield
    except (OperationalError, InterfaceError, PoolTimeout, TimeoutError, ConnectionError, OSError) as error:
        raise StoreUnavailable(_kind(error)) from None
    except DBAPIError as error:
        if error.connection_invalidated or _is_passing(error):
            raise StoreUnavailable(_kind(error)) from None
        raise SQLAlchemyError(f"{type(error.orig).__name__} in the database") from None


def _kind(error: BaseException) -> str:
    cause = getattr(error, "orig", None) or error
    return f"the database cannot be used ({type(cause).__name__})"


def _is_passing(error: DBAPIError) -> bool:
    """Postgres reports shutdowns, full disks and lost connections as SQLSTATE classes 08, 53, 57 and 58."""
    state = str(getattr(error.orig, "sqlstate", None) or "")
    return state[:2] in ("08", "53", "57", "58")
