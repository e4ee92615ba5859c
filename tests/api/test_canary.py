"""What is personal or secret stays out of logs, metrics and problems: planted words are looked for everywhere.

Every logger of the process listens at DEBUG, those of the model libraries too, and providers answer with what they
were sent, as some do in their errors.
"""

from __future__ import annotations

import base64
import io
import json
import logging
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, quote_plus

import httpx
import pytest
import respx
from openai import AsyncOpenAI

from service.bootstrap import open_backend
from service.grading.errors import ModelUnavailable
from service.grading.models import ChatReply, ChatRequest
from service.llm.backend import ChatBackend
from service.llm.litellm_chat import LiteLLMChat, load_litellm
from service.llm.openai_chat import OpenAIChat
from service.llm.scripted import RepliesInOrder
from service.settings import Settings
from service.telemetry import LOGGER, JsonLines, set_up_logging
from tests.conftest import Client, make_settings, running

pytestmark = pytest.mark.anyio

WORDS = {
    name: f'Zq"9\\{number}-{name} é'
    for number, name in enumerate(
        ["question", "answer", "reference", "point", "misconception", "context", "learner", "metadata", "rubric"]
    )
}
"""One canary for each text of a request; with signs that every encoding writes differently."""

KEY = "sk-canary-7f21c0"
SECRET = "instance-canary-55d1"
REPEATED = "reply-canary-90aa"


def forms(word: str) -> Iterator[str]:
    """A word as it is, and base64, URL- and JSON-escaped; base64 at each of its three alignments."""
    yield word
    yield quote(word)
    yield quote_plus(word)
    yield quote(word, safe="")
    yield json.dumps(word)[1:-1]
    yield json.dumps(word, ensure_ascii=False)[1:-1]
    yield repr(word)[1:-1]
    raw = word.encode()
    for shift in range(3):
        yield base64.b64encode(b"x" * shift + raw + b"x" * ((-shift - len(raw)) % 3)).decode()[4:-4]


def found(text: str) -> set[str]:
    """The canaries that a text gives away, whole or by their middle."""
    planted = {**WORDS, "key": KEY, "secret": SECRET, "reply": REPEATED}
    middles = {name: f"{number}-{name}" for number, name in enumerate(WORDS)}
    return {
        name
        for name, word in planted.items()
        if any(form in text for form in forms(word)) or (name in middles and f"9\\{middles[name]}" in text)
    }


def body(**changes: object) -> dict[str, object]:
    """A request that carries every canary."""
    return {
        "question": f"{WORDS['question']} Why is that so?",
        "answer": f"{WORDS['answer']}\r\n" + '{"level":"INFO","event":"forged"}' + " because the null is assumed.",
        "reference": f"{WORDS['reference']} It assumes the null.",
        "key_points": [WORDS["point"]],
        "misconceptions": [WORDS["misconception"]],
        "context": {"industry": WORDS["context"]},
        "learner": WORDS["learner"],
        "metadata": {WORDS["metadata"]: WORDS["metadata"]},
        **changes,
    }


@dataclass
class Heard:
    """What was logged: as the service writes it, and as any other handler would."""

    ours: io.StringIO
    plain: io.StringIO


@pytest.fixture
def heard() -> Iterator[Heard]:
    """Everything any logger says, at DEBUG."""
    set_up_logging("DEBUG")
    heard = Heard(io.StringIO(), io.StringIO())
    ours, plain = logging.StreamHandler(heard.ours), logging.StreamHandler(heard.plain)
    ours.setFormatter(JsonLines())
    plain.setFormatter(logging.Formatter("%(name)s %(message)s %(fields)s", defaults={"fields": ""}))
    root, before = logging.getLogger(), logging.getLogger().level
    root.setLevel(logging.DEBUG)
    LOGGER.propagate = True
    for handler in (ours, plain):
        root.addHandler(handler)
    yield heard
    for handler in (ours, plain):
        root.removeHandler(handler)
    root.setLevel(before)
    LOGGER.propagate = False


@asynccontextmanager
async def service(tmp_path: Path, backend: ChatBackend | None = None, **more: object) -> AsyncIterator[Client]:
    """A service whose secrets are canaries."""
    async with running(make_settings(tmp_path, secret=SECRET, log_level="DEBUG", **more), backend) as (client, _):
        yield client


async def exercise(client: Client) -> str:
    """Use every part of the service with canaries, well and badly; returns problems and metrics."""
    said = []

    async def ask(method: str, path: str, **more: object) -> httpx.Response:
        reply = await client.request(method, path, **more)  # type: ignore[arg-type]
        if reply.status_code >= 400:
            problem = {name: value for name, value in reply.json().items() if name != "grade"}
            said.append(f"{dict(reply.headers)} {json.dumps(problem)}")
        return reply

    made = await ask("POST", "/v1/grades", json=body())
    at = made.headers.get("location", "/v1/grades/none")
    for path in (at, f"{at}?include=submission", f"{at}/receipt", f"{at}/events"):
        await ask("GET", path)
    await ask("POST", f"{at}/retry")
    await ask("POST", "/v1/grades", json=body(), headers={"Prefer": "respond-async", "Idempotency-Key": "k"})
    learner = quote(WORDS["learner"], safe="")
    await ask("GET", f"/v1/grades?learner={learner}&rubric={learner}&cursor={learner}")
    await ask("GET", f"/v1/grades/{learner}")
    await ask("POST", f"{at}/reviews", json={"reviewer": WORDS["learner"], "levels": {WORDS["rubric"]: 9}})
    await ask("POST", f"{at}/appeals", json={"reason": WORDS["answer"]})
    for bad in (
        body(answer=5),
        body(answer="x" * 20_001 + WORDS["answer"]),
        body(**{WORDS["answer"]: 1}),
        body(rubric={WORDS["rubric"]: WORDS["rubric"]}),
        body(rubric={"id": "x", "version": "1.0.0", "title": WORDS["rubric"], "criteria": WORDS["rubric"]}),
        body(question_id=WORDS["question"]),
        body(key_points=[WORDS["point"], WORDS["point"]]),
        body(metadata={WORDS["metadata"]: 1}),
        body(language=WORDS["context"] * 9),
    ):
        await ask("POST", "/v1/grades", json=bad)
    await ask(
        "POST",
        "/v1/grades",
        content=b'{"answer": "' + WORDS["answer"].encode(),
        headers={"content-type": "application/json"},
    )
    await ask("POST", "/v1/rubrics/check", json={"rubric": {WORDS["rubric"]: WORDS["rubric"]}})
    await ask("PUT", "/v1/rubrics/mine", json={"title": WORDS["rubric"]})
    await ask("POST", f"{at}/reviews", json={"reviewer": "r", "levels": {WORDS["rubric"]: WORDS["rubric"]}})
    await ask("GET", f"/v1/learners/{learner}/export")
    await ask("DELETE", f"/v1/learners/{learner}")
    return "\n".join([*said, (await client.get("/metrics")).text])


def test_the_search_finds_every_form() -> None:
    """A test that cannot find what was planted proves nothing."""
    for name, word in WORDS.items():
        for shift in range(3):
            assert name in found("zz " + base64.b64encode(b"x" * shift + word.encode() + b"yy").decode())
        for text in (word, quote(word), json.dumps({"a": word}), repr(word)):
            assert name in found(f"before {text} after"), text
    assert found("nothing here") == set()


async def test_nothing_planted_is_said_while_grading_works(tmp_path: Path, heard: Heard) -> None:
    """Every route, good and bad requests."""
    async with service(tmp_path) as client:
        said = await exercise(client)

    assert heard.ours.getvalue()
    assert found(said) == set()
    assert found(heard.ours.getvalue() + heard.plain.getvalue()) == set()
    assert not any(line.startswith('{"level"') for line in heard.ours.getvalue().splitlines())


async def test_nothing_planted_is_said_while_the_model_fails(tmp_path: Path, heard: Heard) -> None:
    """A model whose error or reply repeats the answer."""
    for number, model in enumerate(
        (RepliesInOrder([ModelUnavailable("down")]), RepliesInOrder([ChatReply(f"{WORDS['answer']} {REPEATED}")] * 50))
    ):
        async with service(tmp_path / str(number), model) as client:
            said = await exercise(client)
        assert found(said) == set()

    assert found(heard.ours.getvalue() + heard.plain.getvalue()) == set()


async def test_an_unforeseen_error_is_logged_without_its_message(tmp_path: Path, heard: Heard) -> None:
    """The kind and the place, not what it says: it may hold an answer."""

    class Broken(RepliesInOrder):
        async def complete(self, request: ChatRequest, seconds: float) -> ChatReply:
            raise RuntimeError(f"{WORDS['answer']} in {request}")

    async with service(tmp_path, Broken([])) as client:
        said = await exercise(client)

    assert '"exception"' in heard.ours.getvalue()
    assert found(said) == set()
    assert found(heard.ours.getvalue()) == set()


@pytest.mark.parametrize("status", [200, 400, 401, 429, 500])
async def test_a_provider_that_repeats_what_it_was_sent_is_not_quoted(
    tmp_path: Path, heard: Heard, status: int
) -> None:
    """OpenAI's own client, with its logger and httpx' at DEBUG."""
    settings = make_settings(tmp_path, model="openai/m", openai_api_key=KEY, openai_base_url="http://provider.test/v1")
    backend = open_backend(settings)
    assert isinstance(backend, OpenAIChat)
    backend._given = AsyncOpenAI(
        api_key=KEY, base_url="http://provider.test/v1", max_retries=0, http_client=httpx.AsyncClient()
    )

    with respx.mock(assert_all_called=False) as mocked:
        mocked.post("http://provider.test/v1/chat/completions").mock(side_effect=lambda sent: echoing(sent, status))
        async with service(tmp_path, backend) as client:
            said = await exercise(client)

    assert found(said) == set()
    assert found(heard.ours.getvalue() + heard.plain.getvalue()) == set()


@pytest.mark.parametrize("status", [400, 500])
async def test_litellm_says_nothing_of_what_it_was_sent(
    tmp_path: Path, heard: Heard, monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    """Nor does its client, also when the operator asked it for debugging."""
    monkeypatch.setenv("LITELLM_LOG", "DEBUG")
    monkeypatch.setenv("ANTHROPIC_API_KEY", KEY)
    litellm = load_litellm()
    monkeypatch.setattr(litellm, "disable_aiohttp_transport", True)
    litellm.in_memory_llm_clients_cache.flush_cache()

    with respx.mock(assert_all_called=False) as mocked:
        mocked.post("https://api.anthropic.com/v1/messages").mock(side_effect=lambda sent: echoing(sent, status))
        async with service(tmp_path, LiteLLMChat("anthropic/claude-sonnet-4-5")) as client:
            said = await exercise(client)
        assert mocked.calls.call_count > 0

    assert found(said) == set()
    assert found(heard.ours.getvalue() + heard.plain.getvalue()) == set()


def echoing(sent: httpx.Request, status: int) -> httpx.Response:
    """A provider's reply that repeats the request and its key."""
    told = f"{sent.content.decode()} {dict(sent.headers)} {REPEATED}"
    if status == 200:
        return httpx.Response(200, json={"choices": [{"message": {"content": told}, "finish_reason": "stop"}]})
    return httpx.Response(status, json={"error": {"message": told, "type": "x", "code": "x"}})


def test_settings_do_not_show_their_secrets() -> None:
    """Not when printed, not when dumped."""
    settings = Settings.model_validate({"secret": SECRET, "openai_api_key": KEY, "model_api_key": KEY})

    assert found(f"{settings!r} {settings} {settings.model_dump()} {settings.model_dump_json()}") == set()


@pytest.mark.parametrize("text", ["a\r\nb", "a\u2028b", "a\x85b", "\x1b[2Ka", "a\x00b"], ids=repr)
def test_a_log_line_cannot_be_forged(text: str) -> None:
    """Whatever a field holds, it is one line of plain ASCII."""
    record = logging.LogRecord("debrief", logging.INFO, "x.py", 1, text, (), None)
    record.fields = {"code": text}

    line = JsonLines().format(record)

    assert line.isascii()
    assert line.isprintable()
    assert json.loads(line)["code"] == text
