"""A small Jev-compatible server on a loopback port: answers typed questions by the words they share with the answer."""

from __future__ import annotations

import asyncio
import re
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

_ANSWER = re.compile(r"<answer-([0-9a-f]{12})>\n(.*?)\n</answer-\1>", re.DOTALL)
_REFERENCE = re.compile(r"<reference-([0-9a-f]{12})>\n(.*?)\n</reference-\1>", re.DOTALL)
_QUOTED = re.compile(r'"(.+)"', re.DOTALL)


@dataclass
class JevServer:
    """What a test sees of the server; ``faults`` are given in place of the next replies, one after the other."""

    url: str
    requests: list[dict[str, Any]] = field(default_factory=list)
    authorizations: list[str | None] = field(default_factory=list)
    faults: list[Response] = field(default_factory=list)

    async def decide(self, request: Request) -> Response:
        """``POST /v1/systemone``."""
        body = await request.json()
        self.requests.append(body)
        self.authorizations.append(request.headers.get("authorization"))
        if self.faults:
            return self.faults.pop(0)
        answers = {name: _answer(question, body["state"]) for name, question in body["questions"].items()}
        return JSONResponse(
            {"model": "tiny-jev-1", "answers": answers, "usage": {"input_tokens": 9, "output_tokens": 1}}
        )


def _answer(question: dict[str, Any], state: str) -> dict[str, Any]:
    said = _ANSWER.search(state)
    answer = said[2] if said else ""
    if question["type"] == "noul":
        wanted = _QUOTED.search(question["instructions"])
        return {"type": "noul", "noul": _shared(wanted[1] if wanted else "", answer)}
    reference = _REFERENCE.search(state)
    levels = question["criteria"]
    share = _shared(reference[2] if reference else "", answer)
    weights = [2.0 ** -(4 * abs(level / (len(levels) - 1) - share)) for level in range(len(levels))]
    probabilities = {str(level): weight / sum(weights) for level, weight in enumerate(weights)}
    return {
        "type": "score",
        "score": sum(int(level) * p for level, p in probabilities.items()),
        "confidence": max(probabilities.values()),
        "legend": {str(level): text for level, text in enumerate(levels)},
        "probabilities": probabilities,
    }


def _shared(wanted: str, answer: str) -> float:
    words = set(re.findall(r"\w{4,}", wanted.lower()))
    return len(words & set(re.findall(r"\w{4,}", answer.lower()))) / len(words) if words else 0.5


@asynccontextmanager
async def jev_server() -> AsyncIterator[JevServer]:
    """A server that runs until the test is over."""
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    listening.listen()
    state = JevServer(f"http://127.0.0.1:{listening.getsockname()[1]}")
    app = Starlette(routes=[Route("/v1/systemone", state.decide, methods=["POST"])])
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", lifespan="off"))
    serving = asyncio.create_task(server.serve(sockets=[listening]))
    try:
        yield state
    finally:
        server.should_exit = True
        await serving
        listening.close()
