"""One reading of an answer, sentence by sentence: signs, and whether they are used or only mentioned.

An answer about prompt injection quotes attacks, and one about judges tells what judges were told. Such signs count
less where the question or the answer is about such things; what is said outside quotation marks counts in full.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate

from service.grading.manipulation import shapes
from service.grading.manipulation.disguise import FIGURES, PLAIN, SLIPS, Span, View
from service.grading.manipulation.evidence import Hit
from service.grading.manipulation.signals import Category, Sign, register_words, signs

MENTIONED = 0.25
"""What a sign counts that stands in quotation marks or code in an answer about such texts."""

REPORTED = 0.4
"""What a sign counts in a sentence that tells, in such an answer, what somebody did or would do."""

TOPICAL_REGISTER = 0.3
"""What the language of marking counts in an answer about marking, prompts or attacks."""

OFF_TOPIC = 1.6
"""What a sign counts in a sentence that shares no word with the question or the rest of the answer."""

BREAKS_OUT = 2.5
DISGUISED = 2.0
"""What a disguise adds to a sign that was under it."""

OWN_WORDS = 12
"""An answer about such texts says at least so many words outside its quotations."""

_END = re.compile(r"(?<=[.!?؟।])[\"')\]»”]*\s+|(?<=[。！？])|\n+")
_WORD = re.compile(r"[^\W_]+")
_LONG_WORD = re.compile(r"[^\W\d_]{5,}")
_COMMON = frozenset(
    {"about", "there", "which", "their", "would", "could", "shoul", "these", "those", "other", "after", "befor"}
    | {"where", "while", "again", "every", "becau", "still", "never", "alway", "first", "secon", "third", "reall"}
    | {"pleas", "witho"}
)
"""Beginnings of words that bind nothing together."""
_ABOUT = re.compile(
    r"\b(?:prompt[- ]injections?|injection|injected|jailbreak\w*|attack\w*|adversar\w+|payload\w*|malicious|"
    r"red[- ]team\w*|guardrails?|untrusted|sanitis\w+|sanitiz\w+|escap(?:e|ing)|llm[- ]as[- ]a?[- ]?judge|few[- ]shot|"
    r"chat templates?|special tokens?|spotlight\w*|delimit\w*|system prompts?|prompt template|gaming|game the|cheat\w*|"
    r"manipulat\w+|hijack\w*|abus\w+|exploit\w*|fool\w*|trick\w*|spam\w*|quot(?:e|ed|ing))\b"
)
_TOPIC = re.compile(
    rf"{_ABOUT.pattern}|\b(?:language models?|llms?|chatbots?|chat|conversations?|fine-tun\w*|prompts?|judges?|"
    r"grad(?:e|es|ing) (?:free|text|answers|essays))\b"
)
_REPORT = re.compile(
    r"\b(?:we|i|they|he|she|it|people|users?|students|attackers?|someone|somebody|annotators|humans?|raters|graders|"
    r"judges?|teachers?|(?:the|a|our|my|one|each|every) \w+) (?:\w+ )?"
    r"(?:gave|give|gives|rated?|rates|scored?|scores|graded?|grades|marked?|marks|awarded|agreed?|assigned?|assigns|"
    r"tends?|tended|likes?|liked|prefer\w*|would|could|might|can|often|sometimes|usually|tells?|told|asks?|asked|"
    r"instruct(?:ed|s)?|wants?|wanted|wrote|writes?|says?|said|hides?|adds?|paste[sd]?|puts?|tries|tried|needed|meant|"
    r"never|had|have)\b"
)
_QUOTED = re.compile(
    r"```.*?(?:```|\Z)|`[^`\n]{2,300}`|\"[^\"\n]{2,300}\"|“[^”\n]{2,300}”|«[^»\n]{2,300}»"
    r"|(?<!\w)'[^'\n]{4,300}'(?!\w)",
    re.DOTALL,
)


def is_topical(question: str) -> bool:
    """Whether a (folded) question asks about such texts, so that its answers may quote them."""
    return _TOPIC.search(question) is not None


def hits(view: View, question: str = "") -> Iterator[Hit]:
    """Every sign in one reading of an answer to a (folded) question."""
    text, plain = view.text, view.kind == PLAIN
    topical = is_topical(question)
    assessing = topical or bool(register_words(question, strong_only=True))
    about = topical or _ABOUT.search(_QUOTED.sub(" ", text)) is not None
    quoted = _Stretches(_mentions(text) if plain and about else ())
    breaks = _Stretches((place, place + 1) for place in _breaks_out(text))
    sentences = list(_sentences(text))
    subject = _Subject(question, [text[start:end] for start, end in sentences])
    for number, (start, end) in enumerate(sentences):
        disguised = any(place in view.changed for place in range(start, end))
        if not plain and not disguised:
            continue
        found = _signs(view, start, end, disguised=disguised)
        if breaks.touch(start, end):
            found.append(Sign(Category.ROLE, BREAKS_OUT))
        counts = 1.0 if disguised or not found else _counts(text, start, end, quoted, about=about)
        if found and plain and not assessing and subject.is_left(number):
            counts *= OFF_TOPIC
        span = view.place(start, end)
        for sign in found:
            calm = TOPICAL_REGISTER if about and sign.category is Category.REGISTER else 1.0
            yield Hit(sign.category, sign.weight * counts * calm, span, number, view.kind)


def _signs(view: View, start: int, end: int, *, disguised: bool) -> list[Sign]:
    found = list(signs(view.text[start:end]))
    if view.kind in (FIGURES, SLIPS) and _weight(found) <= _weight(signs(view.before[start:end])):
        return []
    if found and disguised and view.kind != SLIPS:
        found.append(Sign(Category.DISGUISE, DISGUISED))
    return found


def _weight(found: Iterable[Sign]) -> float:
    return sum(sign.weight for sign in found)


def _counts(text: str, start: int, end: int, quoted: _Stretches, *, about: bool) -> float:
    """How much the signs of a sentence count: less when quoted or told, unless others stand beside the quotation."""
    if quoted.touch(start, end):
        rest = "".join(char for place, char in enumerate(text[start:end], start) if not quoted.touch(place, place + 1))
        if not any(sign.weight >= 2 for sign in signs(rest)):
            return MENTIONED
    return REPORTED if about and _REPORT.search(text, start, end) else 1.0


class _Subject:
    """What question and answer are about, to tell sentences that have nothing to do with it.

    Words count by their first five letters; those of marking bind a sentence to the question only.
    """

    def __init__(self, question: str, sentences: Sequence[str]) -> None:
        self._asked = {word[:5] for word in _LONG_WORD.findall(question)} - _COMMON
        self._said = [{word[:5] for word in _LONG_WORD.findall(sentence)} - _COMMON for sentence in sentences]
        self._sentences = sentences
        self._often = Counter(word for words in self._said for word in words)

    def is_left(self, number: int) -> bool:
        """Whether a sentence shares no word with the question, and none but those of marking with other sentences."""
        said = self._said[number]
        marking = register_words(self._sentences[number])
        return not (said & self._asked) and all(self._often[word] == 1 for word in said - marking)


class _Stretches:
    """Stretches of a text, in order, none overlapping."""

    def __init__(self, spans: Iterable[Span]) -> None:
        self._spans = list(spans)
        self._starts = [start for start, _ in self._spans]

    def touch(self, start: int, end: int) -> bool:
        """Whether one of them has a character in ``start`` to ``end``."""
        last = bisect_right(self._starts, end - 1)
        return last > 0 and self._spans[last - 1][1] > start


def _mentions(text: str) -> Iterator[Span]:
    """Quotations and code, where the answer has enough words of its own around them."""
    if len(_WORD.findall(_QUOTED.sub(" ", text))) >= OWN_WORDS:
        yield from (found.span() for found in _QUOTED.finditer(text))


def _breaks_out(text: str) -> Iterator[int]:
    """Places where the text ends a string or an object of JSON that it never began."""
    if '"' not in text and "'" not in text:
        return
    open_at = [0, *accumulate((char in "{[") - (char in "}]") for char in text)]
    for found in shapes.CLOSES_STRING.finditer(text):
        closed = found.group("close")
        if open_at[found.start()] < (len(closed) if closed else 1):
            yield found.start()


def _sentences(text: str) -> Iterator[Span]:
    start = 0
    for found in _END.finditer(text):
        if text[start : found.start()].strip():
            yield start, found.start()
        start = found.end()
    if text[start:].strip():
        yield start, len(text)
