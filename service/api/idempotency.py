"""Routes whose effect happens once for each Idempotency-Key, however often and however parallel they are sent.

    router = APIRouter(route_class=IdempotentRoute)

    @router.post(...)
    async def make(claim: ClaimOf, ...):
        made = await found(claim.effect) if claim and claim.resumed else None
        return answer(made or await made_anew(claim.effect if claim else None))

A handler stores its result under the claim's ``effect``; where the claim was taken over after a crash, it first looks
for what is there under it. Answers of 2xx are kept and replayed byte for byte. After any other the key is free again:
nothing was made, or what was made says itself how to go on. After a 500 the next repeat goes on with the same effect.
Only POST needs this, so only there is a key read: answers to GET hold what others may have to erase.
"""

from __future__ import annotations

import hashlib
import re
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import IO, Annotated

from fastapi import Depends, Header, Request, Response
from starlette.types import Message, Receive

from service.api import problems
from service.api.access import presented
from service.api.problems import ProblemError, problem_for
from service.api.strict_json import Handler, StrictJSONRequest, StrictJSONRoute
from service.bootstrap import Services
from service.idempotency import OtherRequest, StillRunning
from service.keyed_requests import KeptAnswer, KeyClaim, KeyedRequest

REPLAYED = "Idempotent-Replayed"
"""The response header that tells a replay from a first answer."""
NOT_KEPT = "no-store"
"""The ``Cache-Control`` of an answer that nobody keeps, so that a repeat is answered anew: nothing was made."""
IN_MEMORY = 1024 * 1024
"""Bytes of a body that are held in memory while it is read to be told from others; more goes into an unnamed file."""

_KEY = re.compile(r"[\x21-\x7e]{1,255}")
_KEPT_HEADERS = ("content-type", "location")
_PIECE = 64 * 1024


class IdempotentRoute(StrictJSONRoute):
    """A strict route that honours ``Idempotency-Key``."""

    async def answered(self, request: StrictJSONRequest, handler: Handler) -> Response:
        """The handler's answer, or the one the same request got before."""
        key = key_of(request) if request.method == "POST" else None
        if key is None:
            return await handler(request)
        services: Services = request.app.state.services
        async with _read(request) as body:
            found = await _claimed(services, await _keyed(request, key, body))
            if isinstance(found, KeptAnswer):
                return _replay(found)
            request.state.claim = found
            async with services.idempotency.held(found):
                return await _carried_out(services, found, StrictJSONRequest(request.scope, body.receive), handler)


@dataclass(slots=True)
class _Body:
    """A body that was read to its end, to be received once more."""

    file: IO[bytes]
    sha256: str
    further: Receive
    done: bool = False

    async def receive(self) -> Message:
        """The body in pieces, then whatever else comes of the connection."""
        if self.done:
            return await self.further()
        piece = self.file.read(_PIECE)
        self.done = len(piece) < _PIECE
        return {"type": "http.request", "body": piece, "more_body": not self.done}


@asynccontextmanager
async def _read(request: Request) -> AsyncIterator[_Body]:
    told = hashlib.sha256()
    with tempfile.SpooledTemporaryFile(IN_MEMORY) as file:
        async for piece in request.stream():
            told.update(piece)
            file.write(piece)
        file.seek(0)
        yield _Body(file, told.hexdigest(), request.receive)


def key_of(request: Request) -> str | None:
    """The request's Idempotency-Key.

    Raises:
        ProblemError: it is not 1 to 255 visible ASCII characters, or there are several.
    """
    keys = request.headers.getlist("idempotency-key")
    if not keys:
        return None
    if len(keys) > 1 or not _KEY.fullmatch(keys[0]):
        raise ProblemError(
            problems.INVALID_HEADER, "Idempotency-Key has to be 1 to 255 visible ASCII characters without spaces."
        )
    return keys[0]


async def _keyed(request: Request, key: str, body: _Body) -> KeyedRequest:
    access = await presented(request)
    parts = (request.method, request.url.path, request.url.query, body.sha256)
    return KeyedRequest(access.tenant, key, hashlib.sha256("\n".join(parts).encode()).hexdigest())


async def _claimed(services: Services, request: KeyedRequest) -> KeyClaim | KeptAnswer:
    try:
        return await services.idempotency.claim(request)
    except StillRunning:
        raise ProblemError(problems.KEY_IN_USE, headers={"Retry-After": problems.retry_after_header(1)}) from None
    except OtherRequest:
        raise ProblemError(problems.KEY_REUSED) from None


async def _carried_out(services: Services, claim: KeyClaim, request: Request, handler: Handler) -> Response:
    try:
        response = await handler(request)
    except Exception as error:
        if problem_for(error).kind.status == 500:
            await services.idempotency.hand_back(claim)
        else:
            await services.idempotency.forget(claim)
        raise
    if 200 <= response.status_code < 300 and response.headers.get("cache-control") != NOT_KEPT:
        await services.idempotency.keep(claim, _kept(response))
    else:
        await services.idempotency.forget(claim)
    return response


def _kept(response: Response) -> KeptAnswer:
    headers = tuple((name, response.headers[name]) for name in _KEPT_HEADERS if name in response.headers)
    return KeptAnswer(response.status_code, headers, bytes(response.body), response.headers.get("location"))


def _replay(answer: KeptAnswer) -> Response:
    return Response(answer.body, answer.status, {**dict(answer.headers), REPLAYED: "true"})


async def claim_of(
    request: Request,
    _key: Annotated[
        str | None,
        Header(
            alias="Idempotency-Key",
            description="1 to 255 visible ASCII characters; names this request when it is repeated within 24 hours.",
        ),
    ] = None,
) -> KeyClaim | None:
    """The claim on the request's key; None for a request without one."""
    claim: KeyClaim | None = getattr(request.state, "claim", None)
    return claim


ClaimOf = Annotated[KeyClaim | None, Depends(claim_of)]
