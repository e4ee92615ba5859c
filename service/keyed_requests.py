"""Requests under an Idempotency-Key, the claims on them and their kept answers; and the port of what keeps them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from service.records import Tenant


@dataclass(frozen=True, slots=True)
class KeyedRequest:
    """A request under an Idempotency-Key.

    Attributes:
        fingerprint: a hash of everything that makes it this request and not another.
    """

    tenant: Tenant
    key: str
    fingerprint: str


@dataclass(frozen=True, slots=True)
class KeyClaim:
    """The right to carry out a request.

    Attributes:
        holder: tells this claim from others on the same key.
        effect: a ULID; the id of what the request makes, the same for whoever carries it out.
        resumed: whether somebody began before, and may have come any far.
    """

    request: KeyedRequest
    holder: str
    effect: str
    resumed: bool = False


@dataclass(frozen=True, slots=True)
class KeptAnswer:
    """An answer as it was sent: status, those headers that belong to it, body."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes
    location: str | None = None


class IdempotencyStore(Protocol):
    """Keeps requests by tenant and Idempotency-Key.

    Raises (every method):
        StoreUnavailable: the transaction could not be done.
    """

    async def claim(
        self, claim: KeyClaim, now: datetime, leased_until: datetime, expires_at: datetime
    ) -> KeyClaim | KeptAnswer | KeyedRequest | None:
        """KeyClaim a key in one transaction; what has expired by ``now`` is gone.

        Returns:
            the claim, with the effect of an abandoned one if there was one; or the kept answer; or the other request
            that has this key; or None while somebody else's lease runs.
        """

    async def lease(self, claim: KeyClaim, until: datetime) -> None:
        """Let the claim run until then, if it still holds the key."""

    async def keep(self, claim: KeyClaim, answer: KeptAnswer) -> None:
        """Keep the answer, if the claim still holds the key.

        Where it tells of a grade that has been erased or has expired meanwhile, the key is freed instead.
        """

    async def forget(self, claim: KeyClaim) -> None:
        """Free the key, if the claim still holds it."""
