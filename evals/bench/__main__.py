"""``make bench``: the single-call path through HTTP, graded, verified, stored, beside a bare aiohttp client.

Prints latency added to the model's (p50, p99), grades a second and the ratio to the bare client of the same
run, CPU per grade, calls and tokens per grade, start-up time and memory. ``--embedded`` adds seconds per
grade and tokens per second of the embedded model.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import aiohttp
import orjson

from evals.bench.process import Service, cpu_seconds, free_port, resident_mb
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


async def main() -> int:
    """Run everything and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--grades", type=int, default=1_500, help="grades per round")
    parser.add_argument("--concurrency", type=int, default=64)
    parser.add_argument("--latency", type=float, default=0.2, help="seconds the fake model takes")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--embedded", action="store_true", help="measure the embedded model too")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        await _hot_path(options, Path(folder))
        if options.embedded:
            await _embedded(Path(folder))
    return 0


async def _hot_path(options: argparse.Namespace, folder: Path) -> None:
    model_port = free_port()
    fake = subprocess.Popen(  # noqa: ASYNC220, S603 - our own command, before the loop has work
        [sys.executable, "-m", "evals.bench.fake_model", "--port", str(model_port), "--latency", str(options.latency)]
    )
    environment = {
        "DEBRIEF_MODEL": "openai/fake",
        "OPENAI_BASE_URL": f"http://127.0.0.1:{model_port}/v1",
        "OPENAI_API_KEY": "none",
        "DEBRIEF_DATABASE__URL": f"sqlite:///{folder}/bench.db",
        "DEBRIEF_LOG_LEVEL": "WARNING",
    }
    try:
        with Service(environment) as service:
            print(f"ready after {service.start_seconds:.2f} s, {resident_mb(service.pid):.0f} MB resident")
            connector = aiohttp.TCPConnector(limit=0)
            async with aiohttp.ClientSession(connector=connector) as session:
                await _rounds(options, session, service, model_port)
    finally:
        fake.terminate()
        fake.wait()


async def _rounds(
    options: argparse.Namespace, session: aiohttp.ClientSession, service: Service, model_port: int
) -> None:
    model = f"http://127.0.0.1:{model_port}"
    await _wait(session, f"{model}/_stats")
    prompt = _one_prompt()

    async def bare(_number: int) -> None:
        async with session.post(f"{model}/v1/chat/completions", data=prompt) as response:
            orjson.loads(await response.read())

    async def grade(number: int) -> None:
        async with session.post(f"{service.url}/v1/grades", json=_body(number)) as response:
            document = orjson.loads(await response.read())
            assert response.status == 201, document
            assert document["commentary"]["status"] == "written"

    await _run(grade, range(10**6, 10**6 + 200), options.concurrency)
    ratios = []
    for round_number in range(options.rounds):
        numbers = range(round_number * options.grades, (round_number + 1) * options.grades)
        bare_rate, _ = await _run(bare, numbers, options.concurrency)
        before, counts = cpu_seconds(service.pid), await _stats(session, model)
        rate, _ = await _run(grade, numbers, options.concurrency)
        spent, after = cpu_seconds(service.pid) - before, await _stats(session, model)
        ratios.append(rate / bare_rate)
        calls = (after["calls"] - counts["calls"]) / options.grades
        tokens = (after["input_tokens"] - counts["input_tokens"]) / options.grades
        print(
            f"round {round_number + 1}: {rate:.0f} grades/s, bare client {bare_rate:.0f} calls/s, ratio "
            f"{ratios[-1]:.2f}; CPU {1000 * spent / options.grades:.1f} ms a grade; {calls:.2f} calls, "
            f"{tokens:.0f} prompt + schema tokens a grade; RSS {resident_mb(service.pid):.0f} MB"
        )
    print(f"ratio to the bare client: median {statistics.median(ratios):.2f} of {options.rounds} rounds")
    _, single = await _run(grade, range(2 * 10**6, 2 * 10**6 + 100), 1)
    added = sorted(1000 * (second - options.latency) for second in single)
    print(f"one at a time: added to the model's latency p50 {added[50]:.1f} ms, p99 {added[98]:.1f} ms (n = 100)")
    own = len(QUESTION) + len(REFERENCE) + len(ANSWER)
    print(f"question, reference and answer are about {own // 4} of the tokens of a grade")


def _one_prompt() -> bytes:
    """A request of the size the service sends, for the bare client to repeat."""
    library = FileLibrary()
    rubric, prompt = library.rubric("ds-interview"), library.prompt("judge-single-call")
    assert rubric is not None
    assert prompt is not None
    case = Case(submission=Submission(QUESTION, ANSWER, REFERENCE), rubric=rubric, nonce="0123456789ab")
    request = SingleCallJudge(ResilientChat(echo()), prompt)._request(case, 0)
    messages = [{"role": m.role, "content": m.content} for m in request.messages]
    return orjson.dumps({"model": "fake", "messages": messages, **response_format(request)})


def _body(number: int) -> dict[str, Any]:
    return {"question": QUESTION, "answer": ANSWER.format(number=number), "reference": REFERENCE}


async def _run(work: Callable[[int], Awaitable[None]], numbers: range, concurrency: int) -> tuple[float, list[float]]:
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


async def _stats(session: aiohttp.ClientSession, model: str) -> dict[str, int]:
    async with session.get(f"{model}/_stats") as response:
        counts: dict[str, int] = orjson.loads(await response.read())
    return counts


async def _wait(session: aiohttp.ClientSession, url: str) -> None:
    for _ in range(200):
        try:
            async with session.get(url):
                return
        except aiohttp.ClientError:
            await asyncio.sleep(0.05)
    raise SystemExit(f"nothing answers at {url}")


async def _embedded(folder: Path) -> None:
    environment = {"DEBRIEF_MODEL": "embedded", "DEBRIEF_DATABASE__URL": f"sqlite:///{folder}/embedded.db"}
    with Service(environment, patience=600) as service:
        timeout = aiohttp.ClientTimeout(total=600)
        async with aiohttp.ClientSession(timeout=timeout) as session:
            for number in range(2):
                async with session.post(f"{service.url}/v1/grades", json=_body(number)) as response:
                    document = orjson.loads(await response.read())
                receipt_url = f"{service.url}{response.headers['Location']}/receipt"
                async with session.get(receipt_url) as response:
                    calls = orjson.loads(await response.read())["calls"]
                _print_embedded(document["usage"], calls)
            print(f"embedded: {resident_mb(service.pid):.0f} MB resident")


def _print_embedded(usage: dict[str, Any], calls: list[dict[str, Any]]) -> None:
    seconds = usage["latency_ms"] / 1000
    fresh = usage["input_tokens"] - usage["cached_tokens"]
    cached = [call["cached_tokens"] for call in calls]
    rate = (fresh + usage["output_tokens"]) / seconds
    print(
        f"embedded: {seconds:.1f} s a grade, {usage['model_calls']} calls, {rate:.0f} tokens/s (read and written), "
        f"cached tokens by call {cached}"
    )


if __name__ == "__main__":
    os.environ.setdefault("PYTHONUNBUFFERED", "1")
    sys.exit(asyncio.run(main()))
