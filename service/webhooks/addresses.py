"""Which URLs a webhook may have and which addresses may be dialled: nothing on the inside, ever (SSRF).

A URL is parsed once, by yarl, which is also what dials it; two parsers would see two hosts in one URL. An address
is judged as the number it is, when the endpoint is made and again on the socket about to be connected.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

from yarl import URL

MAX_URL = 2_000
LOWEST_PORT = 1_024
LOW_PORTS = frozenset({80, 443})
INSIDE_PORTS = frozenset(
    {
        *(2049, 2375, 2376, 2377, 2379, 2380, 3306, 3389, 4369, 5432, 5433, 5671, 5672, 5900, 5984, 5985, 5986),
        *(6000, 6379, 6380, 6443, 6660, 6661, 6662, 6663, 6664, 6665, 6666, 6667, 6668, 6669, 6697, 7000, 7001),
        *(8086, 8125, 8300, 8500, 8600, 9042, 9092, 9100, 9160, 9200, 9300, 10250, 10255, 11211, 15672),
        *(25565, 26257, 26379, 27017, 27018, 28017, 50070),
    }
)
"""Databases, brokers, caches, remote desktops, cluster and container control, IRC: never a webhook receiver."""

INSIDE_NAMES = ("localhost", "local", "internal", "intranet", "lan", "corp", "home", "home.arpa", "localdomain")
"""Endings of names that only mean something inside a network."""

_V4_REFUSED = tuple(
    IPv4Network(text)
    for text in (
        "0.0.0.0/8",  # this network (RFC 1122)
        "10.0.0.0/8",  # private (RFC 1918)
        "100.64.0.0/10",  # carrier-grade NAT (RFC 6598)
        "127.0.0.0/8",  # loopback
        "168.63.129.16/32",  # Azure's host services, on an address that looks public
        "169.254.0.0/16",  # link-local, cloud metadata (RFC 3927)
        "172.16.0.0/12",  # private (RFC 1918)
        "192.0.0.0/24",  # protocol assignments (RFC 6890)
        "192.0.2.0/24",  # documentation (RFC 5737)
        "192.31.196.0/24",  # AS112 (RFC 7535)
        "192.52.193.0/24",  # AMT (RFC 7450)
        "192.88.99.0/24",  # 6to4 relays (RFC 7526)
        "192.168.0.0/16",  # private (RFC 1918)
        "192.175.48.0/24",  # AS112 (RFC 7534)
        "198.18.0.0/15",  # benchmarks (RFC 2544)
        "198.51.100.0/24",  # documentation
        "203.0.113.0/24",  # documentation
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, broadcast
    )
)
_V6_PUBLIC = IPv6Network("2000::/3")
"""All that is routed in public; loopback, ULA, link-local, mapped, NAT64 and multicast lie outside."""

_V6_REFUSED = tuple(
    IPv6Network(text)
    for text in (
        "2001::/23",  # protocol assignments: Teredo, ORCHID, benchmarks (RFC 2928)
        "2001:db8::/32",  # documentation (RFC 3849)
        "2002::/16",  # 6to4, which can wrap a private address (RFC 3056)
        "2620:4f:8000::/48",  # AS112
        "3fff::/20",  # documentation (RFC 9637)
    )
)
_PRIVATE = tuple(
    ipaddress.ip_network(text)
    for text in ("127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "::1/128", "fc00::/7")
)
"""What an operator who allows private networks allows; link-local and cloud metadata stay refused."""

_METADATA = tuple(ipaddress.ip_network(text) for text in ("100.100.100.200/32", "fd00:ec2::/32", "fd20:ce::/32"))
_LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?")
_PRINTABLE = re.compile(r"[!-\[\]-~]+")  # ASCII without space and backslash
Address = IPv4Address | IPv6Address


class UrlRefused(ValueError):
    """The URL cannot be a webhook's; the message says why and never repeats it."""


class AddressRefused(OSError):
    """An address that must not be dialled."""


@dataclass(frozen=True, slots=True)
class AddressPolicy:
    """Which URLs and addresses are allowed.

    Attributes:
        allow_private: the operator's word that private networks may be reached, and loopback over plain http.
    """

    allow_private: bool = False

    def checked_url(self, text: str) -> URL:
        """The URL, parsed, with its scheme, host and port allowed; an address in it too.

        Raises:
            UrlRefused: it is not.
        """
        url = _parsed(text)
        host = url.raw_host or ""
        address = as_address(host)
        if address is None:
            self._check_name(host)
        elif not self.allows(address):
            raise UrlRefused("its address is private, local or reserved")
        if url.scheme == "http" and not (self.allow_private and _is_loopback(host, address)):
            raise UrlRefused("has to begin with https://")
        self._check_port(url.port or 0, address)
        return url

    def allows(self, address: Address) -> bool:
        """Whether an address may be dialled."""
        if _is_public(address):
            return True
        if not self.allow_private or any(address in network for network in _METADATA):
            return False
        return any(address in network for network in _PRIVATE)

    def check(self, addresses: list[str]) -> None:
        """Refuse a name as soon as one of its addresses may not be dialled.

        Raises:
            AddressRefused: one may not, or there is none.
        """
        found = [as_address(text) for text in addresses]
        if not found or any(address is None or not self.allows(address) for address in found):
            raise AddressRefused("an address of this name is private, local or reserved")

    def _check_name(self, host: str) -> None:
        labels = host.split(".")
        if len(host) > 253 or not all(_LABEL.fullmatch(label) for label in labels):
            raise UrlRefused("has no valid host name (write an international one in its xn-- form)")
        if labels[-1].isdigit() or labels[-1].startswith("0x"):
            raise UrlRefused("has an address in an unusual form")
        if self.allow_private:
            return
        if len(labels) == 1 or any(host == name or host.endswith(f".{name}") for name in INSIDE_NAMES):
            raise UrlRefused("its host name only exists inside a network")

    def _check_port(self, port: int, address: Address | None) -> None:
        if port in LOW_PORTS or (port >= LOWEST_PORT and port not in INSIDE_PORTS):
            return
        raise UrlRefused("its port is not one webhooks are sent to: use 443, or one from 1024 on")


def as_address(text: str) -> Address | None:
    """The address a text is in its canonical form, None for a name. A scope (``%eth0``) is never public."""
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None


def _parsed(text: str) -> URL:
    if len(text) > MAX_URL or not _PRINTABLE.fullmatch(text):
        raise UrlRefused(f"has to be at most {MAX_URL:,} printable ASCII characters, without spaces or backslashes")
    try:
        url = URL(text)
    except ValueError:
        raise UrlRefused("cannot be read as a URL") from None
    if url.scheme not in ("https", "http"):
        raise UrlRefused("has to begin with https://")
    if url.raw_host is None or url.user is not None or url.password is not None:
        raise UrlRefused("needs a host, and no user name or password before it")
    if url.fragment or text.endswith("#"):
        raise UrlRefused("must not have a #fragment")
    return url


def _is_public(address: Address) -> bool:
    if isinstance(address, IPv4Address):
        return not any(address in network for network in _V4_REFUSED)
    if address.scope_id is not None:
        return False
    return address in _V6_PUBLIC and not any(address in network for network in _V6_REFUSED)


def _is_loopback(host: str, address: Address | None) -> bool:
    return host == "localhost" if address is None else address.is_loopback
