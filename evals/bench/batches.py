"""``python -m evals.bench.batches``: how fast workers grade a batch, beside a bare aiohttp client in the same run.

Prints grades a second from the first finished to the last, the ratio to the bare client, CPU per grade and the
memory of each worker. ``--workers 2 --postgres`` starts a PostgreSQL of its own. ``--interactive`` asks an API process
on the same database for grades meanwhile, and says what those cost without and beside the batch. ``--items 100000
--seconds 60`` shows what many waiting answers cost.
"""

from __future__ import annotations

import argparse
import asyncio
import math
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
import orjson

from evals.bench.calls import body, one_prompt, run, wait
from evals.bench.open_loop import Numbers, Outcome, accepted, arriving, in_words, percentile
from evals.bench.process import Service, asking, cpu_seconds, fake_model, peak_mb, postgres, started
from service.bootstrap import Services, open_services
from service.jobs import Batch
from service.lines import RawLine
from service.records import LOCAL_TENANT
from service.settings import DatabaseSettings, Settings

LOOK_SECONDS = 0.1
WARM = 0.1
MOST_WARM = 1_000
BARE_CALLS = 5_000
IDLE_SECONDS = 60.0
WARM_SECONDS = 5.0
PROBES_A_SECOND = 5.0


async def main() -> int:
    """Run it and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--items", type=int, default=2_000)
    parser.add_argument("--concurrency", type=int, default=64, help="of each worker")
    parser.add_argument("--latency", type=float, default=0.2, help="seconds the fake model takes")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--postgres", action="store_true")
    parser.add_argument("--seconds", type=float, help="stop after so long, however much is left")
    parser.add_argument("--interactive", action="store_true", help="grade for waiting callers too, 5 a second")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        await _measure(options, Path(folder), stack)
    return 0


async def _measure(options: argparse.Namespace, folder: Path, stack: ExitStack) -> None:
    model = fake_model(stack, options.latency)
    url = postgres(folder, stack) if options.postgres else f"sqlite:///{folder}/bench.db"
    bare_rate = await _bare(model, options)
    settings = Settings(model="scripted/echo", database=DatabaseSettings(url=url))
    environment = {**asking(model), "DEBRIEF_DATABASE__URL": url, "DEBRIEF_WORKER__IN_SERVER": "false"}
    probe = _Probe(stack.enter_context(Service(environment)).url) if options.interactive else None
    if probe:
        idle = await probe.for_(IDLE_SECONDS)
    async with open_services(settings) as services:
        begun = time.perf_counter()
        batch = await services.batches.take_in(LOCAL_TENANT, _lines(options.items))
        print(f"{options.items} lines taken in after {time.perf_counter() - begun:.1f} s")
        command = ["service.cli", "worker", "--concurrency", str(options.concurrency)]
        pids = [started(stack, command, environment).pid for _ in range(options.workers)]
        during = asyncio.create_task(probe.until_told()) if probe else None
        rate = await _followed(services, batch, pids, options.seconds or math.inf)
    print(f"bare client {bare_rate:.0f} calls/s, ratio {rate / bare_rate:.2f}")
    if probe and during:
        probe.enough.set()
        beside = await during
        ratio = percentile(accepted(beside), 0.99) / percentile(accepted(idle), 0.99)
        print(f"interactive, idle: {in_words(idle)}")
        print(f"interactive, beside the batch: {in_words(beside)}; p99 {ratio:.2f} x idle")


@dataclass(slots=True)
class _Probe:
    """Callers who wait for their grades, a few a second."""

    url: str
    enough: asyncio.Event = field(default_factory=asyncio.Event)
    _numbers: Numbers = field(default_factory=lambda: Numbers(10**6))

    async def for_(self, seconds: float) -> list[Outcome]:
        """What came of them for a while, after the first few."""
        await self._arriving(WARM_SECONDS)
        return await self._arriving(seconds)

    async def until_told(self) -> list[Outcome]:
        """What came of them until there were enough."""
        outcomes: list[Outcome] = []
        while not self.enough.is_set():
            outcomes += await self._arriving(WARM_SECONDS)
        return outcomes

    async def _arriving(self, seconds: float) -> list[Outcome]:
        async with aiohttp.ClientSession() as session:
            return await arriving(session, self.url, PROBES_A_SECOND, seconds, self._numbers)


async def _bare(model: str, options: argparse.Namespace) -> float:
    """Calls a second of a client that does nothing else, with as many connections."""
    prompt = one_prompt()
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        await wait(session, f"{model}/_stats")

        async def call(_number: int) -> None:
            async with session.post(f"{model}/v1/chat/completions", data=prompt) as response:
                orjson.loads(await response.read())

        rate, _ = await run(call, range(min(options.items, BARE_CALLS)), options.concurrency * options.workers)
    return rate


async def _followed(services: Services, batch: Batch, pids: list[int], seconds: float) -> float:
    """Grades a second once a tenth (or many) are through, so that starting up does not count."""
    begun: tuple[float, int, float] | None = None
    while not batch.status.final and (begun is None or time.perf_counter() - begun[0] < seconds):
        await asyncio.sleep(LOOK_SECONDS)
        batch = await services.batches.get(LOCAL_TENANT, batch.id) or batch
        finished = batch.counts.total - batch.counts.in_progress
        if begun is None and finished >= min(WARM * batch.counts.total, MOST_WARM):
            begun = (time.perf_counter(), finished, sum(map(cpu_seconds, pids)))
    if begun is None:
        raise SystemExit("the batch was over before it could be measured: send more items")
    since, at, cpu = begun
    graded = batch.counts.total - batch.counts.in_progress - at
    peak = max(map(peak_mb, pids))
    rate = graded / (time.perf_counter() - since)
    spent = 1_000 * (sum(map(cpu_seconds, pids)) - cpu) / graded
    print(
        f"{rate:.0f} grades/s (n = {graded}) by {len(pids)} worker(s), {spent:.1f} ms of CPU a grade, at most "
        f"{peak:.0f} MB resident; {batch.counts.graded + batch.counts.needs_review} of {batch.counts.total} graded"
    )
    return rate


async def _lines(items: int) -> AsyncIterator[RawLine]:
    for number in range(1, items + 1):
        yield RawLine(number, orjson.dumps({"custom_id": str(number), **body(number)}))


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
