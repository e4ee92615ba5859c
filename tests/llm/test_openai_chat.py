"""OpenAI-compatible endpoints, with respx at the HTTP boundary."""

from __future__ import annotations

import inspect
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import openai
import pytest
import respx
from openai import AsyncOpenAI

from service.grading.errors import (
    InputTooLong,
    ModelError,
    ModelMisconfigured,
    ModelRateLimited,
    ModelRefused,
    ModelTimeout,
    ModelUnavailable,
    ReplyInvalid,
)
from service.grading.models import ChatReply, ChatRequest, Message, Tokens
from service.llm.completion import retry_after
from service.llm.openai_chat import MAX_REPLY_BYTES, OpenAIChat, bound, translate
from service.llm.prices import Price

pytestmark = pytest.mark.anyio
URL = "http://model.test/v1/chat/completions"
SCHEMA = {"type": "object", "properties": {}, "required": [], "additionalProperties": False}
REQUEST = ChatRequest("judge", (Message("system", "s"), Message("user", "u")), 50, schema_name="grade", schema=SCHEMA)
BODY: dict[str, Any] = {
    "model": "m-2026",
    "choices": [{"message": {"content": "{}"}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 100, "completion_tokens": 9, "prompt_tokens_details": {"cached_tokens": 64}},
}


@pytest.fixture
async def chat() -> AsyncIterator[OpenAIChat]:
    """A model at model.test, on the transport respx can see."""
    web = httpx.AsyncClient(event_hooks={"response": [bound]})
    client = AsyncOpenAI(api_key="k", base_url="http://model.test/v1", max_retries=0, http_client=web)
    yield OpenAIChat("openai/m", "m", api_key="k", price=Price(1e-6, 2e-6, 5e-7), client=client)
    await client.close()


async def failure(chat: OpenAIChat, response: httpx.Response | Exception) -> ModelError:
    """What a call ends in when the provider does this."""
    with respx.mock:
        route = respx.post(URL)
        if isinstance(response, httpx.Response):
            route.mock(return_value=response)
        else:
            route.mock(side_effect=response)
        with pytest.raises(ModelError) as caught:
            await chat.complete(REQUEST, 5)
    return caught.value


@respx.mock
async def test_a_reply_comes_back_with_its_tokens_and_the_model_s_own_name(chat: OpenAIChat) -> None:
    """Cached tokens too, and the price that follows."""
    respx.post(URL).mock(return_value=httpx.Response(200, json=BODY))

    reply = await chat.complete(REQUEST, 5)

    assert reply == ChatReply("{}", tokens=Tokens(100, 9, 64), reported="m-2026")
    assert chat.cost_usd(reply.tokens) == pytest.approx(36e-6 + 32e-6 + 18e-6)


@respx.mock
async def test_the_schema_is_sent_as_a_strict_response_format(chat: OpenAIChat) -> None:
    """So that the provider enforces it."""
    route = respx.post(URL).mock(return_value=httpx.Response(200, json=BODY))

    await chat.complete(REQUEST, 5)

    sent = json.loads(route.calls.last.request.content)
    assert sent["response_format"]["json_schema"] == {"name": "grade", "strict": True, "schema": SCHEMA}
    assert sent["messages"] == [{"role": "system", "content": "s"}, {"role": "user", "content": "u"}]
    assert sent["temperature"] == 0.0


@respx.mock
async def test_a_readout_asks_for_alternatives_and_reads_those_of_the_first_token(chat: OpenAIChat) -> None:
    """Later tokens do not count."""
    tokens = [{"top_logprobs": [{"token": "4", "logprob": -0.1}]}, {"top_logprobs": [{"token": "x", "logprob": -1}]}]
    choice = {"message": {"content": "4"}, "logprobs": {"content": tokens}}
    route = respx.post(URL).mock(return_value=httpx.Response(200, json={"choices": [choice]}))

    reply = await chat.complete(ChatRequest("judge", (Message("user", "u"),), 1, top_logprobs=20), 5)

    assert reply.first_token == (("4", -0.1),)
    assert json.loads(route.calls.last.request.content)["top_logprobs"] == 20


@pytest.mark.parametrize(
    ("response", "kind"),
    [
        pytest.param(httpx.Response(429, headers={"retry-after": "7"}, json={}), ModelRateLimited, id="429"),
        pytest.param(
            httpx.Response(429, json={"error": {"code": "insufficient_quota"}}), ModelMisconfigured, id="no quota"
        ),
        pytest.param(httpx.Response(500), ModelUnavailable, id="500"),
        pytest.param(httpx.Response(502, html="<h1>bad gateway</h1>"), ModelUnavailable, id="502 in HTML"),
        pytest.param(httpx.Response(529), ModelUnavailable, id="529"),
        pytest.param(
            httpx.Response(401, json={"error": {"message": "bad key sk-secret"}}), ModelMisconfigured, id="401"
        ),
        pytest.param(httpx.Response(404), ModelMisconfigured, id="404"),
        pytest.param(
            httpx.Response(400, json={"error": {"code": "context_length_exceeded"}}), InputTooLong, id="too long"
        ),
        pytest.param(httpx.ConnectError("refused"), ModelUnavailable, id="refused"),
        pytest.param(httpx.ReadError("reset"), ModelUnavailable, id="reset"),
        pytest.param(httpx.ReadTimeout("slow"), ModelTimeout, id="time-out"),
        pytest.param(httpx.Response(200, html="<html>login</html>"), ReplyInvalid, id="HTML with 200"),
        pytest.param(httpx.Response(200, content=b""), ReplyInvalid, id="empty"),
        pytest.param(httpx.Response(200, json={"choices": []}), ReplyInvalid, id="no choice"),
        pytest.param(httpx.Response(200, json=[1]), ReplyInvalid, id="a list"),
        pytest.param(httpx.Response(200, content=b'{"choices": [{"mess'), ReplyInvalid, id="cut off"),
        pytest.param(httpx.Response(200, content=b"x" * (MAX_REPLY_BYTES + 1)), ReplyInvalid, id="far too long"),
        pytest.param(
            httpx.Response(200, json={"choices": [{"message": {"refusal": "I cannot"}}]}), ModelRefused, id="refusal"
        ),
    ],
)
async def test_every_way_to_fail_becomes_one_of_our_errors(
    chat: OpenAIChat, response: httpx.Response | Exception, kind: type[ModelError]
) -> None:
    """And never repeats the provider's words, which may hold a key."""
    error = await failure(chat, response)

    assert type(error) is kind
    assert "secret" not in str(error)


async def test_no_more_of_an_endless_reply_is_read_than_a_reply_may_have(chat: OpenAIChat) -> None:
    """Memory is bounded by what is read, not by what is sent."""
    read = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal read
        while True:
            read += 1
            yield b" " * 65_536

    error = await failure(chat, httpx.Response(200, content=endless()))

    assert isinstance(error, ReplyInvalid)
    assert read <= MAX_REPLY_BYTES // 65_536 + 1


async def test_retry_after_is_passed_on(chat: OpenAIChat) -> None:
    """In seconds."""
    error = await failure(chat, httpx.Response(429, headers={"retry-after": "7"}, json={}))

    assert error.retry_after == 7.0


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        pytest.param("12", 12.0, id="seconds"),
        pytest.param("Thu, 01 Jan 1970 00:01:00 GMT", 60.0, id="date"),
        pytest.param("Thu, 01 Jan 1969 00:00:00 GMT", 0.0, id="date that has passed"),
        pytest.param("-3", 0.0, id="negative"),
        pytest.param("1e300", 86_400.0, id="absurd"),
        pytest.param("nan", None, id="not a number"),
        pytest.param("soon", None, id="nonsense"),
    ],
)
def test_retry_after_is_read_as_seconds_or_date(value: str, seconds: float | None) -> None:
    """RFC 9110, 10.2.3; a day at most."""
    assert retry_after({"retry-after": value}, now=0.0) == seconds


def test_every_exception_of_the_sdk_has_a_translation() -> None:
    """A new release cannot bring an error we let through."""
    request = httpx.Request("POST", URL)
    response = httpx.Response(418, request=request)
    classes = [c for _, c in inspect.getmembers(openai, inspect.isclass) if issubclass(c, openai.OpenAIError)]

    for cls in classes:
        error = cls.__new__(cls)
        Exception.__init__(error, "secret")
        if isinstance(error, openai.APIStatusError):
            error.status_code, error.response, error.code, error.type = 418, response, None, None
        assert isinstance(translate(error, "openai/m"), ModelError), cls.__name__
    assert len(classes) > 10


async def test_a_reasoning_model_gets_room_to_think_and_no_sampling_parameters() -> None:
    """They refuse temperature and log-probabilities."""
    client = AsyncOpenAI(api_key="k", base_url="http://model.test/v1", http_client=httpx.AsyncClient())
    chat = OpenAIChat("openai/o4-mini", "o4-mini", api_key="k", client=client)
    with respx.mock:
        route = respx.post(URL).mock(return_value=httpx.Response(200, json=BODY))
        await chat.complete(REQUEST, 5)
    await client.close()

    sent = json.loads(route.calls.last.request.content)
    assert "temperature" not in sent
    assert sent["max_completion_tokens"] > REQUEST.max_tokens
    assert chat.capabilities.top_logprobs == 0
