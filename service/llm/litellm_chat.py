"""Every other provider, through LiteLLM: imported only when a model needs it (seconds and 165 MB).

Retries are off in LiteLLM; they live in :mod:`service.llm.retry`. Nothing of a request reaches LiteLLM's
parameters but the messages, the schema and the sampling settings.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from types import ModuleType
from typing import Any

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
from service.grading.models import Capabilities, ChatReply, ChatRequest, ModelName, Place, Tokens
from service.llm.completion import read_completion, response_format, retry_after
from service.llm.prices import Price
from service.llm.whereabouts import is_own_network

_QUIET = {
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",
    "LITELLM_LOG": "ERROR",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "DO_NOT_TRACK": "1",
}
"""No look-up at import, no log of requests, no telemetry: whatever the environment says, texts are at stake."""


def load_litellm() -> ModuleType:
    """Import LiteLLM with its network look-up, telemetry and chatter off. Takes seconds the first time."""
    os.environ.update(_QUIET)
    import litellm

    litellm.telemetry = False
    litellm.suppress_debug_info = True
    litellm.drop_params = True
    litellm.num_retries = 0
    litellm.turn_off_message_logging = True
    loaded: ModuleType = litellm
    return loaded


class LiteLLMChat:
    """One model by its LiteLLM name, e.g. ``anthropic/claude-sonnet-4-5`` or ``gemini/gemini-2.5-flash``.

    Args:
        name: LiteLLM's name of the model; its provider's key comes from the environment, as LiteLLM documents.
        price: None where it is not known.
        api_base: the operator's endpoint, for self-hosted models.
        top_logprobs: most alternatives per token the model is known to report; 0 picks a judge without them.
    """

    def __init__(
        self, name: str, *, price: Price | None = None, api_base: str | None = None, top_logprobs: int = 0
    ) -> None:
        self.name = ModelName(name)
        self.capabilities = Capabilities(json_schema=True, top_logprobs=top_logprobs)
        self._price = price
        self._api_base = api_base
        self._litellm: ModuleType | None = None

    async def complete(self, request: ChatRequest, seconds: float) -> ChatReply:
        """One call."""
        litellm = await self._loaded()
        try:
            response = await litellm.acompletion(**self._parameters(request), timeout=seconds)
        except ModelError:
            raise
        except Exception as error:  # noqa: BLE001 - translate() knows them all, unknown ones included
            raise translate(error, self.name) from None
        return read_completion(_as_mapping(response))

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

    def _parameters(self, request: ChatRequest) -> dict[str, Any]:
        return {
            "model": self.name,
            "messages": [{"role": message.role, "content": message.content} for message in request.messages],
            "max_tokens": request.max_tokens,
            "temperature": request.temperature,
            "max_retries": 0,
            "num_retries": 0,
            **({"api_base": self._api_base} if self._api_base else {}),
            **({} if request.seed is None else {"seed": request.seed}),
            **({"logprobs": True, "top_logprobs": request.top_logprobs} if request.top_logprobs else {}),
            **response_format(request),
        }


def _as_mapping(response: Any) -> Mapping[str, Any]:
    try:
        mapping: Mapping[str, Any] = response.model_dump()
    except AttributeError:
        raise ReplyInvalid("the provider's reply could not be read") from None
    return mapping


_BY_NAME: Mapping[str, type[ModelError]] = {
    "APIConnectionError": ModelUnavailable,
    "APIError": ModelUnavailable,
    "APIResponseValidationError": ReplyInvalid,
    "AuthenticationError": ModelMisconfigured,
    "BadGatewayError": ModelUnavailable,
    "BadRequestError": ModelMisconfigured,
    "BlockedPiiEntityError": ModelRefused,
    "BudgetExceededError": ModelMisconfigured,
    "ContentPolicyViolationError": ModelRefused,
    "ContextWindowExceededError": InputTooLong,
    "GuardrailRaisedException": ModelRefused,
    "ImageFetchError": ModelMisconfigured,
    "InternalServerError": ModelUnavailable,
    "InvalidRequestError": ModelMisconfigured,
    "JSONSchemaValidationError": ReplyInvalid,
    "LiteLLMUnknownProvider": ModelMisconfigured,
    "MidStreamFallbackError": ModelUnavailable,
    "MockException": ModelUnavailable,
    "ModelNotMappedError": ModelMisconfigured,
    "ModifyResponseException": ModelRefused,
    "NotFoundError": ModelMisconfigured,
    "OpenAIError": ModelUnavailable,
    "PaymentRequiredError": ModelMisconfigured,
    "PermissionDeniedError": ModelMisconfigured,
    "RateLimitError": ModelRateLimited,
    "RejectedRequestError": ModelRefused,
    "SensitiveDataRouteException": ModelRefused,
    "ServiceUnavailableError": ModelUnavailable,
    "Timeout": ModelTimeout,
    "UnprocessableEntityError": ModelMisconfigured,
    "UnsupportedParamsError": ModelMisconfigured,
    "VectorStoreSearchError": ModelMisconfigured,
}
"""Each of LiteLLM's exceptions by class name; a test walks ``litellm.exceptions`` and finds them all here."""

_SAYS: Mapping[type[ModelError], str] = {
    ModelMisconfigured: "cannot be used as configured: check the model's name, key and address",
    ModelRateLimited: "asked us to slow down",
    ModelRefused: "declined to answer",
    ModelTimeout: "did not answer in time",
    ModelUnavailable: "could not be reached or failed",
    InputTooLong: "has too small a context window for these texts",
    ReplyInvalid: "gave a reply that could not be read",
}


def translate(error: Exception, name: str) -> ModelError:
    """Our error for one of LiteLLM's; the provider's own words stay out, they may quote the answer or a key."""
    for cls in type(error).__mro__:
        kind = _BY_NAME.get(cls.__name__)
        if kind is not None:
            break
    else:
        kind = ModelUnavailable
    headers = getattr(error, "litellm_response_headers", None) or {}
    wait = retry_after({str(key).lower(): str(value) for key, value in dict(headers).items()})
    if kind is ReplyInvalid:
        return ReplyInvalid(f"{name} {_SAYS[kind]}")
    return kind(f"{name} {_SAYS[kind]}", retry_after=wait)
