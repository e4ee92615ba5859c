"""What a run sends: answers one by one and in batches, each under a key, until the service has said yes to all.

A request that fails, for whatever reason, is sent again under the same key, as the API asks its clients to. Some are
sent twice at once, and some once more after they were acknowledged; these have to get the same answer.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field

import aiohttp
import orjson

from tests.faults.stage import TENANTS, Stage, chance_of

BATCH = 10
AT_ONCE = 4
AGAIN_SECONDS = 0.5
REQUEST_SECONDS = 60.0
TWICE_AT_ONCE, ONCE_MORE = 0.05, 0.1
QUESTION = "When would you prefer recall to precision? Give an example with the cost of each kind of error."
ANSWER = (
    "{case}. I prefer recall when a missed case costs more than a false alarm. In a hospital a missed sepsis can cost "
    "a life and a false alarm costs a nurse ten minutes, so I would accept a precision of ten percent there."
)
_AGAIN = frozenset({409, 429, 500, 502, 503})


@dataclass(frozen=True, slots=True)
class Sending:
    """One request: answers of one tenant, alone or as a batch, under one key."""

    key: str
    tenant: str
    cases: tuple[str, ...]
    batch: bool

    @property
    def path(self) -> str:
        """Where it is sent."""
        return "/v1/batches" if self.batch else "/v1/grades"

    def body(self) -> bytes:
        """What is sent."""
        bodies = [{"question": QUESTION, "answer": ANSWER.format(case=case)} for case in self.cases]
        if not self.batch:
            return orjson.dumps(bodies[0])
        return b"\n".join(orjson.dumps({"custom_id": c, **b}) for c, b in zip(self.cases, bodies, strict=True))

    def headers(self, secret: str) -> dict[str, str]:
        """How it is sent."""
        kind = "application/jsonl" if self.batch else "application/json"
        always = {"Authorization": f"Bearer {secret}", "Idempotency-Key": self.key, "Content-Type": kind}
        return always if self.batch else {**always, "Prefer": "respond-async"}


def sendings(stage: Stage) -> Iterator[Sending]:
    """Everything that is sent, in order: half of the answers alone, half in batches."""
    chance, left, number = chance_of(stage.campaign, "load"), stage.campaign.jobs, 0
    while left:
        batch = chance.random() < 1 / (BATCH + 1) and left >= BATCH
        size = BATCH if batch else 1
        cases = tuple(f"Case {number + n}" for n in range(size))
        yield Sending(f"key-{number}", chance.choice(TENANTS), cases, batch)
        left, number = left - size, number + size


@dataclass(slots=True)
class Load:
    """Sends what it is allowed to so far, a few requests at once.

    Attributes:
        allowed: how many answers may be sent; raised as the run goes on, so that there is work at every strike.
        acknowledged: told as soon as the service says yes.
        sending: told when a request is about to be sent.
        statuses: replies by status, and connections that broke, by the name of the error.
    """

    stage: Stage
    session: aiohttp.ClientSession
    allowed: int = 0
    acknowledged: Callable[[], Awaitable[None]] | None = None
    sending: Callable[[], Awaitable[None]] | None = None
    statuses: Counter[str] = field(default_factory=Counter)
    sent: int = 0
    _more: asyncio.Event = field(default_factory=asyncio.Event)
    _gate: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(AT_ONCE))

    def allow(self, answers: int) -> None:
        """Let so many answers be sent in all."""
        self.allowed = max(self.allowed, answers)
        self._more.set()

    async def run(self) -> None:
        """Send everything; ends when all of it is acknowledged."""
        chance = chance_of(self.stage.campaign, "copies")
        async with asyncio.TaskGroup() as group:
            for sending in sendings(self.stage):
                while self.sent >= self.allowed:
                    self._more.clear()
                    await self._more.wait()
                self.sent += len(sending.cases)
                copies = 2 if chance.random() < TWICE_AT_ONCE else 1
                for _ in range(copies):
                    group.create_task(self._send(sending, once_more=chance.random() < ONCE_MORE))
                await asyncio.sleep(0)

    async def _send(self, sending: Sending, *, once_more: bool) -> None:
        first = await self._until_acknowledged(sending)
        if once_more and await self._until_acknowledged(sending) != first:
            self.stage.logbook.write("acknowledged", key=sending.key, fault="a repeat got another answer")

    async def _until_acknowledged(self, sending: Sending) -> bytes:
        while True:
            async with self._gate:
                status, body = await self._posted(sending)
            self.statuses[status] += 1
            if status == "202":
                await self._note(sending, orjson.loads(body)["id"])
                return body
            if status.isdigit() and int(status) not in _AGAIN:
                self.stage.logbook.write("acknowledged", key=sending.key, fault=f"refused with {status}")
                return body
            await asyncio.sleep(AGAIN_SECONDS)

    async def _posted(self, sending: Sending) -> tuple[str, bytes]:
        headers = sending.headers(self.stage.keys[sending.tenant])
        if self.sending is not None:
            await self.sending()
        try:
            async with self.session.post(
                self.stage.url + sending.path, data=sending.body(), headers=headers
            ) as response:
                return str(response.status), await response.read()
        except (aiohttp.ClientError, TimeoutError) as error:
            return type(error).__name__, b""

    async def _note(self, sending: Sending, made: str) -> None:
        self.stage.logbook.write(
            "acknowledged", key=sending.key, tenant=sending.tenant, id=made, batch=sending.batch, cases=sending.cases
        )
        if self.acknowledged is not None:
            await self.acknowledged()
