"""What the benches share: a request of the usual size, the same call by a bare client, work done so many at once."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp
import orjson

from service.grading.judgement import Case
from service.grading.judges.single_call import SingleCallJudge
from service.grading.submission import Submission
from service.library import FileLibrary
from service.llm.completion import response_format
from service.llm.retry import ResilientChat
from service.llm.scripted import echo

QUESTION = "When would you prefer recall to precision? Give an example with the cost of each kind of error."
REFERENCE = "Recall, when a missed positive costs more than a false alarm, as in screening for a disease."
ANSWER = (
    "I prefer recall when a missed case costs more than a false alarm. In a hospital a missed sepsis can cost a life "
    "and a false alarm costs a nurse ten minutes, so I would accept a precision of ten percent there. For a spam "
    "filter it is the other way round, because losing one real letter annoys a customer more than one spam mail. "
    "Case number {number} of the series is no different. "
)


def one_prompt() -> bytes:
    """A request of the size the service sends, for the bare client to repeat."""
    library = FileLibrary()
    rubric, prompt = library.rubric("ds-interview"), library.prompt("judge-single-call")
    assert rubric is not None
    assert prompt is not None
    case = Case(submission=Submission(QUESTION, ANSWER, REFERENCE), rubric=rubric, nonce="0123456789ab")
    request = SingleCallJudge(ResilientChat(echo()), prompt)._request(case, 0)
    messages = [{"role": m.role, "content": m.content} for m in request.messages]
    return orjson.dumps({"model": "fake", "messages": messages, **response_format(request)})


def body(number: int) -> dict[str, Any]:
    """A grade request; no two numbers make the same answer."""
    return {"question": QUESTION, "answer": ANSWER.format(number=number), "reference": REFERENCE}


async def run(work: Callable[[int], Awaitable[None]], numbers: range, concurrency: int) -> tuple[float, list[float]]:
    """Do the work for every number, so many at once; the rate a second, and the seconds of each."""
    waiting = iter(numbers)
    seconds: list[float] = []

    async def worker() -> None:
        for number in waiting:
            started = time.perf_counter()
            await work(number)
            seconds.append(time.perf_counter() - started)

    started = time.perf_counter()
    await asyncio.gather(*(worker() for _ in range(concurrency)))
    return len(seconds) / (time.perf_counter() - started), seconds


async def stats(session: aiohttp.ClientSession, model: str) -> dict[str, int]:
    """What the fake model counted so far."""
    async with session.get(f"{model}/_stats") as response:
        counts: dict[str, int] = orjson.loads(await response.read())
    return counts


async def wait(session: aiohttp.ClientSession, url: str) -> None:
    """Return once something answers.

    Raises:
        SystemExit: nothing does for a while.
    """
    for _ in range(600):
        try:
            async with session.get(url):
                return
        except aiohttp.ClientError:
            await asyncio.sleep(0.05)
    raise SystemExit(f"nothing answers at {url}")
