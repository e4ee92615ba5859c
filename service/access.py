"""Who may do what: scopes, and what a caller was found to be.

Shared by keys, sessions of pages and the API. A caller restricted to a learner may only use what was made for
learners (see :mod:`service.api.access`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NewType

from service.records import LOCAL_TENANT, Tenant

KeyId = NewType("KeyId", str)


class Scope(StrEnum):
    """What a key may be allowed to do; each route names the one it needs."""

    GRADES_WRITE = "grades:write"
    GRADES_READ = "grades:read"
    GRADES_AUDIT = "grades:audit"
    REVIEWS_WRITE = "reviews:write"
    RUBRICS_WRITE = "rubrics:write"
    BATCHES_WRITE = "batches:write"
    WEBHOOKS_MANAGE = "webhooks:manage"
    LEARNERS_ERASE = "learners:erase"
    OPERATIONS_READ = "operations:read"
    TENANTS_READ = "tenants:read"


MEANING: dict[Scope, str] = {
    Scope.GRADES_WRITE: "grade answers, retry, appeal",
    Scope.GRADES_READ: "read grades, lists, events, progress, batches and their results",
    Scope.GRADES_AUDIT: "read full receipts with the model's raw replies",
    Scope.REVIEWS_WRITE: "record a person's review, read the review queue",
    Scope.RUBRICS_WRITE: "publish rubrics",
    Scope.BATCHES_WRITE: "start and cancel batches",
    Scope.WEBHOOKS_MANAGE: "register, list, replay and remove webhook endpoints",
    Scope.LEARNERS_ERASE: "erase or export everything kept on a learner",
    Scope.OPERATIONS_READ: "read metrics, which count over all tenants, and what one's own tenant uses",
    Scope.TENANTS_READ: "see by name what every tenant uses and spends; for who runs the service",
}
"""Every scope in words, for the command line and the documentation."""

ALL_SCOPES = frozenset(Scope)
TENANT_SCOPES = ALL_SCOPES - {Scope.TENANTS_READ}
"""Everything within one tenant: what ``--scopes all`` gives."""

USUAL_SCOPES = frozenset({Scope.GRADES_WRITE, Scope.GRADES_READ})


@dataclass(frozen=True, slots=True)
class Access:
    """What a request may touch.

    Attributes:
        tenant: whose things; everything else does not exist for this caller.
        scopes: what may be done with them.
        key_id: the key that was shown; None for a session or a server without keys.
        learner: the one learner a session is restricted to; None for all of the tenant's.
    """

    tenant: Tenant
    scopes: frozenset[Scope]
    key_id: KeyId | None = None
    learner: str | None = None


LOCAL_ACCESS = Access(LOCAL_TENANT, ALL_SCOPES)
"""Anybody on this machine, while the server has no keys."""


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key as it is kept: never the key itself.

    Attributes:
        prefix: the beginning of the key, to tell keys apart by eye.
        sha256: of the whole key; 256 random bits need no slow hash.
        ends_at: from then on the key is dead; None for no end. Revoking sets it to now.
    """

    id: KeyId
    tenant: Tenant
    name: str
    scopes: frozenset[Scope]
    prefix: str
    sha256: str
    created_at: datetime
    ends_at: datetime | None = None

    def live(self, now: datetime) -> bool:
        """Whether it opens anything at ``now``."""
        return self.ends_at is None or now < self.ends_at

    def access(self) -> Access:
        """What it opens."""
        return Access(self.tenant, self.scopes, self.id)
