"""``python -m evals.bench.load``: overload, a greedy tenant beside a modest one, and hostile bodies, on one machine.

Open loop: requests arrive at a rate whatever becomes of them, and latency counts from when each was meant to be sent.
The sender and the fake model run on the same machine and take their share of it.
"""

from __future__ import annotations

import argparse
import asyncio
import gzip
import sys
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import aiohttp

from evals.bench.calls import body, run
from evals.bench.open_loop import Numbers, Outcome, accepted, arriving, in_words, percentile
from evals.bench.process import Service, asking, cpu_seconds, fake_model, peak_mb, resident_mb
from service.access import USUAL_SCOPES
from service.allowances import Allowance
from service.bootstrap import open_keys
from service.records import Tenant
from service.settings import DatabaseSettings, Settings

PARTS = ("overload", "tenants", "hostile")
OVER = 10
GREEDY_QUOTA = 300
GREEDY = 20
MODEST_RATE = 1.0
BODIES = 50
TEN_MB = 10 * 1024 * 1024
DEEP = 200_000


async def main() -> int:
    """Run the parts asked for and print what came of them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--part", choices=PARTS, action="append", help="all, if left out")
    parser.add_argument("--seconds", type=float, default=30, help="of each load")
    parser.add_argument("--latency", type=float, default=0.8, help="median seconds of the fake model")
    parser.add_argument("--p99", type=float, default=3.0, help="seconds that one of 100 of its replies takes")
    options = parser.parse_args()
    for part in options.part or PARTS:
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder, ExitStack() as stack:
            print(f"{part}:")
            await _PART[part](options, Path(folder), stack)
    return 0


def _environment(options: argparse.Namespace, folder: Path, stack: ExitStack) -> dict[str, str]:
    model = fake_model(stack, options.latency, options.p99)
    return {**asking(model), "DEBRIEF_DATABASE__URL": f"sqlite:///{folder}/load.db", "DEBRIEF_LOG_LEVEL": "ERROR"}


def _session() -> aiohttp.ClientSession:
    return aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))


async def _overload(options: argparse.Namespace, folder: Path, stack: ExitStack) -> None:
    """Half of what the service can do, ten times as much, half again."""
    environment = _environment(options, folder, stack) | {"DEBRIEF_LIMITS__REQUESTS_PER_MINUTE": "10000000"}
    service, numbers = stack.enter_context(Service(environment)), Numbers()
    async with _session() as session:

        async def grade(number: int) -> None:
            async with session.post(f"{service.url}/v1/grades", json=body(number)) as response:
                await response.read()

        await run(grade, range(-200, 0), 64)
        capacity, _ = await run(grade, range(-2_000, -200), 128)
        print(f"  capacity {capacity:.0f} grades/s (n = 1,800, 128 at once)")
        half = await _load(session, service, capacity / 2, options.seconds, numbers)
        print(f"  half of it: {in_words(half)}; {resident_mb(service.pid):.0f} MB")
        over = await _load(session, service, OVER * capacity, options.seconds, numbers)
        print(f"  {OVER} times as much: {in_words(over)}; at most {peak_mb(service.pid):.0f} MB")
        after = await _load(session, service, capacity / 2, options.seconds, numbers)
        print(f"  half again: {in_words(after)}")
    ratio = percentile(accepted(over), 0.99) / percentile(accepted(half), 0.99)
    took = max(outcome.seconds for outcome in over)
    print(f"  accepted p99 {ratio:.2f} x that of half the load; goodput {len(accepted(over)) / took:.0f} grades/s")


async def _load(
    session: aiohttp.ClientSession, service: Service, rate: float, seconds: float, numbers: Numbers
) -> list[Outcome]:
    return await arriving(session, service.url, rate, seconds, numbers)


async def _tenants(options: argparse.Namespace, folder: Path, stack: ExitStack) -> None:
    """A tenant that sends 20 times its quota beside one that sends a request a second."""
    environment = _environment(options, folder, stack)
    settings = Settings(model="scripted/echo", database=DatabaseSettings(url=environment["DEBRIEF_DATABASE__URL"]))
    async with open_keys(settings) as (keys, allowances):
        await allowances.allow(Tenant("greedy"), Allowance(requests_per_minute=GREEDY_QUOTA))
        greedy, modest = [
            {"Authorization": f"Bearer {(await keys.create(Tenant(name), name, USUAL_SCOPES)).text}"}
            for name in ("greedy", "modest")
        ]
    service, numbers = stack.enter_context(Service(environment)), Numbers()
    async with _session() as session:
        await arriving(session, service.url, 5, 5, numbers, modest)
        alone = await arriving(session, service.url, MODEST_RATE, options.seconds, numbers, modest)
        rate = GREEDY * GREEDY_QUOTA / 60
        beside, crowd = await asyncio.gather(
            arriving(session, service.url, MODEST_RATE, options.seconds, numbers, modest),
            arriving(session, service.url, rate, options.seconds, numbers, greedy),
        )
    print(f"  B alone, {MODEST_RATE:g}/s: {in_words(alone)}")
    print(f"  A, {rate:.0f}/s where {GREEDY_QUOTA / 60:.0f}/s are allowed: {in_words(crowd)}")
    print(f"  B beside A: {in_words(beside)}; p99 {percentile(beside, 0.99) / percentile(alone, 0.99):.2f} x alone")


async def _chunked(size: int) -> AsyncIterator[bytes]:
    for _ in range(size // 65_536):
        yield b" " * 65_536


_Body = tuple[dict[str, str], Callable[[], Any]]
_BOMB = gzip.compress(b" " * TEN_MB)
_JSON = {"Content-Type": "application/json"}
_KINDS: dict[str, _Body] = {
    "10 MB": (_JSON, lambda: b'{"question": "q", "answer": "' + b"a" * TEN_MB + b'"}'),
    "10 MB, chunked": (_JSON, lambda: _chunked(TEN_MB)),
    "gzip bomb": ({**_JSON, "Content-Encoding": "gzip"}, lambda: _BOMB),
    "deep nesting": (_JSON, lambda: b'{"question": ' + b"[" * DEEP),
    "batch of one endless line": ({"Content-Type": "application/jsonl"}, lambda: _chunked(TEN_MB)),
}


async def _hostile(options: argparse.Namespace, folder: Path, stack: ExitStack) -> None:
    """Fifty at once of each kind of body that is meant to fill the memory."""
    service = stack.enter_context(Service(_environment(options, folder, stack)))
    async with _session() as session:
        await arriving(session, service.url, 5, 5, Numbers())
        begun = peak_mb(service.pid)
        for kind, (headers, made) in _KINDS.items():
            path = "/v1/batches" if "batch" in kind else "/v1/grades"
            before = cpu_seconds(service.pid)
            sent = (_hostile_one(session, f"{service.url}{path}", headers, made) for _ in range(BODIES))
            counts = Counter(await asyncio.gather(*sent))
            shown = ", ".join(f"{count} x {status or 'closed'}" for status, count in sorted(counts.items()))
            print(
                f"  {BODIES} x {kind}: {shown}; {cpu_seconds(service.pid) - before:.1f} s of CPU, "
                f"at most {peak_mb(service.pid) - begun:.0f} MB more than before all"
            )
        async with session.get(f"{service.url}/healthz") as response:
            print(f"  health afterwards: {response.status}")


async def _hostile_one(
    session: aiohttp.ClientSession, url: str, headers: dict[str, str], made: Callable[[], Any]
) -> int:
    try:
        async with session.post(url, data=made(), headers=headers) as response:
            await response.read()
            return response.status
    except (aiohttp.ClientError, OSError):
        return 0


_PART = {"overload": _overload, "tenants": _tenants, "hostile": _hostile}

if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
