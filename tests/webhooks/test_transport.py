"""Dialling receivers: what is never reached, and what every kind of receiver comes to."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager

import aiohttp
import pytest
import trustme

from service.webhooks.addresses import AddressPolicy, AddressRefused, UrlRefused
from service.webhooks.transport import (
    FAILURES,
    Answered,
    NotAnswered,
    Outcome,
    Resolve,
    Session,
    SystemResolver,
    Transport,
    failure_of,
)
from tests.webhooks.receiver import Behaviour, Receiver, close, drip, hang, raw, receiver, status
from tests.webhooks.test_addresses import REFUSED

pytestmark = pytest.mark.anyio
STRICT, OPEN = AddressPolicy(), AddressPolicy(allow_private=True)
PUBLIC = "93.184.216.34"


class Names:
    """A name server: what it answers in turn, the last for ever."""

    def __init__(self, *answers: list[str] | OSError) -> None:
        self.answers = list(answers)
        self.asked = 0

    async def __call__(self, host: str) -> list[str]:
        """The next answer."""
        answer = self.answers[min(self.asked, len(self.answers) - 1)]
        self.asked += 1
        if isinstance(answer, OSError):
            raise answer
        return answer


async def post(
    url: str, policy: AddressPolicy = OPEN, resolve: Resolve | None = None, seconds: float = 5.0, body: str = "{}"
) -> Outcome:
    """One attempt."""
    names = resolve or SystemResolver()
    async with Transport(policy, names, seconds=seconds).session() as session:
        return await session.post(url, body, {"webhook-id": "evt_1"})


@asynccontextmanager
async def listeners() -> AsyncIterator[list[Receiver]]:
    """Everything that listens on the inside: on 127.0.0.1, and on ::1 where there is one."""
    async with receiver() as four:
        try:
            six = await asyncio.start_server(four.serve, "::1", four.port)
        except OSError:
            yield [four]
        else:
            async with six:
                yield [four]


async def test_no_forbidden_url_leads_to_a_connection() -> None:
    """Each of them with a listener's port on the inside; none of the names is even looked up."""
    names = Names(["127.0.0.1"])
    async with listeners() as inside:
        urls = [*REFUSED]
        for host in (
            "127.0.0.1",
            "localhost",
            "127.1",
            "2130706433",
            "0x7f.1",
            "0.0.0.0",
            "[::1]",
            "[::ffff:127.0.0.1]",
        ):
            urls += [f"https://{host}:{inside[0].port}/", f"http://{host}:{inside[0].port}/"]

        outcomes = [await post(url, STRICT, names) for url in urls]

    assert set(outcomes) == {NotAnswered("url_refused")}
    assert (sum(each.connections for each in inside), names.asked) == (0, 0)


@pytest.mark.parametrize(
    "answer",
    [["127.0.0.1"], [PUBLIC, "127.0.0.1"], ["127.0.0.1", PUBLIC], ["::1"], ["::ffff:127.0.0.1"], ["0.0.0.0"]],
    ids=" ".join,
)
async def test_a_name_that_leads_inside_is_refused_when_registered_and_when_sent_to(answer: list[str]) -> None:
    """Mixed records included: nothing is dialled, the public one neither."""
    async with listeners() as inside:
        url = f"https://hooks.example.com:{inside[0].port}/"

        outcome = await post(url, STRICT, Names(answer))
        with pytest.raises(UrlRefused):
            await Transport(STRICT, Names(answer)).vetted(url)

    assert outcome == NotAnswered("address_refused")
    assert inside[0].connections == 0


async def test_a_name_that_moves_inside_after_it_was_checked_is_not_followed() -> None:
    """DNS rebinding: public when the endpoint is registered, loopback ever after."""
    names = Names([PUBLIC], ["127.0.0.1"])
    async with listeners() as inside:
        transport = Transport(STRICT, names)
        url = await transport.vetted(f"https://rebind.example.com:{inside[0].port}/")
        async with transport.session() as session:
            outcomes = [await session.post(url, "{}", {}) for _ in range(3)]

    assert outcomes == [NotAnswered("address_refused")] * 3
    assert inside[0].connections == 0


async def test_a_name_is_resolved_once_an_attempt_and_that_address_is_dialled() -> None:
    """No second look-up between check and connection that could answer differently."""
    names = Names(["127.0.0.1"], ["203.0.113.1"])
    async with receiver() as here:
        outcome = await post(here.url(host="localhost"), OPEN, names)

    assert outcome == Answered(204, None)
    assert (names.asked, here.connections) == (1, 1)


async def test_the_socket_itself_refuses_an_address_whatever_led_to_it() -> None:
    """The last look: as if every check before it had been fooled."""
    async with listeners() as inside, Transport(STRICT, SystemResolver()).session() as strict:
        fooled = Session(OPEN, strict._client, 5.0)
        outcome = await fooled.post(inside[0].url(), "{}", {})

    assert outcome == NotAnswered("address_refused")
    assert inside[0].connections == 0


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
async def test_a_redirect_is_an_answer_and_is_not_followed(code: int) -> None:
    """Not to the inside, nor anywhere."""
    async with receiver() as inside, receiver(status(code, f"Location: {inside.url()}")) as here:
        outcome = await post(here.url())

    assert outcome == Answered(code, None)
    assert (here.connections, inside.connections) == (1, 0)


async def test_proxies_of_the_environment_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """They would dial in our place, unchecked."""
    async with receiver() as proxy, receiver() as here:
        for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.url("/"))
        monkeypatch.delenv("no_proxy", raising=False)
        outcome = await post(here.url())

    assert outcome == Answered(204, None)
    assert (proxy.connections, here.connections) == (0, 1)


async def test_what_arrives_is_what_was_signed_byte_for_byte() -> None:
    """With its headers, and nothing that says more than it has to."""
    async with receiver() as here:
        await post(here.url("/a?key=value"), body='{"a":"é"}')

    (received,) = here.received
    assert (received.path, received.body) == ("/a?key=value", '{"a":"é"}'.encode())
    assert received.headers["content-type"] == "application/json"
    assert received.headers["webhook-id"] == "evt_1"
    assert received.headers["host"] == f"127.0.0.1:{here.port}"
    assert "cookie" not in received.headers


ANSWERS: Mapping[str, tuple[Behaviour, Outcome]] = {
    "204": (status(204), Answered(204, None)),
    "500": (status(500), Answered(500, None)),
    "410": (status(410), Answered(410, None)),
    "429": (status(429, "Retry-After: 120"), Answered(429, "120")),
    "close": (close, NotAnswered("connection_closed")),
    "hang": (hang, NotAnswered("timeout")),
    "a byte at a time": (drip, NotAnswered("timeout")),
    "not HTTP": (raw("SSH-2.0-OpenSSH_9.9\r\n"), NotAnswered("invalid_reply")),
    "endless header": (raw("HTTP/1.1 200 OK\r\nx: " + "a" * 100_000), NotAnswered("invalid_reply")),
    "too many headers": (raw("HTTP/1.1 200 OK\r\n" + "a: b\r\n" * 200 + "\r\n"), NotAnswered("invalid_reply")),
    "cut off body": (raw("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nshort"), Answered(200, None)),
    "bad chunk": (raw("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n"), NotAnswered("invalid_reply")),
    "cookies": (status(200, "Set-Cookie: a=b"), Answered(200, None)),
}


@pytest.mark.parametrize("kind", ANSWERS)
async def test_every_kind_of_receiver_ends_in_an_outcome(kind: str) -> None:
    """The head of a reply is the answer; its body is not waited for."""
    behaviour, expected = ANSWERS[kind]
    async with receiver(behaviour) as here:
        assert await post(here.url(), seconds=0.5) == expected


async def test_of_a_gigabyte_of_reply_next_to_nothing_is_read() -> None:
    """The receiver gets rid of what the sockets' buffers hold, no more."""
    chunk, chunks = b"x" * 65_536, 16_384
    written = 0

    async def gigabyte(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal written
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 65_536)
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 1073741824\r\n\r\n")
        for _ in range(chunks):
            writer.write(chunk)
            await writer.drain()
            written += len(chunk)

    async with receiver(gigabyte) as here:
        outcome = await post(here.url())

    assert outcome == Answered(200, None)
    assert written < 1_000_000


async def test_a_dead_port_and_a_dead_name_are_told_apart() -> None:
    """So that a tenant can see what to mend."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    gone = Names(socket.gaierror(socket.EAI_NONAME, "no such name"))

    assert await post(f"http://127.0.0.1:{port}/") == NotAnswered("connection_failed")
    assert await post("https://hooks.example.com/", OPEN, gone) == NotAnswered("name_not_resolved")


async def test_a_name_that_cannot_be_resolved_cannot_be_registered() -> None:
    """A slip of the pen is found at once."""
    gone = Names(socket.gaierror(socket.EAI_NONAME, "no such name"))

    with pytest.raises(UrlRefused, match="cannot be resolved"):
        await Transport(STRICT, gone).vetted("https://hooks.exmaple.com/")


class Certificates:
    """A certificate authority and a receiver's side of TLS."""

    def __init__(self, host: str) -> None:
        authority = trustme.CA()
        self.asked_for: list[str | None] = []
        self.server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert(host).configure_cert(self.server)
        self.server.sni_callback = lambda _socket, name, _context: self.asked_for.append(name)
        self.client = ssl.create_default_context()
        authority.configure_trust(self.client)


async def test_the_certificate_is_checked_against_the_name_though_an_address_is_dialled() -> None:
    """SNI and Host carry the name too; another name's certificate is refused, so is an unknown authority's."""
    certificates = Certificates("hooks.example.com")
    names = Names(["127.0.0.1"])
    trusting: Callable[[], Transport] = lambda: Transport(OPEN, names, tls=certificates.client)  # noqa: E731
    async with receiver(tls=certificates.server) as here:
        async with trusting().session() as session:
            right = await session.post(f"https://hooks.example.com:{here.port}/", "{}", {})
            wrong = await session.post(f"https://other.example.com:{here.port}/", "{}", {})
        unknown = await post(f"https://hooks.example.com:{here.port}/", OPEN, names)

    assert (right, wrong, unknown) == (Answered(204, None), NotAnswered("tls_failed"), NotAnswered("tls_failed"))
    assert certificates.asked_for[0] == "hooks.example.com"
    assert [each.headers["host"] for each in here.received] == [f"hooks.example.com:{here.port}"]


def test_every_error_of_the_library_has_a_code() -> None:
    """None falls through to a guess."""
    kinds = [
        kind for kind in vars(aiohttp).values() if isinstance(kind, type) and issubclass(kind, aiohttp.ClientError)
    ]

    unmapped = [k for k in kinds if k is not aiohttp.ClientError and not issubclass(k, tuple(f for f, _ in FAILURES))]

    assert unmapped == []


def test_a_refused_address_is_recognised_below_what_wraps_it() -> None:
    """The library wraps what a resolver or a socket raises."""
    wrapped = OSError("multiple exceptions")
    wrapped.__cause__ = AddressRefused()

    assert failure_of(wrapped) == "address_refused"
