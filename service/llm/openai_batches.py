"""OpenAI's Batch API (https://platform.openai.com/docs/guides/batch): many requests as one file, answered within a day.

A batch is known by the name we give it in its metadata, so that one whose acknowledgement was lost is found again.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, Final

import aiohttp
import httpx
import openai
import orjson
from openai import AsyncOpenAI
from openai.types import Batch

from service.economy_ports import Asked, ProviderReply
from service.grading.errors import ModelTimeout, ModelUnavailable
from service.llm.openai_chat import MAX_REPLY_BYTES, OpenAIChat, translate

NAME = "debrief"
ENDPOINT: Final = "/v1/chat/completions"
LOOKED_THROUGH = 1_000
UPLOAD_SECONDS = 240.0
_UNDER_WAY = frozenset({"validating", "in_progress", "finalizing", "cancelling"})


class OpenAIBatches:
    """Implements :class:`service.economy_ports.ProviderBatches` for one chat model.

    Args:
        chat: says what a request looks like, and lends its client.
    """

    def __init__(self, chat: OpenAIChat) -> None:
        self._chat = chat

    async def find(self, name: str) -> str | None:
        """The id of the batch that was given a name, among the newest thousand."""
        seen = 0
        with self._translated():
            async for batch in self._client.batches.list(limit=100):
                seen += 1
                if (batch.metadata or {}).get(NAME) == name:
                    return batch.id
                if seen >= LOOKED_THROUGH:
                    break
        return None

    async def send(self, name: str, asked: Iterable[Asked]) -> str:
        """Upload requests and have them answered; the batch's id."""
        lines = b"\n".join(orjson.dumps(self._line(each)) for each in asked)
        with self._translated():
            file = await self._client.files.create(file=(f"{name}.jsonl", lines), purpose="batch")
            made = await self._client.batches.create(
                completion_window="24h", endpoint=ENDPOINT, input_file_id=file.id, metadata={NAME: name}
            )
        return made.id

    async def ended(self, batch: str) -> bool:
        """Whether nothing more will come of a batch."""
        return (await self._found(batch)).status not in _UNDER_WAY

    async def replies(self, batch: str) -> AsyncIterator[ProviderReply]:
        """The replies of a batch that has ended; requests that failed or expired are left out."""
        file = (await self._found(batch)).output_file_id
        if not file:
            return
        with self._translated():
            async with self._client.files.with_streaming_response.content(file) as response:
                async for line in response.iter_lines():
                    if (reply := _reply(line)) is not None:
                        yield reply

    async def cancel(self, batch: str) -> None:
        """Have the rest of a batch left alone; one that has ended stays as it is."""
        with self._translated(), suppress(openai.ConflictError):
            await self._client.batches.cancel(batch)

    async def tidy(self, batch: str) -> None:
        """Delete the files of a batch at the provider, which hold answers."""
        found = await self._found(batch)
        for file in (found.input_file_id, found.output_file_id, found.error_file_id):
            if file:
                with self._translated(), suppress(openai.NotFoundError):
                    await self._client.files.delete(file)

    @property
    def _client(self) -> AsyncOpenAI:
        return self._chat.client().with_options(timeout=UPLOAD_SECONDS)

    def _line(self, asked: Asked) -> dict[str, Any]:
        body = self._chat.parameters(asked.request)
        return {"custom_id": asked.custom_id, "method": "POST", "url": ENDPOINT, "body": body}

    async def _found(self, batch: str) -> Batch:
        with self._translated():
            return await self._client.batches.retrieve(batch)

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except openai.OpenAIError as error:
            raise translate(error, self._chat.name) from None
        except (httpx.TimeoutException, TimeoutError):
            raise ModelTimeout(f"{self._chat.name} did not answer in time") from None
        except (httpx.HTTPError, aiohttp.ClientError, OSError):
            raise ModelUnavailable(f"the connection to {self._chat.name} broke") from None


def _reply(line: str) -> ProviderReply | None:
    """A request's reply from a line of the output file; None for a failure, or for what cannot be read."""
    if not line or len(line) > MAX_REPLY_BYTES:
        return None
    try:
        data = orjson.loads(line)
        custom_id, response = data["custom_id"], data["response"]
        if response["status_code"] != 200 or not isinstance(custom_id, str) or not isinstance(response["body"], dict):
            return None
        return ProviderReply(custom_id, orjson.dumps(response["body"]).decode())
    except (ValueError, LookupError, TypeError):
        return None
