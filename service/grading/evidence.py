"""When is a quote accepted? Found in the answer by code, with offsets, or dropped.

``verified``: the quote stands in the answer letter for letter. ``repaired``: it does once white space, case,
punctuation and small slips are set aside. Anything else is no evidence. Offsets count Unicode code points of
the answer exactly as sent, so ``answer[start:end]`` is the text shown.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property, lru_cache

from rapidfuzz import fuzz

from service.grading.gate import is_filler

SLIP_THRESHOLD = 92.0
MIN_LENGTH_FOR_SLIPS = 20
MIN_LETTERS = 3

Span = tuple[int, int]

MAX_PASSAGE = 120
MAX_PASSAGES = 20
MIN_WORDS = 3

_SENTENCE_END = re.compile(r"(?<=[.!?])\s+|\n+")
_CLAUSE_END = re.compile(r"(?<=[,;:])\s+")
_WORD = re.compile(r"(?:[^\W_]|[\u0300-\u036f%<>=+])+")


class Match(StrEnum):
    """How the quote was found."""

    VERIFIED = "verified"
    REPAIRED = "repaired"


@dataclass(frozen=True, slots=True)
class Found:
    """A place in the answer: ``answer[start:end]``."""

    start: int
    end: int
    match: Match


class QuoteFinder:
    """Finds a model's quotes in one answer.

    Args:
        answer: the candidate's answer as sent.
        question: a quote that only repeats the question shows nothing about the candidate.
        elsewhere: other texts the model saw (level descriptors); words standing there are not evidence either.
        forbidden: spans of the answer under suspicion; evidence never comes from them.
    """

    def __init__(
        self, answer: str, *, question: str = "", elsewhere: Sequence[str] = (), forbidden: Sequence[Span] = ()
    ) -> None:
        self.answer = answer
        self._forbidden = tuple(forbidden)
        self._not_evidence = (folded(question), *(_folded_once(text) for text in elsewhere))

    def find(self, quote: str) -> Found | None:
        """Where the answer says ``quote``, or None when it is no evidence."""
        wanted = _longest_piece(quote)
        letters = folded(wanted)
        if len(letters.replace(" ", "")) < MIN_LETTERS or any(letters in text for text in self._not_evidence):
            return None
        return self._exact(wanted) or self._folded(letters) or self._with_slips(letters)

    def _exact(self, wanted: str) -> Found | None:
        start = self.answer.find(wanted)
        while start != -1:
            found = Found(start, start + len(wanted), Match.VERIFIED)
            if _at_word_boundaries(self.answer, found) and self._allowed(found):
                return found
            start = self.answer.find(wanted, start + 1)
        return None

    def _folded(self, wanted: str) -> Found | None:
        start = self._text.letters.find(wanted)
        while start != -1:
            found = self._text.place(start, start + len(wanted))
            if self._text.whole_words(start, start + len(wanted)) and self._allowed(found):
                return found
            start = self._text.letters.find(wanted, start + 1)
        return None

    def _with_slips(self, wanted: str) -> Found | None:
        text = self._text
        if len(wanted) < MIN_LENGTH_FOR_SLIPS or len(text.letters) < len(wanted) * SLIP_THRESHOLD / 100:
            return None
        best = fuzz.partial_ratio_alignment(wanted, text.letters, score_cutoff=SLIP_THRESHOLD)
        if best is None or not text.letters[best.dest_start : best.dest_end].strip():
            return None
        start, end = text.widened(best.dest_start, best.dest_end)
        if _numbers(text.letters[start:end]) != _numbers(wanted):
            return None
        found = text.place(start, end)
        return found if self._allowed(found) else None

    def _allowed(self, found: Found) -> bool:
        return all(found.end <= start or end <= found.start for start, end in self._forbidden)

    @cached_property
    def _text(self) -> _FoldedAnswer:
        return _FoldedAnswer.of(self.answer)


def quotable(answer: str) -> list[str]:
    """Passages of the answer that can stand as quotes, in order: sentences, long ones cut at their commas.

    Each is a stretch of the answer letter for letter; at most ``MAX_PASSAGES``, and at least one.
    """
    passages: list[str] = []
    for sentence in _SENTENCE_END.split(answer):
        parts = [sentence] if len(sentence) <= MAX_PASSAGE else _CLAUSE_END.split(sentence)
        passages += [part.strip()[:MAX_PASSAGE].strip() for part in parts]
    fitting = [passage for passage in passages if len(passage.split()) >= MIN_WORDS and not is_filler(passage)]
    return list(dict.fromkeys(fitting))[:MAX_PASSAGES] or [answer.strip()[:MAX_PASSAGE]]


def folded(text: str) -> str:
    """A text as words alone: no case, accents, punctuation or repeated space; signs as in ``<5%`` stay."""
    return " ".join(_fold_word(word) for word in _WORD.findall(text))


@lru_cache(maxsize=512)
def _folded_once(text: str) -> str:
    return folded(text)


def _fold_word(word: str) -> str:
    if word.isascii():
        return word.lower()
    decomposed = unicodedata.normalize("NFKD", word).casefold()
    return "".join(char for char in decomposed if not unicodedata.combining(char))


def _longest_piece(quote: str) -> str:
    """Models shorten quotes with an ellipsis; the longest piece has to stand on its own."""
    text = quote.strip().strip("\"'“”‘’«»").strip()
    return max(text.replace("...", "…").split("…"), key=len).strip()


def _at_word_boundaries(text: str, found: Found) -> bool:
    """Whether a stretch neither starts nor ends inside a word or between a letter and its combining mark."""
    return not (_cuts_word(text, found.start) or _cuts_word(text, found.end))


def _cuts_word(text: str, at: int) -> bool:
    """Whether position ``at`` lies inside a word; scripts written without spaces may be cut anywhere."""
    if not 0 < at < len(text):
        return False
    spaceless = any(unicodedata.category(char) == "Lo" for char in text[at - 1 : at + 1])
    return not spaceless and _WORD.fullmatch(text[at - 1 : at + 1]) is not None


def _numbers(text: str) -> list[str]:
    """A slip in a number or its comparison sign changes what was said, so these have to agree."""
    return re.findall(r"[\d%<>=+]+", text)


@dataclass(frozen=True, slots=True)
class _FoldedAnswer:
    """The folded answer, and for each folded letter where in the answer it came from."""

    letters: str
    origin: tuple[int, ...]

    @classmethod
    def of(cls, answer: str) -> _FoldedAnswer:
        letters: list[str] = []
        origin: list[int] = []
        for match in _WORD.finditer(answer):
            if letters:
                letters.append(" ")
                origin.append(match.start())
            for index, char in enumerate(match.group(), start=match.start()):
                plain = _fold_word(char)
                letters.append(plain)
                origin.extend([index] * len(plain))
        return cls("".join(letters), tuple(origin))

    def place(self, start: int, end: int) -> Found:
        """The stretch of the answer behind the folded letters ``start`` to ``end``."""
        return Found(self.origin[start], self.origin[end - 1] + 1, Match.REPAIRED)

    def whole_words(self, start: int, end: int) -> bool:
        """Whether a stretch begins and ends at word boundaries."""
        return not (_cuts_word(self.letters, start) or _cuts_word(self.letters, end))

    def widened(self, start: int, end: int) -> tuple[int, int]:
        """A stretch moved out to whole words, without space at its ends."""
        while self.letters[start] == " ":
            start += 1
        while self.letters[end - 1] == " ":
            end -= 1
        while start > 0 and self.letters[start - 1] != " ":
            start -= 1
        while end < len(self.letters) and self.letters[end] != " ":
            end += 1
        return start, end
