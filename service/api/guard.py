"""What every request passes: size and host checks, safe response headers, one metric, and the last resort.

Without keys the server answers this machine only, and loopback names only, so that a web page cannot reach it under
a name of its own (DNS rebinding). With keys it answers to every name: the key is what counts.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.api import problems
from service.api.problems import ProblemError, response_for
from service.api.usage import usage_headers
from service.bootstrap import Services
from service.ports import StoreUnavailable
from service.telemetry import LOGGER

LOOPBACK_NAMES = frozenset({"127.0.0.1", "localhost", "[::1]"})
NO_KEYS = "The server has no keys yet and answers its own machine only: make one there with debrief keys create."
FOR_ANY_HOST = frozenset({"/healthz", "/readyz"})
MAX_HEADER_BYTES = 16 * 1024
MAX_URI_BYTES = 4 * 1024
_HEADERS = [
    (b"x-content-type-options", b"nosniff"),
    (b"cache-control", b"no-store"),
    (b"referrer-policy", b"no-referrer"),
]


class Guard:
    """Pure ASGI middleware around the whole app."""

    def __init__(self, app: ASGIApp, body_bytes: int, larger: Mapping[str, int] = {}) -> None:
        self.app = app
        self._body_bytes = body_bytes
        self._larger = larger

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Check, pass on, and answer 500 as problem+json if something escaped."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        status = 0

        async def guarded(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                present = {name for name, _ in message["headers"]}
                more = (header for header in _HEADERS if header[0] not in present)
                message["headers"] = [*message["headers"], *more, *usage_headers(scope)]
            await send(message)

        try:
            if refusal := self._refusal(scope) or await _not_ours(scope):
                await refusal.response()(scope, receive, guarded)
            else:
                await self.app(scope, self._counted(receive, self._limit(scope)), guarded)
        except Exception as error:  # noqa: BLE001 - the last resort: logged, and answered as a problem
            LOGGER.error("request_failed", exc_info=error)
            if status == 0:
                await response_for(error)(scope, receive, guarded)
        finally:
            _count(scope, status)

    def _limit(self, scope: Scope) -> int:
        """The most bytes a body may have at this address."""
        return self._larger.get(scope["path"], self._body_bytes)

    def _counted(self, receive: Receive, limit: int) -> Receive:
        """Count a body as it comes, since its announced length may be missing or wrong."""
        received = 0

        async def counted() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > limit:
                raise _too_large(limit)
            return message

        return counted

    def _refusal(self, scope: Scope) -> ProblemError | None:
        """What can be refused from the head of a request alone, before its body is read."""
        headers: list[tuple[bytes, bytes]] = scope["headers"]
        hosts = sum(name == b"host" for name, _ in headers)
        if hosts > 1 or (hosts == 0 and scope["http_version"] == "1.1"):
            return ProblemError(problems.INVALID_HEADER, "Host has to be sent, once (RFC 9112, 3.2).")
        if sum(len(name) + len(value) for name, value in headers) > MAX_HEADER_BYTES:
            return ProblemError(problems.HEADERS_TOO_LARGE)
        if len(scope["raw_path"] or b"") + len(scope["query_string"]) > MAX_URI_BYTES:
            return ProblemError(problems.URI_TOO_LONG)
        announced = next((value for name, value in headers if name == b"content-length"), b"0")
        limit = self._limit(scope)
        if announced.isdigit() and int(announced[:20]) > limit:
            return _too_large(limit)
        return None


def _too_large(limit: int) -> ProblemError:
    return ProblemError(problems.BODY_TOO_LARGE, f"The limit is {limit} bytes.")


async def _not_ours(scope: Scope) -> ProblemError | None:
    """While there are no keys: what comes from another machine, or under another name."""
    services: Services | None = getattr(scope["app"].state, "services", None) if "app" in scope else None
    try:
        if scope["path"] in FOR_ANY_HOST or (services is not None and await services.keys.exist()):
            return None
    except StoreUnavailable:
        return ProblemError(problems.STORE_UNAVAILABLE)
    if not _from_here(scope):
        return ProblemError(problems.UNAUTHORIZED, NO_KEYS)
    return None if _answers_to(scope) else ProblemError(problems.HOST_NOT_ALLOWED)


def _from_here(scope: Scope) -> bool:
    """Whether the caller is on this machine; a Unix socket has no address, a proxy may name what is none."""
    try:
        return scope["client"] is None or ipaddress.ip_address(scope["client"][0]).is_loopback
    except ValueError:
        return False


def _answers_to(scope: Scope) -> bool:
    host = next((value for name, value in scope["headers"] if name == b"host"), b"").decode("latin-1")
    name = host if host.endswith("]") else host.rpartition(":")[0] or host
    return name.lower() in LOOPBACK_NAMES


def _count(scope: Scope, status: int) -> None:
    services = getattr(scope["app"].state, "services", None) if "app" in scope else None
    if services is not None:
        route = getattr(scope.get("route"), "path", "unmatched")
        method = scope["method"] if scope["method"] in ("GET", "POST", "PUT", "PATCH", "DELETE") else "other"
        services.metrics.requests.labels(method, route, str(status)).inc()
