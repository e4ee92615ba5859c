"""Decision models, through LiteLLM: typed questions in, probabilities out, nothing written.

Two wire formats. ``openai/...`` speaks OpenAI's ``POST /v1/decisions`` (a list of ``predicate`` and ``score``
questions); every other provider LiteLLM knows for it - TypeSafe, OpenRouter, Cloudflare, Databricks, and any server of
one's own as ``hosted_vllm/...`` - the Jev-compatible ``POST /v1/systemone`` (named ``noul`` and ``score`` questions).
Retries are off in LiteLLM; they live in :mod:`service.llm.retry`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from types import ModuleType
from typing import Any

from pydantic import ValidationError

from service.grading.errors import ModelError, ModelUnavailable, ReplyInvalid
from service.grading.models import DecisionReply, DecisionRequest, ModelName, Place, Scale, Tokens, YesNo
from service.llm.litellm_chat import load_litellm, translate
from service.llm.prices import Price
from service.llm.whereabouts import is_own_network

OPENAI = "openai"
MAX_REPLY_CHARS = 200_000


class LiteLLMDecisions:
    """One decision model by its LiteLLM name, e.g. ``typesafe/jev-latest`` or ``hosted_vllm/openjev``.

    Args:
        name: LiteLLM's name of the model; its provider's key comes from the environment, as LiteLLM documents.
        price: None where it is not known and the provider does not state it either.
        api_base: the operator's endpoint, for self-hosted models.
        api_key: the operator's key for it, where it is not in the environment.
    """

    def __init__(
        self, name: str, *, price: Price | None = None, api_base: str | None = None, api_key: str | None = None
    ) -> None:
        self.name = ModelName(name)
        self._price = price
        self._api_base = api_base
        self._api_key = api_key
        self._litellm: ModuleType | None = None

    async def complete(self, request: DecisionRequest, seconds: float) -> DecisionReply:
        """One call."""
        litellm = await self._loaded()
        try:
            if self.name.partition("/")[0] == OPENAI:
                return _from_openai(await litellm.adecisions(**_as_openai(request), **self._where(seconds)), request)
            return _from_systemone(await litellm.asystemone(**_as_systemone(request), **self._where(seconds)))
        except ModelError:
            raise
        except Exception as error:  # noqa: BLE001 - translate() knows them all, unknown ones included
            raise _translated(error, self.name) from None

    def cost_usd(self, tokens: Tokens) -> float | None:
        """List price of a call."""
        return self._price.of(tokens) if self._price else None

    async def prepare(self) -> None:
        """Import LiteLLM, off the event loop."""
        await self._loaded()

    async def place(self) -> Place:
        """Where the operator's endpoint is; a provider's own is elsewhere."""
        return Place(local=await is_own_network(self._api_base))

    async def close(self) -> None:
        """Close LiteLLM's connections."""
        if self._litellm is not None:
            await self._litellm.close_litellm_async_clients()

    async def _loaded(self) -> ModuleType:
        if self._litellm is None:
            self._litellm = await asyncio.to_thread(load_litellm)
        return self._litellm

    def _where(self, seconds: float) -> dict[str, Any]:
        return {
            "model": self.name,
            "timeout": seconds,
            "max_retries": 0,
            "num_retries": 0,
            **({"api_base": self._api_base} if self._api_base else {}),
            **({"api_key": self._api_key} if self._api_key else {}),
        }


def _as_openai(request: DecisionRequest) -> dict[str, Any]:
    return {"input": request.state, "questions": [_openai_question(question) for question in request.questions]}


def _openai_question(question: YesNo | Scale) -> dict[str, Any]:
    asked = {"name": question.name, "instructions": question.instructions}
    if isinstance(question, YesNo):
        return {"type": "predicate", **asked}
    levels = [{"label": level.label, "description": level.description} for level in question.levels]
    return {"type": "score", **asked, "levels": levels}


def _as_systemone(request: DecisionRequest) -> dict[str, Any]:
    return {"state": request.state, "questions": {q.name: _systemone_question(q) for q in request.questions}}


def _systemone_question(question: YesNo | Scale) -> dict[str, Any]:
    if isinstance(question, YesNo):
        return {"type": "noul", "instructions": question.instructions}
    criteria = [f"{level.label}: {level.description}" for level in question.levels]
    return {"type": "score", "instructions": question.instructions, "criteria": criteria}


def _from_openai(response: Any, request: DecisionRequest) -> DecisionReply:
    """Answers come in the order of the questions; a question the model declined has an answer of type ``refusal``."""
    found: dict[str, tuple[float, ...]] = {}
    refused = set()
    for question, answer in zip(request.questions, response.answers, strict=False):
        if answer.type == "predicate":
            found[question.name] = (answer.probability,)
        elif answer.type == "score":
            found[question.name] = tuple(item.probability for item in answer.probabilities)
        else:
            refused.add(question.name)
    usage = response.usage
    tokens = Tokens(usage.input_tokens, usage.output_tokens, usage.input_tokens_details.cached_tokens)
    return DecisionReply(found, frozenset(refused), _raw(response), tokens, _reported(response))


def _from_systemone(response: Any) -> DecisionReply:
    """Answers are named; a question without one was declined or overlooked, which the format does not tell apart."""
    found = {name: tuple(_probabilities(answer)) for name, answer in response.answers.items()}
    usage = response.usage
    tokens = Tokens(usage.input_tokens, usage.output_tokens, usage.cached_tokens) if usage else Tokens()
    stated = getattr(usage, "cost", None)
    cost = float(stated) if isinstance(stated, int | float) and stated >= 0 else None
    return DecisionReply(found, frozenset(), _raw(response), tokens, _reported(response), cost)


def _probabilities(answer: Any) -> Iterator[float]:
    """The probability of yes, or one of each level: a score's ``probabilities`` are keyed by level index."""
    if answer.type == "noul":
        yield answer.noul
    elif answer.type == "score":
        by_level: Mapping[str, float] = answer.probabilities
        yield from (by_level[str(level)] for level in range(len(by_level)))


def _raw(response: Any) -> str:
    return str(response.model_dump_json())[:MAX_REPLY_CHARS]


def _reported(response: Any) -> str | None:
    return str(response.model)[:200] if response.model else None


def _translated(error: Exception, name: str) -> ModelError:
    """Our error; a body that breaks the wire format reaches us as a server error whose cause is a failed validation."""
    known = translate(error, name)
    if isinstance(known, ModelUnavailable) and any(isinstance(cause, ValidationError) for cause in _causes(error)):
        return ReplyInvalid(f"{name} gave a reply that does not follow the format of decision models")
    return known


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    for _ in range(10):
        if error is None:
            return
        yield error
        error = error.__cause__ or error.__context__
