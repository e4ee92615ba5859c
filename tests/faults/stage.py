"""What a run is played on: database, server, workers, a model's server and a receiver, all real, all on this machine.

The service runs in processes of its own, which begin where the command's import is done: forked from one that has
imported everything, so that a restart costs tenths of a second. The model and the receiver live in the driver's
process: they outlast every kill, and what they see tells exactly when to strike.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from multiprocessing.process import BaseProcess
from pathlib import Path
from random import Random

import uvicorn

from evals.bench.fake_model import Called, FakeModel, Protocol, build
from evals.bench.process import free_port, is_ready
from service.access import ALL_SCOPES
from service.bootstrap import open_keys
from service.records import Tenant
from service.settings import DatabaseSettings, Settings
from tests.faults.campaign import Campaign
from tests.faults.databases import OwnPostgres, RunDatabase, SqliteFile
from tests.faults.entry import Changes, begin
from tests.faults.logbook import Logbook
from tests.faults.receiving import Mailbox, mailbox

TENANTS = (Tenant("north"), Tenant("south"))
READY_SECONDS = 240.0
STOP_SECONDS = 60.0
SERVER = "server"


_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload(["tests.faults.entry", "service.cli", "service.llm.openai_chat"])


@dataclass(slots=True)
class Player:
    """One process of the service, which may die and come back under its name."""

    name: str
    command: list[str]
    environment: dict[str, str]
    log: Path
    process: BaseProcess | None = None

    def start(self) -> None:
        """Start it, or start it again."""
        self.process = _FORKS.Process(target=begin, args=(self.command, self.environment, self.log), name=self.name)
        self.process.start()

    def send(self, number: signal.Signals) -> None:
        """Send it a signal."""
        if self.process is not None and self.process.pid is not None:
            os.kill(self.process.pid, number)

    def kill(self) -> None:
        """End it at once, as power does, and wait until it is gone."""
        if self.process is not None:
            self.process.kill()
            self.process.join()

    async def stop(self) -> int | None:
        """Ask it to end; its exit code, or None where it had to be killed."""
        assert self.process is not None
        self.process.terminate()
        await asyncio.to_thread(self.process.join, STOP_SECONDS)
        code = self.process.exitcode
        if code is None:
            self.kill()
        return code


Seen = Callable[[Called], Awaitable[None]]


@dataclass(slots=True)
class Stage:
    """A run's surroundings.

    Attributes:
        asked, answered: what is told of the model's calls, beside the logbook; how strikes find their moment.
        cases: those that some call was about.
    """

    campaign: Campaign
    logbook: Logbook
    database: RunDatabase
    mailbox: Mailbox
    url: str
    keys: dict[str, str]
    players: dict[str, Player]
    clock: Path | None
    asked: Seen | None = None
    answered: Seen | None = None
    cases: set[str] = field(default_factory=set)

    @property
    def workers(self) -> list[Player]:
        """Those who grade."""
        return [player for player in self.players.values() if player.name != SERVER] or list(self.players.values())

    def revive(self) -> None:
        """Start again who has ended, as a supervisor does: who starts while Postgres is away does not stay."""
        for player in self.players.values():
            if player.process is not None and player.process.exitcode is not None:
                player.start()

    async def ready(self) -> None:
        """Return when the server answers."""
        async with asyncio.timeout(READY_SECONDS):
            while not await asyncio.to_thread(is_ready, self.url):  # noqa: ASYNC110 - another process
                await asyncio.sleep(0.05)

    async def on_call(self, call: Called) -> None:
        """Write a model call down, and tell whoever waits for one."""
        self.cases.add(call.case)
        self.logbook.write("provider", who=call.who, case=call.case, nth=call.nth, gets=call.gets)
        if self.asked is not None:
            await self.asked(call)

    async def on_reply(self, call: Called) -> None:
        """Tell whoever waits for a reply."""
        if self.answered is not None:
            await self.answered(call)


@asynccontextmanager
async def staged(campaign: Campaign, logbook: Logbook) -> AsyncIterator[Stage]:
    """Everything up and ready; everything gone afterwards."""
    kind = OwnPostgres if campaign.postgres else SqliteFile
    database: RunDatabase = kind(logbook.folder)
    try:
        keys = await _keys(database.url)
        async with mailbox(logbook, campaign.receiver_faults, campaign.seed) as box:
            clock = _clock(campaign, logbook.folder)
            port, model_port = free_port(), free_port()
            players = _players(campaign, database.url, logbook.folder, (port, model_port), clock)
            url = f"http://127.0.0.1:{port}"
            stage = Stage(campaign, logbook, database, box, url, keys, players, clock)
            async with _model(stage, model_port):
                try:
                    for player in players.values():
                        player.start()
                    await stage.ready()
                    yield stage
                finally:
                    for player in players.values():
                        player.kill()
    finally:
        await asyncio.to_thread(database.close)


def _clock(campaign: Campaign, folder: Path) -> Path | None:
    if not campaign.steps:
        return None
    clock = folder / "clock"
    clock.write_text("0")
    return clock


def _players(
    campaign: Campaign, url: str, folder: Path, ports: tuple[int, int], clock: Path | None
) -> dict[str, Player]:
    changes = Changes(str(clock) if clock else None, campaign.beat_seconds, campaign.bug)
    names = [SERVER, *(f"worker-{n + 1}" for n in range(campaign.workers))]
    return {name: _player(name, campaign, url, folder, ports, changes) for name in names}


def _player(name: str, campaign: Campaign, url: str, folder: Path, ports: tuple[int, int], changes: Changes) -> Player:
    what = "serve" if name == SERVER else "worker"
    command = [what, changes.packed()] if changes else [what]
    environment = {
        **os.environ,
        "HOME": str(folder),
        "DEBRIEF_DATABASE__URL": url,
        "DEBRIEF_MODEL": "openai/fake",
        "DEBRIEF_SECRET": "a secret for tests",
        "DEBRIEF_PORT": str(ports[0]),
        "DEBRIEF_WEBHOOKS_ALLOW_PRIVATE": "true",
        "DEBRIEF_WORKER__IN_SERVER": str(not campaign.workers).lower(),
        "DEBRIEF_WORKER__CONCURRENCY": str(campaign.concurrency),
        "DEBRIEF_SECONDS__CALL": str(campaign.call_seconds),
        "DEBRIEF_SECONDS__GRADE": str(campaign.grade_seconds),
        "OPENAI_BASE_URL": f"http://127.0.0.1:{ports[1]}/{name}/v1",
        "OPENAI_API_KEY": "none",
    }
    return Player(name, command, environment, folder / f"{name}.log")


async def _keys(url: str) -> dict[str, str]:
    settings = Settings(model="scripted/echo", database=DatabaseSettings(url=url))
    async with open_keys(settings) as (keys, _):
        return {tenant: (await keys.create(tenant, "a run", ALL_SCOPES)).text for tenant in TENANTS}


@asynccontextmanager
async def _model(stage: Stage, port: int) -> AsyncIterator[None]:
    campaign = stage.campaign
    model = FakeModel(
        campaign.latency,
        campaign.faults,
        campaign.seed,
        tricks=campaign.tricks,
        arrived=stage.on_call,
        answered=stage.on_reply,
    )
    config = uvicorn.Config(build(model), port=port, http=Protocol, log_level="critical", access_log=False)
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server._serve())
    try:
        async with asyncio.timeout(READY_SECONDS):
            while not server.started:  # noqa: ASYNC110 - uvicorn tells no other way
                await asyncio.sleep(0.01)
        yield
    finally:
        server.should_exit = server.force_exit = True
        await serving


def chance_of(campaign: Campaign, what: str) -> Random:
    """A source of chance for one purpose, the same for the same seed."""
    return Random(f"{campaign.seed} {what}")
