"""Reading JSON from outside: UTF-8, no duplicate keys, no NaN, no number out of range, no deep nesting.

Parsers differ in which duplicate wins and in what they make of ``1e400``; here such a text is refused
(RFC 8259, 4; RFC 7493).
"""

from __future__ import annotations

import json
import math
from typing import Any, NoReturn

import orjson

MAX_DEPTH = 32
MAX_DIGITS = 40


class InvalidJSON(ValueError):
    """The text is not JSON as it is read here; the message, if any, says why and holds nothing of the text."""


def parse(text: bytes) -> Any:
    """The JSON value of a text.

    Raises:
        InvalidJSON: not UTF-8, not JSON, a duplicate key, a number out of range, or nested too deep.
    """
    if not text.strip():
        raise InvalidJSON("The body is empty.")
    if _depth(text) > MAX_DEPTH:
        raise InvalidJSON(f"The body is nested deeper than {MAX_DEPTH} levels.")
    try:
        orjson.loads(text)
        return json.loads(
            text.decode("utf-8"),
            object_pairs_hook=_without_duplicates,
            parse_float=_finite,
            parse_int=_bounded,
            parse_constant=_refuse,
        )
    except (ValueError, RecursionError):
        raise InvalidJSON from None


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
