"""Bringing a database to the newest schema, also when two processes start at once."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, inspect, text

from service.storage.database import Database, begin_immediate

if TYPE_CHECKING:
    from alembic.config import Config

HEAD = "0011"
_LOCK = 4_711_001


class NewerDatabase(Exception):
    """The database was made by a newer version of the service."""


async def migrate(database: Database) -> None:
    """Bring the database to ``HEAD``; a database already there costs one look.

    Raises:
        NewerDatabase: its schema is unknown here.
        StoreUnavailable: it cannot be reached or written.
    """
    if await database.read(_revision) != HEAD:
        await database.write(_upgrade)


def _revision(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()


def _upgrade(connection: Connection) -> None:
    from alembic import command
    from alembic.script import ScriptDirectory

    config = alembic_config()
    _lock(connection)
    found = _revision(connection)
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    if found is not None and found not in known:
        raise NewerDatabase("the database was made by a newer version of debrief: update the service")
    config.attributes["connection"] = connection
    command.upgrade(config, HEAD)


def alembic_config() -> Config:
    """Alembic's configuration, pointing at the scripts in this package."""
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    return config


def _lock(connection: Connection) -> None:
    """Hold back other processes until this transaction ends."""
    if connection.dialect.name == "sqlite":
        begin_immediate(connection)
    else:
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
