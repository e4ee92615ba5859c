"""Where a run's webhooks arrive: written down, then answered, refused, or left without an answer."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from random import Random

import orjson

from tests.faults.logbook import Logbook
from tests.webhooks.receiver import Behaviour, Received, close, read_request, status

GONE_AFTER = 3
SLOW_SECONDS = 2.0


async def _slow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await asyncio.sleep(SLOW_SECONDS)
    await status(204)(reader, writer)


_FAULTS: dict[str, Behaviour] = {"500": status(500), "closed": close, "slow": _slow, "redirect": status(302)}


@dataclass(slots=True)
class Mailbox:
    """A receiver of all tenants: ``/good/TENANT`` fails at times on the first try, ``/gone/TENANT`` soon says 410.

    Attributes:
        faults: share of first tries that fail.
        arrived: told of each webhook before it is answered.
    """

    logbook: Logbook
    faults: float
    chance: Random
    arrived: Callable[[], Awaitable[None]] | None = None
    port: int = 0
    _seen: set[str] = field(default_factory=set)
    _gone: int = 0

    def url(self, kind: str, tenant: str) -> str:
        """An address to register."""
        return f"http://127.0.0.1:{self.port}/{kind}/{tenant}"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            request = await read_request(reader)
            answer = self._answer(request)
            self._note(request, answer)
            if self.arrived is not None:
                await self.arrived()
            await _FAULTS.get(answer, status(int(answer) if answer.isdigit() else 204))(reader, writer)
        writer.close()

    def _answer(self, request: Received) -> str:
        event = request.headers["webhook-id"]
        first = event not in self._seen
        self._seen.add(event)
        if request.path.startswith("/gone/"):
            self._gone += 1
            return "410" if self._gone > GONE_AFTER else "204"
        return self.chance.choice(list(_FAULTS)) if first and self.chance.random() < self.faults else "204"

    def _note(self, request: Received, answer: str) -> None:
        body = orjson.loads(request.body)
        self.logbook.write(
            "receiver",
            path=request.path,
            event=request.headers["webhook-id"],
            type=body["type"],
            object=body["data"]["id"],
            answered=answer,
        )


@asynccontextmanager
async def mailbox(logbook: Logbook, faults: float, seed: int) -> AsyncIterator[Mailbox]:
    """A receiver that listens."""
    made = Mailbox(logbook, faults, Random(seed))
    server = await asyncio.start_server(made.serve, "127.0.0.1", 0)
    made.port = server.sockets[0].getsockname()[1]
    try:
        yield made
    finally:
        server.close()
