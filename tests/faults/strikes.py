"""Striking: each kind of fault brought about at its moment, and what was struck brought back."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from random import Random
from typing import Any

import aiohttp

from evals.bench.fake_model import Called
from service.worker import DEAD_AFTER_SECONDS
from tests.faults.campaign import Strike
from tests.faults.databases import OwnPostgres
from tests.faults.load import Load
from tests.faults.stage import SERVER, Player, Stage

AIM_SECONDS = 60.0
ARMED_SECONDS = 0.05
HELD_SECONDS = 0.1
LONGEST_DELAY = 0.03
COMMIT_SECONDS = 2.0
SWING = (600.0, -600.0, 0.0)
PROBE_EVERY = 0.25


@dataclass(slots=True)
class Striker:
    """Carries strikes out on a stage under load.

    Attributes:
        work: answers that are sent as a strike is made, so that its moment comes.
    """

    stage: Stage
    load: Load
    chance: Random
    work: int
    slowest: dict[str, float] = field(default_factory=dict)
    exits: list[int | None] = field(default_factory=list)
    steps: int = 0

    async def strike(self, strike: Strike) -> None:
        """Do it while new work comes in, and have everything up again when this returns."""
        asyncio.get_running_loop().call_later(ARMED_SECONDS, self.load.allow, self.load.sent + self.work)
        try:
            async with asyncio.timeout(AIM_SECONDS):
                struck = await _STRIKES[strike](self)
        except TimeoutError:
            struck = ["missed"]
        self.stage.logbook.write("strikes", strike=strike.value, struck=struck)
        self.stage.revive()
        await self.stage.ready()

    async def kill_any_worker(self) -> list[str]:
        """At any moment."""
        await asyncio.sleep(self.chance.random() / 2)
        return self._killed(self.chance.choice(self.stage.workers))

    async def kill_server(self) -> list[str]:
        """At any moment."""
        await asyncio.sleep(self.chance.random() / 2)
        return self._killed(self.stage.players[SERVER])

    async def kill_claimed(self) -> list[str]:
        """Who asks the model has claimed a job, and has no reply yet."""
        async with _Moment(self.stage, "asked") as moment:
            call: Called = await moment.come
            return self._killed(self.stage.players[call.who])

    async def kill_answered(self) -> list[str]:
        """The reply has just been handed over: somewhere from reading it to having stored the grade."""
        async with _Moment(self.stage, "answered") as moment:
            call: Called = await moment.come
            await asyncio.sleep(self.chance.random() * LONGEST_DELAY)
            return self._killed(self.stage.players[call.who])

    async def kill_committing(self) -> list[str]:
        """The database is locked, so that whoever has a reply waits to store it, and is killed while it waits."""
        async with _Moment(self.stage, "asked") as begun:
            await begun.come
        with self.stage.database.locked():
            async with _Moment(self.stage, "answered") as moment:
                call: Called = await asyncio.wait_for(moment.come, COMMIT_SECONDS)
            await asyncio.sleep(HELD_SECONDS)
            return self._killed(self.stage.players[call.who])

    async def kill_committed(self) -> list[str]:
        """One more job is done: its grade is stored, and nothing that comes after was."""
        async with _Moment(self.stage, "answered") as moment:
            before = self._done()
            call: Called = await moment.come
            while self._done() == before:  # noqa: ASYNC110 - the database tells nobody
                await asyncio.sleep(0)
            return self._killed(self.stage.players[call.who])

    async def kill_sending(self) -> list[str]:
        """A webhook has arrived and its sender has no answer yet."""
        async with _Moment(self.stage.mailbox, "arrived") as moment:
            await moment.come
            return self._killed(self.chance.choice(list(self.stage.players.values())))

    async def kill_acknowledged(self) -> list[str]:
        """An answer was acknowledged: from here on it must not be lost."""
        async with _Moment(self.load, "acknowledged") as moment:
            await moment.come
            return self._killed(self.stage.players[SERVER])

    async def kill_taking(self) -> list[str]:
        """A request is on its way in."""
        async with _Moment(self.load, "sending") as moment:
            await moment.come
        await asyncio.sleep(self.chance.random() * LONGEST_DELAY)
        return self._killed(self.stage.players[SERVER])

    async def pause(self) -> list[str]:
        """A worker stands still with a job in hand until others took it over, and then goes on as if nothing was."""
        beat = self.stage.campaign.beat_seconds
        async with _Moment(self.stage, "asked") as moment:
            call: Called = await moment.come
            player = self.stage.players[call.who]
            player.send(signal.SIGSTOP)
        await asyncio.sleep(DEAD_AFTER_SECONDS + 10 if beat is None else 6 * beat + 3)
        player.send(signal.SIGCONT)
        return [player.name]

    async def stop(self) -> list[str]:
        """As a deploy does: SIGTERM, wait, start the next."""
        player = self.chance.choice(list(self.stage.players.values()))
        self.exits.append(await player.stop())
        player.start()
        return [player.name]

    async def freeze(self) -> list[str]:
        """Postgres stands still; requests have to be refused meanwhile, not kept waiting."""
        return await self._without_database("frozen", self._postgres().frozen())

    async def halt(self) -> list[str]:
        """Postgres is gone for a while."""
        return await self._without_database("gone", self._postgres().gone())

    async def step(self) -> list[str]:
        """All clocks of the service jump ten minutes, forwards or backwards, at once."""
        assert self.stage.clock is not None
        self.steps += 1
        offset = SWING[self.steps % len(SWING)]
        self.stage.clock.write_text(str(offset))
        return [f"{offset:+.0f} s"]

    async def _without_database(self, how: str, away: AbstractContextManager[None]) -> list[str]:
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(None, away.__enter__)
        try:
            slowest, statuses = await self._probed(self.stage.campaign.down_seconds)
        finally:
            await loop.run_in_executor(None, lambda: away.__exit__(None, None, None))
        back = time.monotonic()
        await self.stage.ready()
        returned = time.monotonic() - back
        for name, seconds in ((how, slowest), (f"back after {how}", returned)):
            self.slowest[name] = max(self.slowest.get(name, 0.0), seconds)
        return [f"slowest reply {slowest:.2f} s", f"ready again after {returned:.2f} s", f"replies {statuses}"]

    async def _probed(self, seconds: float) -> tuple[float, dict[str, int]]:
        """Ask every quarter of a second; the slowest reply, and how many there were of each kind."""
        tasks: list[asyncio.Task[tuple[float, str]]] = []
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            tasks += [asyncio.create_task(self._asked(path)) for path in ("/v1/grades", "/readyz")]
            await asyncio.sleep(PROBE_EVERY)
        replies = [await task for task in tasks]
        kinds = sorted({kind for _, kind in replies})
        return max(took for took, _ in replies), {kind: sum(k == kind for _, k in replies) for kind in kinds}

    async def _asked(self, path: str) -> tuple[float, str]:
        headers = {"Authorization": f"Bearer {next(iter(self.stage.keys.values()))}"}
        started = time.monotonic()
        try:
            async with self.load.session.get(self.stage.url + path, headers=headers) as response:
                await response.read()
                wait = "" if response.status == 200 or "retry-after" in response.headers else " without Retry-After"
                kind = f"{response.status}{wait}"
        except (aiohttp.ClientError, TimeoutError) as error:
            kind = type(error).__name__
        return time.monotonic() - started, kind

    def _killed(self, player: Player) -> list[str]:
        player.kill()
        player.start()
        return [player.name]

    def _postgres(self) -> OwnPostgres:
        assert isinstance(self.stage.database, OwnPostgres)
        return self.stage.database

    def _done(self) -> int:
        return int(self.stage.database.rows("SELECT count(*) FROM jobs WHERE state = 'done'")[0][0])


@dataclass(slots=True)
class _Moment:
    """The next time that something tells us something; what it tells, once it has ``come``."""

    teller: Any
    name: str
    come: asyncio.Future[Any] = field(init=False)

    async def __aenter__(self) -> _Moment:
        self.come = asyncio.get_running_loop().create_future()

        async def told(what: Any = None) -> None:
            if not self.come.done():
                self.come.set_result(what)

        setattr(self.teller, self.name, told)
        return self

    async def __aexit__(self, *_: object) -> None:
        setattr(self.teller, self.name, None)


_STRIKES: dict[Strike, Callable[[Striker], Awaitable[list[str]]]] = {
    Strike.KILL_WORKER: Striker.kill_any_worker,
    Strike.KILL_SERVER: Striker.kill_server,
    Strike.KILL_CLAIMED: Striker.kill_claimed,
    Strike.KILL_ANSWERED: Striker.kill_answered,
    Strike.KILL_COMMITTING: Striker.kill_committing,
    Strike.KILL_COMMITTED: Striker.kill_committed,
    Strike.KILL_SENDING: Striker.kill_sending,
    Strike.KILL_ACKNOWLEDGED: Striker.kill_acknowledged,
    Strike.KILL_TAKING: Striker.kill_taking,
    Strike.PAUSE: Striker.pause,
    Strike.STOP: Striker.stop,
    Strike.FREEZE: Striker.freeze,
    Strike.HALT: Striker.halt,
    Strike.STEP: Striker.step,
}
