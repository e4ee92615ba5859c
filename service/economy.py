"""The economy tier: a batch goes through the provider's own batch API, and its replies make the same grades.

The requests the judge would make are sent as a file; when the replies are there, the batch's answers are graded as any
others, only that the first call of each finds its reply waiting. Whatever is missing - expired, failed, unreadable - is
asked for in the ordinary way. All that is known stands in the database, and a provider's batch is found by the name it
was given, so a process killed at any moment sends nothing twice.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from service.economy_ports import Asked, Asking, EconomyStore, Part, ProviderBatches, ProviderReply
from service.grading.errors import ModelError
from service.grading.models import Purse
from service.ports import Clock
from service.records import GradeId, Tenant
from service.telemetry import log

PAGE = 100
LEASE = timedelta(minutes=10)
"""Longer than a part can take to be sent: until then nobody else sees to it."""

FIRST_LOOK = 30.0
LONGEST_WAIT = 600.0
LONGEST = timedelta(hours=26)
"""A provider promises a day; what it has not answered by then is asked for in the ordinary way."""


@dataclass(slots=True)
class Economy:
    """Sees to the parts of batches that go to a provider.

    Attributes:
        provider: None where the model has no batch API that is used.
        purse_of: who pays for a tenant's calls; looked into before anything is sent.
    """

    store: EconomyStore
    asking: Asking
    provider: ProviderBatches | None
    clock: Clock
    purse_of: Callable[[Tenant], Purse | None] = lambda _: None

    @property
    def offered(self) -> bool:
        """Whether a batch can be sent this way."""
        return self.provider is not None

    async def tend(self) -> None:
        """Take every part that is due one step further.

        Raises:
            StoreUnavailable: what comes next cannot be kept now.
        """
        while (part := await self.store.due(self.clock.now(), self.clock.now() + LEASE)) is not None:
            await self._tended(part)

    async def _tended(self, part: Part) -> None:
        if self.provider is None:
            await self.store.close(part)
            return
        try:
            await self._forward(part, self.provider)
        except ModelError as error:
            log("economy_step_failed", part=part.id, code=error.code)
            if error.retryable:
                await self._later(part, error.retry_after or 0.0)
            else:
                await self.store.close(part)

    async def _forward(self, part: Part, provider: ProviderBatches) -> None:
        if not part.wanted or self.clock.now() - part.made_at > LONGEST:
            await self._called_off(part, provider)
        elif part.provider_id is None:
            await self._sent(part, provider)
        elif await provider.ended(part.provider_id):
            await self._brought_home(part, part.provider_id, provider)
        else:
            await self._later(part)

    async def _sent(self, part: Part, provider: ProviderBatches) -> None:
        if (purse := self.purse_of(part.tenant)) is not None:
            await purse.open()
        provider_id = await provider.find(part.id)
        if provider_id is None:
            asked = await self._asked(part)
            if not asked:
                await self.store.close(part)
                return
            provider_id = await provider.send(part.id, asked)
            log("economy_sent", part=part.id, requests=len(asked))
        await self.store.sent(part, provider_id, self.clock.now() + timedelta(seconds=FIRST_LOOK))

    async def _asked(self, part: Part) -> list[Asked]:
        """What the judge would ask about a part's answers; of two answers that are the same, about the first."""
        asked: dict[str, Asked] = {}
        after = part.first - 1
        while page := await self.store.items(part, after, PAGE):
            for _, record in page:
                for known, request in await self.asking.requests(record):
                    asked.setdefault(known, Asked(f"{record.id}.{known}", request))
            after = page[-1][0]
        return list(asked.values())

    async def _brought_home(self, part: Part, provider_id: str, provider: ProviderBatches) -> None:
        page: list[ProviderReply] = []
        count = 0
        async for reply in provider.replies(provider_id):
            page.append(reply)
            count += 1
            if len(page) >= PAGE:
                await self._kept(part, page)
                page = []
        await self._kept(part, page)
        await self.store.close(part)
        log("economy_brought_home", part=part.id, replies=count)
        await self._tidied(provider_id, provider)

    async def _kept(self, part: Part, replies: list[ProviderReply]) -> None:
        split = [(reply.custom_id.partition("."), reply.body) for reply in replies]
        await self.store.keep(part, [(GradeId(grade), known, body) for (grade, _, known), body in split])

    async def _called_off(self, part: Part, provider: ProviderBatches) -> None:
        provider_id = part.provider_id or await provider.find(part.id)
        if provider_id is not None:
            await provider.cancel(provider_id)
        await self.store.close(part)
        if provider_id is not None:
            await self._tidied(provider_id, provider)

    async def _tidied(self, provider_id: str, provider: ProviderBatches) -> None:
        try:
            await provider.tidy(provider_id)
        except ModelError as error:
            log("economy_not_tidied", code=error.code)

    async def _later(self, part: Part, at_least: float = 0.0) -> None:
        if self.clock.now() - part.made_at > LONGEST:
            await self.store.close(part)
            return
        wait = max(at_least, min(FIRST_LOOK * 2 ** min(part.looks, 10), LONGEST_WAIT))
        await self.store.later(part, self.clock.now() + timedelta(seconds=wait))
