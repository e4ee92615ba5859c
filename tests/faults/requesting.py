"""Requests that wait for their grade while the model fails in fourteen ways: each ends in a grade or says why not."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
import orjson

from tests.faults.campaign import Campaign
from tests.faults.check import Left, quotes_are_the_answers, results_are_valid
from tests.faults.load import ANSWER, QUESTION
from tests.faults.logbook import Logbook
from tests.faults.stage import TENANTS, Stage, staged

AT_ONCE = 64
GRACE_SECONDS = 1.0
LEAST_GRADED = 0.96
MOST_CALLS = 1.45
WARM_UP = 10**9
"""The number of a first request, not counted: a model's client is opened with the first call."""


@dataclass(frozen=True, slots=True)
class Requesting:
    """How much of what.

    Attributes:
        faults: share of calls that get one of the fourteen kinds.
        call_seconds, grade_seconds: the longest a call, and a grade, may take.
    """

    requests: int
    seed: int
    faults: float = 0.3
    at_once: int = AT_ONCE
    call_seconds: float = 20.0
    grade_seconds: float = 30.0


@dataclass(slots=True)
class Outcome:
    """How requests ended.

    Attributes:
        ends: how many ended how: ``graded``, the type of a problem, or what a reply that is neither was.
        unfit: replies that are neither a grade nor a problem which says when to come back.
        invalid: what is wrong with grades that were stored.
        unrecorded: calls that the model got and no receipt names.
        gave: faults by kind.
    """

    requests: int
    grade_seconds: float
    ends: Counter[str] = field(default_factory=Counter)
    unfit: list[str] = field(default_factory=list)
    invalid: list[str] = field(default_factory=list)
    calls: int = 0
    unrecorded: int = 0
    slowest: float = 0.0
    gave: Counter[str] = field(default_factory=Counter)

    @property
    def graded(self) -> float:
        """Share of requests that got a grade."""
        return self.ends["graded"] / self.requests

    @property
    def calls_each(self) -> float:
        """Model calls a request."""
        return self.calls / self.requests

    @property
    def fine(self) -> bool:
        """Whether what is promised held."""
        in_time = self.slowest <= self.grade_seconds + GRACE_SECONDS
        explained = not self.unfit and not self.invalid and not self.unrecorded
        return explained and in_time and self.graded >= LEAST_GRADED and self.calls_each <= MOST_CALLS

    def in_words(self) -> str:
        """The figures."""
        problems = ", ".join(f"{n} {end}" for end, n in sorted(self.ends.items()) if end != "graded") or "none"
        kinds = ", ".join(f"{n} {kind}" for kind, n in sorted(self.gave.items()))
        return (
            f"{self.requests} requests: {self.graded:.1%} graded, {len(self.unfit)} without grade or explanation, "
            f"{len(self.invalid)} invalid grades stored, {self.calls_each:.2f} calls a request, {self.unrecorded} "
            f"calls beyond the receipts, slowest reply {self.slowest:.1f} s of {self.grade_seconds:.0f} s. "
            f"Problems: {problems}. Faults: {kinds}"
        )


async def requested(wanted: Requesting, folder: Path) -> Outcome:
    """Send all requests, a fixed number at once, and look at what came back and what was stored."""
    campaign = Campaign(
        jobs=0,
        seed=wanted.seed,
        postgres=False,
        workers=0,
        faults=wanted.faults,
        call_seconds=wanted.call_seconds,
        grade_seconds=wanted.grade_seconds,
    )
    logbook = Logbook(folder)
    outcome = Outcome(wanted.requests, wanted.grade_seconds)
    async with staged(campaign, logbook) as stage:
        numbers = iter(range(wanted.requests))
        connector = aiohttp.TCPConnector(limit=0)
        async with aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout(total=300)) as session:

            async def sender() -> None:
                for number in numbers:
                    await _send(stage, session, number, outcome)

            await _send(stage, session, WARM_UP, Outcome(1, wanted.grade_seconds))
            await asyncio.gather(*(sender() for _ in range(wanted.at_once)))
        logbook.describe(database=stage.database.url, campaign={}, tenants=list(TENANTS))
        await asyncio.to_thread(_look, folder, outcome)
    return outcome


async def _send(stage: Stage, session: aiohttp.ClientSession, number: int, outcome: Outcome) -> None:
    body = {"question": QUESTION, "answer": ANSWER.format(case=f"Case {number}")}
    headers = {"Authorization": f"Bearer {stage.keys[TENANTS[number % 2]]}"}
    started = time.monotonic()
    try:
        async with session.post(f"{stage.url}/v1/grades", json=body, headers=headers) as response:
            said = await response.read()
            end = _end(response.status, response.content_type, said, "retry-after" in response.headers)
    except (aiohttp.ClientError, TimeoutError) as error:
        end = type(error).__name__
    outcome.slowest = max(outcome.slowest, time.monotonic() - started)
    outcome.ends[end] += 1
    if end not in ("graded", "not-graded", "overloaded"):
        outcome.unfit.append(f"request {number}: {end}")


def _end(status: int, kind: str, body: bytes, says_when: bool) -> str:
    """What a reply is: a grade, a problem by the end of its type, or neither."""
    if status == 201:
        return "graded" if orjson.loads(body)["status"] in ("graded", "needs_review") else "no grade in a 201"
    if status == 503 and kind == "application/problem+json" and says_when:
        problem = orjson.loads(body)
        return str(problem["type"]).rpartition(":")[2] if problem["detail"] else "a problem without a word"
    return f"{status} {kind}"


def _look(folder: Path, outcome: Outcome) -> None:
    left, warm_up = Left.read(folder), f"Case {WARM_UP}"
    calls = [call for call in left.calls if call["case"] != warm_up]
    outcome.calls = len(calls)
    outcome.gave = Counter(call["gets"] for call in calls if call["gets"])
    recorded = sum(
        len(left.grades[ids[0]]["audit"].get("calls", ())) for case, ids in left.cases.items() if case != warm_up
    )
    outcome.unrecorded = max(0, outcome.calls - recorded)
    outcome.invalid = results_are_valid(left).faults + quotes_are_the_answers(left).faults
