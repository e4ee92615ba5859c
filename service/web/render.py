"""Templates to responses: everything that came from outside is escaped, and only our own files may be loaded."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType
from urllib.parse import quote

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from service import __version__
from service.access import Access, Scope
from service.web import words
from service.web.visitor import COOKIE, Visitor, visitor_of

_HERE = Path(__file__).parent
STATIC = _HERE / "static"
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'"
)
HEADERS: Mapping[str, str] = MappingProxyType(
    {
        "Content-Security-Policy": f"{POLICY}; frame-ancestors 'none'",
        "Referrer-Policy": "same-origin",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=()",
    }
)
"""``same-origin`` rather than ``no-referrer``: without a referrer a browser sends ``Origin: null`` with its forms."""


def page(request: Request, template: str, status: int = 200, /, **shown: object) -> HTMLResponse:
    """A whole page."""
    access: Access | None = getattr(request.state, "access", None)
    who = visitor_of(access) if access else None
    around = {"path": request.url.path, "visitor": who, "links": _links(who), "signed_in": COOKIE in request.cookies}
    text = environment().get_template(template).render(**around, **shown)
    return HTMLResponse(text, status, dict(HEADERS))


def _links(who: Visitor | None) -> list[tuple[str, str]]:
    """Where the navigation leads this visitor."""
    if who is None:
        return [("/sign-in", "Sign in")]
    links = [("/", "Practice"), ("/questions", "Questions"), (f"/learners/{quote(who.learner, safe='')}", "Progress")]
    if not who.only and Scope.REVIEWS_WRITE in who.scopes:
        links.append(("/review", "Review"))
    if not who.only and Scope.GRADES_READ in who.scopes:
        links.append(("/batches", "Batches"))
    if not who.only and Scope.OPERATIONS_READ in who.scopes:
        links += [("/evals", "Evals"), ("/operations", "Operations")]
    return links


def fragment(template: str, /, **shown: object) -> str:
    """A piece of a page."""
    return environment().get_template(template).render(**shown)


@cache
def environment() -> Environment:
    """The templates, with what every one of them may call."""
    made = Environment(
        loader=FileSystemLoader(_HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.globals |= {"asset": asset, "version": __version__, "words": words}
    made.filters |= {"one": "{:.1f}".format, "percent": "{:.0%}".format, "spoken": words.spoken, "titled": words.titled}
    return made


@cache
def asset(name: str) -> str:
    """The address of a static file; it changes with the content, so that browsers may keep it for good."""
    digest = hashlib.sha256((STATIC / name).read_bytes()).hexdigest()[:12]
    return f"/static/{name}?v={digest}"
