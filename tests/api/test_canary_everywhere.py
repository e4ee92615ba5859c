"""Planted words again, beyond the API's grades: webhooks, batches, reviews, pages, and real processes' streams."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from service.access import ALL_SCOPES
from service.records import Tenant
from tests.api.test_canary import KEY, SECRET, WORDS, Heard, body, forms, found, heard
from tests.conftest import Client, make_settings
from tests.web.conftest import site_running

__all__ = ["heard"]
ADDRESS = "hook-canary-31f8"
LEARNER = quote(WORDS["learner"], safe="")


def given_away(text: str, *secrets: str) -> set[str]:
    """What a text gives away: the planted words, and secrets the service made itself."""
    return found(text) | {secret[:12] for secret in (*secrets, ADDRESS) if any(f in text for f in forms(secret))}


async def post(client: Client, path: str, said: list[str], **more: Any) -> httpx.Response:
    """A request whose problem, if it is one, is listened to."""
    reply = await client.post(path, **more)
    if reply.status_code >= 400:
        said.append(f"{dict(reply.headers)} {reply.text}")
    return reply


async def use_webhooks(client: Client, said: list[str]) -> list[str]:
    """Register, rotate, fail to deliver; the secrets."""
    at = "/v1/webhook-endpoints"
    asked = {"url": f"https://192.0.2.1/{ADDRESS}", "events": ["grade.completed"], "description": WORDS["metadata"]}
    await post(client, at, said, json=asked)  # an address nobody may send to
    await post(client, at, said, json={**asked, "url": f"ftp://{ADDRESS}", WORDS["answer"]: 1})
    made = await post(client, at, said, json={**asked, "url": f"http://127.0.0.1:59999/{ADDRESS}"})
    assert made.status_code == 201, made.text
    endpoint = made.json()["id"]
    rotated = await post(client, f"{at}/{endpoint}/rotate-secret", said)
    await post(client, f"{at}/{endpoint}/test", said)
    await client.get(f"{at}/{endpoint}/deliveries", params={"cursor": ADDRESS})
    return [made.json()["secret"], rotated.json()["secret"]]


async def use_batches(client: Client, said: list[str]) -> None:
    """Good and refused lines under names; read out, tried out, stopped."""
    good = {**body(), "custom_id": WORDS["learner"]}
    lines = [good, good, {**good, "custom_id": WORDS["point"], "rubric": WORDS["rubric"]}, {"custom_id": 1}]
    made = await post(client, "/v1/batches", said, json=lines)
    assert made.status_code == 202, made.text
    at = made.headers["location"]
    async with client.stream("GET", f"{at}/events") as events:
        async for _ in events.aiter_lines():
            pass
    for part in ("", "/results", "/errors"):
        assert (await client.get(at + part)).status_code == 200
    await post(client, "/v1/batches", said, params={"dry_run": "true"}, json=lines)
    await post(client, "/v1/batches", said, content=WORDS["answer"].encode())
    await post(client, f"{at}/cancel", said)


async def use_reviews(client: Client, said: list[str]) -> str:
    """A review with a note, an appeal with its reason; the grade's id."""
    made = await post(client, "/v1/grades", said, json=body())
    criterion = made.json()["criteria"][0]["id"]
    review = {"reviewer": WORDS["learner"], "levels": {criterion: 2}, "note": WORDS["answer"]}
    at = made.headers["location"]
    assert (await post(client, f"{at}/reviews", said, json=review)).status_code == 201
    assert (await post(client, f"{at}/appeals", said, json={"reason": WORDS["answer"]})).status_code == 201
    await client.get("/v1/reviews/queue", params={"cursor": WORDS["answer"]})
    return str(made.json()["id"])


async def use_pages(browser: Client, grade: str) -> None:
    """Practise, look on, review and go wrong as a person at a browser does; pages show what is theirs."""
    form = {"question_id": "p-value-meaning", "answer": WORDS["answer"], "audience": WORDS["context"]}
    sent = await browser.post("/", files={name: (None, text) for name, text in form.items()})
    assert sent.status_code == 303, sent.text
    async with browser.stream("GET", sent.headers["location"] + "/live") as events:
        async for _ in events.aiter_lines():
            pass
    for path in (sent.headers["location"], f"/learners/{LEARNER}", "/review", f"/{LEARNER}", f"/grades/{LEARNER}"):
        assert (await browser.get(path)).status_code < 500
    review = {"reviewer": WORDS["learner"], "note": WORDS["answer"], "level.correctness": "99"}
    files = {name: (None, text) for name, text in review.items()}
    assert (await browser.post("/review", params={"grade": grade}, files=files)).status_code < 500


@pytest.mark.anyio
async def test_nothing_planted_is_said_wherever_it_is_sent(tmp_path: Path, heard: Heard) -> None:
    """Through webhooks, batches, reviews, appeals and pages; signed in by key, and wrongly."""
    said: list[str] = []
    settings = make_settings(tmp_path, secret=SECRET, log_level="DEBUG", webhooks_allow_private=True)
    async with site_running(settings) as (client, services):
        await use_pages(client, await use_reviews(client, said))
        key = await services.keys.create(Tenant("acme"), WORDS["metadata"], ALL_SCOPES)
        for wrong in (KEY, key.text[:-1] + "x", WORDS["answer"]):
            await client.post("/sign-in", files={"key": (None, wrong)})
            await client.get("/v1/grades", headers={"Authorization": f"Bearer {quote(wrong)}"})
        client.headers["Authorization"] = f"Bearer {key.text}"
        secrets = await use_webhooks(client, said)
        await use_batches(client, said)
        await use_reviews(client, said)
        await services.courier.send_due()
        client.headers["Idempotency-Key"] = WORDS["answer"].encode().hex()
        await client.delete(f"/v1/learners/{LEARNER}")
        metrics = (await client.get("/metrics")).text

    assert heard.ours.getvalue()
    assert given_away("\n".join([*said, metrics]), key.text, *secrets) == set()
    assert given_away(heard.ours.getvalue() + heard.plain.getvalue(), key.text, *secrets) == set()


def free_port() -> int:
    """A port nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """The environment of processes whose secrets are canaries, at DEBUG."""
    return {
        **os.environ,
        "DEBRIEF_DATABASE__URL": f"sqlite:///{tmp_path / 'debrief.db'}",
        "DEBRIEF_MODEL": "scripted/echo",
        "DEBRIEF_SECRET": SECRET,
        "DEBRIEF_OPENAI_API_KEY": KEY,
        "DEBRIEF_LOG_LEVEL": "DEBUG",
    }


def command(*arguments: str) -> list[str]:
    """The command line."""
    return [sys.executable, "-m", "service.cli", *arguments]


@pytest.fixture
def processes(tmp_path: Path, environment: Mapping[str, str]) -> Iterator[tuple[str, list[subprocess.Popen[str]]]]:
    """A server and a worker beside it; the server's address."""
    port = free_port()
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, "env": dict(environment)}
    both = [
        subprocess.Popen(command(*arguments), **streams)  # type: ignore[call-overload]
        for arguments in (("serve", "--port", str(port)), ("worker",))
    ]
    yield f"http://127.0.0.1:{port}", both
    for process in both:
        process.kill()
        process.communicate()


def wait_for(url: str) -> None:
    """Return when it answers."""
    for _ in range(1_200):
        try:
            if httpx.get(url).status_code == 200:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.1)
    raise AssertionError(f"{url} does not answer")


@pytest.mark.timeout(600)
def test_no_stream_of_a_process_says_what_was_planted(
    tmp_path: Path, environment: Mapping[str, str], processes: tuple[str, list[subprocess.Popen[str]]]
) -> None:
    """Standard output and error of the server, of a worker and of commands that do not print what is asked for."""
    url, both = processes
    wait_for(f"{url}/readyz")
    with httpx.Client(base_url=url, timeout=60) as client:
        at = client.post("/v1/grades", json=body()).headers["location"]
        client.post(f"{at}/appeals", json={"reason": WORDS["answer"]})
        client.post("/v1/grades", json=body(answer=5))
        batch = client.post("/v1/batches", json=[{**body(), "custom_id": WORDS["learner"]}, {}])
        client.get(batch.headers["location"] + "/events")
    lines = tmp_path / "lines.jsonl"
    lines.write_text(json.dumps({**body(), "custom_id": WORDS["learner"], "rubric": WORDS["rubric"]}) + "\n")
    said = ""
    for arguments in (
        ("privacy", "sweep"),
        ("privacy", "erase", WORDS["learner"]),
        ("batch", str(lines), "--out", str(tmp_path / "out.jsonl")),
        ("keys", "list"),
    ):
        done = subprocess.run(command(*arguments), env=dict(environment), capture_output=True, text=True, check=False)
        said += done.stdout + done.stderr
    for process in both:
        process.send_signal(signal.SIGTERM)
        out, error = process.communicate(timeout=120)
        assert error
        said += out + error

    assert found(said) == set()


def test_the_search_finds_a_secret_the_service_made() -> None:
    """A test that cannot find what was planted proves nothing."""
    assert given_away("x whsec_abcdefgh0123 y", "whsec_abcdefgh0123") == {"whsec_abcdef"}
    assert given_away(f"x {quote(ADDRESS)}") == {ADDRESS[:12]}
