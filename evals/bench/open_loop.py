"""Requests that arrive when they would, whatever became of those before, and what came of them."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import aiohttp

from evals.bench.calls import body

PATIENCE = aiohttp.ClientTimeout(total=120)


@dataclass(frozen=True, slots=True)
class Outcome:
    """One request.

    Attributes:
        status: of the response; 0 where the connection broke or nothing came.
        seconds: from when it was meant to be sent to the last byte, so that a busy sender hides nothing.
        told: whether the response said when to come back.
    """

    status: int
    seconds: float
    told: bool = False


@dataclass(slots=True)
class Numbers:
    """Numbers nobody had before: no two answers are the same."""

    last: int = 0

    def next(self) -> int:
        """One more."""
        self.last += 1
        return self.last


async def arriving(
    session: aiohttp.ClientSession,
    url: str,
    rate: float,
    seconds: float,
    numbers: Numbers,
    headers: Mapping[str, str] = {},
) -> list[Outcome]:
    """Send so many grade requests a second for so long; all outcomes, once the last is there."""
    started = time.perf_counter()
    tasks: list[asyncio.Task[Outcome]] = []
    for place in range(round(rate * seconds)):
        meant = started + place / rate
        await asyncio.sleep(meant - time.perf_counter())
        tasks.append(asyncio.create_task(_sent(session, url, meant, numbers.next(), headers)))
    return list(await asyncio.gather(*tasks))


async def _sent(
    session: aiohttp.ClientSession, url: str, meant: float, number: int, headers: Mapping[str, str]
) -> Outcome:
    try:
        async with session.post(f"{url}/v1/grades", json=body(number), headers=headers, timeout=PATIENCE) as response:
            await response.read()
            told = int(response.headers.get("Retry-After", "0")) >= 1
            return Outcome(response.status, time.perf_counter() - meant, told)
    except (aiohttp.ClientError, TimeoutError):
        return Outcome(0, time.perf_counter() - meant)


def percentile(outcomes: Sequence[Outcome], share: float) -> float:
    """The seconds that this share of the outcomes took at most; 0 of none."""
    ordered = sorted(outcome.seconds for outcome in outcomes)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0


def accepted(outcomes: Sequence[Outcome]) -> list[Outcome]:
    """Those that got their grade."""
    return [outcome for outcome in outcomes if outcome.status == 201]


def in_words(outcomes: Sequence[Outcome]) -> str:
    """Accepted with p50 and p99, the rest by status, and how many of those were told when to come back."""
    good, rest = accepted(outcomes), [outcome for outcome in outcomes if outcome.status != 201]
    shown = (
        f"{len(good)} of {len(outcomes)} graded, p50 {percentile(good, 0.5):.2f} s, p99 {percentile(good, 0.99):.2f} s"
    )
    if rest:
        counts = ", ".join(f"{count} x {status}" for status, count in sorted(Counter(o.status for o in rest).items()))
        told = sum(outcome.told for outcome in rest)
        shown += f"; refused {counts}, {told} with Retry-After, p99 {percentile(rest, 0.99):.2f} s"
    return shown
