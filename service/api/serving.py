"""The HTTP server around the app: uvicorn, with limits on how slowly and how largely a request may arrive.

Bare uvicorn waits for ever for the end of a request that was begun. Here a head has to be there within ``HEAD_SECONDS``
and ``MAX_HEAD_BYTES``, and a body has to keep coming: ``LEAST_BODY_BYTES`` in every ``BODY_SECONDS``, unless we are the
ones who do not read on. What is slower is answered 408 and closed, so half-sent requests hold nothing for long.
"""

from __future__ import annotations

import asyncio
from typing import Any

import orjson
import uvicorn
from fastapi import FastAPI
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from service.api import problems
from service.api.problems import Kind

HEAD_SECONDS = 10.0
BODY_SECONDS = 10.0
LEAST_BODY_BYTES = 2_048
MAX_HEAD_BYTES = 64 * 1024
"""Uvicorn's parser has no limit of its own; the guard's smaller one is checked once the head is complete."""


def serve(app: FastAPI, host: str, port: int, drain_seconds: float) -> None:
    """Serve until told to stop; what was accepted is finished for up to ``drain_seconds``."""
    uvicorn.run(**settings(app, host, port, drain_seconds))


def settings(app: FastAPI, host: str, port: int, drain_seconds: float) -> dict[str, Any]:
    """Uvicorn's settings: nothing of a request is logged.

    ``X-Forwarded-Proto`` and ``-For`` are believed from the proxies in ``FORWARDED_ALLOW_IPS`` (uvicorn's own variable;
    127.0.0.1 unless set), so that a cookie is ``Secure`` where TLS ends at the proxy.
    """
    return {
        "app": app,
        "host": host,
        "port": port,
        "http": ImpatientProtocol,
        "log_level": "warning",
        "access_log": False,
        "server_header": False,
        "proxy_headers": True,
        "timeout_graceful_shutdown": int(drain_seconds),
    }


class ImpatientProtocol(HttpToolsProtocol):
    """One connection whose requests have to arrive in time."""

    head_seconds = HEAD_SECONDS
    body_seconds = BODY_SECONDS

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A connection without a word is given the time of a head."""
        super().connection_made(transport)  # type: ignore[arg-type]
        self._timer: asyncio.TimerHandle | None = None
        self._head_bytes = self._body_bytes = 0
        self._in_body = False
        self._wait(self.head_seconds)

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing is waited for any more."""
        self._stop_waiting()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Something came: of a head, or of a body."""
        if self._timer is None:
            self._wait(self.head_seconds)
        in_head = not self._in_body
        super().data_received(data)
        if in_head and not self._in_body and self._timer is not None:
            self._head_bytes += len(data)
            if self._head_bytes > MAX_HEAD_BYTES:
                self._refuse(problems.HEADERS_TOO_LARGE)

    def on_headers_complete(self) -> None:
        """The head is here; now the body has its time."""
        super().on_headers_complete()
        self._head_bytes, self._body_bytes, self._in_body = 0, 0, True
        self._wait(self.body_seconds)

    def on_body(self, body: bytes) -> None:
        """A piece of the body."""
        self._body_bytes += len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        """The request is here; uvicorn itself limits the time until the next."""
        self._in_body = False
        self._stop_waiting()
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        """What is not HTTP is refused as a problem, too."""
        self._stop_waiting()
        self.transport.write(_raw(problems.INVALID_HTTP))
        self.transport.close()

    def _wait(self, seconds: float) -> None:
        self._stop_waiting()
        self._timer = self.loop.call_later(seconds, self._time_is_up)

    def _stop_waiting(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _time_is_up(self) -> None:
        answering = self.cycle is not None and not self.cycle.response_complete
        if self._in_body and (self._body_bytes >= LEAST_BODY_BYTES or self.flow.read_paused):
            self._body_bytes = 0
            self._wait(self.body_seconds)
        elif answering and not self._in_body:
            self._wait(self.head_seconds)
        else:
            self._refuse(problems.REQUEST_TIMEOUT)

    def _refuse(self, kind: Kind) -> None:
        """Answer, unless an answer was begun or nothing was asked, and close."""
        self._stop_waiting()
        if self._is_unanswered():
            self.transport.write(_raw(kind))
        if self.cycle is not None and not self.cycle.response_complete:
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        self.transport.close()

    def _is_unanswered(self) -> bool:
        """Whether something of a request came that no answer was begun for."""
        if self._in_body:
            return not self.cycle.response_started
        return self._head_bytes > 0 and (self.cycle is None or self.cycle.response_complete)


def _raw(kind: Kind) -> bytes:
    body = orjson.dumps({"type": kind.type, "title": kind.title, "status": kind.status, "detail": kind.advice})
    head = (
        f"HTTP/1.1 {kind.status} {kind.title}\r\ncontent-type: {problems.MEDIA_TYPE}\r\n"
        f"content-length: {len(body)}\r\nconnection: close\r\n\r\n"
    )
    return head.encode() + body
