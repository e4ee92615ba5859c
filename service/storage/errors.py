"""Which database error means "not now", and which a mistake of ours; neither ever carries data.

A driver's message may quote values (``Key (id)=(...) already exists``), so only codes and class names go on.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from sqlite3 import (
    SQLITE_BUSY,
    SQLITE_CANTOPEN,
    SQLITE_CORRUPT,
    SQLITE_FULL,
    SQLITE_INTERRUPT,
    SQLITE_IOERR,
    SQLITE_LOCKED,
    SQLITE_NOLFS,
    SQLITE_NOMEM,
    SQLITE_NOTADB,
    SQLITE_PERM,
    SQLITE_PROTOCOL,
    SQLITE_READONLY,
)

from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from service.ports import StoreUnavailable

_SQLITE_PASSING = {
    SQLITE_BUSY,
    SQLITE_CANTOPEN,
    SQLITE_CORRUPT,
    SQLITE_FULL,
    SQLITE_INTERRUPT,
    SQLITE_IOERR,
    SQLITE_LOCKED,
    SQLITE_NOLFS,
    SQLITE_NOMEM,
    SQLITE_NOTADB,
    SQLITE_PERM,
    SQLITE_PROTOCOL,
    SQLITE_READONLY,
}
_POSTGRES_PASSING = ("08", "28", "3D", "40", "53", "57", "58", "XX", "25006", "55P03")
"""SQLSTATEs by prefix: connection, login, no such database, rolled back, resources, operator, system, internal;
read-only server (a standby), lock not free."""


class StatementRefused(SQLAlchemyError):
    """The database refused a statement: a mistake in code or schema, which asking again does not heal."""


@contextmanager
def translated() -> Iterator[None]:
    """Turn database errors into StoreUnavailable or StatementRefused; let everything else pass.

    Raises:
        StoreUnavailable: the database cannot be used now: away, locked, full, read-only, too slow.
        StatementRefused: anything else that a database says.
    """
    try:
        yield
    except DBAPIError as error:
        raise _translation(error) from None
    except (PoolTimeout, OSError) as error:  # OSError: also TimeoutError, ConnectionError, gaierror
        raise unavailable(type(error).__name__) from None


def unavailable(name: str) -> StoreUnavailable:
    """The error for callers, naming what the operator should look for."""
    return StoreUnavailable(f"the database cannot be used ({name})")


def _translation(error: DBAPIError) -> Exception:
    cause = error.orig
    if (code := getattr(cause, "sqlite_errorcode", None)) is not None:
        name = str(getattr(cause, "sqlite_errorname", code))
        return unavailable(name) if code & 0xFF in _SQLITE_PASSING else StatementRefused(f"{name}: {cause}")
    name = type(getattr(cause, "__cause__", None) or cause).__name__
    state = str(getattr(cause, "sqlstate", None) or "")
    if error.connection_invalidated or state.startswith(_POSTGRES_PASSING):
        return unavailable(f"{name} {state}".rstrip())
    return StatementRefused(f"{name} {state}".rstrip())
