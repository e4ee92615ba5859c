"""Signing in to the pages: by key, or by a link that an owner of a key made for one learner.

A session is a signed cookie that names the key it rests on: it ends with the key, at the latest after twelve hours.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response, status
from fastapi.responses import RedirectResponse

from service.access import Access, KeyId, Scope
from service.api import problems
from service.api.access import PUBLIC
from service.api.dependencies import ServicesOf
from service.api.problems import ProblemError
from service.api.signing import MAX_TEXT, Seal
from service.bootstrap import Services
from service.keys import KeyRefused
from service.web.errors import PageRoute
from service.web.render import page
from service.web.visitor import COOKIE, SameOrigin, from_here

router = APIRouter(include_in_schema=False, route_class=PageRoute, dependencies=[PUBLIC])

LASTS = timedelta(hours=12)
LEARNERS_MAY = frozenset({Scope.GRADES_READ, Scope.GRADES_WRITE})

Link = Annotated[str | None, Query(max_length=MAX_TEXT)]


async def session_access(request: Request) -> Access | None:
    """What the session of a request opens; None without one, or when it or its key has ended.

    A cookie comes along by itself, so another site's request gets nothing out of it.
    """
    if request.method not in ("GET", "HEAD") and not from_here(request.headers):
        return None
    services: Services = request.app.state.services
    said = _seal(services).read(request.cookies.get(COOKIE, ""))
    return await _opened(services, said) if said else None


@router.get("/sign-in")
async def sign_in_page(request: Request, services: ServicesOf, link: Link = None) -> Response:
    """A field for a key; or, with a link, whose it is and a button."""
    learner = None
    if link is not None:
        learner = (await _by_link(services, link))["l"]
    return page(request, "sign_in.html.j2", link=link, learner=learner, refused=None)


@router.post("/sign-in", dependencies=[SameOrigin])
async def sign_in(request: Request, services: ServicesOf) -> Response:
    """Begin a session and go to the first page."""
    form = await request.form(max_files=0, max_fields=4)
    link, key = form.get("link"), form.get("key")
    if isinstance(link, str) and link:
        said = await _by_link(services, link)
    else:
        try:
            access = await services.keys.access_of(key.strip() if isinstance(key, str) else "")
        except KeyRefused as refused:
            return page(request, "sign_in.html.j2", 401, link=None, learner=None, refused=str(refused))
        said = {"k": access.key_id or ""}
    return _begun(request, services, said)


@router.post("/sign-out", dependencies=[SameOrigin])
async def sign_out() -> Response:
    """End the session in this browser."""
    response = RedirectResponse("/sign-in", status.HTTP_303_SEE_OTHER)
    response.delete_cookie(COOKIE, path="/", httponly=True, samesite="lax")
    return response


def _begun(request: Request, services: Services, said: dict[str, str]) -> Response:
    text, _ = _seal(services).sign(said, LASTS)
    response = RedirectResponse("/", status.HTTP_303_SEE_OTHER)
    response.set_cookie(
        COOKIE,
        text,
        max_age=int(LASTS.total_seconds()),
        path="/",
        secure=request.url.scheme == "https",
        httponly=True,
        samesite="lax",
    )
    return response


async def _by_link(services: Services, link: str) -> dict[str, str]:
    said = Seal(services.secret, "sign-in", services.grading.clock).read(link)
    if said is None or await _opened(services, said) is None:
        raise ProblemError(problems.UNAUTHORIZED, "This link has ended, or was cut off. Ask for a new one.")
    return said


async def _opened(services: Services, said: dict[str, str]) -> Access | None:
    access = await services.keys.access_by_id(KeyId(said["k"]))
    learner = said.get("l")
    if access is None or learner is None:
        return access
    return replace(access, scopes=access.scopes & LEARNERS_MAY, learner=learner)


def _seal(services: Services) -> Seal:
    return Seal(services.secret, "session", services.grading.clock)
