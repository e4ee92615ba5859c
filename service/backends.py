"""Which adapter a model's name stands for. Nothing is loaded or called when one is opened."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from service.economy_ports import ProviderBatches
from service.llm import scripted
from service.llm.backend import ChatBackend, DecisionBackend
from service.llm.breaker import PATIENCE, Breaker
from service.llm.embedded import EmbeddedChat
from service.llm.litellm_chat import LiteLLMChat
from service.llm.litellm_decisions import LiteLLMDecisions
from service.llm.model_files import QWEN_CODER_1_5B, NoProgress, Progress, ensure_model
from service.llm.prices import price_of
from service.llm.redaction import RedactingChat, RedactingDecisions, can_redact
from service.llm.retry import ResilientChat, ResilientDecisions, RetryPolicy
from service.llm.scripted_decisions import EchoDecisions
from service.settings import EMBEDDED, Settings


class Misconfigured(Exception):
    """The settings do not fit together; the message says what to change."""


_DIRECT = {
    "openai": None,
    "hosted_vllm": "http://127.0.0.1:8000/v1",
    "ollama": "http://127.0.0.1:11434/v1",
    "llamacpp": "http://127.0.0.1:8080/v1",
}
"""OpenAI-compatible providers that need no LiteLLM, and where they listen unless told otherwise."""

_SCRIPTED: dict[str, Callable[[], ChatBackend]] = {
    "scripted/echo": scripted.echo,
    "scripted/obedient": scripted.obedient,
}


def open_backend(settings: Settings, progress: Progress | None = None, model: str | None = None) -> ChatBackend:
    """The backend of a chat model, ``settings.model`` unless another is named; redacting if that is asked for.

    Raises:
        Misconfigured: the model's key is missing, or what redaction needs.
    """
    backend = _unredacted(settings, progress, model or settings.model)
    return RedactingChat(backend) if _redacts(settings) else backend


def _redacts(settings: Settings) -> bool:
    if settings.redact and not can_redact():
        raise Misconfigured(
            "DEBRIEF_REDACT needs the extra privacy: pip install 'debrief-service[privacy]', or leave it out"
        )
    return settings.redact


def _unredacted(settings: Settings, progress: Progress | None, name: str) -> ChatBackend:
    if name == EMBEDDED:
        embedded = settings.embedded
        return EmbeddedChat(
            name, model_finder(settings, progress), context_tokens=embedded.context_tokens, threads=embedded.threads
        )
    if name in _SCRIPTED:
        return _SCRIPTED[name]()
    provider, _, within = name.partition("/")
    if provider in _DIRECT and within:
        return _direct(settings, name)
    return LiteLLMChat(name, price=price_of(name), api_base=_endpoint(settings, name))


def _direct(settings: Settings, name: str) -> ChatBackend:
    from service.llm.openai_chat import OpenAIChat

    provider, _, model = name.partition("/")
    own = provider == "openai"
    base_url = _endpoint(settings, name) or (settings.openai_base_url if own else None) or _DIRECT[provider]
    key = _key(settings, name)
    if own and base_url is None and key is None:
        raise Misconfigured(f"{name} needs a key: set OPENAI_API_KEY, or DEBRIEF_MODEL=embedded to use none")
    return OpenAIChat(
        name,
        model,
        api_key=key,
        base_url=base_url,
        price=price_of(name) if own and base_url is None else None,
        hosted_by_openai=own and base_url is None,
    )


def provider_batches(model: ResilientChat) -> ProviderBatches | None:
    """The provider's batch API for a model; None where there is none that is used here, or where we redact."""
    from service.llm.openai_chat import OpenAIChat

    if not isinstance(model.backend, OpenAIChat) or not model.name.startswith("openai/"):
        return None
    from service.llm.openai_batches import OpenAIBatches

    return OpenAIBatches(model.backend)


def open_decisions(settings: Settings, model: str) -> DecisionBackend:
    """The backend of a decision model, redacting if that is asked for.

    Raises:
        Misconfigured: the model answers no typed questions, its server's address is missing, or what redaction needs.
    """
    backend = _decisions(settings, model)
    return RedactingDecisions(backend) if _redacts(settings) else backend


def _decisions(settings: Settings, model: str) -> DecisionBackend:
    if model == "scripted/echo":
        return EchoDecisions()
    provider, _, within = model.partition("/")
    if not within or provider in ("scripted", "ollama", "llamacpp"):
        raise Misconfigured(
            f"{model} is no decision model: name one as typesafe/..., openai/..., openrouter/... or, for a server of "
            "your own, hosted_vllm/... with its address"
        )
    api_base = _endpoint(settings, model) or (settings.openai_base_url if provider == "openai" else None)
    if provider == "hosted_vllm" and api_base is None:
        raise Misconfigured(f'{model} needs an address: DEBRIEF_JUDGES__ENDPOINTS=\'{{"{model}": "http://..."}}\'')
    price = price_of(model) if api_base is None else None
    return LiteLLMDecisions(model, price=price, api_base=api_base, api_key=_key(settings, model))


def _endpoint(settings: Settings, model: str) -> str | None:
    """The operator's address of a model, if it has one."""
    return settings.judges.endpoints.get(model) or (settings.model_base_url if model == settings.model else None)


def _key(settings: Settings, model: str) -> str | None:
    """The operator's key for a model, where it is among the settings; it is sent nowhere else."""
    own = settings.model_api_key if model == settings.model else None
    key = own or (settings.openai_api_key if model.startswith("openai/") else None)
    return key.get_secret_value() if key else None


def model_finder(settings: Settings, progress: Progress | None = None) -> Callable[[], Path]:
    """A function that returns the embedded model's file, fetching it on first use."""
    embedded = settings.embedded
    return lambda: ensure_model(
        QWEN_CODER_1_5B, path=embedded.path, cache_dir=embedded.cache_dir, progress=progress or NoProgress()
    )


def guarded(backend: ChatBackend, settings: Settings) -> ResilientChat:
    """A model as the service asks it: with the retry policy, behind a breaker."""
    return ResilientChat(backend, retry_policy(settings), breaker=_breaker(backend.name, settings))


def guarded_decisions(backend: DecisionBackend, settings: Settings) -> ResilientDecisions:
    """The same for a decision model."""
    return ResilientDecisions(backend, retry_policy(settings), breaker=_breaker(backend.name, settings))


def _breaker(name: str, settings: Settings) -> Breaker:
    return Breaker(name, time.monotonic, PATIENCE * settings.call_seconds)


def retry_policy(settings: Settings) -> RetryPolicy:
    """The retry policy of the settings."""
    return RetryPolicy(call_seconds=settings.call_seconds, concurrency=settings.concurrency)
