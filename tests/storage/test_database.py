"""Transactions that wait at the same moment share a commit and none suffers for another."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import Connection, text
from sqlalchemy.exc import SQLAlchemyError

from service.storage import Database
from service.storage.database import PostgresDatabase, open_database

pytestmark = pytest.mark.anyio


@pytest.fixture
async def numbers(database: Database) -> Database:
    """A database with a table of distinct numbers."""
    await database.write(lambda connection: connection.execute(text("CREATE TABLE numbers (n INTEGER PRIMARY KEY)")))
    return database


async def kept(database: Database) -> list[int]:
    """The numbers there are."""
    found = text("SELECT n FROM numbers ORDER BY n")
    return await database.read(lambda connection: list(connection.execute(found).scalars()))


async def test_what_is_written_at_once_is_all_there(numbers: Database) -> None:
    """Each gets its own result back."""

    async def add(number: int) -> int:
        def work(connection: Connection) -> int:
            connection.execute(text("INSERT INTO numbers VALUES (:n)"), {"n": number})
            return number

        return await numbers.write(work)

    results = await asyncio.gather(*(add(n) for n in range(200)))

    assert results == list(range(200))
    assert await kept(numbers) == list(range(200))


async def test_one_that_fails_takes_nobody_with_it_and_leaves_nothing(numbers: Database) -> None:
    """Its own error, its own rows undone; the others are kept."""

    async def add(*wanted: int) -> None:
        def work(connection: Connection) -> None:
            for number in wanted:
                connection.execute(text("INSERT INTO numbers VALUES (:n)"), {"n": number})

        await numbers.write(work)

    outcomes = await asyncio.gather(add(1), add(2, 1), add(3), add(4, 4), add(5), return_exceptions=True)

    failed = [isinstance(outcome, SQLAlchemyError) for outcome in outcomes]
    assert failed in ([False, True, False, True, False], [True, False, False, True, False])
    assert await kept(numbers) == ([1, 3, 5] if failed[1] else [1, 2, 3, 5])


async def test_whoever_stops_waiting_leaves_the_others_alone(numbers: Database) -> None:
    """Its transaction is done or not; theirs are done."""

    async def add(number: int) -> None:
        statement = text("INSERT INTO numbers VALUES (:n)")
        await numbers.write(lambda connection: connection.execute(statement, {"n": number}).rowcount)

    tasks = [asyncio.create_task(add(n)) for n in range(20)]
    await asyncio.sleep(0)
    tasks[3].cancel()
    await asyncio.gather(*tasks, return_exceptions=True)

    assert set(await kept(numbers)) >= set(range(20)) - {3}


async def test_more_transactions_than_connections_wait_instead_of_failing(numbers: Database) -> None:
    """Being busy is not being unavailable."""
    slow = text("SELECT pg_sleep(0.02)") if not numbers.sqlite else text("SELECT 1")

    results = await asyncio.gather(
        *(numbers.read(lambda connection: connection.execute(slow).rowcount) for _ in range(100))
    )

    assert len(results) == 100


async def test_a_connection_that_was_idle_is_tried_before_it_is_used(numbers: Database, url: str) -> None:
    """A server that was restarted meanwhile costs nobody an error."""
    if numbers.sqlite:
        return
    await kept(numbers)
    assert isinstance(numbers, PostgresDatabase)
    numbers.idle_seconds = 0.0
    other = open_database(url)
    others = text(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE pid <> pg_backend_pid() AND datname = current_database()"
    )
    await other.write(lambda connection: connection.execute(others).rowcount)
    await other.close()

    assert await kept(numbers) == []
