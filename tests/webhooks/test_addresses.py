"""Which URLs and addresses a webhook may have."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from yarl import URL

from service.webhooks.addresses import INSIDE_PORTS, AddressPolicy, AddressRefused, UrlRefused

REFUSED = [
    # loopback and "this host", in every spelling
    "https://127.0.0.1/",
    "https://127.255.255.254/",
    "https://127.1/",
    "https://127.0.1/",
    "https://0.0.0.0/",
    "https://0/",
    "https://2130706433/",
    "https://0x7f000001/",
    "https://0x7f.0.0.1/",
    "https://0177.0.0.1/",
    "https://017700000001/",
    "https://[::1]/",
    "https://[::]/",
    "https://[0:0:0:0:0:0:0:1]/",
    "https://[::ffff:127.0.0.1]/",
    "https://[::ffff:7f00:1]/",
    "https://[::127.0.0.1]/",
    "https://localhost/",
    "https://LOCALHOST/",
    "https://foo.localhost/",
    "https://localhost.localdomain/",
    # private, shared, link-local, metadata
    "https://10.0.0.1/",
    "https://10.255.255.255/",
    "https://172.16.0.1/",
    "https://172.31.255.255/",
    "https://192.168.1.1/",
    "https://100.64.0.1/",
    "https://100.127.255.254/",
    "https://100.100.100.200/",
    "https://169.254.169.254/latest/meta-data/",
    "https://168.63.129.16/",
    "https://192.0.0.192/",
    "https://[fd00::1]/",
    "https://[fd00:ec2::254]/",
    "https://[fc00::1]/",
    "https://[fe80::1]/",
    "https://[fe80::1%25eth0]/",
    "https://[fec0::1]/",
    "https://metadata.google.internal/",
    "https://printer.local/",
    "https://router/",
    # wrapped in IPv6
    "https://[64:ff9b::127.0.0.1]/",
    "https://[64:ff9b::a9fe:a9fe]/",
    "https://[64:ff9b:1::a00:1]/",
    "https://[2002:7f00:1::]/",
    "https://[2002:a9fe:a9fe::1]/",
    "https://[2001:0:4136:e378:8000:63bf:3fff:fdd2]/",
    # reserved, documentation, benchmarks, multicast, broadcast
    "https://192.0.2.1/",
    "https://198.51.100.1/",
    "https://203.0.113.1/",
    "https://198.18.0.1/",
    "https://192.88.99.1/",
    "https://224.0.0.1/",
    "https://239.255.255.250/",
    "https://240.0.0.1/",
    "https://255.255.255.255/",
    "https://[ff02::1]/",
    "https://[2001:db8::1]/",
    "https://[3fff::1]/",
    "https://[100::1]/",
    # who is the host?
    "https://user@example.com/",
    "https://user:password@example.com/",
    "https://example.com@127.0.0.1/",
    "https://127.0.0.1@example.com/",
    "https://example.com#@127.0.0.1/",
    "https://example.com\\@127.0.0.1/",
    "https://127.0.0.1\\.example.com/",
    "https://example.com./",
    "https://127.0.0.1./",
    "https://１２７.0.0.1/",
    "https://127。0。0。1/",
    "https://ⓔxample.com/",
    "https://ex%61mple.com/",
    "https://%31%32%37.0.0.1/",
    "https://exa mple.com/",
    "https://example.com/\r\nHost: inside",
    "https://example.com\t/",
    "https:///hook",
    "https://",
    "https:example.com",
    "//example.com/",
    "example.com/hook",
    "",
    "https://-.com/",
    "https://a..com/",
    "https://[::1/",
    # ports and schemes
    "https://example.com:22/",
    "https://example.com:25/",
    "https://example.com:0/",
    "https://example.com:6379/",
    "https://example.com:5432/",
    "https://example.com:11211/",
    "https://example.com:99999/",
    "https://example.com:-1/",
    "http://example.com/",
    "http://127.0.0.1/",
    "file:///etc/passwd",
    "gopher://example.com:6379/_INFO",
    "ftp://example.com/",
    "dict://example.com:11211/",
    "data:text/plain,hi",
    "javascript:alert(1)",
    "unix:///var/run/docker.sock",
    "https://example.com/" + "a" * 2_000,
]
ALLOWED = [
    "https://example.com/",
    "https://example.com",
    "https://hooks.example.co.uk/a/b?key=value&x=%20y",
    "https://example.com:443/",
    "https://example.com:80/",
    "https://example.com:8443/",
    "https://example.com:1024/",
    "https://xn--bcher-kva.example/",
    "https://under_score.example.com/",
    "https://93.184.216.34/",
    "https://8.8.8.8:8443/x",
    "https://[2606:2800:220:1:248:1893:25c8:1946]/",
]
STRICT, OPEN = AddressPolicy(), AddressPolicy(allow_private=True)


@pytest.mark.parametrize("url", REFUSED)
def test_a_url_that_could_lead_inside_is_refused(url: str) -> None:
    """And the refusal does not repeat it."""
    with pytest.raises(UrlRefused) as refused:
        STRICT.checked_url(url)

    assert len(url) < 12 or url not in str(refused.value)


@pytest.mark.parametrize("url", ALLOWED)
def test_an_ordinary_https_url_is_allowed(url: str) -> None:
    """With any path and query."""
    assert STRICT.checked_url(url).host


@pytest.mark.parametrize("port", sorted(INSIDE_PORTS))
def test_ports_of_databases_and_the_like_are_refused(port: int) -> None:
    """Also where the address is public."""
    with pytest.raises(UrlRefused, match="port"):
        STRICT.checked_url(f"https://example.com:{port}/")


@pytest.mark.parametrize(
    "url",
    ["http://127.0.0.1:9000/x", "http://localhost:9000/", "http://[::1]:9000/", "https://10.1.2.3/", "https://router/"],
)
def test_an_operator_can_allow_private_networks(url: str) -> None:
    """Plain http is for loopback alone."""
    assert OPEN.checked_url(url).host


@pytest.mark.parametrize(
    "url",
    [
        "http://10.1.2.3/",
        "http://example.com/",
        "https://169.254.169.254/",
        "https://100.100.100.200/",
        "https://[fd00:ec2::254]/",
        "https://[::ffff:127.0.0.1]/",
        "https://0.0.0.0/",
        "https://224.0.0.1/",
        "https://2130706433/",
        "https://127.0.0.1:5432/",
    ],
)
def test_cloud_metadata_and_odd_spellings_stay_refused_all_the_same(url: str) -> None:
    """Private networks are one thing, these are another."""
    with pytest.raises(UrlRefused):
        OPEN.checked_url(url)


def test_a_name_is_refused_when_any_of_its_addresses_is_private() -> None:
    """Mixed records, also across families; and no record at all."""
    STRICT.check(["93.184.216.34", "2606:2800:220:1:248:1893:25c8:1946"])

    for addresses in (["93.184.216.34", "127.0.0.1"], ["::1", "93.184.216.34"], ["fe80::1%eth0"], ["nonsense"], []):
        with pytest.raises(AddressRefused):
            STRICT.check(addresses)


@given(st.ip_addresses(v=4))
@example(ipaddress.IPv4Address("100.64.0.1"))
def test_no_allowed_ipv4_address_is_private_by_python_s_own_list(address: ipaddress.IPv4Address) -> None:
    """Ours is the stricter list."""
    if STRICT.allows(address):
        assert address.is_global
        assert not address.is_multicast


@given(st.ip_addresses(v=6))
@example(ipaddress.IPv6Address("2001::1"))
def test_no_allowed_ipv6_address_is_private_or_wraps_another(address: ipaddress.IPv6Address) -> None:
    """Nothing mapped, tunnelled or translated."""
    if STRICT.allows(address):
        assert address.is_global
        assert (address.ipv4_mapped, address.sixtofour, address.teredo) == (None, None, None)


@given(st.ip_addresses(v=4))
def test_no_ipv4_address_gets_in_wrapped_in_ipv6(address: ipaddress.IPv4Address) -> None:
    """Mapped, compatible, NAT64, 6to4."""
    number = int(address)
    wrapped = [number, 0xFFFF << 32 | number, 0x64FF9B << 96 | number, 0x2002 << 112 | number << 80]

    assert not any(STRICT.allows(ipaddress.IPv6Address(each)) for each in wrapped)


@given(st.text(max_size=60).map(lambda text: f"https://{text}"))
@example("https://a@b")
def test_any_text_is_either_refused_or_dialled_as_it_was_checked(text: str) -> None:
    """Parsed again, what was accepted has the same host, port and scheme, and no credentials."""
    try:
        url = STRICT.checked_url(text)
    except UrlRefused:
        return

    again = URL(str(url))
    assert (again.scheme, again.host, again.port) == (url.scheme, url.host, url.port)
    assert again.user is None
