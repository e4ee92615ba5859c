"""Every other provider, through LiteLLM; slow to import, so all of it is here."""

from __future__ import annotations

import inspect
import subprocess
import sys
from types import ModuleType
from typing import Any

import httpx
import pytest
import respx

from service.grading.errors import ModelError, ModelMisconfigured, ModelRateLimited
from service.grading.models import ChatRequest, Message, Tokens
from service.llm.litellm_chat import _BY_NAME, LiteLLMChat, load_litellm, translate

pytestmark = [pytest.mark.anyio, pytest.mark.filterwarnings("ignore")]
REQUEST = ChatRequest("judge", (Message("user", "u"),), 50)
URL = "https://api.anthropic.com/v1/messages"


@pytest.fixture
def litellm() -> ModuleType:
    """LiteLLM on the transport that respx can see."""
    loaded: Any = load_litellm()
    loaded.disable_aiohttp_transport = True
    loaded.in_memory_llm_clients_cache.flush_cache()
    return loaded  # type: ignore[no-any-return]


def anthropic() -> LiteLLMChat:
    """A model of a provider with a format of its own."""
    return LiteLLMChat("anthropic/claude-sonnet-4-5", api_base=None)


async def test_a_reply_of_another_provider_reads_like_any_other(
    litellm: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Anthropic's wire format in, our reply out."""
    monkeypatch.setenv("ANTHROPIC_API_KEY", "k")
    answer = {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "claude-sonnet-4-5-20250929",
        "content": [{"type": "text", "text": "hello"}],
        "stop_reason": "end_turn",
        "usage": {"input_tokens": 12, "output_tokens": 3},
    }
    with respx.mock:
        respx.post(URL).mock(return_value=httpx.Response(200, json=answer))
        reply = await anthropic().complete(REQUEST, 5)

    assert reply.text == "hello"
    assert reply.tokens == Tokens(12, 3, 0)
    assert reply.finish_reason == "stop"


@pytest.mark.parametrize(
    ("response", "kind"),
    [
        pytest.param(httpx.Response(429, headers={"retry-after": "9"}, json={"error": {}}), ModelRateLimited, id="429"),
        pytest.param(httpx.Response(401, json={"error": {"message": "sk-secret"}}), ModelMisconfigured, id="401"),
    ],
)
async def test_its_failures_become_ours_after_one_call(
    litellm: ModuleType, monkeypatch: pytest.MonkeyPatch, response: httpx.Response, kind: type[ModelError]
) -> None:
    """LiteLLM retries nothing, and its words stay out."""
    monkeypatch.setenv("ANTHROPIC_API_KEY", "k")
    with respx.mock:
        route = respx.post(URL).mock(return_value=response)
        with pytest.raises(kind) as caught:
            await anthropic().complete(REQUEST, 5)

    assert route.call_count == 1
    assert "secret" not in str(caught.value)
    if kind is ModelRateLimited:
        assert caught.value.retry_after == 9.0


def test_every_exception_of_litellm_is_mapped(litellm: ModuleType) -> None:
    """By its own name, so that a new one is noticed."""
    exceptions: Any = litellm.exceptions
    names = {
        name
        for name, cls in inspect.getmembers(exceptions, inspect.isclass)
        if issubclass(cls, Exception) and cls.__module__ == exceptions.__name__
    }

    assert names <= set(_BY_NAME), names - set(_BY_NAME)


def test_an_unknown_exception_is_a_passing_failure() -> None:
    """It may be asked again, and says nothing of its own."""
    error = translate(RuntimeError("secret"), "x/y")

    assert error.retryable
    assert "secret" not in str(error)


def test_litellm_is_not_imported_until_a_model_needs_it() -> None:
    """It costs seconds and 165 MB."""
    code = "import sys, service.api.app, service.cli; sys.exit('litellm' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
