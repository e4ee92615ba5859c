"""Opening a database by its URL, running transactions on it, and what of its errors means "not now".

A transaction is a plain function of a connection. SQLite runs it whole on a thread of its own, one hop for
all its statements; Postgres runs it on asyncpg. Both through the same SQLAlchemy connection.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Protocol, TypeVar, overload

import asyncpg
from sqlalchemy import Connection, Engine, Table, create_engine, event
from sqlalchemy.dialects.postgresql import insert as postgres_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import (
    ArgumentError,
    DBAPIError,
    DisconnectionError,
    InterfaceError,
    OperationalError,
    SQLAlchemyError,
)
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from service.ports import StoreUnavailable
from service.storage.silence import Silence
from service.storage.together import Together

BUSY_SECONDS = 5.0
CONNECT_SECONDS = 3.0
COMMAND_SECONDS = 10.0
READERS = 2
CONNECTIONS = 4
"""To Postgres at once for reading, and as many for writing: more only wait for each other's turn of the processor."""

IDLE_SECONDS = 1.0
"""A connection that nobody used for longer is tried before it is used: the server may have been restarted."""

MOST_TOGETHER = 64
"""Transactions that share one commit, and so one wait for the disk, when that many wait."""

DEADLOCKS = 3
"""How often a transaction is done that others waited for while it waited for them."""
DEADLOCK_DETECTED = "40P01"

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

T = TypeVar("T")


class Deadlock(StoreUnavailable):
    """Two transactions waited for each other and this one was undone; it can be done again at once."""


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

    async def scrub(self) -> bool:
        """Make what was deleted unreadable in the files now, as far as that is ours; whether it is done."""

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


def begin_immediate(connection: Connection) -> None:
    """Take SQLite's write lock before anything is read, unless this transaction has it already."""
    if not connection.connection.dbapi_connection.in_transaction:  # type: ignore[union-attr]
        connection.exec_driver_sql("BEGIN IMMEDIATE")


def begin_writing(connection: Connection) -> None:
    """For a transaction that reads what it then writes by: on SQLite nobody else writes from here to its end.

    On Postgres it is the rows that have to be locked (``FOR UPDATE``).
    """
    if connection.dialect.name == "sqlite":
        begin_immediate(connection)


@dataclass(frozen=True, slots=True)
class _Waiting:
    """A transaction that waits for the writer, and where its outcome goes."""

    work: Callable[[Connection], Any]
    outcome: Future[Any]

    def settle(self, act: Callable[[], Any]) -> None:
        """Do it and pass on what it returns or raises."""
        try:
            self.outcome.set_result(act())
        except BaseException as error:  # noqa: BLE001 - it is raised where the outcome is awaited
            self.outcome.set_exception(error)


class SqliteDatabase:
    """A SQLite file in WAL mode, every commit on disk. One writer thread, so writers never meet in its lock.

    Transactions that wait for the writer at the same moment share a commit; if one of them fails, nothing of
    them is kept and each is done again by itself.
    """

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
        self._waiting: deque[_Waiting] = deque()
        self._readers = ThreadPoolExecutor(READERS, "sqlite-reader")

    async def read(self, work: Callable[[Connection], T]) -> T:
        """What ``work`` reads, in one transaction."""
        return await asyncio.get_running_loop().run_in_executor(self._readers, self._read, work)

    async def write(self, work: Callable[[Connection], T]) -> T:
        """What ``work`` returns, once what it wrote is committed."""
        outcome: Future[T] = Future()
        self._waiting.append(_Waiting(work, outcome))
        self._writer.submit(self._write_waiting)
        return await asyncio.shield(asyncio.wrap_future(outcome))

    async def scrub(self) -> bool:
        """Move the write-ahead log, which keeps old pages, into the file; False while a reader holds it."""
        return await asyncio.get_running_loop().run_in_executor(self._writer, self._empty_log)

    async def close(self) -> None:
        """Finish what was begun and close all connections."""
        for pool in (self._writer, self._readers):
            await asyncio.to_thread(pool.shutdown)
        self.engine.dispose()

    def _read(self, work: Callable[[Connection], T]) -> T:
        with translated(), self.engine.connect() as connection:
            return work(connection)

    def _write_waiting(self) -> None:
        """Do what waits, together; who finds nothing left was taken along by an earlier call."""
        group = [self._waiting.popleft() for _ in range(min(MOST_TOGETHER, len(self._waiting)))]
        if len(group) > 1 and self._written_together(group):
            return
        for each in group:
            each.settle(lambda each=each: self._write(each.work))  # type: ignore[misc]

    def _written_together(self, group: list[_Waiting]) -> bool:
        """Whether a group is settled: by one commit, or because the database cannot be used at all."""
        try:
            results = self._write(lambda connection: [each.work(connection) for each in group])
        except StoreUnavailable as error:
            for each in group:
                each.outcome.set_exception(error)
            return True
        except Exception:  # noqa: BLE001 - nothing was kept; each finds its own error by itself
            return False
        for each, result in zip(group, results, strict=True):
            each.outcome.set_result(result)
        return True

    def _write(self, work: Callable[[Connection], T]) -> T:
        with translated(), self.engine.begin() as connection:
            return work(connection)

    def _empty_log(self) -> bool:
        with translated(), self.engine.connect() as connection:
            return bool(connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").one()[0] == 0)


def _set_pragmas(connection: Any, _record: Any) -> None:
    cursor = connection.cursor()
    for pragma in (
        "journal_mode=WAL",
        "synchronous=FULL",
        "secure_delete=ON",  # what is deleted is overwritten
        f"busy_timeout={BUSY_SECONDS * 1000:.0f}",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


_OF_SQLALCHEMY = ("prepared_statement", "async_")
"""How parts of a URL begin that SQLAlchemy keeps for itself."""


class PostgresDatabase:
    """A Postgres server; one that does not answer is given up within two seconds."""

    sqlite = False

    def __init__(self, url: URL) -> None:
        self.idle_seconds = IDLE_SECONDS
        url = url.set(drivername="postgresql+asyncpg")
        limits = {"timeout": CONNECT_SECONDS, "command_timeout": COMMAND_SECONDS}
        self.engine: AsyncEngine = create_async_engine(
            url, pool_size=2 * CONNECTIONS, max_overflow=0, pool_timeout=CONNECT_SECONDS, connect_args=limits
        )
        event.listen(self.engine.sync_engine, "checkin", _note_use)
        event.listen(self.engine.sync_engine, "checkout", self._try_if_idle)
        self._silence = Silence(self._knock)
        self._reads = Together(lambda work: self._silence.bounded(self._read(work)), CONNECTIONS, MOST_TOGETHER)
        self._writes = Together(lambda work: self._silence.bounded(self._write(work)), CONNECTIONS, MOST_TOGETHER)

    async def read(self, work: Callable[[Connection], T]) -> T:
        """What ``work`` reads, in one transaction, which others that waited with it may share."""
        return await self._reads.do(work)

    async def write(self, work: Callable[[Connection], T]) -> T:
        """What ``work`` returns, once what it wrote is committed, together with what others wrote."""
        return await self._writes.do(work)

    async def scrub(self) -> bool:
        """Nothing to do here: the server's own vacuum reclaims dead rows."""
        return True

    async def close(self) -> None:
        """Finish what was begun and close all connections."""
        await asyncio.gather(self._reads.end(), self._writes.end())
        await self.engine.dispose()

    async def _read(self, work: Callable[[Connection], T]) -> T:
        with translated():
            async with self.engine.connect() as connection:
                return await connection.run_sync(work)

    async def _write(self, work: Callable[[Connection], T]) -> T:
        for _ in range(DEADLOCKS - 1):
            try:
                return await self._write_once(work)
            except Deadlock:
                continue
        return await self._write_once(work)

    async def _write_once(self, work: Callable[[Connection], T]) -> T:
        with translated():
            async with self.engine.begin() as connection:
                return await connection.run_sync(work)

    def _try_if_idle(self, connection: Any, record: Any, _proxy: Any) -> None:
        """Ask a connection that was idle for a while whether it still is one; asking each time is too dear."""
        if time.monotonic() - record.info.get("used", math.inf) > self.idle_seconds:
            dialect = self.engine.sync_engine.dialect
            try:
                dialect.do_ping(connection)
            except dialect.loaded_dbapi.Error:
                raise DisconnectionError from None

    async def _knock(self) -> None:
        """A connection of its own, with as few words as it takes."""
        _, options = self.engine.dialect.create_connect_args(self.engine.url)
        known = {name: value for name, value in options.items() if not name.startswith(_OF_SQLALCHEMY)}
        (await asyncpg.connect(**known, timeout=CONNECT_SECONDS)).terminate()


def _note_use(_connection: Any, record: Any) -> None:
    record.info["used"] = time.monotonic()


@contextmanager
def translated() -> Iterator[None]:
    """Turn errors that mean "not now" into StoreUnavailable, without statement or values; let others pass."""
    try:
        yield
    except (OperationalError, InterfaceError, PoolTimeout, TimeoutError, ConnectionError, OSError) as error:
        raise StoreUnavailable(_kind(error)) from None
    except DBAPIError as error:
        if _state(error) == DEADLOCK_DETECTED:
            raise Deadlock(_kind(error)) from None
        if error.connection_invalidated or _is_passing(error):
            raise StoreUnavailable(_kind(error)) from None
        raise SQLAlchemyError(f"{type(error.orig).__name__} in the database") from None


def _kind(error: BaseException) -> str:
    cause = getattr(error, "orig", None) or error
    return f"the database cannot be used ({type(cause).__name__})"


def _is_passing(error: DBAPIError) -> bool:
    """Postgres reports shutdowns, full disks and lost connections as SQLSTATE classes 08, 53, 57 and 58."""
    return _state(error)[:2] in ("08", "53", "57", "58")


def _state(error: DBAPIError) -> str:
    return str(getattr(error.orig, "sqlstate", None) or "")
