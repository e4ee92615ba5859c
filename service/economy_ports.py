"""The ports of the economy tier: who answers many requests at once and later, and what is known of it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from service.grading.models import ChatRequest
from service.jobs import BatchId
from service.records import GradeId, GradeRecord, Tenant

PART_LINES = 2_000
"""Lines of a batch that go to the provider together: a file of some 16 MB, under every provider's limit."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One request to a model, and the name its reply will have: the grade's id and the request's fingerprint."""

    custom_id: str
    request: ChatRequest


@dataclass(frozen=True, slots=True)
class ProviderReply:
    """What came back for one request: a chat completion as the provider wrote it."""

    custom_id: str
    body: str


@dataclass(frozen=True, slots=True)
class Part:
    """Some lines of a batch, sent to the provider together.

    Attributes:
        id: the name the provider's batch is given.
        provider_id: the name the provider gave it; None while it is not known to be there.
        made_at: when its batch was taken in.
        looks: how often it was looked at.
        wanted: whether its batch still goes on.
    """

    id: str
    tenant: Tenant
    batch: BatchId
    first: int
    last: int
    made_at: datetime
    provider_id: str | None
    looks: int
    wanted: bool


class ProviderBatches(Protocol):
    """A provider's batch API for one model.

    Raises (every method):
        ModelError: the provider could not be asked, or refused.
    """

    async def find(self, name: str) -> str | None:
        """The id of the batch that was given a name; None where there is none."""

    async def send(self, name: str, asked: Iterable[Asked]) -> str:
        """Send requests under a name; the batch's id."""

    async def ended(self, batch: str) -> bool:
        """Whether nothing more will come of a batch."""

    def replies(self, batch: str) -> AsyncIterator[ProviderReply]:
        """The replies of a batch that has ended, without requests that failed."""

    async def cancel(self, batch: str) -> None:
        """Have the rest of a batch left alone."""

    async def tidy(self, batch: str) -> None:
        """Delete what the provider keeps of a batch."""


class Asking(Protocol):
    """Knows what the judge would ask about an answer."""

    async def requests(self, record: GradeRecord) -> Sequence[tuple[str, ChatRequest]]:
        """The requests of a grade to be made, with their fingerprints; none where a rule settles it or it must stay."""


class EconomyStore(Protocol):
    """Keeps the parts of batches that are with a provider, and the replies until they are used.

    Raises (every method):
        StoreUnavailable: the transaction could not be done.
    """

    async def due(self, now: datetime, until: datetime) -> Part | None:
        """A part to see to, not given to anybody else before ``until``."""

    async def items(self, part: Part, after: int, limit: int) -> Sequence[tuple[int, GradeRecord]]:
        """The next answers of a part after a line that wait to be graded, with their lines."""

    async def sent(self, part: Part, provider_id: str, look_at: datetime) -> None:
        """The provider has a part."""

    async def later(self, part: Part, look_at: datetime) -> None:
        """Look at a part again."""

    async def keep(self, part: Part, replies: Sequence[tuple[GradeId, str, str]]) -> None:
        """Keep replies: the grade, the request's fingerprint, the body. What is there already stays as it is."""

    async def close(self, part: Part) -> None:
        """A part is through; with its last the batch's answers may be graded."""
