"""Problems as pages: the API's own kinds and words, shown to a person."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException as StarletteHTTPException

from service.api.problems import ProblemError, handle, problem_for
from service.telemetry import LOGGER
from service.web.render import page


class PageRoute(APIRoute):
    """A route whose every failure is a page."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """FastAPI's handler, with problems shown."""
        handler = super().get_route_handler()

        async def shown(request: Request) -> Response:
            try:
                return await handler(request)
            except Exception as error:  # noqa: BLE001 - the last resort: logged below, and shown as a page
                return problem_page(request, problem_for(error), error)

        return shown


def problem_page(request: Request, problem: ProblemError, error: Exception | None = None) -> Response:
    """One problem as a page; what is our own fault is logged."""
    if problem.kind.status == 500 and error is not None:
        LOGGER.error("request_failed", exc_info=error)
    response = page(request, "problem.html.j2", problem.kind.status, kind=problem.kind, detail=problem.detail)
    told = problem.response().headers
    for name in ("Retry-After", "WWW-Authenticate"):
        if name in told:
            response.headers[name] = told[name]
    return response


def show_missing_pages(app: FastAPI) -> None:
    """Addresses nobody answers get a page where a browser asks for one, and a problem document otherwise."""

    async def missing(request: Request, error: Exception) -> Response:
        wants_page = "text/html" in request.headers.get("accept", "") and not request.url.path.startswith("/v1")
        return problem_page(request, problem_for(error)) if wants_page else await handle(request, error)

    app.add_exception_handler(StarletteHTTPException, missing)
