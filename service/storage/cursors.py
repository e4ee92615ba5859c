"""List cursors: the moment and the id of the last row shown, opaque to callers."""

from __future__ import annotations

import base64
import binascii
import re

from service.ports import InvalidCursor

_CURSOR = re.compile(r"(\d{1,18}) (([a-z]{3})_[0-9A-Za-z]{1,60})")


def encode(moment: int, name: str) -> str:
    """The cursor after a row."""
    return base64.urlsafe_b64encode(f"{moment} {name}".encode()).decode().rstrip("=")


def decode(cursor: str, kind: str) -> tuple[int, str]:
    """The moment and id of a cursor for ids that begin with ``kind``.

    Raises:
        InvalidCursor: it is not one of ours.
    """
    try:
        raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True).decode("ascii")
    except (binascii.Error, ValueError):
        raise InvalidCursor from None
    match = _CURSOR.fullmatch(raw)
    if match is None or match[3] != kind:
        raise InvalidCursor
    return int(match[1]), match[2]
