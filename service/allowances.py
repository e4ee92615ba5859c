"""What a tenant may use: requests and tokens a minute, dollars a day; and the port of what keeps it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from service.records import Tenant

MICROS = 1_000_000
"""Money is kept in millionths of a dollar."""


@dataclass(frozen=True, slots=True)
class Allowance:
    """Limits of one tenant; None where the settings' stand, or where there is none."""

    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None
    usd_per_day: float | None = None


class AllowanceStore(Protocol):
    """Keeps allowances, and what was spent by tenant and UTC day (days since 1970).

    Raises (every method):
        StoreUnavailable: the transaction could not be done.
    """

    async def allowance(self, tenant: Tenant) -> Allowance:
        """What the tenant may use; an empty allowance where nothing was set."""

    async def allow(self, tenant: Tenant, allowance: Allowance) -> None:
        """Replace what the tenant may use."""

    async def spent(self, day: int, tenant: Tenant | None) -> float:
        """Dollars spent on a day, by one tenant or by all."""

    async def spend(self, tenant: Tenant, day: int, usd: float) -> None:
        """Add to what was spent."""
