"""Where a model runs: on this machine or its own network, or elsewhere."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from urllib.parse import urlsplit

OWN = tuple(
    ipaddress.ip_network(network)
    for network in ("127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "::1/128", "fc00::/7")
)
"""Loopback and private addresses (RFC 1918, RFC 4193); link-local and shared ones are not counted as one's own."""


async def is_own_network(url: str | None) -> bool:
    """Whether every address of a URL's host is on the machine's own network; one that has none is not."""
    host = urlsplit(url).hostname if url else None
    if not host:
        return False
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except OSError:
        return False
    return bool(found) and all(_is_own(str(address[0])) for *_, address in found)


def _is_own(text: str) -> bool:
    address = ipaddress.ip_address(text.partition("%")[0])
    mapped = getattr(address, "ipv4_mapped", None)
    return any((mapped or address) in network for network in OWN)
