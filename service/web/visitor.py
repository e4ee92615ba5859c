"""Who looks at a page, and whether a form was sent from one of ours."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated
from urllib.parse import urlsplit

from fastapi import Depends, Header

from service.api.dependencies import TenantOf
from service.api.problems import Kind, ProblemError
from service.records import Tenant

LOCAL_LEARNER = "me"
"""The learner of a server without keys: whoever sits at this machine."""

FOREIGN_FORM = Kind(
    "foreign-form", 403, "This form was sent from another site", "Open the page here and send it again."
)


@dataclass(frozen=True, slots=True)
class Visitor:
    """A person at a browser: the tenant they belong to, and the learner they practise as."""

    tenant: Tenant
    learner: str


async def visitor(tenant: TenantOf) -> Visitor:
    """Who looks. A server without keys knows one person."""
    return Visitor(tenant, LOCAL_LEARNER)


async def same_origin(
    host: Annotated[str, Header()] = "",
    origin: Annotated[str | None, Header()] = None,
    sec_fetch_site: Annotated[str | None, Header()] = None,
) -> None:
    """Refuse a form another site's page sent with this browser (cross-site request forgery).

    Browsers say where a request comes from (Fetch Metadata; Origin, RFC 6454); what says neither is no browser and
    carries nobody's cookies by itself.
    """
    if sec_fetch_site is not None:
        allowed = sec_fetch_site in ("same-origin", "none")
    else:
        allowed = origin is None or urlsplit(origin).netloc == host
    if not allowed:
        raise ProblemError(FOREIGN_FORM)


VisitorOf = Annotated[Visitor, Depends(visitor)]
SameOrigin = Depends(same_origin)
