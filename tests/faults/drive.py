"""Playing a run: send work, strike meanwhile, let everything settle, and have the checker look at what is left."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Protocol

import aiohttp

from tests.faults.campaign import KILLS, Campaign, Strike
from tests.faults.load import REQUEST_SECONDS, Load
from tests.faults.logbook import Logbook
from tests.faults.stage import Stage, chance_of, staged
from tests.faults.strikes import Striker

MOST_AT_A_STRIKE = 40
LOOK_SECONDS = 0.5
LONG_PAST = 1_200.0
UNSETTLED = """
SELECT (SELECT count(*) FROM jobs WHERE state <> 'done')
     + (SELECT count(*) FROM batches WHERE status IN ('validating', 'in_progress', 'cancelling'))
     + (SELECT count(*) FROM webhook_deliveries WHERE status = 'pending')
"""


class Watcher(Protocol):
    """Who follows a run."""

    def on_strike(self, number: int, strike: Strike) -> None:
        """A strike is about to be made."""

    def on_progress(self, cases: int) -> None:
        """So many answers were asked about."""


@dataclass(frozen=True, slots=True)
class Played:
    """What came of a run, beside what the checker says.

    Attributes:
        seconds: from the first request until all was settled.
        settled: whether nothing was left to do in the end.
        statuses: replies by status, and broken connections by the error's name.
        slowest: the slowest reply while Postgres was away, and how long until it was ready again.
        exits: codes of processes that were told to stop, in the end or before; None for one that had to be killed.
    """

    folder: Path
    seconds: float
    settled: bool
    statuses: Counter[str]
    slowest: dict[str, float]
    exits: list[int | None]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the checker says of a run: whether all holds, in its words, and the names of what does not."""

    holds: bool
    report: str

    @property
    def broken(self) -> set[str]:
        """The names of the promises that do not hold."""
        lines = (line for line in self.report.splitlines() if line.startswith("RED "))
        return {line.removeprefix("RED ").partition(":")[0].strip() for line in lines}


async def play(campaign: Campaign, folder: Path, watcher: Watcher | None = None) -> Played:
    """Play a run; what it leaves lies in the folder, the database still open to the checker in ``judged``."""
    async with played(campaign, folder, watcher) as (result, _):
        return result


async def judged(campaign: Campaign, folder: Path, watcher: Watcher | None = None) -> tuple[Played, Verdict]:
    """Play a run and have it checked, by a program of its own."""
    async with played(campaign, folder, watcher) as (result, stage):
        return result, await asyncio.to_thread(check, stage.logbook.folder)


def check(folder: Path) -> Verdict:
    """The checker's verdict on what a run left."""
    command = [sys.executable, "-m", "tests.faults.check", str(folder)]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    return Verdict(ended.returncode == 0, ended.stdout + ended.stderr)


@asynccontextmanager
async def played(
    campaign: Campaign, folder: Path, watcher: Watcher | None = None
) -> AsyncIterator[tuple[Played, Stage]]:
    """A run that has been played, its database still up."""
    logbook = Logbook(folder)
    async with staged(campaign, logbook) as stage, _client() as session:
        await _register(stage, session)
        load = Load(stage, session)
        work = min(MOST_AT_A_STRIKE, max(1, campaign.jobs // (2 * len(campaign.strikes()) + 2)))
        striker = Striker(stage, load, chance_of(campaign, "strikes"), work)
        started = time.monotonic()
        try:
            await _carried_out(stage, load, striker, watcher)
            settled = await _settled(stage, watcher)
        except TimeoutError:
            settled = False
        seconds = time.monotonic() - started
        exits = [await player.stop() for player in stage.players.values()]
        _describe(stage, exits)
        yield Played(folder, seconds, settled, load.statuses, striker.slowest, striker.exits + exits), stage


def _client() -> aiohttp.ClientSession:
    """Each request on a connection of its own, so that one that broke was broken by the server."""
    timeout = aiohttp.ClientTimeout(total=REQUEST_SECONDS)
    return aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0, force_close=True), timeout=timeout)


async def _register(stage: Stage, session: aiohttp.ClientSession) -> None:
    """Two endpoints a tenant: one that works on the whole, one that soon wants to hear no more."""
    for tenant, secret in stage.keys.items():
        for kind in ("good", "gone"):
            body = {"url": stage.mailbox.url(kind, tenant), "events": ["grade.completed", "batch.completed"]}
            async with session.post(
                f"{stage.url}/v1/webhook-endpoints", json=body, headers={"Authorization": f"Bearer {secret}"}
            ) as response:
                assert response.status == 201, await response.text()


async def _carried_out(stage: Stage, load: Load, striker: Striker, watcher: Watcher | None) -> None:
    campaign = stage.campaign
    strikes = campaign.strikes()
    sending = asyncio.create_task(load.run())
    try:
        for number, strike in enumerate(strikes):
            if watcher is not None:
                watcher.on_strike(number, strike)
                watcher.on_progress(len(stage.cases))
            share = (number + 1) / (len(strikes) + 1)
            load.allow(round((share - 0.5 / (len(strikes) + 1)) * campaign.jobs))
            await _under_way(stage, round((share - 0.75 / (len(strikes) + 1)) * campaign.jobs))
            await striker.strike(strike)
        load.allow(campaign.jobs)
        async with asyncio.timeout(campaign.drain_seconds):
            await sending
    finally:
        sending.cancel()
        await asyncio.gather(sending, return_exceptions=True)
    if stage.clock is not None:
        stage.clock.write_text(str(LONG_PAST))


async def _under_way(stage: Stage, cases: int) -> None:
    """Return once the model was asked about so many answers, or too long after."""
    end = time.monotonic() + stage.campaign.drain_seconds
    while len(stage.cases) < cases and time.monotonic() < end:  # noqa: ASYNC110 - each call adds one
        await asyncio.sleep(0.01)


async def _settled(stage: Stage, watcher: Watcher | None) -> bool:
    """Whether there is nothing left to do, in the time there is for it."""
    end = time.monotonic() + stage.campaign.drain_seconds
    while time.monotonic() < end:
        if watcher is not None:
            watcher.on_progress(len(stage.cases))
        if (await asyncio.to_thread(stage.database.rows, UNSETTLED))[0][0] == 0:
            return True
        await asyncio.sleep(LOOK_SECONDS)
    return False


def _describe(stage: Stage, exits: list[int | None]) -> None:
    done = Counter(entry["strike"] for entry in stage.logbook.read("strikes") if entry["struck"] != ["missed"])
    killed = sum(done[strike.value] for strike in KILLS) + exits.count(None)
    campaign = {**asdict(stage.campaign), "bug": stage.campaign.bug and stage.campaign.bug.value}
    stage.logbook.describe(
        campaign=campaign,
        database=stage.database.url,
        tenants=list(stage.keys),
        kills=killed,
        pauses=done[Strike.PAUSE.value],
        strikes=dict(done),
    )
