"""Who looks at a page, and whether a form was sent from one of ours."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated
from urllib.parse import urlsplit

from fastapi import Depends, Request

from service.access import Access, Scope
from service.api.access import AccessOf
from service.api.problems import Kind, ProblemError
from service.records import Tenant

LOCAL_LEARNER = "me"
"""The learner of a server without keys: whoever sits at this machine."""

COOKIE = "debrief_session"
"""Holds the signed session of who signed in."""

FOREIGN_FORM = Kind(
    "foreign-form", 403, "This form was sent from another site", "Open the page here and send it again."
)


@dataclass(frozen=True, slots=True)
class Visitor:
    """A person at a browser.

    Attributes:
        tenant: whose grades there are.
        learner: the learner they practise as.
        only: whether nobody else's grades and progress exist for them.
        scopes: what they may do.
    """

    tenant: Tenant
    learner: str
    only: bool
    scopes: frozenset[Scope]

    def may_see(self, learner: str | None) -> bool:
        """Whether what was made for a learner is theirs to see."""
        return not self.only or learner == self.learner


def visitor_of(access: Access) -> Visitor:
    """The person behind an access: a learner, whoever holds a key, or whoever sits at this machine."""
    learner = access.learner or access.key_id or LOCAL_LEARNER
    return Visitor(access.tenant, learner, access.learner is not None, access.scopes)


async def visitor(access: AccessOf) -> Visitor:
    """Who looks."""
    return visitor_of(access)


async def same_origin(request: Request) -> None:
    """Refuse a form another site's page sent with this browser (cross-site request forgery).

    Raises:
        ProblemError: 403.
    """
    if not from_here(request.headers):
        raise ProblemError(FOREIGN_FORM)


def from_here(headers: Mapping[str, str]) -> bool:
    """Whether a request was not made by another site's page.

    Browsers say where a request comes from (Fetch Metadata; Origin, RFC 6454); what says neither is no browser and
    carries nobody's cookies by itself.
    """
    site, origin = headers.get("sec-fetch-site"), headers.get("origin")
    if site is not None:
        return site in ("same-origin", "none")
    return origin is None or urlsplit(origin).netloc == headers.get("host", "")


VisitorOf = Annotated[Visitor, Depends(visitor)]
SameOrigin = Depends(same_origin)
