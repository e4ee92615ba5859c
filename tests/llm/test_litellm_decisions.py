"""Decision models on both wire formats, as LiteLLM sends and reads them."""

from __future__ import annotations

import json
from types import ModuleType
from typing import Any

import httpx
import pytest
import respx

from service.grading.errors import (
    ModelError,
    ModelMisconfigured,
    ModelRateLimited,
    ModelUnavailable,
    MustStayHere,
    ReplyInvalid,
)
from service.grading.models import (
    CallBudget,
    DecisionReply,
    DecisionRequest,
    Place,
    Scale,
    ScaleLevel,
    Tokens,
    YesNo,
)
from service.llm.litellm_chat import load_litellm
from service.llm.litellm_decisions import LiteLLMDecisions
from service.llm.retry import ResilientDecisions, RetryPolicy

pytestmark = [pytest.mark.anyio, pytest.mark.filterwarnings("ignore")]
LEVELS = (ScaleLevel("Low", "It is low."), ScaleLevel("Middle", "It is so-so."), ScaleLevel("High", "It is high."))
REQUEST = DecisionRequest("judge", "the state", (Scale("level_facts", "True?", LEVELS), YesNo("point_1", "Said?")))
OPENAI = "https://api.openai.com/v1/decisions"
JEV = "http://jev.test/v1/systemone"

OPENAI_REPLY = {
    "model": "gpt-decide-2026-09-01",
    "answers": [
        {
            "type": "score",
            "name": "level_facts",
            "score": 1.6,
            "confidence": 0.7,
            "probabilities": [
                {"value": 0, "label": "Low", "probability": 0.1},
                {"value": 1, "label": "Middle", "probability": 0.2},
                {"value": 2, "label": "High", "probability": 0.7},
            ],
        },
        {"type": "predicate", "name": "point_1", "probability": 0.9},
    ],
    "usage": {"input_tokens": 40, "input_tokens_details": {"cached_tokens": 8}, "output_tokens": 2, "total_tokens": 42},
}
JEV_SCORE = {
    "type": "score",
    "score": 1.6,
    "confidence": 0.7,
    "legend": {"0": "Low", "1": "Middle", "2": "High"},
    "probabilities": {"0": 0.1, "1": 0.2, "2": 0.7},
}
JEV_REPLY = {
    "model": "jev-1.14.0",
    "answers": {"level_facts": JEV_SCORE, "point_1": {"type": "noul", "noul": 0.9}},
    "usage": {"input_tokens": 40, "output_tokens": 2},
}


@pytest.fixture(autouse=True)
def litellm() -> ModuleType:
    """LiteLLM on the transport that respx can see."""
    loaded: Any = load_litellm()
    loaded.disable_aiohttp_transport = True
    loaded.in_memory_llm_clients_cache.flush_cache()
    return loaded  # type: ignore[no-any-return]


def openai() -> LiteLLMDecisions:
    """OpenAI's own decision models."""
    return LiteLLMDecisions("openai/gpt-decide", api_key="k-1")


def jev(name: str = "hosted_vllm/openjev") -> LiteLLMDecisions:
    """A Jev-compatible server of one's own."""
    return LiteLLMDecisions(name, api_base="http://jev.test", api_key="k-2")


async def reply_of(model: LiteLLMDecisions, url: str, body: object) -> tuple[DecisionReply, dict[str, Any]]:
    """What becomes of a body, and what was sent for it."""
    with respx.mock:
        route = respx.post(url).mock(return_value=httpx.Response(200, json=body))
        reply = await model.complete(REQUEST, 5)
    sent: dict[str, Any] = json.loads(route.calls.last.request.content)
    return reply, sent


async def test_openais_format_is_a_list_of_named_questions(litellm: ModuleType) -> None:
    """A predicate, a score with labelled levels; the input is the state."""
    reply, sent = await reply_of(openai(), OPENAI, OPENAI_REPLY)

    assert sent == {
        "model": "gpt-decide",
        "input": "the state",
        "questions": [
            {
                "type": "score",
                "name": "level_facts",
                "instructions": "True?",
                "levels": [{"label": level.label, "description": level.description} for level in LEVELS],
            },
            {"type": "predicate", "name": "point_1", "instructions": "Said?"},
        ],
    }
    assert reply.answers == {"level_facts": (0.1, 0.2, 0.7), "point_1": (0.9,)}
    assert reply.tokens == Tokens(40, 2, 8)
    assert reply.reported == "gpt-decide-2026-09-01"
    assert json.loads(reply.raw)["answers"][0]["score"] == 1.6


async def test_the_jev_compatible_format_is_named_questions_about_a_state() -> None:
    """A noul, a score whose criteria are the levels from lowest to highest."""
    reply, sent = await reply_of(jev(), JEV, JEV_REPLY)

    assert sent == {
        "model": "openjev",
        "state": "the state",
        "questions": {
            "level_facts": {
                "type": "score",
                "instructions": "True?",
                "criteria": ["Low: It is low.", "Middle: It is so-so.", "High: It is high."],
            },
            "point_1": {"type": "noul", "instructions": "Said?"},
        },
    }
    assert reply.answers == {"level_facts": (0.1, 0.2, 0.7), "point_1": (0.9,)}
    assert reply.tokens == Tokens(40, 2, 0)
    assert reply.reported == "jev-1.14.0"
    assert reply.cost_usd is None


@pytest.mark.parametrize(
    ("name", "base", "url"),
    [
        ("typesafe/jev-latest", None, "https://api.typesafe.ai/v1/systemone"),
        ("openrouter/typesafe/jev", None, "https://openrouter.ai/api/alpha/decisions"),
        ("cloudflare/jev", "https://cf.test/accounts/a/ai/run", "https://cf.test/accounts/a/ai/run/@cf/cloudflare/jev"),
        ("hosted_vllm/openjev", "http://llama.test:8080/v1", "http://llama.test:8080/v1/systemone"),
    ],
)
async def test_each_jev_compatible_provider_is_reached_where_it_listens(name: str, base: str | None, url: str) -> None:
    """TypeSafe, OpenRouter, Cloudflare, and llama.cpp or vLLM by their base URL."""
    model = LiteLLMDecisions(name, api_base=base, api_key="k-3")

    with respx.mock:
        route = respx.post(url).mock(return_value=httpx.Response(200, json=JEV_REPLY))
        reply = await model.complete(REQUEST, 5)

    assert route.calls.last.request.headers["authorization"] == "Bearer k-3"
    assert reply.answers["point_1"] == (0.9,)


async def test_a_price_stated_with_the_reply_is_believed() -> None:
    """OpenRouter names it; the list price stands in elsewhere."""
    body = {**JEV_REPLY, "usage": {"input_tokens": 40, "output_tokens": 2, "cost": 0.000021}}
    budget = CallBudget()
    model = ResilientDecisions(LiteLLMDecisions("openrouter/typesafe/jev", api_key="k"))

    with respx.mock:
        respx.post("https://openrouter.ai/api/alpha/decisions").mock(return_value=httpx.Response(200, json=body))
        await model.ask(REQUEST, lambda reply: reply, budget)

    assert budget.records[0].cost_usd == 0.000021


async def test_a_question_openai_declines_is_named() -> None:
    """And is no answer."""
    refused = [{"type": "refusal", "name": "level_facts"}, OPENAI_REPLY["answers"][1]]  # type: ignore[index]
    reply, _ = await reply_of(openai(), OPENAI, {**OPENAI_REPLY, "answers": refused})

    assert reply.refused == {"level_facts"}
    assert reply.answers == {"point_1": (0.9,)}


async def test_a_question_left_out_has_no_answer() -> None:
    """Whatever the format."""
    first, _ = await reply_of(openai(), OPENAI, {**OPENAI_REPLY, "answers": OPENAI_REPLY["answers"][:1]})  # type: ignore[index]
    second, _ = await reply_of(jev(), JEV, {**JEV_REPLY, "answers": {"level_facts": JEV_SCORE}})

    assert "point_1" not in first.answers
    assert set(second.answers) == {"level_facts"}


async def test_probabilities_left_out_do_not_become_a_distribution() -> None:
    """They come as nothing, so that what is there does not add up to one."""
    short = {**JEV_SCORE, "probabilities": {"2": 0.7}}
    reply, _ = await reply_of(jev(), JEV, {**JEV_REPLY, "answers": {"level_facts": short}})

    assert reply.answers["level_facts"] == (0.0, 0.0, 0.7)


@pytest.mark.parametrize(
    "body",
    [
        pytest.param({**JEV_REPLY, "answers": {"level_facts": {**JEV_SCORE, "legend": None}}}, id="no legend"),
        pytest.param({**JEV_REPLY, "answers": {"level_facts": {"type": "essay"}}}, id="another type"),
        pytest.param({"choices": []}, id="another format"),
        pytest.param([], id="no object"),
    ],
)
async def test_a_body_that_breaks_the_format_is_an_invalid_reply(body: object) -> None:
    """Not an outage: asking again at once can help."""
    with pytest.raises(ReplyInvalid):
        await reply_of(jev(), JEV, body)


@pytest.mark.parametrize(
    ("response", "kind"),
    [
        pytest.param(httpx.Response(429, headers={"retry-after": "9"}, json={"error": {}}), ModelRateLimited, id="429"),
        pytest.param(httpx.Response(401, json={"error": {"message": "sk-secret"}}), ModelMisconfigured, id="401"),
        pytest.param(httpx.Response(422, json={"detail": "secret"}), ModelMisconfigured, id="422"),
        pytest.param(httpx.Response(503, text="secret"), ModelUnavailable, id="503"),
        pytest.param(httpx.Response(200, text="<html>secret</html>"), ReplyInvalid, id="no JSON"),
    ],
)
@pytest.mark.parametrize(("make", "url"), [(openai, OPENAI), (jev, JEV)], ids=["openai", "jev"])
async def test_failures_become_ours_after_one_call(
    response: httpx.Response, kind: type[ModelError], make: Any, url: str
) -> None:
    """LiteLLM retries nothing, and its words stay out."""
    with respx.mock:
        route = respx.post(url).mock(return_value=response)
        with pytest.raises(ModelError) as caught:
            await make().complete(REQUEST, 5)

    assert type(caught.value) is kind
    assert route.call_count == 1
    assert "secret" not in str(caught.value)
    if kind is ModelRateLimited:
        assert caught.value.retry_after == 9.0


async def test_a_provider_without_decisions_is_a_wrong_configuration() -> None:
    """Said once, not asked three times."""
    with pytest.raises(ModelMisconfigured):
        await LiteLLMDecisions("anthropic/claude-sonnet-4-5", api_key="k").complete(REQUEST, 5)


async def test_an_unusable_reply_is_asked_for_again_by_the_one_retry_layer() -> None:
    """And both calls are recorded."""
    good, bad = httpx.Response(200, json=JEV_REPLY), httpx.Response(200, json={"answers": 3})
    budget = CallBudget()
    model = ResilientDecisions(jev(), RetryPolicy(base_wait=0.0))

    with respx.mock:
        route = respx.post(JEV).mock(side_effect=[bad, httpx.Response(503), good])
        reply = await model.ask(REQUEST, lambda reply: reply, budget)

    assert route.call_count == 3
    assert reply.answers["point_1"] == (0.9,)
    assert [record.outcome for record in budget.records] == ["model_reply_invalid", "model_unavailable", "ok"]
    assert budget.records[-1].raw == reply.raw


async def test_an_answer_that_must_stay_here_reaches_no_provider_elsewhere() -> None:
    """A server on the own network may have it."""
    budget = CallBudget(local_only=True)
    near = LiteLLMDecisions("hosted_vllm/openjev", api_base="http://127.0.0.1:9")

    with respx.mock, pytest.raises(MustStayHere):
        await ResilientDecisions(openai()).ask(REQUEST, lambda reply: reply, budget)

    assert budget.records == []
    assert await near.place() == Place(local=True)
    assert await openai().place() == Place(local=False)
