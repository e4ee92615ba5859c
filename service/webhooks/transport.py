"""Dialling a receiver: checked on the way to the socket, no redirects, no proxies, and little of the reply is read.

A name is resolved once per attempt; what is dialled is what was resolved and checked, and the socket about to be
connected is checked again, whatever led to it. Host header, SNI and certificate check keep the name.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult

from service import __version__
from service.webhook_records import FailureCode
from service.webhooks.addresses import AddressPolicy, AddressRefused, UrlRefused, as_address

TOTAL_SECONDS = 15.0
VETTING_SECONDS = 5.0
COURTESY_SECONDS = 1.0
MAX_REPLY = 64 * 1024
MAX_HEADERS = 64
RECEIVE_BUFFER = 32 * 1024
LOOKUPS = 32
CONTENT_TYPE = "application/json"
USER_AGENT = f"debrief-webhooks/{__version__}"

Resolve = Callable[[str], Awaitable[list[str]]]
"""The addresses of a name, as texts.

Raises:
    OSError: it has none, or they cannot be found out now.
"""


@dataclass(frozen=True, slots=True)
class Answered:
    """The receiver answered."""

    status: int
    retry_after: str | None


@dataclass(frozen=True, slots=True)
class NotAnswered:
    """There was no answer, or none was asked for."""

    error: FailureCode


Outcome = Answered | NotAnswered


class SystemResolver:
    """Names looked up as the system does, on threads of their own: a dead name server holds up nobody else."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(LOOKUPS, "webhook-dns")

    async def __call__(self, host: str) -> list[str]:
        """The addresses of a name."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, _look_up, host)

    def close(self) -> None:
        """Start no more look-ups."""
        self._threads.shutdown(wait=False, cancel_futures=True)


def _look_up(host: str) -> list[str]:
    found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(sockaddr[0]) for *_, sockaddr in found))


class _CheckedResolver(AbstractResolver):
    """aiohttp's resolver: every address checked before any is handed over."""

    def __init__(self, policy: AddressPolicy, resolve: Resolve) -> None:
        self._policy = policy
        self._resolve = resolve

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        addresses = await self._resolve(host)
        self._policy.check(addresses)
        return [
            {
                "hostname": host,
                "host": address,
                "port": port,
                "family": socket.AF_INET6 if ":" in address else socket.AF_INET,
                "proto": 0,
                "flags": socket.AI_NUMERICHOST,
            }
            for address in addresses
        ]

    async def close(self) -> None:
        """Nothing is held."""


class Transport:
    """Posts to receivers and vets their URLs.

    Args:
        policy: what may be dialled.
        resolve: how names are looked up.
        seconds: the whole of one attempt: look-up, connection, TLS, request and reply.
        tls: whom to trust; the system's certificate authorities by default.
    """

    def __init__(
        self,
        policy: AddressPolicy,
        resolve: Resolve,
        *,
        seconds: float = TOTAL_SECONDS,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._policy = policy
        self._resolve = resolve
        self._seconds = seconds
        self._tls = tls

    async def vetted(self, text: str) -> str:
        """The URL in the form it is kept and dialled in, its name resolved and every address allowed.

        Raises:
            UrlRefused: it is not allowed, or its name cannot be resolved now.
        """
        url = self._policy.checked_url(text)
        host = url.raw_host or ""
        if as_address(host) is None:
            try:
                async with asyncio.timeout(VETTING_SECONDS):
                    self._policy.check(await self._resolve(host))
            except AddressRefused:
                raise UrlRefused("its host name leads to a private, local or reserved address") from None
            except (OSError, UnicodeError, TimeoutError):
                raise UrlRefused("its host name cannot be resolved now") from None
        return str(url)

    @asynccontextmanager
    async def session(self) -> AsyncIterator[Session]:
        """A session for many posts; a connection is never used twice, so that each is checked."""
        connector = aiohttp.TCPConnector(
            resolver=_CheckedResolver(self._policy, self._resolve),
            socket_factory=self._checked_socket,
            ssl=self._tls if self._tls is not None else True,
            use_dns_cache=False,
            force_close=True,
            limit=0,
        )
        async with aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=self._seconds, sock_connect=self._seconds),
            headers={"user-agent": USER_AGENT, "accept-encoding": "identity", "content-type": CONTENT_TYPE},
            auto_decompress=False,
            trust_env=False,
            read_bufsize=RECEIVE_BUFFER // 2,
            max_headers=MAX_HEADERS,
        ) as client:
            yield Session(self._policy, client, self._seconds)

    def _checked_socket(self, address_info: Any) -> socket.socket:
        """A socket for an address, unless it may not be dialled: the last look before the connection."""
        family, kind, protocol, _, sockaddr = address_info
        self._policy.check([str(sockaddr[0])])
        made = socket.socket(family, kind, protocol)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
        return made


class Session:
    """Posts, one attempt each; what goes wrong is an outcome, not an exception."""

    def __init__(self, policy: AddressPolicy, client: aiohttp.ClientSession, seconds: float) -> None:
        self._policy = policy
        self._client = client
        self._seconds = seconds

    async def post(self, url: str, body: str, headers: Mapping[str, str]) -> Outcome:
        """Send one body and return what came back. Redirects are not followed; the status is the answer."""
        try:
            target = self._policy.checked_url(url)
        except UrlRefused:
            return NotAnswered("url_refused")
        try:
            async with asyncio.timeout(self._seconds):
                async with self._client.post(
                    target, data=body.encode(), headers=dict(headers), allow_redirects=False
                ) as reply:
                    await _hear_out(reply.content)
                    return Answered(reply.status, reply.headers.get("retry-after"))
        except (aiohttp.ClientError, OSError, ValueError) as error:
            return NotAnswered(failure_of(error))


async def _hear_out(content: aiohttp.StreamReader) -> None:
    """Read a short reply to its end, so that a receiver is not cut off while it speaks; the rest is dropped."""
    heard = 0
    with _whatever_happens():
        async with asyncio.timeout(COURTESY_SECONDS):
            while heard < MAX_REPLY and (part := await content.readany()):
                heard += len(part)


@contextmanager
def _whatever_happens() -> Iterator[None]:
    """The status has been received and counts, however the body ends."""
    try:
        yield
    except (aiohttp.ClientError, OSError, TimeoutError):
        return


FAILURES: tuple[tuple[type[Exception], FailureCode], ...] = (
    (AddressRefused, "address_refused"),
    (TimeoutError, "timeout"),
    (aiohttp.RedirectClientError, "redirect"),
    (aiohttp.InvalidURL, "url_refused"),
    (aiohttp.NonHttpUrlClientError, "url_refused"),
    (aiohttp.ClientSSLError, "tls_failed"),
    (ssl.SSLError, "tls_failed"),
    (aiohttp.ServerFingerprintMismatch, "tls_failed"),
    (aiohttp.ClientConnectorDNSError, "name_not_resolved"),
    (aiohttp.ClientConnectorError, "connection_failed"),
    (aiohttp.ServerDisconnectedError, "connection_closed"),
    (aiohttp.ClientOSError, "connection_closed"),
    (aiohttp.ClientConnectionError, "connection_closed"),
    (aiohttp.UploadAbortedError, "connection_closed"),
    (aiohttp.ClientResponseError, "invalid_reply"),
    (aiohttp.ClientPayloadError, "invalid_reply"),
)
"""The first class that fits names the failure."""


def failure_of(error: BaseException) -> FailureCode:
    """Why an attempt failed; a refused address is recognised below what wraps it."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, AddressRefused):
            return "address_refused"
        cause = cause.__cause__
    return next((code for kind, code in FAILURES if isinstance(error, kind)), "connection_failed")
