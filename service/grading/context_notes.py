"""Context notes: reusable blocks on an industry or an audience which a grade's context pulls into the prompts.

What is right for executives in healthcare is not what is right for engineers in finance. The notes are the
product's own words, one file each under ``rubrics/context/``; the context's free text only picks among them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cached_property
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from service.grading.errors import InvalidContextNote, faults_of
from service.grading.hashing import content_hash
from service.grading.rubric import Line, Slug, Version
from service.grading.submission import Context

Item = Annotated[str, Field(min_length=1, max_length=160)]
Items = Annotated[tuple[Item, ...], Field(min_length=1, max_length=6, strict=False)]

_NOT_WORD = re.compile(r"[\W_]+")


class _Note(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    id: Slug
    version: Version
    name: Line
    aliases: Annotated[tuple[Line, ...], Field(strict=False)] = ()

    @cached_property
    def sha256(self) -> str:
        """SHA-256 (hex) over the canonical JSON of the note."""
        return content_hash(self.model_dump(mode="json"))

    @cached_property
    def phrases(self) -> frozenset[str]:
        """What a context has to hold, as whole words, for this note to be meant."""
        return frozenset(_phrase(text) for text in (self.id, self.name, *self.aliases))


class IndustryNote(_Note):
    """What an answer has to reckon with in one industry."""

    kind: Literal["industry"]
    constraints: Items
    metrics: Items
    stakeholders: Items
    naive_answer_misses: Items

    def parts(self) -> tuple[tuple[str, tuple[str, ...]], ...]:
        """Headings and their items, in the order a prompt shows them."""
        return (
            ("constraints", self.constraints),
            ("metrics", self.metrics),
            ("stakeholders", self.stakeholders),
            ("a naive answer misses", self.naive_answer_misses),
        )


class AudienceNote(_Note):
    """What one audience knows and needs, and where it stops following."""

    kind: Literal["audience"]
    knows: Items
    needs: Items
    loses_them: Items

    def parts(self) -> tuple[tuple[str, tuple[str, ...]], ...]:
        """Headings and their items, in the order a prompt shows them."""
        return (("they know", self.knows), ("they need", self.needs), ("what loses them", self.loses_them))


ContextNote = Annotated[IndustryNote | AudienceNote, Field(discriminator="kind")]
_NOTE: TypeAdapter[IndustryNote | AudienceNote] = TypeAdapter(ContextNote)


def parse_context_note(data: Any) -> IndustryNote | AudienceNote:
    """A note from parsed YAML.

    Raises:
        InvalidContextNote: with every problem found, each naming its place.
    """
    try:
        return _NOTE.validate_python(data)
    except ValidationError as error:
        raise InvalidContextNote(faults_of(error)) from None


class ContextNotes:
    """All notes, and which of them a context means.

    Raises:
        InvalidContextNote: two notes of a kind answer to the same words.
    """

    def __init__(self, notes: Iterable[IndustryNote | AudienceNote] = ()) -> None:
        self.all = tuple(notes)
        taken: dict[tuple[str, str], str] = {}
        for note in self.all:
            for phrase in note.phrases:
                other = taken.setdefault((note.kind, phrase), note.id)
                if other != note.id:
                    raise InvalidContextNote(f"{note.id} and {other} both answer to {phrase!r}")

    def pulled_in(self, context: Context) -> tuple[IndustryNote | AudienceNote, ...]:
        """The notes a context means: at most one on its audience, then one on its industry."""
        found = (self._meant("audience", context.audience), self._meant("industry", context.industry))
        return tuple(note for note in found if note is not None)

    def _meant(self, kind: str, text: str | None) -> IndustryNote | AudienceNote | None:
        """The note whose longest phrase stands in the text as whole words."""
        if not text:
            return None
        words = f" {_phrase(text)} "
        hits = [
            (len(phrase), note.id, note)
            for note in self.all
            if note.kind == kind
            for phrase in note.phrases
            if f" {phrase} " in words
        ]
        return max(hits, key=lambda hit: hit[:2])[2] if hits else None


def _phrase(text: str) -> str:
    return _NOT_WORD.sub(" ", text.casefold()).strip()
