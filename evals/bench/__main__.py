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
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import aiohttp
import orjson

from evals.bench.calls import ANSWER, QUESTION, REFERENCE, body, one_prompt, run, stats, wait
from evals.bench.process import Service, asking, cpu_seconds, fake_model, resident_mb


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
    with ExitStack() as stack:
        model = fake_model(stack, options.latency)
        environment = {**asking(model), "DEBRIEF_DATABASE__URL": f"sqlite:///{folder}/bench.db"}
        service = stack.enter_context(Service(environment))
        print(f"ready after {service.start_seconds:.2f} s, {resident_mb(service.pid):.0f} MB resident")
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
            await _rounds(options, session, service, model)


async def _rounds(options: argparse.Namespace, session: aiohttp.ClientSession, service: Service, model: str) -> None:
    await wait(session, f"{model}/_stats")
    prompt = one_prompt()

    async def bare(_number: int) -> None:
        async with session.post(f"{model}/v1/chat/completions", data=prompt) as response:
            orjson.loads(await response.read())

    async def grade(number: int) -> None:
        async with session.post(f"{service.url}/v1/grades", json=body(number)) as response:
            document = orjson.loads(await response.read())
            assert response.status == 201, document
            assert document["commentary"]["status"] == "written"

    await run(grade, range(10**6, 10**6 + 200), options.concurrency)
    ratios = []
    for round_number in range(options.rounds):
        numbers = range(round_number * options.grades, (round_number + 1) * options.grades)
        bare_rate, _ = await run(bare, numbers, options.concurrency)
        before, counts = cpu_seconds(service.pid), await stats(session, model)
        rate, _ = await run(grade, numbers, options.concurrency)
        spent, after = cpu_seconds(service.pid) - before, await stats(session, model)
        ratios.append(rate / bare_rate)
        calls = (after["calls"] - counts["calls"]) / options.grades
        tokens = (after["input_tokens"] - counts["input_tokens"]) / options.grades
        print(
            f"round {round_number + 1}: {rate:.0f} grades/s, bare client {bare_rate:.0f} calls/s, ratio "
            f"{ratios[-1]:.2f}; CPU {1000 * spent / options.grades:.1f} ms a grade; {calls:.2f} calls, "
            f"{tokens:.0f} prompt + schema tokens a grade; RSS {resident_mb(service.pid):.0f} MB"
        )
    print(f"ratio to the bare client: median {statistics.median(ratios):.2f} of {options.rounds} rounds")
    _, single = await run(grade, range(2 * 10**6, 2 * 10**6 + 100), 1)
    added = sorted(1000 * (second - options.latency) for second in single)
    print(f"one at a time: added to the model's latency p50 {added[50]:.1f} ms, p99 {added[98]:.1f} ms (n = 100)")
    own = len(QUESTION) + len(REFERENCE) + len(ANSWER)
    print(f"question, reference and answer are about {own // 4} of the tokens of a grade")


async def _embedded(folder: Path) -> None:
    environment = {"DEBRIEF_MODEL": "embedded", "DEBRIEF_DATABASE__URL": f"sqlite:///{folder}/embedded.db"}
    with Service(environment, patience=600) as service:
        timeout = aiohttp.ClientTimeout(total=600)
        async with aiohttp.ClientSession(timeout=timeout) as session:
            for number in range(2):
                async with session.post(f"{service.url}/v1/grades", json=body(number)) as response:
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
