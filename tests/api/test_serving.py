"""The real server on a real socket: what arrives too slowly or too largely is answered and closed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import uvicorn
from starlette.types import Receive, Scope, Send

from service.api.serving import HEAD_SECONDS, MAX_HEAD_BYTES, ImpatientProtocol, settings

pytestmark = pytest.mark.anyio
HEAD = b"POST / HTTP/1.1\r\nHost: x\r\n"
Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Quick(ImpatientProtocol):
    """The same with little patience."""

    head_seconds = body_seconds = 0.1


class Crowded(ImpatientProtocol):
    """The same with patience enough for a crowd that this test itself has to serve."""

    head_seconds = body_seconds = 2.0


class Echo:
    """Answers with the length of the body, after a while if it is asked to; notes who went away."""

    def __init__(self) -> None:
        self.gone = asyncio.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        length, more = 0, True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                self.gone.set()
                return
            length, more = length + len(message["body"]), message["more_body"]
        if scope["path"] == "/slow":
            await asyncio.sleep(5 * Quick.head_seconds)
        headers = [(b"content-length", str(len(str(length))).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": str(length).encode()})


@asynccontextmanager
async def serving(app: Any, protocol: type[ImpatientProtocol] = Quick, **more: Any) -> AsyncIterator[int]:
    """A server with the product's settings; its port."""
    product = settings(app, "127.0.0.1", 0, 1.0)
    server = uvicorn.Server(uvicorn.Config(**{**product, "http": protocol, "lifespan": "off", **more}))
    task = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110 - uvicorn has a flag and no event
        await asyncio.sleep(0)
    yield server.servers[0].sockets[0].getsockname()[1]
    server.should_exit = True
    await task


async def ends(port: int, *sent: bytes) -> bytes:
    """Everything that comes back until the server closes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for piece in sent:
        writer.write(piece)
    try:
        return await reader.read()
    except ConnectionResetError:
        return b""
    finally:
        writer.close()


@pytest.mark.parametrize(
    ("sent", "answer"),
    [
        pytest.param(b"", b"", id="not a word"),
        pytest.param(b"PO", b"408", id="half a method"),
        pytest.param(b"\x16\x03\x01 hello\r\n\r\n", b"400", id="not HTTP"),
        pytest.param(HEAD + b"X-Partial: ", b"408", id="half a head"),
        pytest.param(HEAD + b"Content-Length: 100\r\n\r\nhalf", b"408", id="half a body"),
        pytest.param(HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\nab", b"408", id="half a chunk"),
        pytest.param(HEAD + b"X: " + b"y" * MAX_HEAD_BYTES, b"431", id="a head without end"),
        pytest.param(HEAD + b"Content-Length: 1\r\n\r\na" + HEAD, b"200", id="half a second request"),
    ],
)
async def test_what_does_not_arrive_is_closed(sent: bytes, answer: bytes) -> None:
    """With a problem where something was asked, and one answer to one request."""
    async with serving(Echo()) as port:
        reply = await ends(port, sent)

    assert reply[9:12] == answer
    assert answer == b"200" or not answer or b"application/problem+json" in reply


async def test_the_app_learns_that_the_sender_is_gone() -> None:
    """It does not wait for the rest."""
    app = Echo()
    async with serving(app) as port:
        await ends(port, HEAD + b"Content-Length: 100\r\n\r\nhalf")
        await app.gone.wait()

    assert app.gone.is_set()


async def test_five_hundred_half_sent_requests_are_all_closed_and_others_are_served_meanwhile() -> None:
    """In the time of one, which is under 15 seconds with the product's patience."""
    async with serving(Echo(), Crowded) as port:
        stalled = [asyncio.create_task(ends(port, HEAD)) for _ in range(500)]
        served = await ends(port, HEAD + b"Content-Length: 3\r\nConnection: close\r\n\r\nabc")
        replies = await asyncio.gather(*stalled)

    assert served.endswith(b"3")
    assert {reply[9:12] for reply in replies} == {b"408"}
    assert HEAD_SECONDS < 15


async def test_an_answer_that_takes_long_is_not_cut_off() -> None:
    """Not even when the next request has begun to arrive."""
    slow = b"POST /slow HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nab"
    async with serving(Echo()) as port:
        alone = await ends(port, slow.replace(b"Host: x", b"Host: x\r\nConnection: close"))
        followed = await ends(port, slow, HEAD)

    assert alone.endswith(b"2")
    assert followed.startswith(b"HTTP/1.1 200")


async def test_a_body_that_keeps_coming_is_waited_for() -> None:
    """However long it is."""
    size = 8 * 1024 * 1024
    head = HEAD + f"Content-Length: {size}\r\nConnection: close\r\n\r\n".encode()
    async with serving(Echo()) as port:
        reply = await ends(port, head, *[b"x" * 65_536] * (size // 65_536))

    assert reply.endswith(str(size).encode())
