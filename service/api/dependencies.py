"""What a route needs, taken from the request: the services, the tenant, checked headers."""

from __future__ import annotations

import re
from typing import Annotated

from fastapi import Depends, Header, Request

from service.api import problems
from service.api.access import AccessOf
from service.api.problems import ProblemError
from service.bootstrap import Services
from service.records import Tenant

_IDEMPOTENCY_KEY = re.compile(r"[\x21-\x7e]{1,255}")


async def services(request: Request) -> Services:
    """Everything ``bootstrap`` wired for this app."""
    wired: Services = request.app.state.services
    return wired


async def tenant(access: AccessOf) -> Tenant:
    """Who asks. A server without keys has one tenant."""
    return access.tenant


async def acceptable(accept: Annotated[str, Header(include_in_schema=False)] = "*/*") -> None:
    """Refuse a request that accepts no JSON."""
    kinds = [part.partition(";")[0].strip().lower() for part in accept.split(",")]
    if not {"", "*/*", "application/*", "application/json", problems.MEDIA_TYPE}.intersection(kinds):
        raise ProblemError(problems.NOT_ACCEPTABLE)


async def idempotency_key(
    idempotency_key: Annotated[
        str | None, Header(description="1 to 255 visible ASCII characters; names this request when it is repeated.")
    ] = None,
) -> str | None:
    """The key's form is checked; an empty or malformed one is refused."""
    if idempotency_key is not None and not _IDEMPOTENCY_KEY.fullmatch(idempotency_key):
        raise ProblemError(
            problems.INVALID_HEADER, "Idempotency-Key has to be 1 to 255 visible ASCII characters without spaces."
        )
    return idempotency_key


async def respond_async(
    prefer: Annotated[str, Header(description="`respond-async` answers 202 at once (RFC 7240).")] = "",
) -> bool:
    """Whether the caller would rather not wait."""
    return "respond-async" in [part.partition(";")[0].strip().lower() for part in prefer.split(",")]


ServicesOf = Annotated[Services, Depends(services)]
TenantOf = Annotated[Tenant, Depends(tenant)]
Key = Annotated[str | None, Depends(idempotency_key)]
Async = Annotated[bool, Depends(respond_async)]
