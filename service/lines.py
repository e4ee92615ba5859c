"""Cutting a batch as it arrives into its lines, without ever holding more than one of them and a piece.

A batch is JSONL (one JSON object a line) or one JSON array of objects; an element of an array counts as a
line.
"""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator
from dataclasses import dataclass

_SPACE = b" \t\r\n"


class BrokenArray(ValueError):
    """The text is not a JSON array of values; the message says around which element it breaks."""


@dataclass(frozen=True, slots=True)
class RawLine:
    """A line as sent: its number, from 1, and its bytes; None where it was too long to keep."""

    number: int
    text: bytes | None


async def jsonl(chunks: AsyncIterable[bytes], longest: int) -> AsyncIterator[RawLine]:
    """The lines of a JSONL text, blank ones left out, but counted."""
    number, rest, dropping = 1, bytearray(), False
    async for chunk in chunks:
        start = 0
        while (end := chunk.find(b"\n", start)) >= 0:
            rest += chunk[start:end]
            if line := _line(number, rest, longest, dropping):
                yield line
            number, start, dropping = number + 1, end + 1, False
            rest.clear()
        rest += chunk[start:]
        if len(rest) > longest:
            dropping = True
            rest.clear()
    if line := _line(number, rest, longest, dropping):
        yield line


def _line(number: int, text: bytearray, longest: int, dropping: bool) -> RawLine | None:
    if dropping or len(text) > longest:
        return RawLine(number, None)
    return RawLine(number, bytes(text)) if text.strip() else None


async def json_array(chunks: AsyncIterable[bytes], longest: int) -> AsyncIterator[RawLine]:
    """The elements of a JSON array.

    Raises:
        BrokenArray: it is not one. What came before was already returned.
    """
    cutter = _ArrayCutter(longest)
    async for chunk in chunks:
        for line in cutter.feed(chunk):
            yield line
    cutter.close()


class _ArrayCutter:
    """Finds where each element of an array ends, by its brackets and quotes."""

    def __init__(self, longest: int) -> None:
        self._longest = longest
        self._depth = 0
        self._in_string = self._escaped = False
        self._element = bytearray()
        self._number = 0
        self._closed = False
        self._after_comma = False

    def feed(self, chunk: bytes) -> list[RawLine]:
        """The elements that end in this piece."""
        found: list[RawLine] = []
        for byte in chunk:
            if self._in_string:
                self._within_string(byte)
            elif line := self._outside(byte):
                found.append(line)
        return found

    def close(self) -> None:
        """The text is at its end; so has the array to be."""
        if not self._closed:
            raise self._broken("it ends too early")

    def _within_string(self, byte: int) -> None:
        self._keep(byte)
        self._in_string = self._escaped or byte != 0x22
        self._escaped = not self._escaped and byte == 0x5C

    def _outside(self, byte: int) -> RawLine | None:
        if self._closed or self._depth == 0:
            self._around(byte)
            return None
        if byte in b",]" and self._depth == 1:
            return self._element_ends(byte)
        if byte == 0x22:
            self._in_string = True
        self._depth += (byte in b"[{") - (byte in b"]}")
        if self._depth < 1:
            raise self._broken("a bracket is not closed")
        if self._element or byte not in _SPACE:
            self._keep(byte)
        return None

    def _around(self, byte: int) -> None:
        """Before the array begins, or after it ended, there is only white space."""
        if byte in _SPACE:
            return
        if self._closed or byte != 0x5B:
            raise self._broken("there is something beside the array" if self._closed else "it does not begin with [")
        self._depth = 1

    def _element_ends(self, byte: int) -> RawLine | None:
        last = byte == 0x5D
        empty = not self._element
        if empty and not (last and self._number == 0 and not self._after_comma):
            raise self._broken("an element is missing")
        self._closed, self._after_comma = last, not last
        if last:
            self._depth = 0
        if empty:
            return None
        self._number += 1
        text = bytes(self._element) if len(self._element) <= self._longest else None
        self._element.clear()
        return RawLine(self._number, text)

    def _keep(self, byte: int) -> None:
        if len(self._element) <= self._longest:
            self._element.append(byte)

    def _broken(self, what: str) -> BrokenArray:
        return BrokenArray(f"The body is not a JSON array: around element {self._number + 1}, {what}.")
