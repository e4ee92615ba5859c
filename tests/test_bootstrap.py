"""Which adapters the settings stand for."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import respx
from httpx import AsyncClient, Response
from openai import AsyncOpenAI
from pydantic import BaseModel

from service.bootstrap import Misconfigured, build_grader, fitting_judge, open_backend, open_services
from service.grading.judges.readout import ReadoutJudge
from service.grading.judges.restated import RestatedJudge
from service.grading.judges.single_call import SingleCallJudge
from service.grading.models import Capabilities, ChatRequest, Message, Tokens
from service.library import FileLibrary
from service.llm.embedded import EmbeddedChat
from service.llm.litellm_chat import LiteLLMChat
from service.llm.openai_chat import OpenAIChat
from service.llm.retry import ResilientChat
from service.settings import (
    PromptSettings,
    Settings,
)
from tests.conftest import make_settings


@pytest.mark.parametrize(
    ("model", "kind"),
    [
        pytest.param("embedded", EmbeddedChat, id="embedded"),
        pytest.param("openai/gpt-4o-mini", OpenAIChat, id="OpenAI directly"),
        pytest.param("ollama/llama3", OpenAIChat, id="Ollama directly"),
        pytest.param("hosted_vllm/qwen", OpenAIChat, id="vLLM directly"),
        pytest.param("anthropic/claude-sonnet-4-5", LiteLLMChat, id="others through LiteLLM"),
    ],
)
def test_a_model_name_picks_its_adapter(tmp_path: Path, model: str, kind: type) -> None:
    """Nothing is loaded or called."""
    backend = open_backend(make_settings(tmp_path, model=model, openai_api_key="k"))

    assert type(backend) is kind
    assert backend.name == model


def test_a_change_of_model_picks_a_judge_that_fits_it(tmp_path: Path, library: FileLibrary) -> None:
    """Readout for a model that runs here and shows probabilities, else one call."""
    local = make_settings(tmp_path)
    cloud = make_settings(tmp_path, model="openai/gpt-4o-mini", openai_api_key="k")

    assert isinstance(build_grader(local, library, ResilientChat(open_backend(local))).judge, ReadoutJudge)
    assert isinstance(build_grader(cloud, library, ResilientChat(open_backend(cloud))).judge, SingleCallJudge)


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("settings", "how", "judge"),
    [
        ({}, "restated", RestatedJudge),
        ({"judge": "single_call"}, "fresh_samples", SingleCallJudge),
        ({"appeal_model": "openai/gpt-4o-mini", "openai_api_key": "k"}, "other_model", SingleCallJudge),
    ],
    ids=["readout", "single-call", "another-model"],
)
async def test_an_appeal_is_graded_by_another_model_or_asked_anew(
    tmp_path: Path, settings: dict[str, object], how: str, judge: type
) -> None:
    """Fresh samples have other seeds than those of the first grade."""
    async with open_services(make_settings(tmp_path, **settings)) as services:
        second = services.reviewing.second

    assert second.how == how
    assert isinstance(second.grader.judge, judge)
    if how == "fresh_samples":
        assert isinstance(second.grader.judge, SingleCallJudge)
        assert (second.grader.judge.samples, second.grader.judge.first_seed) == (3, 1)


def test_a_judge_the_model_cannot_serve_is_refused_with_advice(tmp_path: Path, library: FileLibrary) -> None:
    """At start, not at the first answer."""
    settings = make_settings(tmp_path, model="anthropic/claude-sonnet-4-5", judge="readout")

    with pytest.raises(Misconfigured, match="single_call"):
        build_grader(settings, library, ResilientChat(open_backend(settings)))


def test_a_paid_model_with_probabilities_is_not_read_out_by_default() -> None:
    """Five calls cost more than one."""
    assert fitting_judge(Capabilities(json_schema=True, top_logprobs=20)) == "single_call"


def test_an_unknown_prompt_is_refused(tmp_path: Path, library: FileLibrary) -> None:
    """With its name."""
    settings = make_settings(tmp_path, prompts=PromptSettings(readout="judge-readout@99"))

    with pytest.raises(Misconfigured, match="judge-readout@99"):
        build_grader(settings, library, ResilientChat(open_backend(settings)))


def test_the_environment_is_read_under_the_names_users_know(monkeypatch: pytest.MonkeyPatch) -> None:
    """OPENAI_BASE_URL and OPENAI_API_KEY, and nested settings of our own."""
    monkeypatch.setenv("OPENAI_API_KEY", "sk-1")
    monkeypatch.setenv("OPENAI_BASE_URL", "http://gateway.test/v1")
    monkeypatch.setenv("DEBRIEF_LIMITS__ANSWER", "99")

    settings = Settings()

    assert settings.openai_api_key is not None
    assert settings.openai_base_url == "http://gateway.test/v1"
    assert settings.limits.answer == 99
    assert "sk-1" not in repr(settings)


@pytest.mark.anyio
async def test_a_base_url_is_honoured_and_a_key_sent_only_there(tmp_path: Path) -> None:
    """And the price of another's endpoint is not guessed."""
    settings = make_settings(tmp_path, model="openai/m", openai_api_key="k-7", openai_base_url="http://gateway.test/v1")
    backend = open_backend(settings)
    assert isinstance(backend, OpenAIChat)
    backend._given = AsyncOpenAI(api_key="k-7", base_url=backend._base_url, http_client=AsyncClient())
    with respx.mock:
        route = respx.post("http://gateway.test/v1/chat/completions").mock(
            return_value=Response(200, json={"choices": [{"message": {"content": "x"}}]})
        )
        await backend.complete(ChatRequest("judge", (Message("user", "u"),), 5), 5)
    await backend.close()

    assert route.calls.last.request.headers["authorization"] == "Bearer k-7"
    assert json.loads(route.calls.last.request.content)["max_tokens"] == 5
    assert backend.cost_usd(Tokens(1, 1)) is None


def fields_of(model: type[BaseModel]) -> int:
    """How many values a settings class holds, its groups' included."""
    kinds = [field.annotation for field in model.model_fields.values()]
    return sum(fields_of(k) if isinstance(k, type) and issubclass(k, BaseModel) else 1 for k in kinds)


def test_the_settings_stay_few() -> None:
    """A settings class that grows without end is read by nobody; a group counts by what is in it."""
    assert fields_of(Settings) <= 48
