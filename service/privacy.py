"""What becomes of personal data: a learner is erased or exported, and answers expire after the days agreed on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import timedelta

from service.ports import Clock, GradeStore, LearnerStore, StoreUnavailable
from service.records import GradeRecord, KeptRow, Tenant
from service.telemetry import log

SWEEP_SECONDS = 3_600.0
"""How often answers are looked for whose time is over: the longest a due text stays."""


@dataclass(frozen=True, slots=True)
class Privacy:
    """Erasure, export and retention, for the API, the command line and the server's own sweep.

    Attributes:
        answer_days: how long answers are kept unless a tenant has a time of its own; 0 is for ever.
    """

    grades: GradeStore
    learners: LearnerStore
    clock: Clock
    answer_days: int

    async def erase(self, tenant: Tenant, learner: str) -> Mapping[str, int]:
        """Remove everything kept on a learner; counts by table, all zero when there is nothing (any more).

        It is gone from the database when this returns, and what is being made for the learner right now, in this
        process or another, is not stored when it is finished.

        Raises:
            StoreUnavailable: nothing was removed.
        """
        erased = await self.learners.erase(tenant, learner, self.clock.now())
        log("learner_erased", rows=sum(erased.values()))
        await self._scrub()
        return erased

    async def export(self, tenant: Tenant, learner: str) -> AsyncIterator[GradeRecord | KeptRow]:
        """Everything kept on a learner: the grades with all their parts, oldest first, then all other rows.

        Raises:
            StoreUnavailable: on the way, too; what was given so far is not all there is.
        """
        for grade_id in await self.learners.grade_ids(tenant, learner):
            if record := await self.grades.get(tenant, grade_id):
                yield record
        for row in await self.learners.kept(tenant, learner):
            yield row

    async def keep_answers(self, tenant: Tenant, days: int | None) -> None:
        """Set a tenant's own time in days (0: for ever), or go back to the operator's with None."""
        await self.learners.keep_answers(tenant, days)

    async def sweep(self) -> int:
        """Take the texts out of every answer whose time is over; how many. And delete all else that is.

        Raises:
            StoreUnavailable: some may be left for the next sweep.
        """
        own = await self.learners.answer_days()
        count = 0
        for tenant in await self.learners.tenants():
            if days := own.get(tenant, self.answer_days):
                count += await self._expire(tenant, days)
        await self.learners.tidy(self.clock.now())
        await self._scrub()
        if count:
            log("answers_expired", count=count)
        return count

    async def sweep_for_ever(self) -> None:
        """Sweep now and every hour; a store that is away is tried again the next time."""
        while True:
            try:
                await self.sweep()
            except StoreUnavailable as error:
                log("sweep_put_off", error=str(error))
            await asyncio.sleep(SWEEP_SECONDS)

    async def _expire(self, tenant: Tenant, days: int) -> int:
        now = self.clock.now()
        before = now - timedelta(days=days)
        count = 0
        while some := await self.learners.expire(tenant, before, now):
            count += some
        await self.learners.forget_names(tenant, before)
        return count

    async def _scrub(self) -> None:
        """A reader may hold the old log; then the next sweep empties it."""
        try:
            await self.learners.scrub()
        except StoreUnavailable as error:
            log("scrub_put_off", error=str(error))
