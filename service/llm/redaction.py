"""Personal data taken out before a model elsewhere sees a text, and put back into what it replies.

E-mail and web addresses, telephone numbers, IBANs, card numbers and IP addresses, found by Presidio's pattern
recognisers; names of people are not found, which would take a language model of its own. Each becomes a placeholder
such as ``[EMAIL_ADDRESS_1]``; quotes in the reply are the answer's own words again, so their offsets hold.
"""

from __future__ import annotations

import asyncio
import importlib.util
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from service.grading.models import (
    Capabilities,
    ChatReply,
    ChatRequest,
    DecisionReply,
    DecisionRequest,
    Message,
    ModelName,
    Place,
    Tokens,
)
from service.llm.backend import ChatBackend, DecisionBackend

PHONE_LENIENCY = 2
"""Digits have to be grouped as telephone numbers are: years, dates and results in an answer are none."""

_FENCE_TAG = re.compile(r"</?[a-z]+-[0-9a-f]{12}>")


def can_redact() -> bool:
    """Whether the extra ``privacy`` is installed."""
    return importlib.util.find_spec("presidio_analyzer") is not None


@dataclass(frozen=True, slots=True)
class Found:
    """Personal data in a text."""

    start: int
    end: int
    kind: str


class Recognisers:
    """Presidio's recognisers, imported when they are first needed (seconds); none of them asks the network."""

    def __init__(self) -> None:
        self._all: tuple[Any, ...] | None = None

    def find(self, text: str) -> list[Found]:
        """What is personal in a text, in its order, not overlapping; where two overlap the surer, then longer one."""
        tags = [match.span() for match in _FENCE_TAG.finditer(text)]
        found = [item for item in self._results(text) if not any(s < item[2] and item[1] < e for s, e in tags)]
        kept: list[Found] = []
        for _, start, end, kind in sorted(found, key=lambda item: (-item[0], item[1] - item[2])):
            if not any(other.start < end and start < other.end for other in kept):
                kept.append(Found(start, end, kind))
        return sorted(kept, key=lambda item: item.start)

    def _results(self, text: str) -> Iterable[tuple[float, int, int, str]]:
        for recogniser in self._loaded():
            for result in recogniser.analyze(text, recogniser.supported_entities, None):
                words, end = text[result.start : result.end], result.end
                if result.entity_type == "URL":
                    if not words.startswith(("http://", "https://", "www.")):
                        continue  # df.info is no address
                    end = result.start + len(words.rstrip(".,;:!?)"))
                yield result.score, result.start, end, result.entity_type

    def _loaded(self) -> tuple[Any, ...]:
        if self._all is None:
            from presidio_analyzer import PatternRecognizer
            from presidio_analyzer import predefined_recognizers as known

            self._all = (
                # Its own recogniser asks the network for the list of top-level domains.
                PatternRecognizer("EMAIL_ADDRESS", patterns=known.EmailRecognizer.PATTERNS),
                known.PhoneRecognizer(leniency=PHONE_LENIENCY),
                known.IbanRecognizer(),
                known.CreditCardRecognizer(),
                known.IpRecognizer(),
                known.UrlRecognizer(),
            )
        return self._all


@dataclass(slots=True)
class Mask:
    """The placeholders of one request: the same words get the same one, none is one that a text holds already."""

    recognisers: Recognisers
    taken: str
    placeholders: dict[str, str] = field(default_factory=dict)
    _numbers: dict[str, int] = field(default_factory=dict)

    def text(self, text: str) -> str:
        """A text with placeholders."""
        parts, end = [], 0
        for item in self.recognisers.find(text):
            parts += [text[end : item.start], self._placeholder(text[item.start : item.end], item.kind)]
            end = item.end
        return "".join([*parts, text[end:]])

    def value(self, value: Any) -> Any:
        """A JSON value with placeholders in every string: a schema may list the answer's own passages."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, Mapping):
            return {key: self.value(item) for key, item in value.items()}
        if isinstance(value, (list, tuple)):
            return [self.value(item) for item in value]
        return value

    def undone(self, text: str) -> str:
        """A reply with the words themselves; written as JSON strings write them, in case the reply is JSON."""
        for words, placeholder in self.placeholders.items():
            text = text.replace(placeholder, json.dumps(words, ensure_ascii=False)[1:-1])
        return text

    def _placeholder(self, words: str, kind: str) -> str:
        while words not in self.placeholders:
            self._numbers[kind] = self._numbers.get(kind, 0) + 1
            candidate = f"[{kind}_{self._numbers[kind]}]"
            if candidate not in self.taken:
                self.placeholders[words] = candidate
        return self.placeholders[words]


@dataclass(slots=True)
class RedactingChat:
    """A backend that shows a model elsewhere no personal data; a model on the own network sees the text as it is."""

    inner: ChatBackend
    recognisers: Recognisers = field(default_factory=Recognisers)

    @property
    def name(self) -> ModelName:
        """The model as configured."""
        return self.inner.name

    @property
    def capabilities(self) -> Capabilities:
        """What it can do."""
        return self.inner.capabilities

    async def place(self) -> Place:
        """Where it runs; what goes elsewhere is redacted."""
        place = await self.inner.place()
        return place if place.local else replace(place, redacted=True)

    async def complete(self, request: ChatRequest, seconds: float) -> ChatReply:
        """One call, with placeholders on the way out and the words themselves on the way back."""
        if (await self.inner.place()).local:
            return await self.inner.complete(request, seconds)
        masked, mask = await asyncio.to_thread(self._masked, request)
        reply = await self.inner.complete(masked, seconds)
        return replace(reply, text=mask.undone(reply.text))

    def cost_usd(self, tokens: Tokens) -> float | None:
        """The price of a call."""
        return self.inner.cost_usd(tokens)

    async def prepare(self) -> None:
        """Load the recognisers and whatever the model needs."""
        await asyncio.to_thread(self.recognisers.find, "")
        await self.inner.prepare()

    async def close(self) -> None:
        """Release what the backend holds."""
        await self.inner.close()

    def _masked(self, request: ChatRequest) -> tuple[ChatRequest, Mask]:
        mask = Mask(self.recognisers, "\n".join(message.content for message in request.messages))
        messages = tuple(Message(message.role, mask.text(message.content)) for message in request.messages)
        schema = None if request.schema is None else mask.value(request.schema)
        return replace(request, messages=messages, schema=schema), mask


@dataclass(slots=True)
class RedactingDecisions:
    """The same for a decision model, which writes nothing that would have to be put back."""

    inner: DecisionBackend
    recognisers: Recognisers = field(default_factory=Recognisers)

    @property
    def name(self) -> ModelName:
        """The model as configured."""
        return self.inner.name

    async def place(self) -> Place:
        """Where it runs; what goes elsewhere is redacted."""
        place = await self.inner.place()
        return place if place.local else replace(place, redacted=True)

    async def complete(self, request: DecisionRequest, seconds: float) -> DecisionReply:
        """One call, with placeholders in the state and in the questions."""
        if (await self.inner.place()).local:
            return await self.inner.complete(request, seconds)
        return await self.inner.complete(await asyncio.to_thread(self._masked, request), seconds)

    def cost_usd(self, tokens: Tokens) -> float | None:
        """The price of a call."""
        return self.inner.cost_usd(tokens)

    async def prepare(self) -> None:
        """Load the recognisers and whatever the model needs."""
        await asyncio.to_thread(self.recognisers.find, "")
        await self.inner.prepare()

    async def close(self) -> None:
        """Release what the backend holds."""
        await self.inner.close()

    def _masked(self, request: DecisionRequest) -> DecisionRequest:
        mask = Mask(self.recognisers, "\n".join((request.state, *(q.instructions for q in request.questions))))
        questions = tuple(replace(q, instructions=mask.text(q.instructions)) for q in request.questions)
        return replace(request, state=mask.text(request.state), questions=questions)
