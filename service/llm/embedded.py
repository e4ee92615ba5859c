"""The embedded model: llama.cpp in this process, no key, no network.

The engine serves the OpenAI format on a loopback port of its own, behind a key only this process knows; asking
it that way means that a call given up on is really stopped. A slot for each family of requests keeps the
prefix of an answer cached between its questions; one call runs at a time.
"""

from __future__ import annotations

import asyncio
import os
import secrets
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from service.grading.errors import ModelMisconfigured
from service.grading.models import Capabilities, ChatReply, ChatRequest, ModelName, Place, Tokens
from service.llm.bounds import bounded
from service.llm.openai_chat import TOP_LOGPROBS, OpenAIChat

SLOTS = 4


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
        self._families: dict[str, int] = {}
        self._loading = asyncio.Lock()
        self._turn = asyncio.Lock()
        self._engine: Any = None
        self._chat: OpenAIChat | None = None

    async def complete(self, request: ChatRequest, seconds: float) -> ChatReply:
        """One call, when its turn comes."""
        chat = await self._ready()
        if request.schema is not None:
            request = replace(request, schema=bounded(request.schema))
        async with self._turn:
            return await chat.complete(request, seconds)

    def cost_usd(self, tokens: Tokens) -> float | None:
        """Nothing: it runs here."""
        return 0.0

    async def prepare(self) -> None:
        """Find the model file and load it (seconds; the first time, a download)."""
        await self._ready()

    async def place(self) -> Place:
        """In this process."""
        return Place(local=True)

    async def close(self) -> None:
        """Stop the engine and unload the model."""
        if self._chat is not None:
            await self._chat.close()
        self._chat = self._engine = None

    async def _ready(self) -> OpenAIChat:
        async with self._loading:
            if self._chat is None:
                self._chat = await asyncio.to_thread(self._load)
            return self._chat

    def _load(self) -> OpenAIChat:
        path = self._find_model()
        key = secrets.token_urlsafe(32)
        self._engine = _start(path, key, self._context_tokens, self._threads)
        return OpenAIChat(
            self.name,
            path.name,
            api_key=key,
            base_url=f"{self._engine.listening_address}/v1",
            hosted_by_openai=False,
            more=self._slot,
        )

    def _slot(self, request: ChatRequest) -> Mapping[str, Any]:
        slot = self._families.setdefault(request.family, len(self._families) % SLOTS)
        return {"cache_prompt": True, "id_slot": slot}


def _start(path: Path, key: str, context_tokens: int, threads: int) -> Any:
    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path = str(path)
    params.model_alias = {path.name}
    params.n_ctx = context_tokens
    params.n_parallel = SLOTS
    params.kv_unified = True
    params.cpuparams.n_threads = threads
    params.cache_ram_mib = 0
    params.verbosity = -1
    params.ui = False
    params.port = 0
    params.hostnames = ["127.0.0.1"]
    params.api_keys = [key]
    try:
        return xllamacpp.Server(params)
    except Exception as error:  # noqa: BLE001 - the engine documents no exception classes
        problem = f"the embedded engine could not load {path.name} ({type(error).__name__})"
        raise ModelMisconfigured(f"{problem}: is it a GGUF model, and is there memory for it?") from None
