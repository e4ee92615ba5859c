"""A storm of events over receivers that fail, hang or go while senders are killed: ``python -m tests.webhooks.storm``.

Every event has to arrive at least once or lie on the visible dead list, and who answers must not wait for who does not.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

from service.records import Tenant
from service.storage import open_migrated
from service.webhook_records import DeliveryStatus, Endpoint
from tests.clock import HeldClock
from tests.webhooks.conftest import Post
from tests.webhooks.receiver import Behaviour, Receiver, hang, receiver, status

SENDER = """
import asyncio, sys
from datetime import UTC, datetime
from service.storage import open_migrated
from tests.clock import HeldClock
from tests.webhooks.conftest import Post
class Now(HeldClock):
    def now(self):
        return datetime.now(UTC)
async def main():
    print("ready", flush=True)
    await Post(await open_migrated(sys.argv[1]), clock=Now(), seconds=float(sys.argv[2])).courier.run()
asyncio.run(main())
"""
KINDS: dict[str, tuple[float, Behaviour]] = {
    "fails": (0.30, status(500)),
    "hangs": (0.10, hang),
    "gone": (0.01, status(410)),
    "answers": (0.59, status(204)),
}


@dataclass(frozen=True, slots=True)
class Storm:
    """How much of what. ``seconds`` is how long an attempt may take."""

    endpoints: int
    events: int
    kills: int
    senders: int = 2
    every: float = 0.02
    seconds: float = 15.0
    seed: int = 1


@dataclass(slots=True)
class Aftermath:
    """What the receivers and the database say in the end."""

    recorded: int
    delivered: int = 0
    dead: int = 0
    lost: list[str] = field(default_factory=list)
    repeated: int = 0
    most_sockets: int = 0
    waits: list[float] = field(default_factory=list)

    def wait(self, share: float) -> float:
        """Seconds from event to arrival at receivers that answer: this quantile."""
        return sorted(self.waits)[min(len(self.waits) - 1, int(share * len(self.waits)))]


async def rage(storm: Storm, url: str) -> Aftermath:
    """Let it rage, then let days pass until nothing is pending, and count."""
    random = Random(storm.seed)
    clock = HeldClock(datetime.now(UTC))
    async with AsyncExitStack() as stack:
        post = Post(await open_migrated(url), clock=clock, seconds=0.5)
        stack.push_async_callback(post.database.close)
        receivers = {kind: await stack.enter_async_context(receiver(how)) for kind, (_, how) in KINDS.items()}
        endpoints = await _register(post, storm, receivers)
        recorded = await _record_while_killing(post, storm, random, url, endpoints)
        clock.time = datetime.now(UTC)
        await post.send_until_idle(step=timedelta(hours=1))
        return await _count(post, endpoints, receivers, recorded)


async def _register(post: Post, storm: Storm, receivers: dict[str, Receiver]) -> list[tuple[str, Endpoint]]:
    kinds = [kind for kind, (share, _) in KINDS.items() for _ in range(max(1, round(share * storm.endpoints)))]
    return [
        (kind, (await post.register(receivers[kind].url(), tenant=Tenant(f"t{number}")))[0])
        for number, kind in enumerate(kinds)
    ]


async def _record_while_killing(
    post: Post, storm: Storm, random: Random, url: str, endpoints: list[tuple[str, Endpoint]]
) -> dict[str, tuple[str, float]]:
    """Record events at an even pace while senders come and go; each event's kind of receiver and when it was made."""
    recorded: dict[str, tuple[str, float]] = {}
    killing = sorted(random.sample(range(storm.events), storm.kills))
    async with _senders(storm, url) as kill:
        for number in range(storm.events):
            kind, endpoint = random.choice(endpoints)
            grade = f"grd_{number}"
            recorded[grade] = kind, time.time()
            post.clock.time = datetime.now(UTC)
            await post.record(data={"id": grade, "object": "grade", "status": "graded"}, tenant=endpoint.tenant)
            while killing and killing[0] == number:
                killing.pop(0)
                await kill(random.randrange(storm.senders))
            await asyncio.sleep(storm.every)
        await asyncio.sleep(3)
    return recorded


@asynccontextmanager
async def _senders(storm: Storm, url: str) -> AsyncIterator[Callable[[int], Awaitable[None]]]:
    """Processes that send, all of them ready; what it yields kills one and starts another in its place."""

    async def start() -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            sys.executable, "-c", SENDER, url, str(storm.seconds), stdout=asyncio.subprocess.PIPE
        )

    processes = [await start() for _ in range(storm.senders)]
    for process in processes:
        assert process.stdout is not None
        assert await process.stdout.readline() == b"ready\n"

    async def kill(which: int) -> None:
        processes[which].kill()
        await processes[which].wait()
        processes[which] = await start()

    try:
        yield kill
    finally:
        for process in processes:
            process.kill()
            await process.wait()


async def _count(
    post: Post,
    endpoints: list[tuple[str, Endpoint]],
    receivers: dict[str, Receiver],
    recorded: dict[str, tuple[str, float]],
) -> Aftermath:
    after = Aftermath(len(recorded), most_sockets=max(each.most_open for each in receivers.values()))
    first: dict[str, float] = {}
    ids: dict[str, set[str]] = {}
    times: Counter[str] = Counter()
    for each in (each for kind in receivers.values() for each in kind.received):
        grade = json.loads(each.body)["data"]["id"]
        first.setdefault(grade, each.at)
        ids.setdefault(grade, set()).add(each.headers["webhook-id"])
        times[grade] += 1
    dead, delivered = await _kept(post, endpoints)
    after.delivered, after.dead = len(delivered), len(dead)
    for grade, (kind, made) in recorded.items():
        event_ids = ids.get(grade, set())
        arrived = kind == "answers" and len(event_ids) == 1
        if not arrived and not event_ids & dead and kind != "gone":
            after.lost.append(grade)
        if kind == "answers" and grade in first:
            after.waits.append(first[grade] - made)
            after.repeated += times[grade] - 1
    return after


async def _kept(post: Post, endpoints: list[tuple[str, Endpoint]]) -> tuple[set[str], set[str]]:
    """The events on the dead list and those delivered, read as a tenant reads them."""
    found: dict[DeliveryStatus, set[str]] = {DeliveryStatus.DEAD: set(), DeliveryStatus.DELIVERED: set()}
    for _, endpoint in endpoints:
        for status_, events in found.items():
            cursor: str | None = None
            while True:
                page = await post.store.deliveries(endpoint.tenant, endpoint.id, status_, cursor, 100)
                events |= {each.event for each in page.deliveries}
                cursor = page.next_cursor
                if cursor is None:
                    break
    return found[DeliveryStatus.DEAD], found[DeliveryStatus.DELIVERED]


def main() -> int:
    """Print what came of a storm; 1 when an event was lost."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--endpoints", type=int, default=200)
    parser.add_argument("--events", type=int, default=2_000)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--database", help="a URL; a SQLite file that is thrown away unless given")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        url = given.database or f"sqlite:///{Path(folder) / 'storm.db'}"
        storm = Storm(given.endpoints, given.events, given.kills, seed=given.seed, every=0.05)
        after = asyncio.run(rage(storm, url))
    print(f"{storm}")  # noqa: T201
    print(  # noqa: T201
        f"recorded {after.recorded}, delivered {after.delivered}, dead and listed {after.dead}, "
        f"lost {len(after.lost)}, arrived more than once {after.repeated}, most sockets {after.most_sockets}, "
        f"wait of those that answer p50 {after.wait(0.5):.2f} s, p95 {after.wait(0.95):.2f} s, n {len(after.waits)}"
    )
    return 1 if after.lost else 0


if __name__ == "__main__":
    sys.exit(main())
