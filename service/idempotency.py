"""Requests by their Idempotency-Key: one effect each, and the same answer for whoever repeats one.

After draft-ietf-httpapi-idempotency-key-header-07. A key belongs to its tenant and is kept for 24 hours. While the
first request runs it holds a lease, renewed as long as its process lives; a crash frees the key when the lease ends,
and the next to come is handed the same *effect*: the id under which the first would have stored its result.
So what was made before the crash is found, not made again.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta

from ulid import ULID

from service.keyed_requests import IdempotencyStore, KeptAnswer, KeyClaim, KeyedRequest
from service.ports import Clock, StoreUnavailable
from service.telemetry import log

KEPT = timedelta(hours=24)
LEASE = timedelta(seconds=30)
RENEWED_EVERY = 10.0
"""Seconds between renewals of a lease."""


class StillRunning(Exception):
    """The first request with this key is not done."""


class OtherRequest(Exception):
    """The key was used for another request."""


@dataclass(frozen=True, slots=True)
class Idempotency:
    """Claims keys for requests and keeps their answers."""

    store: IdempotencyStore
    clock: Clock

    async def claim(self, request: KeyedRequest) -> KeyClaim | KeptAnswer:
        """The right to carry the request out, or the answer it got before.

        Raises:
            StillRunning, OtherRequest: neither.
            StoreUnavailable: the key could not be looked up; nothing may be done.
        """
        now = self.clock.now()
        claim = KeyClaim(request, holder=str(ULID()), effect=str(ULID()))
        found = await self.store.claim(claim, now, leased_until=now + LEASE, expires_at=now + KEPT)
        if found is None:
            raise StillRunning
        if isinstance(found, KeyedRequest):
            raise OtherRequest
        return found

    @asynccontextmanager
    async def held(self, claim: KeyClaim) -> AsyncIterator[None]:
        """Keep the lease while the request runs, however long it takes."""
        renewing = asyncio.create_task(self._renew(claim))
        try:
            yield
        finally:
            renewing.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await renewing

    async def keep(self, claim: KeyClaim, answer: KeptAnswer) -> None:
        """Keep the answer for whoever repeats the request.

        A store that fails now costs the repeat its speed, not its correctness: it finds the effect.
        """
        try:
            await self.store.keep(claim, answer)
        except StoreUnavailable:
            log("idempotent_answer_not_kept")

    async def forget(self, claim: KeyClaim) -> None:
        """Free the key: nothing was done that a repeat could find."""
        with contextlib.suppress(StoreUnavailable):
            await self.store.forget(claim)

    async def hand_back(self, claim: KeyClaim) -> None:
        """Let the next to come go on at once, with the same effect: it is not known how far this request came."""
        with contextlib.suppress(StoreUnavailable):
            await self.store.lease(claim, self.clock.now())

    async def _renew(self, claim: KeyClaim) -> None:
        while True:
            await asyncio.sleep(RENEWED_EVERY)
            with contextlib.suppress(StoreUnavailable):
                await self.store.lease(claim, self.clock.now() + LEASE)
