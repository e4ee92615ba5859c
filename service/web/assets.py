"""Stylesheets, scripts and fonts: a closed set of files, named by their content and kept by browsers for good."""

from __future__ import annotations

from functools import cache
from types import MappingProxyType

from fastapi import APIRouter, Response

from service.api import problems
from service.api.access import PUBLIC
from service.api.problems import ProblemError
from service.web.render import STATIC

router = APIRouter(include_in_schema=False, dependencies=[PUBLIC])

_KINDS = MappingProxyType(
    {
        ".css": "text/css; charset=utf-8",
        ".js": "text/javascript; charset=utf-8",
        ".svg": "image/svg+xml",
        ".woff2": "font/woff2",
    }
)
_HEADERS = {
    "Cache-Control": "public, max-age=31536000, immutable",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'",
    "Cross-Origin-Resource-Policy": "same-origin",
}


@cache
def _files() -> dict[str, tuple[bytes, str]]:
    """Every file that is served, read once."""
    return {path.name: (path.read_bytes(), _KINDS[path.suffix]) for path in STATIC.iterdir() if path.suffix in _KINDS}


@router.get("/static/{name}")
async def static(name: str) -> Response:
    """One file."""
    if name not in _files():
        raise ProblemError(problems.NOT_FOUND)
    content, kind = _files()[name]
    return Response(content, headers=_HEADERS, media_type=kind)
