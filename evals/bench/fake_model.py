"""A deterministic OpenAI-compatible server: fixed latency, seedable faults, counts of calls and tokens.

``python -m evals.bench.fake_model --port 9000 --latency 0.2 --faults 0.1 --seed 7``. The reply is made from
the request's JSON schema by the product's own scripted model. ``GET /_stats`` returns the counts.
"""

from __future__ import annotations

import argparse
import asyncio
import math
import random
import re
from typing import Any

import orjson
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from service.grading.models import ChatRequest, Message
from service.llm.scripted import CHARS_PER_TOKEN, echo

_Z99 = 2.326
"""The standard normal distribution's 99th percentile."""

_ANSWER = re.compile(r"<answer-[0-9a-f]{12}>\n([^.!?]*)")


class FakeModel:
    """The server's state.

    Args:
        latency: seconds before each reply.
        faults: share of calls answered with HTTP 500, drawn from ``seed``.
        p99: where given, latencies are log-normal around the median ``latency`` with this 99th percentile.
    """

    def __init__(self, latency: float, faults: float, seed: int, p99: float | None = None) -> None:
        self._latency = latency
        self._sigma = math.log(p99 / latency) / _Z99 if p99 and latency else 0.0
        self._faults = faults
        self._random = random.Random(seed)
        self._model = echo()
        self._replies: dict[bytes, bytes] = {}
        self._texts: dict[tuple[str, str], str] = {}
        self.calls = self.failed = self.input_tokens = 0

    async def complete(self, request: Request) -> Response:
        """One chat completion."""
        body = await request.body()
        self.calls += 1
        await asyncio.sleep(self._latency * math.exp(self._random.gauss(0.0, self._sigma)))
        if self._random.random() < self._faults:
            self.failed += 1
            return Response(b'{"error": {"message": "a fault on purpose"}}', 500)
        sent = orjson.loads(body)
        return Response(await self.reply(sent), media_type="application/json")

    async def stats(self, _request: Request) -> Response:
        """The counts so far."""
        counts = {"calls": self.calls, "failed": self.failed, "input_tokens": self.input_tokens}
        return Response(orjson.dumps(counts), media_type="application/json")

    async def reply(self, sent: dict[str, Any]) -> bytes:
        """The completion of a request's body."""
        tokens = sum(len(m["content"]) for m in sent["messages"]) // CHARS_PER_TOKEN + _schema_tokens(sent)
        self.input_tokens += tokens
        answer = _ANSWER.search(sent["messages"][-1]["content"])
        key = (answer.group(1) if answer else "", str(sent.get("response_format")))
        if key not in self._texts:
            self._texts[key] = await self._text(sent)
        text = self._texts[key]
        usage = {"prompt_tokens": tokens, "completion_tokens": len(text) // CHARS_PER_TOKEN}
        choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
        return orjson.dumps({"id": "fake", "model": "fake", "choices": [choice], "usage": usage})

    async def _text(self, sent: dict[str, Any]) -> str:
        asked = ChatRequest(
            "judge",
            tuple(Message(m["role"], m["content"]) for m in sent["messages"]),
            1_000,
            schema=sent.get("response_format", {}).get("json_schema", {}).get("schema"),
        )
        return (await self._model.complete(asked, 0)).text


def _schema_tokens(sent: dict[str, Any]) -> int:
    return len(orjson.dumps(sent.get("response_format", {}))) // CHARS_PER_TOKEN


def build(latency: float, faults: float = 0.0, seed: int = 0, p99: float | None = None) -> Starlette:
    """The server as an app."""
    model = FakeModel(latency, faults, seed, p99)
    return Starlette(
        routes=[
            Route("/v1/chat/completions", model.complete, methods=["POST"]),
            Route("/_stats", model.stats),
        ]
    )


def main() -> None:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=9000)
    parser.add_argument("--latency", type=float, default=0.2, help="seconds before each reply")
    parser.add_argument("--faults", type=float, default=0.0, help="share of calls that fail")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--p99", type=float, help="makes latencies log-normal around --latency")
    options = parser.parse_args()
    app = build(options.latency, options.faults, options.seed, options.p99)
    uvicorn.run(app, port=options.port, log_level="warning", access_log=False)


if __name__ == "__main__":
    main()
