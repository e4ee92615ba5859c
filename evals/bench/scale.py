"""``make scale-demo``: a batch on Postgres with two workers, one of them killed half-way, and nothing missing.

Starts a PostgreSQL of its own, a fake model server, the API without a worker in it, and two ``debrief worker``
processes; sends a batch over HTTP, kills one worker with SIGKILL when half of it is graded, reads the results back
and checks them. Exit code 0: everything is there, once, in the order it was sent. 1: something is not.
"""

from __future__ import annotations

import argparse
import asyncio
import secrets
import signal
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import orjson
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table

from evals.bench.calls import body, stats
from evals.bench.process import Service, asking, fake_model, postgres, started

LOOK_SECONDS = 0.25
WORKERS = 2
PAGE = 100
SURPLUS = "model calls beyond one an answer"


@dataclass(frozen=True, slots=True)
class Found:
    """What was left of a batch when it was through.

    Attributes:
        sent: the names of the answers, in order.
        status: of the batch.
        results: names and grade ids, as ``/results`` has them.
        refused: lines of ``/errors``.
        stored: ids of all grades there are.
        calls: what the model was asked.
        surplus: calls that a kill may repeat: as many as one worker grades at once.
    """

    sent: list[str]
    status: str
    results: list[tuple[str, str]]
    refused: int
    stored: list[str]
    calls: int
    surplus: int

    def checks(self) -> list[tuple[str, str, bool]]:
        """What was promised, what was found, and whether that is it."""
        names, ids = [name for name, _ in self.results], [grade for _, grade in self.results]
        extra = self.calls - len(self.sent)
        return [
            ("the batch completed", self.status, self.status == "completed"),
            ("every answer is graded", f"{len(set(names))} of {len(self.sent)}", set(names) == set(self.sent)),
            ("none is among the errors", str(self.refused), self.refused == 0),
            ("results in the order sent", "yes" if names == self.sent else "no", names == self.sent),
            ("one result for each", f"{len(names) - len(set(names))} doubled", len(names) == len(set(names))),
            ("no grade besides", f"{len(self.stored)} stored", sorted(self.stored) == sorted(set(ids))),
            (SURPLUS, f"{extra} (at most {self.surplus})", 0 <= extra <= self.surplus),
        ]


async def main(arguments: list[str] | None = None) -> int:
    """Run it; 0 when nothing is missing."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--items", type=int, default=2_000)
    parser.add_argument("--concurrency", type=int, default=64, help="of each worker")
    parser.add_argument("--latency", type=float, default=0.2, help="seconds the fake model takes")
    options = parser.parse_args(arguments)
    console = Console()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder, ExitStack() as stack:
        found, seconds = await _demonstrated(options, Path(folder), stack, console)
    table = Table(title=f"{options.items} answers, {WORKERS} workers, one killed: {seconds:.0f} s")
    for column in ("promised", "found", ""):
        table.add_column(column)
    for promised, seen, kept in found.checks():
        table.add_row(promised, seen, "[green]kept[/]" if kept else "[bold red]BROKEN[/]")
    console.print(table)
    return 0 if all(kept for _, _, kept in found.checks()) else 1


async def _demonstrated(
    options: argparse.Namespace, folder: Path, stack: ExitStack, console: Console
) -> tuple[Found, float]:
    """What became of the batch, and the seconds from sending it to the last grade."""
    model = fake_model(stack, options.latency)
    environment = {
        **asking(model),
        "DEBRIEF_DATABASE__URL": postgres(folder, stack),
        "DEBRIEF_SECRET": secrets.token_hex(32),
        "DEBRIEF_WORKER__IN_SERVER": "false",
        "DEBRIEF_LOG_LEVEL": "ERROR",
    }
    api = stack.enter_context(Service(environment))
    console.print(f"PostgreSQL, a fake model of {options.latency:g} s, the API (process {api.pid}) without a worker")
    command = ["service.cli", "worker", "--concurrency", str(options.concurrency)]
    first, second = (started(stack, command, environment) for _ in range(WORKERS))
    console.print(f"two workers (processes {first.pid} and {second.pid}), {options.concurrency} answers at once each")
    sent = [f"learner-{number}" for number in range(1, options.items + 1)]
    begun = time.monotonic()
    async with aiohttp.ClientSession(api.url) as session:
        batch = await _sent(session, sent)
        with _progress(console) as progress:
            task = progress.add_task("graded", total=len(sent))
            await _followed(session, batch, progress, task, len(sent) // 2)
            first.send_signal(signal.SIGKILL)
            await asyncio.to_thread(first.wait)
            progress.console.print(f"kill -9 {first.pid}: that worker is gone, with what it was grading")
            status = await _followed(session, batch, progress, task)
        seconds = time.monotonic() - begun
        found = Found(
            sent=sent,
            status=status,
            results=[(line["custom_id"], line["grade"]["id"]) async for line in _lines(session, batch, "results")],
            refused=len([line async for line in _lines(session, batch, "errors")]),
            stored=[grade async for grade in _stored(session)],
            calls=(await stats(session, model))["calls"],
            surplus=options.concurrency,
        )
    return found, seconds


def _progress(console: Console) -> Progress:
    return Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), console=console
    )


async def _sent(session: aiohttp.ClientSession, names: list[str]) -> str:
    lines = (orjson.dumps({"custom_id": name, **body(number)}) for number, name in enumerate(names))
    headers = {"Content-Type": "application/jsonl"}
    async with session.post("/v1/batches", data=b"\n".join(lines), headers=headers) as response:
        document = orjson.loads(await response.read())
        if response.status != 202:
            raise SystemExit(f"the batch was refused: {document}")
    return str(document["id"])


async def _followed(
    session: aiohttp.ClientSession, batch: str, progress: Progress, task: TaskID, goal: int | None = None
) -> str:
    """The batch's status once so many are through, or it is."""
    while True:
        async with session.get(f"/v1/batches/{batch}") as response:
            document: dict[str, Any] = orjson.loads(await response.read())
        counts = document["counts"]
        through = counts["total"] - counts["in_progress"]
        progress.update(task, completed=through)
        if document["finished_at"] is not None or (goal is not None and through >= goal):
            return str(document["status"])
        await asyncio.sleep(LOOK_SECONDS)


async def _lines(session: aiohttp.ClientSession, batch: str, part: str) -> AsyncIterator[dict[str, Any]]:
    async with session.get(f"/v1/batches/{batch}/{part}") as response:
        for line in (await response.read()).splitlines():
            yield orjson.loads(line)


async def _stored(session: aiohttp.ClientSession) -> AsyncIterator[str]:
    """The ids of all grades, page by page."""
    query = {"limit": str(PAGE)}
    while True:
        async with session.get("/v1/grades", params=query) as response:
            page = orjson.loads(await response.read())
        for grade in page["data"]:
            yield grade["id"]
        if not page["has_more"]:
            return
        query["cursor"] = page["next_cursor"]


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
