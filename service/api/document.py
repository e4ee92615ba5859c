"""The OpenAPI document, as FastAPI makes it and we complete it: problems, access rules, streams."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from service.access import MEANING
from service.api.access import ruled_routes
from service.api.examples import PROBLEM_SCHEMA, STREAM_EXAMPLE, refusals
from service.api.problems import (
    FORBIDDEN,
    HEADERS_TOO_LARGE,
    HOST_NOT_ALLOWED,
    INTERNAL,
    INVALID_HTTP,
    INVALID_REQUEST,
    MEDIA_TYPE,
    RATE_LIMITED,
    REQUEST_TIMEOUT,
    SPENDING_LIMIT,
    UNAUTHORIZED,
    URI_TOO_LONG,
)
from service.api.usage import SPENDING

_USAGE = {
    "RateLimit-Policy": {
        "description": "The limits: quota `q` of unit `qu` in window `w` seconds (IETF draft ratelimit-headers).",
        "schema": {"type": "string"},
        "example": '"requests";q=6000;qu="requests";w=60',
    },
    "RateLimit": {
        "description": "What remains: `r`, and seconds `t` until more is free.",
        "schema": {"type": "string"},
        "example": '"requests";r=5999;t=60',
    },
}
_EVERYWHERE = (HOST_NOT_ALLOWED, URI_TOO_LONG, HEADERS_TOO_LARGE, INVALID_HTTP, REQUEST_TIMEOUT, INTERNAL)
_KEY = {
    "type": "http",
    "scheme": "bearer",
    "bearerFormat": "dbf_...",
    "description": "A key made by `debrief keys create`; not needed on the machine of a server without keys. Scopes: "
    + "; ".join(f"`{scope}` {meaning}" for scope, meaning in MEANING.items())
    + ".",
}


def document_api(app: FastAPI) -> None:
    """Make the app's OpenAPI document speak of our problems in place of FastAPI's default 422, and of access rules."""

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            document = get_openapi(
                title=app.title,
                version=app.version,
                summary="Grades interview answers and gives feedback that can be defended.",
                description=app.description,
                routes=app.routes,
                webhooks=app.webhooks.routes,
                tags=app.openapi_tags,
                license_info=app.license_info,
                separate_input_output_schemas=app.separate_input_output_schemas,
            )
            app.openapi_schema = _with_rules(_with_problems(document), app)
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]


def _with_problems(document: dict[str, Any]) -> dict[str, Any]:
    schemas = document["components"]["schemas"]
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    schemas["Problem"] = PROBLEM_SCHEMA
    for hook in document["webhooks"].values():
        hook["post"]["responses"].pop("422", None)
    everywhere = {str(status): value for status, value in refusals(*_EVERYWHERE).items()}
    for path in document["paths"].values():
        for operation in path.values():
            responses = operation["responses"]
            if _is_fastapis_own(responses.get("422")):
                responses["422"] = refusals(INVALID_REQUEST)[422]
            for status, value in everywhere.items():
                responses.setdefault(status, value)
            for response in responses.values():
                _describe_stream(response.get("content", {}))
    return document


def _with_rules(document: dict[str, Any], app: FastAPI) -> dict[str, Any]:
    """Which key each operation needs (OpenAPI 3.1 allows scopes with every kind of key)."""
    document["components"]["securitySchemes"] = {"key": _KEY}
    for path, methods, rule in ruled_routes(app.routes):
        for method, operation in document["paths"].get(path, {}).items():
            if rule is None or rule.public or method.upper() not in methods:
                continue
            operation["security"] = [{"key": [] if rule.scope is None else [rule.scope.value]}]
            limits = (RATE_LIMITED, SPENDING_LIMIT) if rule.scope in SPENDING else (RATE_LIMITED,)
            needs = () if rule.scope is None else (FORBIDDEN,)
            for status, value in refusals(UNAUTHORIZED, *needs, *limits).items():
                operation["responses"].setdefault(str(status), value)
            for response in operation["responses"].values():
                response.setdefault("headers", {}).update(_USAGE)
    return document


def _describe_stream(content: dict[str, Any]) -> None:
    """OpenAPI 3.1 has no word for the items of a stream (3.2's ``itemSchema``): an example says it."""
    if "text/event-stream" in content:
        content["text/event-stream"] = {"example": STREAM_EXAMPLE}


def _is_fastapis_own(response: dict[str, Any] | None) -> bool:
    return response is not None and MEDIA_TYPE not in response.get("content", {})
