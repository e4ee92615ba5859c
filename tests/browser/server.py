"""The real site on a real socket, in a thread of its own, with a model a test can hold back."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import uvicorn

from evals.for_pages import compare_folders
from service.bootstrap import Services, open_services
from service.grading.models import ChatReply, ChatRequest
from service.llm.scripted import ScriptedChat
from service.records import GradeRecord
from service.settings import Settings
from service.web.app import create_site


class Held(ScriptedChat):
    """The echo model, whose replies wait until ``go`` is set."""

    def __init__(self) -> None:
        super().__init__("scripted/echo", lambda _answer, levels: (levels + 1) // 2)
        self.go = threading.Event()
        self.go.set()

    async def complete(self, request: ChatRequest, seconds: float) -> ChatReply:
        """The echo, when it may."""
        await asyncio.to_thread(self.go.wait, 60)
        return await super().complete(request, seconds)


@dataclass
class Site:
    """A running site: where it is, its model, and a way into its store."""

    address: str
    model: Held
    services: Services
    loop: asyncio.AbstractEventLoop

    def keep(self, records: Sequence[GradeRecord]) -> None:
        """Put grades into the store."""

        async def keep() -> None:
            for record in records:
                await self.services.store.add(record)

        self.run(keep())

    def run(self, work: Any) -> Any:
        """Do something in the server's loop."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(30)


@contextmanager
def serving(settings: Settings) -> Iterator[Site]:
    """The site while it runs."""
    model = Held()
    ready: list[Site] = []
    started, stop = threading.Event(), threading.Event()

    async def serve() -> None:
        async with open_services(settings, model) as services:
            config = uvicorn.Config(
                create_site(settings, services, compare_runs=compare_folders),
                host="127.0.0.1",
                port=0,
                log_level="warning",
                ws="none",
                access_log=False,
            )
            server = uvicorn.Server(config)
            listening = config.bind_socket()
            listening.listen()  # who comes before the server is ready waits
            port = listening.getsockname()[1]
            task = asyncio.create_task(server.serve([listening]))
            ready.append(Site(f"http://127.0.0.1:{port}", model, services, asyncio.get_running_loop()))
            started.set()
            await asyncio.to_thread(stop.wait)
            model.go.set()
            server.should_exit = True
            await task

    thread = threading.Thread(target=lambda: asyncio.run(serve()), daemon=True)
    thread.start()
    if not started.wait(30):
        raise RuntimeError("the site did not start")
    try:
        yield ready[0]
    finally:
        stop.set()
        thread.join(30)
