"""A deterministic OpenAI-compatible server: fixed latency, seedable faults, counts of calls and tokens.

``python -m evals.bench.fake_model --port 9000 --latency 0.2 --faults 0.1 --seed 7``. The reply is made from
the request's JSON schema by the product's own scripted model. ``GET /_stats`` returns the counts. Who calls may name
itself in the path (``/worker-1/v1``), and what an answer begins with, up to its first full stop, names the case.
"""

from __future__ import annotations

import argparse
import asyncio
import math
import random
import re
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import orjson
import uvicorn
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from evals.bench.faults import Fault, Trick, drawn, given, invented, tricked
from service.grading.models import ChatRequest, Message
from service.llm.scripted import CHARS_PER_TOKEN, echo

_Z99 = 2.326
"""The standard normal distribution's 99th percentile."""

_ANSWER = re.compile(r"<answer-[0-9a-f]{12}>\n([^.!?]*)")


@dataclass(frozen=True, slots=True)
class Called:
    """One call: who made it, about which case, the how manieth about it, and what it gets."""

    who: str
    case: str
    nth: int
    gets: Fault | Trick | None


Watch = Callable[[Called], Awaitable[None]]


async def _unseen(_call: Called) -> None:
    pass


class FakeModel:
    """The server's state.

    Args:
        latency: seconds before each reply.
        faults: share of calls that get one of the fourteen kinds of fault.
        tricks: share of cases whose replies look right and quote what nobody said.
        seed: of everything that is drawn.
        p99: where given, latencies are log-normal around the median ``latency`` with this 99th percentile.
        arrived: told of each call before it is answered.
        answered: told of each call whose reply was handed to the connection.
    """

    def __init__(
        self,
        latency: float,
        faults: float = 0.0,
        seed: int = 0,
        p99: float | None = None,
        *,
        tricks: float = 0.0,
        arrived: Watch = _unseen,
        answered: Watch = _unseen,
    ) -> None:
        self._latency = latency
        self._sigma = math.log(p99 / latency) / _Z99 if p99 and latency else 0.0
        self._faults = faults
        self._tricks = tricks
        self._seed = seed
        self._random = random.Random(seed)
        self._arrived = arrived
        self._answered = answered
        self._model = echo()
        self._asked: Counter[str] = Counter()
        self._texts: dict[tuple[str, str], str] = {}
        self.calls = self.failed = self.input_tokens = 0

    async def complete(self, request: Request) -> Response:
        """One chat completion."""
        sent = orjson.loads(await request.body())
        self.calls += 1
        case = _case(sent)
        call = self._drawn(request.path_params.get("who", ""), case)
        await self._arrived(call)
        await asyncio.sleep(self._latency * math.exp(self._random.gauss(0.0, self._sigma)))
        completion = await self._completion(sent, case, call.gets)
        if isinstance(call.gets, Fault):
            self.failed += 1
            return await given(call.gets, request, completion)
        task = BackgroundTask(self._answered, call)
        return Response(orjson.dumps(completion), media_type="application/json", background=task)

    async def stats(self, _request: Request) -> Response:
        """The counts so far."""
        counts = {"calls": self.calls, "failed": self.failed, "input_tokens": self.input_tokens}
        return Response(orjson.dumps(counts), media_type="application/json")

    async def reply(self, sent: dict[str, Any]) -> bytes:
        """The completion of a request's body, without a fault."""
        return orjson.dumps(await self._completion(sent, _case(sent), None))

    def _drawn(self, who: str, case: str) -> Called:
        self._asked[case] += 1
        nth = self._asked[case]
        gets = drawn(self._seed, case, nth, self._faults) if self._faults else None
        if gets is None and self._tricks:
            return Called(who, case, nth, tricked(self._seed, case, self._tricks))
        return Called(who, case, nth, gets)

    async def _completion(self, sent: dict[str, Any], case: str, gets: Fault | Trick | None) -> dict[str, Any]:
        tokens = sum(len(m["content"]) for m in sent["messages"]) // CHARS_PER_TOKEN + _schema_tokens(sent)
        self.input_tokens += tokens
        key = (case, str(sent.get("response_format")))
        if key not in self._texts:
            self._texts[key] = await self._text(sent)
        text = invented(self._texts[key]) if gets is Trick.INVENTED else self._texts[key]
        usage = {"prompt_tokens": tokens, "completion_tokens": len(text) // CHARS_PER_TOKEN}
        choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
        return {"id": "fake", "model": "fake", "choices": [choice], "usage": usage}

    async def _text(self, sent: dict[str, Any]) -> str:
        asked = ChatRequest(
            "judge",
            tuple(Message(m["role"], m["content"]) for m in sent["messages"]),
            1_000,
            schema=sent.get("response_format", {}).get("json_schema", {}).get("schema"),
        )
        return (await self._model.complete(asked, 0)).text


def _case(sent: dict[str, Any]) -> str:
    """The first words of the answer, wherever in the conversation it stands."""
    found = (_ANSWER.search(message["content"]) for message in sent["messages"])
    return next((match.group(1) for match in found if match), "")


def _schema_tokens(sent: dict[str, Any]) -> int:
    return len(orjson.dumps(sent.get("response_format", {}))) // CHARS_PER_TOKEN


class Protocol(HttpToolsProtocol):
    """HTTP with a way to break the connection, for faults."""

    def on_message_begin(self) -> None:
        """A request begins."""
        super().on_message_begin()
        self.scope["extensions"] = {"abort": {"now": self.transport.abort}}


def build(model: FakeModel) -> Starlette:
    """The server as an app; to be served with :class:`Protocol`."""
    return Starlette(
        routes=[
            Route("/v1/chat/completions", model.complete, methods=["POST"]),
            Route("/{who}/v1/chat/completions", model.complete, methods=["POST"]),
            Route("/_stats", model.stats),
        ]
    )


def main() -> None:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=9000)
    parser.add_argument("--latency", type=float, default=0.2, help="seconds before each reply")
    parser.add_argument("--faults", type=float, default=0.0, help="share of calls that fail, in fourteen ways")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--p99", type=float, help="makes latencies log-normal around --latency")
    options = parser.parse_args()
    app = build(FakeModel(options.latency, options.faults, options.seed, options.p99))
    uvicorn.run(app, port=options.port, http=Protocol, log_level="warning", access_log=False)


if __name__ == "__main__":
    main()
