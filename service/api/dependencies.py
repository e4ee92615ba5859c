"""What a route needs, taken from the request: the services, the tenant, checked headers."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Header, Request

from service.api import problems
from service.api.access import AccessOf
from service.api.problems import ProblemError
from service.bootstrap import Services
from service.records import Tenant


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


async def respond_async(
    prefer: Annotated[str, Header(description="`respond-async` answers 202 at once (RFC 7240).")] = "",
) -> bool:
    """Whether the caller would rather not wait."""
    return "respond-async" in [part.partition(";")[0].strip().lower() for part in prefer.split(",")]


ServicesOf = Annotated[Services, Depends(services)]
TenantOf = Annotated[Tenant, Depends(tenant)]
Async = Annotated[bool, Depends(respond_async)]
