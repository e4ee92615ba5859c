"""Reading a request body: one JSON object, UTF-8, no duplicate keys, no NaN, no deep nesting, bounded.

Parsers differ in which duplicate wins and in what they make of ``1e400``; here such a body is refused
(RFC 8259, 4; RFC 7493).
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Coroutine
from typing import Any, NoReturn

import orjson
from fastapi import Request, Response
from fastapi.routing import APIRoute

from service.api import problems
from service.api.problems import ProblemError

MAX_DEPTH = 32
MAX_DIGITS = 40


class StrictJSONRequest(Request):
    """A request whose ``json()`` is strict."""

    async def json(self) -> Any:
        """The body, or a problem."""
        if not hasattr(self, "_strict"):
            self._strict = parse(await self.body())
        return self._strict


class StrictJSONRoute(APIRoute):
    """A route that checks content type and encoding and reads bodies strictly."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """FastAPI's handler behind a strict request."""
        handler = super().get_route_handler()
        has_body = self.body_field is not None

        async def strict(request: Request) -> Response:
            if has_body:
                _check_media_type(request)
            return await handler(StrictJSONRequest(request.scope, request.receive))

        return strict


def _check_media_type(request: Request) -> None:
    encoding = request.headers.get("content-encoding", "identity").strip().lower()
    if encoding not in ("", "identity"):
        raise ProblemError(problems.UNSUPPORTED_MEDIA, "Compressed bodies are not accepted.")
    media, _, parameters = request.headers.get("content-type", "").partition(";")
    charset = parameters.strip().lower().removeprefix("charset=").strip('"')
    if media.strip().lower() != "application/json" or charset not in ("", "utf-8"):
        raise ProblemError(problems.UNSUPPORTED_MEDIA)


def parse(body: bytes) -> Any:
    """The JSON value of a body.

    Raises:
        ProblemError: not UTF-8, not JSON, a duplicate key, a number out of range, or nested too deep.
    """
    if not body.strip():
        raise _invalid("The body is empty.")
    if _depth(body) > MAX_DEPTH:
        raise _invalid(f"The body is nested deeper than {MAX_DEPTH} levels.")
    try:
        orjson.loads(body)
        return json.loads(
            body.decode("utf-8"),
            object_pairs_hook=_without_duplicates,
            parse_float=_finite,
            parse_int=_bounded,
            parse_constant=_refuse,
        )
    except (ValueError, RecursionError):
        raise _invalid() from None


def _depth(body: bytes) -> int:
    """The deepest nesting of brackets outside strings."""
    depth = deepest = 0
    in_string = escaped = False
    if body.count(b"[") + body.count(b"{") <= MAX_DEPTH:
        return 0
    for char in body:
        if in_string:
            in_string = escaped or char != 0x22
            escaped = not escaped and char == 0x5C
        elif char == 0x22:
            in_string = True
        elif char in b"[{":
            depth += 1
            deepest = max(deepest, depth)
            if deepest > MAX_DEPTH:
                break
        elif char in b"]}":
            depth -= 1
    return deepest


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("duplicate key")
    return found


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError("out of range")
    return value


def _bounded(text: str) -> int:
    if len(text) > MAX_DIGITS:
        raise ValueError("out of range")
    return int(text)


def _refuse(_text: str) -> NoReturn:
    raise ValueError("not JSON")


def _invalid(detail: str | None = None) -> ProblemError:
    return ProblemError(problems.INVALID_JSON, detail)
