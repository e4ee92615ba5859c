"""Limits of tenants on the way in, and the headers that tell how far they are.

After draft-ietf-httpapi-ratelimit-headers-10, whose two fields replace the older three.
"""

from __future__ import annotations

import math
import random
from collections.abc import Sequence

from fastapi import Request
from starlette.types import Scope

from service.access import Access
from service.access import Scope as KeyScope
from service.api import problems
from service.api.problems import ProblemError, retry_after_header
from service.bootstrap import Services
from service.grading.errors import ModelError, SpendingLimitReached
from service.limiting import WINDOW_SECONDS, Quota

SPENDING = frozenset({KeyScope.GRADES_WRITE})
"""Scopes whose routes ask a model while the caller waits, or soon; batches wait for a new day instead."""


async def within_limits(request: Request, access: Access, *, spends: bool) -> None:
    """Count a request, once.

    Args:
        request: where the answer's headers are left.
        access: who asks.
        spends: whether it leads to a model.

    Raises:
        ProblemError: 429, because the tenant used up its requests, its tokens or what may be spent.
    """
    if getattr(request.state, "quotas", None) is not None:
        return
    services: Services = request.app.state.services
    fits, quotas = await services.limiting.admit(access.tenant)
    request.state.quotas = quotas
    if not fits:
        raise _too_much(quotas[0])
    if spends:
        if used_up := next((quota for quota in quotas if quota.remaining == 0 and quota.unit == "tokens"), None):
            raise _too_much(used_up)
        await _check_spending(services, access)


async def _check_spending(services: Services, access: Access) -> None:
    try:
        await services.spending.check(access.tenant)
    except SpendingLimitReached as error:
        wait = math.ceil((error.retry_after or 0.0) + random.uniform(1, 60))
        raise ProblemError(problems.SPENDING_LIMIT, headers={"Retry-After": str(wait)}) from None
    except ModelError as error:
        raise ProblemError(problems.SPENDING_LIMIT, error.detail) from None


def _too_much(quota: Quota) -> ProblemError:
    detail = f"At most {quota.limit} {quota.unit} a minute."
    return ProblemError(
        problems.RATE_LIMITED, detail, headers={"Retry-After": retry_after_header(max(1.0, quota.resets_in))}
    )


def usage_headers(scope: Scope) -> list[tuple[bytes, bytes]]:
    """``RateLimit-Policy`` and ``RateLimit`` for an answer; nothing where nobody was recognised."""
    quotas: Sequence[Quota] = scope.get("state", {}).get("quotas") or ()
    if not quotas:
        return []
    policies = ", ".join(f'"{q.unit}";q={q.limit};qu="{q.unit}";w={WINDOW_SECONDS}' for q in quotas)
    states = ", ".join(f'"{q.unit}";r={q.remaining};t={math.ceil(q.resets_in)}' for q in quotas)
    return [(b"ratelimit-policy", policies.encode()), (b"ratelimit", states.encode())]
