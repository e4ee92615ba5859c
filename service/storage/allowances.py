"""What tenants may use and what they spent."""

from __future__ import annotations

import math

from sqlalchemy import Connection, delete, func, insert, select, update

from service.allowances import MICROS, Allowance
from service.records import Tenant
from service.storage.database import Database, insert_once
from service.storage.tables import SPENDING, TENANT_LIMITS


class SqlAllowanceStore:
    """Implements :class:`service.allowances.AllowanceStore`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def allowance(self, tenant: Tenant) -> Allowance:
        """What the tenant may use."""
        wanted = select(TENANT_LIMITS).where(TENANT_LIMITS.c.tenant == tenant)
        row = await self._database.read(lambda connection: connection.execute(wanted).mappings().first())
        if row is None:
            return Allowance()
        micros = row["micro_usd_per_day"]
        return Allowance(
            row["requests_per_minute"], row["tokens_per_minute"], None if micros is None else micros / MICROS
        )

    async def allow(self, tenant: Tenant, allowance: Allowance) -> None:
        """Replace what the tenant may use."""
        usd = allowance.usd_per_day
        row = {
            "tenant": tenant,
            "requests_per_minute": allowance.requests_per_minute,
            "tokens_per_minute": allowance.tokens_per_minute,
            "micro_usd_per_day": None if usd is None else round(usd * MICROS),
        }

        def work(connection: Connection) -> None:
            connection.execute(delete(TENANT_LIMITS).where(TENANT_LIMITS.c.tenant == tenant))
            connection.execute(insert(TENANT_LIMITS), row)

        await self._database.write(work)

    async def spent(self, day: int, tenant: Tenant | None) -> float:
        """Dollars spent on a day."""
        wanted = select(func.coalesce(func.sum(SPENDING.c.micro_usd), 0)).where(SPENDING.c.day == day)
        if tenant is not None:
            wanted = wanted.where(SPENDING.c.tenant == tenant)
        return await self._database.read(lambda connection: int(connection.execute(wanted).scalar_one()) / MICROS)

    async def spend(self, tenant: Tenant, day: int, usd: float) -> None:
        """Add to what was spent, rounded up: a limit is never outwitted by small change."""
        row = {"tenant": tenant, "day": day, "micro_usd": 0}
        mine = (SPENDING.c.tenant == tenant) & (SPENDING.c.day == day)
        more = update(SPENDING).where(mine).values(micro_usd=SPENDING.c.micro_usd + math.ceil(usd * MICROS))

        def work(connection: Connection) -> None:
            insert_once(self._database, connection, SPENDING, [row])
            connection.execute(more)

        await self._database.write(work)
