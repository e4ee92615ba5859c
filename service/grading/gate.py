"""What a rule decides before any model is asked: blank, "I don't know", no content, the question pasted back.

Blank is also what a form or a platform puts where nobody wrote anything ("No submission."). Such an answer gets the
lowest level on every criterion, no model is called and no praise is invented.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from enum import StrEnum
from itertools import takewhile

from service.grading.fence import visible
from service.grading.gate_words import (
    DONT_KNOW,
    DONT_KNOW_JOINED,
    ECHO,
    FILLER,
    POLITE_JOINED,
    SHRUG,
    SORRY,
    TALK,
    TALK_JOINED,
    YES_OR_NO,
)
from service.grading.manipulation.disguise import fold
from service.grading.submission import has_content

MAX_WORDS_WITHOUT_CONTENT = 25
RESTATED_SHARE = 0.85
RESTATED_SIGNS = 0.6
"""The same for scripts without spaces, of the question's signs."""

MAX_WORDS_OF_HEADING = 4
MAX_ASKED = 100
"""Distinct words of a question from which on only its literal copy counts as restated."""


class GateRule(StrEnum):
    """Which rule decided."""

    BLANK = "blank"
    DONT_KNOW = "dont_know"
    NO_CONTENT = "no_content"
    QUESTION_RESTATED = "question_restated"


@dataclass(frozen=True, slots=True)
class GateVerdict:
    """The rule that fired and the fixed, kind sentence the learner reads."""

    rule: GateRule
    sentence: str


_SENTENCES = {
    GateRule.BLANK: "There is no answer here yet. Say what you know in two or three sentences, even if it is only "
    "how you would start.",
    GateRule.DONT_KNOW: "Saying that you do not know is honest. In an interview, go one step further: say what you "
    "do know nearby and how you would find out the rest.",
    GateRule.NO_CONTENT: "This announces an answer but does not give one yet. Start with your main point in one plain "
    "sentence.",
    GateRule.QUESTION_RESTATED: "This repeats the question but does not answer it yet. Add your own explanation, an "
    "example and what it means in practice.",
}


def sentence_for(rule: GateRule) -> str:
    """The fixed sentence of a rule."""
    return _SENTENCES[rule]


_DONT_KNOW = re.compile(
    r"\b(?:i (?:really |honestly |just )?(?:do not|don'?t|dont) (?:really |actually )?(?:know|remember|recall)"
    r"|(?:i'?ve |i have |i )never (?:really |actually )?(?:heard|used|learn(?:ed|t)|come across|had to|seen)"
    r"|not something i(?:'ve)?|(?:i'?m |i am )?not familiar|(?:i'?d |i would )?(?:only|just) be guessing"
    r"|(?:my )?(?:head|mind)(?: is|'s|'s gone| went) (?:now )?(?:empty|blank)|no experience"
    r"|(?:i )?(?:can'?t|cannot|can not|could not|couldn'?t) (?:really )?tell you"
    r"|idk|dunno"
    r"|(?:i have |i'?ve got |i've )?(?:absolutely )?no (?:idea|clue)|(?:i'?m |i am )?not (?:really |at all )?sure"
    r"|(?:i )?(?:can'?t|cannot|can not) (?:answer|say|remember|recall)|no (?:answer|response|comment)|pass|skip|n/a"
    r"|no (?:lo )?s[eé]|je ne sais pas|(?:das )?wei(?:ß|ss) ich nicht|ich wei(?:ß|ss) (?:es )?nicht"
    r"|não sei|non lo so)\b",
)
_NOTHING_SENT = re.compile(
    r"\W*(?:(?:no|empty|blank|missing) submission|(?:empty|blank|missing) answer|(?:was |is |left )+blank"
    r"|no (?:answer|response|attempt|submission) (?:was )?(?:given|provided|submitted|entered|made|received|found)"
    r"|(?:(?:was |is )?not|never) (?:attempted|answered|submitted)|unanswered"
    r"|(?:did not|didn'?t) (?:answer|respond|submit)"
    r"|(?:please )?(?:type|write|enter|put|insert) (?:your |the |an )?(?:answer|response|text)(?: here)?"
    r"|your (?:answer|response)(?: goes)? here|tbd|todo|n\.a\.)\W*",
)
"""What a platform or a form puts where nobody wrote an answer."""

_STOP = FILLER | ECHO
_SHRUG = _STOP | SHRUG
_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")
_HEADING = re.compile(r"[:：]\s*$")
_UNSPACED = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
_ASKS_FOR_CHOICE = re.compile(r"\bor\b|^\W*(?:is|are|was|were|do|does|did|should|would|will|has|have)\b", re.IGNORECASE)


def gate(question: str, answer: str) -> GateVerdict | None:
    """The rule that settles this answer, or ``None`` when a judge has to read it."""
    rule = _rule(question, visible(answer))
    return GateVerdict(rule, _SENTENCES[rule]) if rule else None


def _rule(question: str, answer: str) -> GateRule | None:
    if not has_content(answer) or _NOTHING_SENT.fullmatch(_plain(answer)):
        return GateRule.BLANK
    words = _words(answer)
    if len(words) <= MAX_WORDS_WITHOUT_CONTENT:
        if _says_dont_know(answer) or _says_dont_know_abroad(answer):
            return GateRule.DONT_KNOW
        if _says_nothing(answer, words):
            return GateRule.NO_CONTENT
    restated = _restates(question, words) or _restates_abroad(question, answer)
    return GateRule.QUESTION_RESTATED if restated else None


def _says_nothing(answer: str, words: list[str]) -> bool:
    """Only talk around an answer, or a heading with nothing under it; a plain yes or no may be the answer."""
    if set(_folded_words(answer)) <= YES_OR_NO:
        return False
    heading = _HEADING.search(answer) is not None and len(words) <= MAX_WORDS_OF_HEADING
    return heading or _without_content(words) or _is_talk_abroad(answer)


def is_filler(text: str) -> bool:
    """Whether a text holds nothing but talk around an answer ("Sure, great question.")."""
    return _without_content(_words(text))


def _folded_words(text: str) -> list[str]:
    return [word.replace("’", "'") for word in _WORD.findall(fold(text))]


def _is_talk_abroad(answer: str) -> bool:
    """Whether every word belongs to the talk around an answer of one language."""
    folded = fold(answer)
    words = _folded_words(answer)
    if any(all(word in talk for word in words) for talk in TALK.values()):
        return True
    return any(not has_content(talk.sub("", folded)) for talk in TALK_JOINED.values())


def _says_dont_know_abroad(answer: str) -> bool:
    folded = fold(answer)
    rest, found = DONT_KNOW.subn(" ", folded)
    if found and not set(_WORD.findall(rest)) - SORRY - _SHRUG:
        return True
    return any(_only_dont_know(language, folded) for language in DONT_KNOW_JOINED)


def _only_dont_know(language: str, folded: str) -> bool:
    rest, found = DONT_KNOW_JOINED[language].subn(" ", folded)
    return found > 0 and not has_content(POLITE_JOINED[language].sub("", rest))


def _restates_abroad(question: str, answer: str) -> bool:
    asked, said = fold(question), fold(answer)
    if any(_restates(asked, _WORD.findall(said), stop) for stop in TALK.values()):
        return True
    return any(_spelt_back(asked, said, talk) for talk in TALK_JOINED.values())


def _spelt_back(asked: str, said: str, talk: re.Pattern[str]) -> bool:
    """Whether an answer in a script without spaces holds no sign that is not in the question, and most that are."""
    left, wanted = (set(_UNSPACED.findall(talk.sub("", text))) for text in (said, asked))
    return bool(wanted) and left <= wanted and len(left) >= RESTATED_SIGNS * len(wanted)


def _plain(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold().replace("’", "'")


def _words(text: str) -> list[str]:
    return _WORD.findall(_plain(text))


def _without_content(words: list[str]) -> bool:
    return not [word for word in words if word not in FILLER]


def _says_dont_know(answer: str) -> bool:
    rest, found = _DONT_KNOW.subn(" ", _plain(answer))
    return found > 0 and not set(_words(rest)) - _SHRUG


def _restates(question: str, answer_words: list[str], stop: frozenset[str] = _STOP) -> bool:
    question_words = _words(question)
    if answer_words == question_words:
        return True
    if _ASKS_FOR_CHOICE.search(question):
        return False
    asked = {word for word in question_words if word not in stop}
    said = {word for word in answer_words if word not in stop}
    if not asked or len(asked) > MAX_ASKED or len(said) > 2 * MAX_ASKED:
        return False
    if not all(any(_akin(word, other) for other in asked) for word in said):
        return False
    repeated = sum(any(_akin(word, other) for other in said) for word in asked)
    return repeated >= RESTATED_SHARE * len(asked)


def _akin(one: str, other: str) -> bool:
    """Whether two words are forms of one: they share their first half, and four letters at least."""
    shared = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))
    return one == other or (shared >= 4 and 2 * shared >= max(len(one), len(other)))
