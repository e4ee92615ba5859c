"""Bad input never gives a 5xx, never repeats what was sent, always problem+json."""

from __future__ import annotations

import contextlib
import gzip
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.api.app import create_app
from service.bootstrap import open_services
from service.settings import Settings
from service.strict_json import MAX_DEPTH, InvalidJSON, parse
from tests.conftest import Client

pytestmark = pytest.mark.anyio
CANARY = "CANARY-7f3a"
GOOD: dict[str, Any] = {"question": "Why?", "answer": f"Because {CANARY}."}
JSON = {"content-type": "application/json"}


def raw(**changes: Any) -> bytes:
    """The body of a request with changes."""
    return json.dumps({**GOOD, **changes}).encode()


@pytest.mark.parametrize(
    ("body", "status"),
    [
        pytest.param(b"", 422, id="empty"),
        pytest.param(b"  \n", 400, id="white space"),
        pytest.param(raw()[:-5], 400, id="cut off"),
        pytest.param(raw() + raw(), 400, id="two objects"),
        pytest.param(b"\xef\xbb\xbf" + raw(), 400, id="byte order mark"),
        pytest.param(raw().decode().encode("utf-16"), 400, id="UTF-16"),
        pytest.param(b'{"answer": "\xff"}', 400, id="not UTF-8"),
        pytest.param(b'{"answer": "\\ud800"}', 400, id="lone surrogate"),
        pytest.param(b'{"answer": NaN}', 400, id="NaN"),
        pytest.param(b'{"answer": 1e400}', 400, id="1e400"),
        pytest.param(b'{"answer": -Infinity}', 400, id="infinity"),
        pytest.param(b'{"answer": ' + b"9" * 5_000 + b"}", 400, id="5,000 digits"),
        pytest.param(b'{"answer": "a", "answer": "b"}', 400, id="duplicate key"),
        pytest.param(b'{"answer": ' + b"[" * 20_000 + b"]" * 20_000 + b"}", 400, id="deep nesting"),
        pytest.param(b'{"answer": ' + b"[" * 1_000, 400, id="unclosed nesting"),
        pytest.param(b"[]", 422, id="a list"),
        pytest.param(b"null", 422, id="null"),
        pytest.param(raw(answer=""), 422, id="empty answer"),
        pytest.param(raw(answer=None), 422, id="null answer"),
        pytest.param(raw(answer=5), 422, id="a number as answer"),
        pytest.param(raw(answer=[CANARY]), 422, id="a list as answer"),
        pytest.param(raw(answer="a\x00b"), 422, id="NUL"),
        pytest.param(raw(answer="x" * 20_001), 422, id="answer over the limit"),
        pytest.param(raw(question=" "), 422, id="blank question"),
        pytest.param(raw(tenant="other"), 422, id="unknown member"),
        pytest.param(raw(api_base="http://10.0.0.1"), 422, id="a model's address"),
        pytest.param(raw(model="gpt"), 422, id="a model's name"),
        pytest.param(raw(rubric="no-such-rubric"), 422, id="unknown rubric"),
        pytest.param(raw(rubric={"id": CANARY}), 422, id="a bad rubric"),
        pytest.param(raw(rubric={CANARY: 1}), 422, id="a rubric of unknown members"),
        pytest.param(raw(context={"industry": "x" * 101}), 422, id="context over the limit"),
        pytest.param(raw(context={CANARY: "x"}), 422, id="unknown context"),
        pytest.param(raw(metadata={"k": 1}), 422, id="metadata that is no string"),
        pytest.param(raw(metadata={str(n): "" for n in range(17)}), 422, id="too much metadata"),
        pytest.param(raw(metadata={"k": "\x00"}), 422, id="NUL in metadata"),
        pytest.param(raw(learner=""), 422, id="empty learner"),
        pytest.param(raw(detail="everything"), 422, id="unknown detail"),
        pytest.param(raw(**{f"k{n}": n for n in range(30_000)}), 413, id="over the body limit"),
    ],
)
async def test_a_bad_body_is_refused_as_a_problem_that_repeats_nothing(
    client: Client, body: bytes, status: int
) -> None:
    """Status, media type, stable type, bounded size, no canary."""
    reply = await client.post("/v1/grades", content=body, headers=JSON)

    assert reply.status_code == status
    assert reply.headers["content-type"] == "application/problem+json"
    assert reply.json()["type"].startswith("urn:debrief:problem:")
    assert CANARY not in reply.text
    assert len(reply.content) < 8_000


async def test_invalid_input_is_named_by_json_pointer(client: Client) -> None:
    """Each fault with its place."""
    reply = await client.post("/v1/grades", json={"question": 1, "context": {"stage": 2}})

    pointers = {error["pointer"] for error in reply.json()["errors"]}
    assert pointers == {"#/question", "#/answer", "#/context/stage"}


async def test_a_body_without_announced_length_is_counted_as_it_comes(client: Client) -> None:
    """Chunked bodies have the same limit."""

    async def chunks() -> Any:
        for _ in range(20):
            yield b"x" * 32_768

    reply = await client.post("/v1/grades", content=chunks(), headers=JSON)

    assert reply.status_code == 413
    assert reply.json()["type"] == "urn:debrief:problem:body-too-large"


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        pytest.param({"content-type": "text/plain"}, 415, id="text"),
        pytest.param({"content-type": "application/json; charset=iso-8859-1"}, 415, id="Latin-1"),
        pytest.param({"content-type": "application/x-www-form-urlencoded"}, 415, id="form"),
        pytest.param({**JSON, "content-encoding": "gzip"}, 415, id="compressed"),
        pytest.param({**JSON, "accept": "application/xml"}, 406, id="XML wanted"),
        pytest.param({**JSON, "idempotency-key": ""}, 400, id="empty idempotency key"),
        pytest.param({**JSON, "idempotency-key": "k" * 256}, 400, id="long idempotency key"),
        pytest.param({**JSON, "idempotency-key": "a b"}, 400, id="idempotency key with a space"),
        pytest.param({**JSON, "x-big": "x" * 20_000}, 431, id="large headers"),
        pytest.param({**JSON, "host": "evil.example"}, 421, id="another host name"),
        pytest.param({**JSON, "host": "127.0.0.1.evil.example:8000"}, 421, id="a host name that begins well"),
    ],
)
async def test_a_bad_header_is_refused_as_a_problem(client: Client, headers: dict[str, str], status: int) -> None:
    """Before anything is graded."""
    reply = await client.post("/v1/grades", content=raw(), headers=headers)

    assert reply.status_code == status
    assert reply.headers["content-type"] == "application/problem+json"


async def test_a_compressed_bomb_is_not_unpacked(client: Client) -> None:
    """Compressed bodies are refused unseen."""
    bomb = gzip.compress(b" " * 10_000_000)

    reply = await client.post("/v1/grades", content=bomb, headers={**JSON, "content-encoding": "gzip"})

    assert reply.status_code == 415


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        pytest.param("GET", "/v1/grades/not-an-id", 404, id="no id"),
        pytest.param("GET", "/v1/grades/grd_01KAP0J3V8T6W1Q9X4Z7B5C2D0", 404, id="unknown id"),
        pytest.param("GET", "/v1/grades/%00", 404, id="NUL"),
        pytest.param("GET", "/v1/grades/%ff%fe", 404, id="not UTF-8"),
        pytest.param("GET", "/v1/grades/..%2f..%2fetc%2fpasswd", 404, id="traversal"),
        pytest.param("GET", "/v1/grades/1'%20OR%20'1'='1/receipt", 404, id="SQL"),
        pytest.param("GET", "/v1/grades?limit=101", 422, id="page too large"),
        pytest.param("GET", "/v1/grades?cursor=nonsense", 422, id="bad cursor"),
        pytest.param("GET", "/v1/grades?learner=%00", 422, id="NUL in a filter"),
        pytest.param("GET", "/v1/grades?created_after=yesterday", 422, id="no date"),
        pytest.param("GET", "/v1/grades?x=" + "a" * 5_000, 414, id="long address"),
        pytest.param("PUT", "/v1/grades", 405, id="no such method"),
        pytest.param("DELETE", "/v1/grades", 405, id="no bulk delete"),
        pytest.param("GET", "/v1/rubrics/none", 404, id="unknown rubric"),
        pytest.param("GET", "/nowhere", 404, id="unknown path"),
    ],
)
async def test_a_bad_address_is_refused_as_a_problem(client: Client, method: str, path: str, status: int) -> None:
    """Unknown, foreign and malformed look alike."""
    reply = await client.request(method, path)

    assert reply.status_code == status
    assert reply.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    "answer", ["<script>alert(1)</script> it", "{{7*7}} %s {0} it", 'it {"a": [1]}', "it\r\nlevel=INFO x"]
)
async def test_odd_but_honest_text_is_graded(client: Client, answer: str) -> None:
    """Text is data."""
    reply = await client.post("/v1/grades", json={**GOOD, "answer": answer})

    assert reply.status_code == 201
    assert reply.headers["x-content-type-options"] == "nosniff"


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**30), 10**30) | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=20,
)


@given(json_values)
def test_strict_parsing_gives_what_was_sent(value: Any) -> None:
    """For any JSON that is not nested too deep."""
    text = json.dumps(value)
    try:
        assert parse(text.encode()) == value
    except InvalidJSON:
        assert "\\ud" in text or text.count("[") + text.count("{") > MAX_DEPTH or len(text) > 40


@given(st.binary(max_size=200))
def test_strict_parsing_of_any_bytes_is_a_value_or_a_problem(body: bytes) -> None:
    """Never another exception."""
    with contextlib.suppress(InvalidJSON):
        parse(body)


@pytest.mark.parametrize("hosts", [[], [b"127.0.0.1", b"localhost"]], ids=["none", "two"])
async def test_a_request_has_to_name_one_host(settings: Settings, hosts: list[bytes]) -> None:
    """RFC 9112, 3.2: 400."""
    async with open_services(settings) as services:
        app = create_app(settings, services)
        app.state.services = services
        scope = {
            "type": "http",
            "http_version": "1.1",
            "method": "GET",
            "path": "/healthz",
            "raw_path": b"/healthz",
            "query_string": b"",
            "headers": [(b"host", host) for host in hosts],
            "client": ("127.0.0.1", 1),
        }
        sent: list[Any] = []

        async def receive() -> Any:
            return {"type": "http.request", "body": b"", "more_body": False}

        async def send(message: Any) -> None:
            sent.append(message)

        await app(scope, receive, send)

    assert sent[0]["status"] == 400
