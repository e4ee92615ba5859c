"""Where a model runs."""

from __future__ import annotations

import pytest

from service.llm.litellm_chat import LiteLLMChat
from service.llm.openai_chat import OpenAIChat
from service.llm.whereabouts import is_own_network

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(
    ("url", "own"),
    [
        ("http://127.0.0.1:8000/v1", True),
        ("http://localhost:11434/v1", True),
        ("http://[::1]:8080/v1", True),
        ("http://10.1.2.3/v1", True),
        ("http://172.16.0.9/v1", True),
        ("http://172.32.0.9/v1", False),
        ("https://192.168.4.4/v1", True),
        ("http://[fd00::1]/v1", True),
        ("http://[::ffff:10.0.0.1]/v1", True),
        ("http://[::ffff:8.8.8.8]/v1", False),
        ("http://8.8.8.8/v1", False),
        ("http://100.64.0.1/v1", False),
        ("http://169.254.169.254/v1", False),
        ("http://127.0.0.1.nip.invalid/v1", False),
        ("http://name-that-does-not-exist.invalid/v1", False),
        ("http://user@8.8.8.8:80@127.0.0.1/v1", True),
        ("nonsense", False),
        ("", False),
        (None, False),
    ],
)
async def test_an_address_is_one_s_own_or_it_is_not(url: str | None, own: bool) -> None:
    """What cannot be resolved is elsewhere."""
    assert await is_own_network(url) is own


async def test_a_provider_without_an_address_of_the_operator_s_is_elsewhere() -> None:
    """OpenAI directly, everybody else through LiteLLM; a server of one's own is here."""
    assert not (await OpenAIChat("openai/m", "m", api_key="k").place()).local
    assert not (await LiteLLMChat("anthropic/m").place()).local
    assert (await OpenAIChat("ollama/m", "m", api_key=None, base_url="http://127.0.0.1:11434/v1").place()).local
    assert (await LiteLLMChat("x/m", api_base="http://127.0.0.1:1/v1").place()).local
