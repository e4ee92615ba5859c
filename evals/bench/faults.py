"""What a model's server does wrong: fourteen kinds of fault, each as it looks on the wire.

Which call gets which fault follows from the seed, the case asked about and how often it was asked before, so that a run
can be repeated whatever the order of its calls.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from enum import StrEnum
from random import Random
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

HUGE_BYTES = 50 * 1024 * 1024
DRIP_SECONDS = 1.0
NOBODYS_WORDS = "words that stand nowhere in this answer at all"
_PIECE = b" " * (1024 * 1024)
_HTML = b"<!doctype html><title>Welcome</title><p>Please sign in to this network."


class Fault(StrEnum):
    """The kinds. All of them may be gone at the next try."""

    RATE_LIMITED = "429"
    RATE_LIMITED_FOR = "429 with Retry-After"
    ERROR = "500"
    BAD_GATEWAY = "502"
    OVERLOADED = "529"
    HUNG_UP = "hung up without a reply"
    CUT_OFF = "cut off in mid-reply"
    SILENT = "no reply"
    DRIPPING = "one byte a second"
    TRUNCATED = "truncated JSON"
    TOO_LONG = "finish_reason length"
    EMPTY = "empty"
    HTML = "HTML with 200"
    WRONG_VALUES = "wrong values"
    HUGE = "50 MB"


class Trick(StrEnum):
    """Replies that look right, and must not be believed."""

    INVENTED = "invented quotes"


FOURTEEN = tuple(fault for fault in Fault if fault is not Fault.RATE_LIMITED_FOR)
"""Drawn evenly; a 429 comes with and without Retry-After by turns."""


def drawn(seed: int, case: str, nth: int, share: float) -> Fault | None:
    """The fault of the n-th call about a case, if it gets one."""
    chance = Random(f"{seed} {case} {nth}")
    if chance.random() >= share:
        return None
    fault = chance.choice(FOURTEEN)
    return chance.choice((fault, Fault.RATE_LIMITED_FOR)) if fault is Fault.RATE_LIMITED else fault


def tricked(seed: int, case: str, share: float) -> Trick | None:
    """Whether the replies about a case are not to be believed: the same for every call about it."""
    return Trick.INVENTED if Random(f"{seed} {case} trick").random() < share else None


async def given(fault: Fault, request: Request, completion: dict[str, Any]) -> Response:
    """The fault in place of a reply."""
    choice = completion["choices"][0]
    text: str = choice["message"]["content"]
    if fault in _STATUS:
        status, headers = _STATUS[fault]
        return Response(b'{"error": {"message": "a fault on purpose"}}', status, headers)
    if fault in _TEXT:
        choice["message"]["content"] = _TEXT[fault](text)
        choice["finish_reason"] = "length" if fault is Fault.TOO_LONG else "stop"
        return Response(orjson.dumps(completion), media_type="application/json")
    if fault is Fault.HTML:
        return Response(_HTML, media_type="text/html")
    return await _on_the_wire(fault, request, orjson.dumps(completion))


async def _on_the_wire(fault: Fault, request: Request, body: bytes) -> Response:
    abort: Callable[[], None] = request.scope["extensions"]["abort"]["now"]
    if fault is Fault.HUNG_UP:
        abort()
        return Response()
    if fault is Fault.SILENT:
        await _until_gone(request)
        return Response()
    headers = {"content-length": str(HUGE_BYTES if fault is Fault.HUGE else len(body))}
    bodies = {Fault.CUT_OFF: _cut_off(body, abort), Fault.DRIPPING: _dripping(body), Fault.HUGE: _huge()}
    return StreamingResponse(bodies[fault], headers=headers, media_type="application/json")


async def _until_gone(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


async def _cut_off(body: bytes, abort: Callable[[], None]) -> AsyncIterator[bytes]:
    yield body[: len(body) // 2]
    abort()


async def _dripping(body: bytes) -> AsyncIterator[bytes]:
    for at in range(len(body)):
        yield body[at : at + 1]
        await asyncio.sleep(DRIP_SECONDS)


async def _huge() -> AsyncIterator[bytes]:
    for _ in range(HUGE_BYTES // len(_PIECE)):
        yield _PIECE


_STATUS: dict[Fault, tuple[int, dict[str, str]]] = {
    Fault.RATE_LIMITED: (429, {}),
    Fault.RATE_LIMITED_FOR: (429, {"retry-after": "1"}),
    Fault.ERROR: (500, {}),
    Fault.BAD_GATEWAY: (502, {}),
    Fault.OVERLOADED: (529, {}),
}


def _wrong(text: str) -> str:
    """A value no level has, of four sorts: out of range, not a number, of another type, or missing."""
    sort = len(text) % 4
    if sort == 0:
        return _with_numbers(text, "7")
    if sort == 1:
        return _with_numbers(text, "NaN")
    if sort == 2:
        return _with_numbers(text, '"high"')
    return orjson.dumps(_without_last(orjson.loads(text))).decode()


def _with_numbers(text: str, literal: str) -> str:
    marked = changed(orjson.loads(text), lambda value: "\0" if isinstance(value, int) else value)
    return orjson.dumps(marked).decode().replace('"\\u0000"', literal)


def _without_last(value: dict[str, Any]) -> dict[str, Any]:
    """The reply with no word on its last criterion."""
    first = next(iter(value))
    inner = value[first]
    rest = dict(list(inner.items())[:-1]) if isinstance(inner, dict) else None
    return {**value, first: rest}


def invented(text: str) -> str:
    """The reply with quotes that nobody said."""
    return orjson.dumps(_misquoted(orjson.loads(text))).decode()


def _misquoted(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: NOBODYS_WORDS if key == "quote" else _misquoted(part) for key, part in value.items()}
    return [_misquoted(part) for part in value] if isinstance(value, list) else value


def changed(value: Any, change: Callable[[Any], Any]) -> Any:
    """A JSON value with each of its leaves changed."""
    if isinstance(value, dict):
        return {key: changed(part, change) for key, part in value.items()}
    return [changed(part, change) for part in value] if isinstance(value, list) else change(value)


_TEXT: dict[Fault, Callable[[str], str]] = {
    Fault.TRUNCATED: lambda text: text[: len(text) * 2 // 3],
    Fault.TOO_LONG: lambda text: text[: len(text) // 2],
    Fault.EMPTY: lambda _: "",
    Fault.WRONG_VALUES: _wrong,
}
