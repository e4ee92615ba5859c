"""The chat-completion format that OpenAI, its compatible servers, LiteLLM and llama.cpp share."""

from __future__ import annotations

import email.utils
import time
from collections.abc import Mapping
from typing import Any

import orjson

from service.grading.errors import ModelRefused, ReplyInvalid
from service.grading.models import ChatReply, ChatRequest, Tokens


def response_format(request: ChatRequest) -> dict[str, Any]:
    """The ``response_format`` member that asks for the request's schema, if it has one."""
    if request.schema is None:
        return {}
    schema = {"name": request.schema_name, "strict": True, "schema": request.schema}
    return {"response_format": {"type": "json_schema", "json_schema": schema}}


def read_completion(body: bytes | Mapping[str, Any]) -> ChatReply:
    """A reply from the body of an OpenAI-style chat completion.

    Raises:
        ModelRefused: the model declined.
        ReplyInvalid: anything that is not such a body.
    """
    try:
        data = orjson.loads(body) if isinstance(body, bytes) else body
        choice = data["choices"][0]
        message = choice["message"]
        if message.get("refusal"):
            raise ModelRefused("the model declined to answer")
        return ChatReply(
            text=str(message.get("content") or ""),
            finish_reason=str(choice.get("finish_reason") or "stop"),
            first_token=_first_token(choice.get("logprobs")),
            tokens=_tokens(data.get("usage")),
            reported=str(data["model"])[:200] if data.get("model") else None,
        )
    except (ValueError, LookupError, TypeError, AttributeError):
        raise ReplyInvalid("the provider's reply was not a chat completion") from None


def _first_token(logprobs: Any) -> tuple[tuple[str, float], ...]:
    content = logprobs.get("content") if isinstance(logprobs, Mapping) else None
    if not content:
        return ()
    return tuple((str(item["token"]), float(item["logprob"])) for item in content[0].get("top_logprobs") or ())


def _tokens(usage: Any) -> Tokens:
    if not isinstance(usage, Mapping):
        return Tokens()
    details = usage.get("prompt_tokens_details") or {}
    return Tokens(
        input=int(usage.get("prompt_tokens") or 0),
        output=int(usage.get("completion_tokens") or 0),
        cached=int(details.get("cached_tokens") or 0),
    )


def retry_after(headers: Mapping[str, str], now: float | None = None) -> float | None:
    """Seconds to wait from a ``Retry-After`` header, which holds seconds or a date (RFC 9110, 10.2.3)."""
    value = headers.get("retry-after")
    if value is None:
        return None
    try:
        seconds = float(value)
    except ValueError:
        try:
            seconds = email.utils.parsedate_to_datetime(value).timestamp() - (time.time() if now is None else now)
        except ValueError:
            return None
    return min(max(seconds, 0.0), 86_400.0) if seconds == seconds else None
