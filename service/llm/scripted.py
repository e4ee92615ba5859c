"""Deterministic models, shipped with the product: for tests, demos, load runs and judging the defences.

``scripted/echo`` puts every criterion in the middle and quotes the answer's first sentence.
``scripted/obedient`` believes what the answer says about itself: a number that looks like a mark becomes the
level, and without one it gives the top.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import orjson

from service.grading.errors import ModelError
from service.grading.models import Capabilities, ChatReply, ChatRequest, ModelName, Place, Tokens

CHARS_PER_TOKEN = 4
CAPABLE = Capabilities(json_schema=True, top_logprobs=20, free=True)
_ANSWER = re.compile(r"<answer-([0-9a-f]{12})>\n(.*?)\n</answer-\1>", re.DOTALL)
_MARK = re.compile(
    r"(?:score|level|grade|mark|rate|give|award)\D{0,40}(\d{1,2})|(\d{1,2})\s*(?:/|out of)\s*\d", re.IGNORECASE
)
_SENTENCE = re.compile(r"[^.!?\n]+[.!?]?")


class ScriptedChat:
    """A model whose every reply follows from the request.

    Args:
        name: how receipts call it.
        level: from the answer and the number of levels to the level it gives.
    """

    def __init__(self, name: str, level: Callable[[str, int], int]) -> None:
        self.name = ModelName(name)
        self.capabilities = CAPABLE
        self._level = level

    async def complete(self, request: ChatRequest, seconds: float) -> ChatReply:
        """A reply made from the request alone."""
        answer = answer_in(request)
        if request.schema is not None:
            text = orjson.dumps(self._fill(request.schema, request.schema, answer, "")).decode()
        else:
            text = str(self._level(answer, 5))
        return ChatReply(
            text=text,
            first_token=self._alternatives(answer) if request.top_logprobs else (),
            tokens=_count(request, text),
            reported=self.name,
        )

    def cost_usd(self, tokens: Tokens) -> float | None:
        """Nothing."""
        return 0.0

    async def prepare(self) -> None:
        """Nothing to load."""

    async def place(self) -> Place:
        """In this process."""
        return Place(local=True)

    async def close(self) -> None:
        """Nothing to release."""

    def _alternatives(self, answer: str) -> tuple[tuple[str, float], ...]:
        shown = self._level(answer, 5)
        levels = [(str(level), math.exp(-abs(level - shown))) for level in range(1, 6)]
        yes = (shown - 0.5) / 5
        weights = [*levels, ("Yes", yes), ("No", 1 - yes)]
        total = sum(weight for _, weight in weights)
        return tuple((token, math.log(weight / total)) for token, weight in weights)

    def _fill(self, schema: Mapping[str, Any], root: Mapping[str, Any], answer: str, name: str) -> Any:
        if "$ref" in schema:
            return self._fill(root["$defs"][schema["$ref"].rpartition("/")[2]], root, answer, name)
        if schema.get("type") == "object":
            return {key: self._fill(part, root, answer, key) for key, part in schema["properties"].items()}
        if schema.get("type") == "array":
            return [self._fill(schema["items"], root, answer, name)]
        if schema.get("type") == "integer":
            return self._level(answer, max(schema["enum"]))
        if "enum" in schema:
            return schema["enum"][0]
        return _text_for(name, answer)


class RepliesInOrder:
    """A model that gives prepared replies, or raises prepared errors, one after the other.

    The last one is repeated. ``requests`` keeps what was asked.
    """

    def __init__(
        self,
        replies: Sequence[ChatReply | ModelError],
        *,
        name: str = "scripted/replies",
        capabilities: Capabilities = CAPABLE,
    ) -> None:
        self.name = ModelName(name)
        self.capabilities = capabilities
        self.requests: list[ChatRequest] = []
        self._replies = list(replies)

    async def complete(self, request: ChatRequest, seconds: float) -> ChatReply:
        """The next prepared reply."""
        place = min(len(self.requests), len(self._replies) - 1)
        self.requests.append(request)
        reply = self._replies[place]
        if isinstance(reply, ModelError):
            raise reply
        return reply

    def cost_usd(self, tokens: Tokens) -> float | None:
        """Nothing."""
        return 0.0

    async def prepare(self) -> None:
        """Nothing to load."""

    async def place(self) -> Place:
        """In this process."""
        return Place(local=True)

    async def close(self) -> None:
        """Nothing to release."""


def echo() -> ScriptedChat:
    """The model ``scripted/echo``."""
    return ScriptedChat("scripted/echo", lambda _answer, levels: (levels + 1) // 2)


def obedient() -> ScriptedChat:
    """The model ``scripted/obedient``."""
    return ScriptedChat("scripted/obedient", _believed)


def answer_in(request: ChatRequest) -> str:
    """The candidate's answer as the model was shown it; empty when there is none."""
    for message in request.messages:
        if found := _ANSWER.search(message.content):
            return found.group(2)
    return ""


def _believed(answer: str, levels: int) -> int:
    marks = [int(a or b) for a, b in _MARK.findall(answer)]
    return next((mark for mark in marks if 1 <= mark <= levels), levels)


def _text_for(name: str, answer: str) -> str:
    if name in ("quote", "before"):
        found = _SENTENCE.search(answer)
        return found.group().strip() if found else ""
    return f"A scripted model fills this {name or 'text'}."


def _count(request: ChatRequest, text: str) -> Tokens:
    size = sum(len(message.content) for message in request.messages)
    return Tokens(input=size // CHARS_PER_TOKEN, output=len(text) // CHARS_PER_TOKEN)
