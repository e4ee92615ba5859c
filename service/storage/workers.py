"""The workers there are, by their heartbeats."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import Connection, delete, select, text, update

from service.jobs import Beat
from service.storage.database import Database, begin_immediate, insert_once
from service.storage.tables import WORKERS


class SqlWorkerStore:
    """Implements :class:`service.job_ports.WorkerStore`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def enlist(self, host: str, pid: int, lives: Callable[[int], bool]) -> str:
        """The name of a new worker on a host: that of one whose process is gone, so that its work goes on at once."""

        def work(connection: Connection) -> str:
            _lock(connection)
            here = select(WORKERS.c.id, WORKERS.c.pid).where(WORKERS.c.host == host).order_by(WORKERS.c.id)
            taken = {row.id: row.pid for row in connection.execute(here)}
            gone = [name for name, of in taken.items() if of == pid or not lives(of)]
            name = gone[0] if gone else next(n for i in range(len(taken) + 1) if (n := f"{host}/{i}") not in taken)
            insert_once(self._database, connection, WORKERS, [{"id": name, "host": host, "pid": pid, "beats": 0}])
            connection.execute(update(WORKERS).where(WORKERS.c.id == name).values(pid=pid, beats=WORKERS.c.beats + 1))
            return name

        return await self._database.write(work)

    async def beat(self, name: str) -> tuple[Beat, ...]:
        """Show that a worker lives; all workers."""

        def work(connection: Connection) -> tuple[Beat, ...]:
            connection.execute(update(WORKERS).where(WORKERS.c.id == name).values(beats=WORKERS.c.beats + 1))
            rows = connection.execute(select(WORKERS).order_by(WORKERS.c.id))
            return tuple(Beat(name=row.id, host=row.host, pid=row.pid, beats=row.beats) for row in rows)

        return await self._database.write(work)

    async def dismiss(self, name: str) -> None:
        """Forget a worker that left or is dead."""
        gone = delete(WORKERS).where(WORKERS.c.id == name)
        await self._database.write(lambda connection: connection.execute(gone).rowcount)


def _lock(connection: Connection) -> None:
    if connection.dialect.name == "sqlite":
        begin_immediate(connection)
    else:
        connection.execute(text("LOCK TABLE workers IN EXCLUSIVE MODE"))
