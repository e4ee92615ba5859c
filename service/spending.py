"""What may be spent on models in a UTC day, by a tenant and by all: looked at before each call, added to after it.

What was spent is in the store, so the limits hold over all processes and restarts. Calls that are under way when a
limit is reached are finished: it is overspent by at most one call for each call made at once.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from service.grading.errors import ModelMisconfigured, ModelUnavailable, SpendingLimitReached
from service.grading.models import Tokens
from service.limiting import Limiting
from service.ports import StoreUnavailable
from service.records import Tenant
from service.telemetry import log

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(slots=True)
class Spending:
    """The purses of all tenants.

    Attributes:
        usd_per_day: what all tenants together may spend; None for no limit.
        priced: whether the price of a call is known; without, a limit cannot be kept and no call is made under one.
    """

    limiting: Limiting
    usd_per_day: float | None
    priced: bool
    _owed: defaultdict[Tenant, float] = field(default_factory=lambda: defaultdict(float))

    def purse(self, tenant: Tenant) -> TenantPurse:
        """What a tenant's calls are paid from."""
        return TenantPurse(self, tenant)

    async def check(self, tenant: Tenant) -> None:
        """Return if something may be spent.

        Raises:
            SpendingLimitReached: nothing more before the next UTC day.
            ModelMisconfigured: there is a limit, and the price of the model is not known.
            StoreUnavailable: it cannot be told now.
        """
        of_tenant = (await self.limiting.allowance(tenant)).usd_per_day
        for limit, spender in ((of_tenant, tenant), (self.usd_per_day, None)):
            if limit is None:
                continue
            if not self.priced:
                raise ModelMisconfigured("there is a spending limit and the price of this model is not known")
            await self._settle()
            if await self.limiting.store.spent(self._day(), spender) >= limit:
                raise SpendingLimitReached(
                    "the spending limit of this day is reached", retry_after=self._until_tomorrow()
                )

    async def paid(self, tenant: Tenant, tokens: Tokens, usd: float | None) -> None:
        """Count what a call cost. What cannot be stored now is stored before anything else is spent."""
        if usd:
            self._owed[tenant] += usd
        try:
            await self.limiting.used(tenant, tokens.input + tokens.output)
            await self._settle()
        except StoreUnavailable:
            log("spending_not_stored_yet")

    async def _settle(self) -> None:
        """Store what is owed."""
        while self._owed:
            tenant, owed = self._owed.popitem()
            try:
                await self.limiting.store.spend(tenant, self._day(), owed)
            except StoreUnavailable:
                self._owed[tenant] += owed
                raise

    def _day(self) -> int:
        return (self.limiting.clock.now() - _EPOCH).days

    def _until_tomorrow(self) -> float:
        tomorrow = _EPOCH + timedelta(days=self._day() + 1)
        return (tomorrow - self.limiting.clock.now()).total_seconds()


@dataclass(frozen=True, slots=True)
class TenantPurse:
    """Implements :class:`service.grading.models.Purse` for one tenant."""

    spending: Spending
    tenant: Tenant

    async def open(self) -> None:
        """Return if a call may be made.

        Raises:
            ModelError: not under the limits, or it cannot be told now.
        """
        try:
            await self.spending.check(self.tenant)
        except StoreUnavailable:
            raise ModelUnavailable("what may be spent cannot be told now") from None

    async def pay(self, tokens: Tokens, cost_usd: float | None) -> None:
        """Count a call."""
        await self.spending.paid(self.tenant, tokens, cost_usd)
