"""``debrief serve`` and ``debrief worker`` in a process of a run's, with what the run changes from outside.

That is: a clock that can be stepped, workers that are missed sooner, a planted bug. A run that needs none of these
starts the real command.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import orjson
import uvicorn

from service import cli
from service.api import serving
from service.bootstrap import Services, SystemClock, open_services
from service.settings import Settings
from service.telemetry import set_up_logging
from service.web.app import create_site
from tests.faults.bugs import Bug, plant


@dataclass(frozen=True, slots=True)
class Changes:
    """What differs from the real service.

    Attributes:
        clock: a file with the seconds by which the clock is wrong; None leaves it right.
        beat_seconds: between a worker's signs of life; six of them missing mean it is dead. None leaves both alone.
        bug: to be planted.
    """

    clock: str | None = None
    beat_seconds: float | None = None
    bug: Bug | None = None

    def __bool__(self) -> bool:
        """Whether anything differs."""
        return self != Changes()

    def packed(self) -> str:
        """As a command's argument."""
        return orjson.dumps(self).decode()


class SteppedClock(SystemClock):
    """The real time, wrong by what a file says at the moment."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def now(self) -> datetime:
        """What a clock shows that was set wrong."""
        return super().now() + timedelta(seconds=float(self._file.read_text()))


def _changed(services: Services, changes: Changes) -> Services:
    if changes.beat_seconds is not None:
        services.worker.beat_seconds = changes.beat_seconds
        services.worker.dead_after_seconds = 6 * changes.beat_seconds
    if changes.bug is not None:
        plant(changes.bug, services)
    return services


def _clock(changes: Changes) -> SystemClock:
    return SteppedClock(Path(changes.clock)) if changes.clock else SystemClock()


class _Server(uvicorn.Server):
    """A server that leaves signals to whoever started it: uvicorn's own would end the process before it is closed."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Touch nothing."""
        yield


async def serve(settings: Settings, changes: Changes) -> None:
    """The server."""
    async with open_services(settings, clock=_clock(changes)) as services:
        app = create_site(settings, _changed(services, changes))
        server = _Server(uvicorn.Config(**serving.settings(app, settings.host, settings.port, settings.seconds.drain)))
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, setattr, server, "should_exit", True)
        await server.serve()


async def work(settings: Settings, changes: Changes) -> None:
    """A worker."""
    told = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, told.set)
    async with open_services(settings, clock=_clock(changes)) as opened:
        services = _changed(opened, changes)
        async with services.courier.running(), services.worker.running():
            await told.wait()


def begin(command: list[str], environment: dict[str, str], log: Path) -> None:
    """Be ``debrief serve`` or ``debrief worker``, or one of them with changes; what a new process does.

    Args:
        command: ``serve`` or ``worker``, and changes as packed, if any.
        environment: all of it.
        log: where output goes.
    """
    os.environ.clear()
    os.environ.update(environment)
    with log.open("ab") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    kind, *packed = command
    if not packed:
        sys.argv = ["debrief", kind]
        cli.main()
        return
    raw = orjson.loads(packed[0])
    changes = Changes(raw["clock"], raw["beat_seconds"], Bug(raw["bug"]) if raw["bug"] else None)
    settings = Settings()
    set_up_logging(settings.log_level)
    asyncio.run((serve if kind == "serve" else work)(settings, changes))
