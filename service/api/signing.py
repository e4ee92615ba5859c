"""Signed texts that end: sessions of pages, links to sign in with, links to one grade.

Signed with the instance's secret (HMAC-SHA256, by itsdangerous), one salt per purpose: what is signed for one is
nothing to another. Signed, not encrypted: who holds one can read it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

from itsdangerous import BadData, URLSafeSerializer

from service.ports import Clock

Purpose = Literal["session", "sign-in", "embed"]
MAX_TEXT = 2_000
_ENDS = "e"


@dataclass(frozen=True, slots=True)
class Seal:
    """Signs and reads texts for one purpose."""

    secret: bytes
    purpose: Purpose
    clock: Clock

    def sign(self, parts: Mapping[str, str], lasts: timedelta) -> tuple[str, datetime]:
        """A text for an address or a cookie, and when it ends (to the second)."""
        ends = (self.clock.now() + lasts).replace(microsecond=0)
        return self._serializer().dumps({**parts, _ENDS: int(ends.timestamp())}), ends

    def read(self, text: str) -> dict[str, str] | None:
        """What was signed; None where it was not signed here, for something else, or has ended."""
        if len(text) > MAX_TEXT:
            return None
        try:
            parts: dict[str, str | int] = self._serializer().loads(text)
        except BadData:
            return None
        ends = datetime.fromtimestamp(int(parts.pop(_ENDS)), UTC)
        return {name: str(value) for name, value in parts.items()} if self.clock.now() < ends else None

    def _serializer(self) -> URLSafeSerializer:
        return URLSafeSerializer(
            self.secret, salt=f"debrief.{self.purpose}", signer_kwargs={"digest_method": hashlib.sha256}
        )
