"""``python -m evals.bench.batches``: how fast workers grade a batch, beside a bare aiohttp client in the same run.

Prints grades a second from the first finished to the last, the ratio to the bare client, CPU per grade and the
memory of each worker. ``--workers 2 --postgres`` starts a PostgreSQL of its own.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import ExitStack
from pathlib import Path

import aiohttp
import orjson

from evals.bench.calls import body, one_prompt, run, wait
from evals.bench.process import asking, cpu_seconds, fake_model, postgres, resident_mb, started
from service.bootstrap import Services, open_services
from service.jobs import Batch
from service.lines import RawLine
from service.records import LOCAL_TENANT
from service.settings import DatabaseSettings, Settings

LOOK_SECONDS = 0.1
WARM = 0.1


async def main() -> int:
    """Run it and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--items", type=int, default=2_000)
    parser.add_argument("--concurrency", type=int, default=64, help="of each worker")
    parser.add_argument("--latency", type=float, default=0.2, help="seconds the fake model takes")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--postgres", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        await _measure(options, Path(folder), stack)
    return 0


async def _measure(options: argparse.Namespace, folder: Path, stack: ExitStack) -> None:
    model = fake_model(stack, options.latency)
    url = postgres(folder, stack) if options.postgres else f"sqlite:///{folder}/bench.db"
    bare_rate = await _bare(model, options)
    settings = Settings(model="scripted/echo", database=DatabaseSettings(url=url))
    environment = {**asking(model), "DEBRIEF_DATABASE__URL": url}
    async with open_services(settings) as services:
        begun = time.perf_counter()
        batch = await services.batches.take_in(LOCAL_TENANT, _lines(options.items))
        print(f"{options.items} lines taken in after {time.perf_counter() - begun:.1f} s")
        command = ["service.cli", "worker", "--concurrency", str(options.concurrency)]
        pids = [started(stack, command, environment).pid for _ in range(options.workers)]
        rate = await _followed(services, batch, pids)
    print(f"bare client {bare_rate:.0f} calls/s, ratio {rate / bare_rate:.2f}")


async def _bare(model: str, options: argparse.Namespace) -> float:
    """Calls a second of a client that does nothing else, with as many connections."""
    prompt = one_prompt()
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        await wait(session, f"{model}/_stats")

        async def call(_number: int) -> None:
            async with session.post(f"{model}/v1/chat/completions", data=prompt) as response:
                orjson.loads(await response.read())

        rate, _ = await run(call, range(options.items), options.concurrency * options.workers)
    return rate


async def _followed(services: Services, batch: Batch, pids: list[int]) -> float:
    """Grades a second between a tenth and the end, so that starting up does not count."""
    begun: tuple[float, int, float] | None = None
    peak = 0.0
    while not batch.status.final:
        await asyncio.sleep(LOOK_SECONDS)
        batch = await services.batches.get(LOCAL_TENANT, batch.id) or batch
        finished = batch.counts.total - batch.counts.in_progress
        peak = max(peak, *map(resident_mb, pids))
        if begun is None and finished >= WARM * batch.counts.total:
            begun = (time.perf_counter(), finished, sum(map(cpu_seconds, pids)))
    if begun is None:
        raise SystemExit("the batch was over before it could be measured: send more items")
    since, at, cpu = begun
    graded = batch.counts.total - at
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
