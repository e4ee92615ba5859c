"""OpenAI-compatible endpoints, directly: OpenAI itself, vLLM, Ollama, llama.cpp.

One client for the process, on its aiohttp transport, with the SDK's own retries off. Replies are taken as
bytes and parsed here, because a provider's reply is untrusted input.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable, Collection, Mapping
from typing import Any

import aiohttp
import httpx
import openai
from openai import AsyncOpenAI, DefaultAioHttpClient

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

MAX_REPLY_BYTES = 4 * 1024 * 1024
REASONING_TOKENS = 4_000
TOP_LOGPROBS = 20
_TOO_LONG = frozenset({"context_length_exceeded", "exceed_context_size_error"})
_REASONING = re.compile(r"^(o\d|gpt-5)")


class OpenAIChat:
    """One model behind an OpenAI-compatible chat endpoint.

    Args:
        name: the model as configured, e.g. ``openai/gpt-4o-mini``.
        model: the name sent to the endpoint.
        api_key: None sends a placeholder, for local servers that want none.
        base_url: None is OpenAI's own.
        price: None where it is not known.
        hosted_by_openai: use the parameters only OpenAI's own endpoint understands.
        more: members an endpoint of another kind wants in each request.
        client: for tests; made here otherwise.
    """

    def __init__(
        self,
        name: str,
        model: str,
        *,
        api_key: str | None,
        base_url: str | None = None,
        price: Price | None = None,
        hosted_by_openai: bool = True,
        more: Callable[[ChatRequest], Mapping[str, Any]] = lambda _: {},
        client: AsyncOpenAI | None = None,
    ) -> None:
        self.name = ModelName(name)
        self._model = model
        self._price = price
        self._by_openai = hosted_by_openai
        self._reasons = bool(hosted_by_openai and _REASONING.match(model))
        self._more = more
        self._given = client
        self._api_key = api_key or "none"
        self._base_url = base_url
        self.capabilities = Capabilities(json_schema=True, top_logprobs=0 if self._reasons else TOP_LOGPROBS)

    async def complete(self, request: ChatRequest, seconds: float) -> ChatReply:
        """One call."""
        try:
            body = await self._body(request, seconds)
        except openai.OpenAIError as error:
            raise translate(error, self.name) from None
        except (httpx.TimeoutException, TimeoutError):
            raise ModelTimeout(f"{self.name} did not answer in time") from None
        except (httpx.HTTPError, aiohttp.ClientError, OSError):
            raise ModelUnavailable(f"the connection to {self.name} broke") from None
        return read_completion(body)

    def cost_usd(self, tokens: Tokens) -> float | None:
        """List price of a call."""
        return self._price.of(tokens) if self._price else None

    async def prepare(self) -> None:
        """Open the client; no call is made."""
        self.client()

    async def place(self) -> Place:
        """Where its address leads; OpenAI's own is elsewhere."""
        return Place(local=await is_own_network(self._base_url))

    async def close(self) -> None:
        """Close the connections."""
        if self._given is not None:
            await self._given.close()

    def client(self) -> AsyncOpenAI:
        """The one client of this backend, opened when it is first needed."""
        if self._given is None:
            self._given = AsyncOpenAI(
                api_key=self._api_key,
                base_url=self._base_url,
                max_retries=0,
                http_client=DefaultAioHttpClient(event_hooks={"response": [bound]}),
            )
        return self._given

    async def _body(self, request: ChatRequest, seconds: float) -> bytes:
        """The reply as sent: the SDK's own models would be built and checked only to be taken apart again."""
        response = await self.client().post(
            "/chat/completions",
            cast_to=httpx.Response,
            body=self.parameters(request),
            options={"timeout": seconds},
        )
        return response.content

    def parameters(self, request: ChatRequest) -> dict[str, Any]:
        """A request as the endpoint's body."""
        limit = request.max_tokens + (REASONING_TOKENS if self._reasons else 0)
        return {
            "model": self._model,
            "messages": [{"role": message.role, "content": message.content} for message in request.messages],
            "max_completion_tokens" if self._by_openai else "max_tokens": limit,
            **({} if self._reasons else {"temperature": request.temperature}),
            **({} if request.seed is None else {"seed": request.seed}),
            **({"logprobs": True, "top_logprobs": request.top_logprobs} if request.top_logprobs else {}),
            **response_format(request),
            **self._more(request),
        }


class ReplyTooLarge(openai.OpenAIError):
    """More came than any reply has; the rest was not read."""


class _Bounded(httpx.AsyncByteStream):
    """A reply's bytes, as they come, up to the most a reply may have."""

    def __init__(self, stream: httpx.AsyncByteStream) -> None:
        self._stream = stream

    async def __aiter__(self) -> AsyncIterator[bytes]:
        size = 0
        async for piece in self._stream:
            size += len(piece)
            if size > MAX_REPLY_BYTES:
                raise ReplyTooLarge
            yield piece

    async def aclose(self) -> None:
        """Close the connection's end of it."""
        await self._stream.aclose()


async def bound(response: httpx.Response) -> None:
    """An event hook of httpx: read no more of a reply than it may have, whatever is sent."""
    if isinstance(response.stream, httpx.AsyncByteStream):
        response.stream = _Bounded(response.stream)


def translate(error: openai.OpenAIError, name: str) -> ModelError:
    """Our error for one of the SDK's; the provider's own words stay out, they may quote the answer or a key."""
    if isinstance(error, ReplyTooLarge):
        return ReplyInvalid("the reply was far too long")
    if isinstance(error, openai.APITimeoutError):
        return ModelTimeout(f"{name} did not answer in time")
    if isinstance(error, openai.APIConnectionError):
        return ModelUnavailable(f"{name} could not be reached")
    if isinstance(error, openai.APIStatusError):
        return status_error(error.status_code, {str(error.code), str(error.type)}, error.response.headers, name)
    if isinstance(error, openai.ContentFilterFinishReasonError):
        return ModelRefused("the model declined to answer")
    if isinstance(error, (openai.LengthFinishReasonError, openai.APIResponseValidationError, openai.APIError)):
        return ReplyInvalid("the provider's reply could not be read")
    return ModelMisconfigured(f"{name} cannot be used as configured: check the model's key and address")


def status_error(status: int, codes: Collection[str], headers: Mapping[str, str], name: str) -> ModelError:
    """Our error for an HTTP status of the provider."""
    wait = retry_after(headers)
    if status == 429 and "insufficient_quota" in codes:
        return ModelMisconfigured(f"{name}: the account has no quota left")
    if status == 429:
        return ModelRateLimited(f"{name} asked us to slow down", retry_after=wait)
    if status == 400 and not _TOO_LONG.isdisjoint(codes):
        return InputTooLong(f"the texts do not fit the context window of {name}")
    if status == 408:
        return ModelTimeout(f"{name} did not answer in time")
    if status == 409 or status >= 500:
        return ModelUnavailable(f"{name} answered with HTTP {status}", retry_after=wait)
    return ModelMisconfigured(f"{name} answered with HTTP {status}: check the model's name, key and address")
