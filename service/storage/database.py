"""Opening a database by its URL, and what of its errors means "not now"."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, InterfaceError, OperationalError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from service.ports import StoreUnavailable

BUSY_SECONDS = 5.0
CONNECT_SECONDS = 3.0
COMMAND_SECONDS = 10.0


def open_engine(url: str) -> AsyncEngine:
    """An engine for ``sqlite:///path`` or ``postgresql://...``; no connection is made yet.

    Raises:
        ValueError: the URL is of another kind. It is not repeated, since it may hold a password.
    """
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise ValueError("the database URL cannot be read: use sqlite:///path or postgresql://...") from None
    backend = parsed.drivername.partition("+")[0]
    if backend == "sqlite":
        return _sqlite(parsed)
    if backend in ("postgresql", "postgres"):
        return _postgres(parsed)
    raise ValueError("the database URL has to begin with sqlite:/// or postgresql://")


def _sqlite(url: URL) -> AsyncEngine:
    if url.database and url.database != ":memory:":
        path = Path(url.database)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600, exist_ok=True)
    engine = create_async_engine(
        url.set(drivername="sqlite+aiosqlite"),
        connect_args={"timeout": BUSY_SECONDS},
        pool_size=4,
        max_overflow=4,
        pool_timeout=BUSY_SECONDS,
    )
    event.listen(engine.sync_engine, "connect", _set_pragmas)
    return engine


def _set_pragmas(connection: Any, _record: Any) -> None:
    cursor = connection.cursor()
    for pragma in (
        "journal_mode=WAL",
        "synchronous=FULL",
        "foreign_keys=ON",
        f"busy_timeout={BUSY_SECONDS * 1000:.0f}",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _postgres(url: URL) -> AsyncEngine:
    return create_async_engine(
        url.set(drivername="postgresql+asyncpg"),
        pool_size=5,
        max_overflow=10,
        pool_timeout=CONNECT_SECONDS,
        pool_pre_ping=True,
        connect_args={"timeout": CONNECT_SECONDS, "command_timeout": COMMAND_SECONDS},
    )


@asynccontextmanager
async def translated() -> AsyncIterator[None]:
    """Turn errors that mean "not now" into StoreUnavailable, without statement or values; let others pass."""
    try:
        yield
    except (OperationalError, InterfaceError, PoolTimeout, TimeoutError, ConnectionError, OSError) as error:
        raise StoreUnavailable(_kind(error)) from None
    except DBAPIError as error:
        if error.connection_invalidated or _is_passing(error):
            raise StoreUnavailable(_kind(error)) from None
        raise _without_values(error) from None


def _kind(error: BaseException) -> str:
    cause = getattr(error, "orig", None) or error
    return f"the database cannot be used ({type(cause).__name__})"


def _is_passing(error: DBAPIError) -> bool:
    """Postgres reports shutdowns, full disks and lost connections as SQLSTATE classes 08, 53, 57 and 58."""
    state = str(getattr(error.orig, "sqlstate", None) or "")
    return state[:2] in ("08", "53", "57", "58")


def _without_values(error: DBAPIError) -> SQLAlchemyError:
    return SQLAlchemyError(f"{type(error.orig).__name__} in the database")
