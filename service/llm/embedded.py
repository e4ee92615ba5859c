"""The embedded model: llama.cpp in this process, no key, no network.

A slot for each family of requests, so that the questions about one answer reuse its cached prefix; calls run
one at a time on a worker thread (the engine releases the GIL). Engine errors come back as values and are mapped here, or they would look
like replies.
"""

from __future__ import annotations

import asyncio
import os
import secrets
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

from service.grading.errors import InputTooLong, ModelError, ModelMisconfigured, ModelUnavailable
from service.grading.models import Capabilities, ChatReply, ChatRequest, ModelName, Tokens
from service.llm.completion import read_completion, response_format

TOP_LOGPROBS = 20
SLOTS = 3

R = TypeVar("R")


class EmbeddedChat:
    """A GGUF model run by xllamacpp.

    Args:
        name: the model as configured (``embedded``).
        find_model: returns the path of the GGUF file, fetching it if need be; called once, off the loop.
        context_tokens: size of the context window; longer input is refused, never cut.
        threads: CPU threads; 0 takes all there are.
    """

    def __init__(
        self, name: str, find_model: Callable[[], Path], *, context_tokens: int = 16_384, threads: int = 0
    ) -> None:
        self.name = ModelName(name)
        self.capabilities = Capabilities(json_schema=True, top_logprobs=TOP_LOGPROBS, free=True)
        self._find_model = find_model
        self._context_tokens = context_tokens
        self._threads = threads or os.cpu_count() or 1
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="embedded-model")
        self._families: dict[str, int] = {}
        self._server: Any = None
        self._file = ""

    async def complete(self, request: ChatRequest, seconds: float) -> ChatReply:
        """One call; a call given up on still occupies the model until it ends."""
        return await self._on_thread(lambda: self._complete(request))

    def cost_usd(self, tokens: Tokens) -> float | None:
        """Nothing: it runs here."""
        return 0.0

    async def prepare(self) -> None:
        """Find the model file and load it (seconds; the first time, a download)."""
        await self._on_thread(self._load)

    async def close(self) -> None:
        """Unload the model."""
        self._thread.shutdown(wait=False, cancel_futures=True)
        self._server = None

    async def _on_thread(self, work: Callable[[], R]) -> R:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)

    def _load(self) -> None:
        if self._server is None:
            path = self._find_model()
            self._server = _start(path, self._context_tokens, self._threads)
            self._file = path.name

    def _complete(self, request: ChatRequest) -> ChatReply:
        self._load()
        try:
            body = self._server.handle_chat_completions(_parameters(request, self._slot(request.family)))
        except Exception as error:
            raise ModelUnavailable(f"the embedded engine failed ({type(error).__name__})") from None
        if "error" in body:
            raise engine_error(body["error"])
        return read_completion({**body, "model": self._file})

    def _slot(self, family: str) -> int:
        return self._families.setdefault(family, len(self._families) % SLOTS)


def _start(path: Path, context_tokens: int, threads: int) -> Any:
    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path = str(path)
    params.n_ctx = context_tokens
    params.n_parallel = SLOTS
    params.kv_unified = True
    params.cpuparams.n_threads = threads
    params.cache_ram_mib = 0
    params.verbosity = -1
    params.ui = False
    params.port = 0
    params.hostnames = ["127.0.0.1"]
    params.api_keys = [secrets.token_urlsafe(32)]
    try:
        return xllamacpp.Server(params)
    except Exception as error:
        problem = f"the embedded engine could not load {path.name} ({type(error).__name__})"
        raise ModelMisconfigured(f"{problem}: is it a GGUF model, and is there memory for it?") from None


def _parameters(request: ChatRequest, slot: int) -> dict[str, Any]:
    return {
        "messages": [{"role": message.role, "content": message.content} for message in request.messages],
        "max_tokens": request.max_tokens,
        "temperature": request.temperature,
        "cache_prompt": True,
        "id_slot": slot,
        **({} if request.seed is None else {"seed": request.seed}),
        **({"logprobs": True, "top_logprobs": request.top_logprobs} if request.top_logprobs else {}),
        **response_format(request),
    }


def engine_error(error: Mapping[str, Any]) -> ModelError:
    """Our error for one the engine reports as a value."""
    kind = str(error.get("type", ""))
    if kind == "exceed_context_size_error":
        return InputTooLong("the texts do not fit the embedded model's context window")
    if kind in ("invalid_request_error", "not_supported_error", "authentication_error", "permission_error"):
        return ModelMisconfigured("the embedded engine refused the request")
    return ModelUnavailable("the embedded engine failed")
