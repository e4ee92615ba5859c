"""Reading a request strictly: who may, media type, encoding, and JSON as :mod:`service.strict_json` reads it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from fastapi import Request, Response
from fastapi.routing import APIRoute

from service.api import problems
from service.api.access import rule_of
from service.api.problems import ProblemError
from service.strict_json import InvalidJSON, parse

Handler = Callable[[Request], Awaitable[Response]]


class StrictJSONRequest(Request):
    """A request whose ``json()`` is strict."""

    async def json(self) -> Any:
        """The body, or a problem."""
        if not hasattr(self, "_strict"):
            try:
                self._strict = parse(await self.body())
            except InvalidJSON as error:
                raise ProblemError(problems.INVALID_JSON, str(error) or None) from None
        return self._strict


class StrictJSONRoute(APIRoute):
    """A route that checks access, content type and encoding, in this order, and reads bodies strictly."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """FastAPI's handler behind a strict request."""
        handler = super().get_route_handler()
        has_body, rule = self.body_field is not None, rule_of(self.dependant)

        async def strict(request: Request) -> Response:
            if rule is not None:
                await rule(request)
            if has_body:
                _check_media_type(request)
            return await self.answered(StrictJSONRequest(request.scope, request.receive), handler)

        return strict

    async def answered(self, request: StrictJSONRequest, handler: Handler) -> Response:
        """The answer to an admitted request; for routes that do more than hand it on."""
        return await handler(request)


def _check_media_type(request: Request) -> None:
    encoding = request.headers.get("content-encoding", "identity").strip().lower()
    if encoding not in ("", "identity"):
        raise ProblemError(problems.UNSUPPORTED_MEDIA, "Compressed bodies are not accepted.")
    media, _, parameters = request.headers.get("content-type", "").partition(";")
    charset = parameters.strip().lower().removeprefix("charset=").strip('"')
    if media.strip().lower() != "application/json" or charset not in ("", "utf-8"):
        raise ProblemError(problems.UNSUPPORTED_MEDIA)
