"""How much a tenant may ask for in a minute: requests, and tokens of models. The only home of the ``limits`` library.

Counters slide over the last minute and live in this process: of several processes each counts its own share. What must
hold over all of them, money, is kept in the store (:mod:`service.spending`).
"""

from __future__ import annotations

import time
from collections import OrderedDict
from dataclasses import dataclass, field

from limits import RateLimitItemPerMinute
from limits.aio.storage import MemoryStorage
from limits.aio.strategies import SlidingWindowCounterRateLimiter

from service.allowances import Allowance, AllowanceStore
from service.ports import Clock
from service.records import Tenant

REMEMBERED_SECONDS = 2.0
REMEMBERED_TENANTS = 10_000
WINDOW_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Quota:
    """How far a tenant is within one of its limits.

    Attributes:
        unit: what is counted, ``requests`` or ``tokens``.
        limit: how many in ``WINDOW_SECONDS``.
        resets_in: seconds until some of what was used is free again.
    """

    unit: str
    limit: int
    remaining: int
    resets_in: float


class LimitReached(Exception):
    """The tenant has used up a limit.

    Attributes:
        unit: what of.
        retry_after: seconds until some of it is free again.
    """

    def __init__(self, unit: str, retry_after: float) -> None:
        super().__init__(unit)
        self.unit = unit
        self.retry_after = retry_after


@dataclass(slots=True)
class Limiting:
    """The limits of all tenants, counted in this process.

    Attributes:
        requests_per_minute: for tenants without a limit of their own.
    """

    store: AllowanceStore
    clock: Clock
    requests_per_minute: int
    _limiter: SlidingWindowCounterRateLimiter = field(
        default_factory=lambda: SlidingWindowCounterRateLimiter(MemoryStorage())
    )
    _known: OrderedDict[Tenant, tuple[float, Allowance]] = field(default_factory=OrderedDict)

    async def allowance(self, tenant: Tenant) -> Allowance:
        """What the tenant may use, at most ``REMEMBERED_SECONDS`` old.

        Raises:
            StoreUnavailable: it cannot be read now.
        """
        now = self.clock.monotonic()
        known = self._known.get(tenant)
        if known is not None and now - known[0] < REMEMBERED_SECONDS:
            return known[1]
        found = await self.store.allowance(tenant)
        self._known[tenant] = (now, found)
        self._known.move_to_end(tenant)
        while len(self._known) > REMEMBERED_TENANTS:
            self._known.popitem(last=False)
        return found

    async def admit(self, tenant: Tenant) -> tuple[bool, tuple[Quota, ...]]:
        """Count one request: whether it fits, and how far the tenant is within its limits now.

        Raises:
            StoreUnavailable: the tenant's limits cannot be read now.
        """
        allowance = await self.allowance(tenant)
        item = self._requests(allowance)
        fits = await self._limiter.hit(item, tenant, "requests")
        quotas = [await self._quota("requests", item, tenant)]
        if allowance.tokens_per_minute is not None:
            quotas.append(await self._quota("tokens", RateLimitItemPerMinute(allowance.tokens_per_minute), tenant))
        return fits, tuple(quotas)

    async def used(self, tenant: Tenant, tokens: int) -> None:
        """Count tokens that were used; they may go over the limit by what was under way."""
        limit = (await self.allowance(tenant)).tokens_per_minute
        if limit is not None and tokens > 0:
            item = RateLimitItemPerMinute(limit)
            left = (await self._limiter.get_window_stats(item, tenant, "tokens")).remaining
            if left:
                await self._limiter.hit(item, tenant, "tokens", cost=min(tokens, left))

    def _requests(self, allowance: Allowance) -> RateLimitItemPerMinute:
        return RateLimitItemPerMinute(allowance.requests_per_minute or self.requests_per_minute)

    async def _quota(self, unit: str, item: RateLimitItemPerMinute, tenant: Tenant) -> Quota:
        stats = await self._limiter.get_window_stats(item, tenant, unit)
        resets_in = min(max(0.0, stats.reset_time - time.time()), WINDOW_SECONDS)
        return Quota(unit, item.amount, stats.remaining, resets_in)
