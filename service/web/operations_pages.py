"""Operations as a page: what became of grades by tenant and model, what waits, and what this process did."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import IntEnum

from fastapi import APIRouter, Request, Response

from service.access import Scope
from service.api.access import allow
from service.api.dependencies import ServicesOf
from service.operations import Queue, Use
from service.web import counters
from service.web.errors import PageRoute
from service.web.render import page
from service.web.visitor import VisitorOf

router = APIRouter(include_in_schema=False, route_class=PageRoute, dependencies=[allow(Scope.OPERATIONS_READ)])


class Days(IntEnum):
    """How far back is counted."""

    DAY = 1
    WEEK = 7
    MONTH = 30


PERIODS = {Days.DAY: "24 hours", Days.WEEK: "7 days", Days.MONTH: "30 days"}


@dataclass(frozen=True, slots=True)
class Sums:
    """All tenants and models together."""

    uses: Sequence[Use]
    queues: Sequence[Queue]

    @property
    def grades(self) -> int:
        """Finished ones."""
        return sum(use.grades for use in self.uses)

    @property
    def ungraded(self) -> int:
        """Those that could not be graded."""
        return sum(use.ungraded for use in self.uses)

    @property
    def unscored_rate(self) -> float | None:
        """The share of wanted levels that could not be decided."""
        wanted = sum(use.criteria for use in self.uses)
        return sum(use.unscored for use in self.uses) / wanted if wanted else None

    @property
    def cost_usd(self) -> float:
        """What has a price."""
        return sum(use.cost_usd for use in self.uses)

    @property
    def unpriced(self) -> int:
        """Grades that have none."""
        return sum(use.unpriced for use in self.uses)

    @property
    def waiting(self) -> int:
        """Answers in the queue, begun or not."""
        return sum(queue.waiting + queue.running for queue in self.queues)

    @property
    def errors(self) -> list[tuple[str, int]]:
        """Kinds, most frequent first."""
        found: Counter[str] = Counter()
        for use in self.uses:
            found.update(use.errors)
        return found.most_common()


@router.get("/operations")
async def operations(request: Request, services: ServicesOf, who: VisitorOf, days: Days = Days.DAY) -> Response:
    """Spend, time, errors and the queue: of one's own tenant, or of all for who may see them."""
    everybody = Scope.TENANTS_READ in who.scopes
    tenant, now = None if everybody else who.tenant, services.grading.clock.now()
    uses = await services.operations.use(tenant, now - timedelta(days=days))
    queues = await services.operations.queues(tenant)
    return page(
        request,
        "operations.html.j2",
        sums=Sums(uses, queues),
        everybody=everybody,
        tenant=who.tenant,
        days=days,
        periods=PERIODS,
        now=now,
        shot=counters.snapshot(services.metrics),
        model=services.model.name,
        state=services.model_state(),
    )
