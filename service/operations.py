"""What the service did and what waits, by tenant and model, as the store tells it: over all processes and restarts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from service.records import Tenant


@dataclass(frozen=True, slots=True)
class Use:
    """What became of a tenant's grades with one model.

    Attributes:
        model: the judge's as configured, several joined by `` + ``; None where no model was asked.
        grades: finished ones, ungraded ones among them.
        criteria: those levels were wanted for; of them ``unscored`` have none.
        cost_usd: of what has a price; ``unpriced`` grades have none.
        p50_ms, p95_ms: time to a grade a model was asked for (nearest rank); None without any.
        errors: reasons of ungraded and partly graded answers, and how often.
    """

    tenant: Tenant
    model: str | None
    grades: int
    ungraded: int
    criteria: int
    unscored: int
    cost_usd: float
    unpriced: int
    p50_ms: int | None = None
    p95_ms: int | None = None
    errors: Mapping[str, int] = field(default_factory=dict)

    @property
    def unscored_rate(self) -> float | None:
        """The share of wanted levels that could not be decided; None where none was wanted."""
        return self.unscored / self.criteria if self.criteria else None


@dataclass(frozen=True, slots=True)
class Queue:
    """A tenant's answers that are still to be graded by workers.

    Attributes:
        waiting: not begun yet; ``running`` are.
        oldest_at: when the oldest of them was sent.
    """

    tenant: Tenant
    waiting: int
    running: int
    oldest_at: datetime | None


class OperationsStore(Protocol):
    """Counts what is kept. Every call only reads.

    Raises (every method):
        StoreUnavailable: the transaction could not be done.
    """

    async def use(self, tenant: Tenant | None, since: datetime) -> tuple[Use, ...]:
        """What became of answers sent since a moment; of every tenant where none is named. By tenant and model."""

    async def queues(self, tenant: Tenant | None) -> tuple[Queue, ...]:
        """Who waits for workers, by tenant; of every tenant where none is named."""
