"""Does a remark say something the answer lacks? Does a rewrite keep what the learner said? By words, not by a model.

Made for languages that put spaces between words; function words are known for English. Elsewhere the checks let more
pass, never less.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

from rapidfuzz import fuzz, process

SAME_WORD = 84.0
"""Two words this alike (0-100) are forms of one: ``split`` and ``splits``, ``randomise`` and ``randomised``."""

MIN_LETTERS = 3

_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")
_NUMBER = re.compile(r"(?<![\w.])\d+(?:[.,]\d+)*")
_NEGATION = re.compile(
    r"\b(?:not?|never|none|neither|nor|nothing|without|cannot|hardly|lacks?|fails?\s+to|[a-z]+n['’]t)\b", re.IGNORECASE
)
_NAME = re.compile(
    r"(?<![.!?:]\s)(?<!^)(?<![\"“'‘(])\b(?:[A-Z][\w-]*)|\b(?:[A-Z]{2,}[\w-]*|\w*[a-z][A-Z]\w*|\w+_\w+)\b"
)
_NUMERALS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
_WRITTEN = {word: str(number) for number, word in enumerate(_NUMERALS)}
_COMMON = frozenset(
    """a about above after again all also always am an and another any are as at be because been before being below best
    better between both but by can could did do does doing done down during each either else even every few first for
    from get gets give given gives go goes good had has have having he her here hers him his how i if in instead into
    is it its itself just know known last less let like likely made make makes making many may me might more
    most much must my need needs new no nor not now of off often on once one only or other others our out over own part
    per perhaps quite rather really said same say saying says see set shall she should show shows since so some
    something still such sure take takes tell tells than that the their them then there these they thing things think
    this those though through thus to together too try under until up upon us use used using very was way we well were
    what when where whether which while who whom whose why will with within without word words would yes yet you your
    yours answer answers question clear clearly clearer explain explains explaining explicit explicitly describe
    describes mention mentions mentioning state states stating add adds adding include includes including name names
    naming point points example sentence improve candidate""".split()  # noqa: SIM905 - a list of this length would fill a page
)
"""English function words, and what every piece of advice says whatever it is about."""


@lru_cache(maxsize=256)
def content_words(text: str) -> frozenset[str]:
    """The words of a text that say what it is about, in lower case; numbers count."""
    words = (word.lower().replace("’", "'") for word in _WORD.findall(text))
    return frozenset(word for word in words if word not in _COMMON and (len(word) >= MIN_LETTERS or word.isdigit()))


def absent(words: Iterable[str], text: str) -> frozenset[str]:
    """Those of some content words that a text has in no form."""
    there = content_words(text)
    return frozenset(word for word in words if not _has(word, there))


def _has(word: str, words: frozenset[str]) -> bool:
    if word in words or word.isdigit():
        return word in words
    return process.extractOne(word, words, scorer=fuzz.ratio, score_cutoff=SAME_WORD) is not None


def says_something_new(advice: str, answer: str) -> bool:
    """Whether advice names at least one thing the answer does not have.

    True where the advice has no content words to tell by.
    """
    words = content_words(advice)
    return not words or bool(absent(words, answer))


def numbers(text: str) -> frozenset[str]:
    """The numbers of a text, those written as words up to twelve included, in one spelling each."""
    written = (_WRITTEN.get(word.lower()) for word in _WORD.findall(text))
    return frozenset({_plain(number) for number in _NUMBER.findall(text)} | {word for word in written if word})


def _plain(number: str) -> str:
    """``1,000`` as ``1000`` and ``0.50`` as ``0.5``; a single comma before other than three digits is a point."""
    whole, comma, rest = number.partition(",")
    if comma and len(rest) != 3 and "." not in number and "," not in rest:
        number = f"{whole}.{rest}"
    number = number.replace(",", "")
    return number.rstrip("0").rstrip(".") if number.count(".") == 1 else number


def invented_numbers(text: str, *sources: str | None) -> frozenset[str]:
    """The numbers of a text that none of the sources has."""
    known = frozenset().union(*(numbers(source) for source in sources if source))
    return numbers(text) - known


def lost_facts(before: str, after: str) -> list[str]:
    """What a rewrite of ``before`` no longer says: ``a number``, ``a name``, ``a negation``; empty when all is kept."""
    lost = []
    if numbers(before) - numbers(after) - {"1"}:  # "one" is an article more often than a number
        lost.append("a number")
    if any(name.lower() not in after.lower() for name in _NAME.findall(before) if name.lower() not in _COMMON):
        lost.append("a name")
    if _NEGATION.search(before) and not _NEGATION.search(after):
        lost.append("a negation")
    return lost
