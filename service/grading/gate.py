"""What a rule decides before any model is asked: blank, "I don't know", no content, the question pasted back.

Such an answer gets the lowest level on every criterion, no model is called and no praise is invented.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from enum import StrEnum
from itertools import takewhile

from service.grading.fence import visible
from service.grading.submission import has_content

MAX_WORDS_WITHOUT_CONTENT = 25
RESTATED_SHARE = 0.85
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
_FILLER = frozenset(
    [
        "a",
        "about",
        "actually",
        "ahead",
        "all",
        "am",
        "an",
        "and",
        "answer",
        "answering",
        "antwort",
        "are",
        "at",
        "be",
        "by",
        "can",
        "can't",
        "candidate",
        "come",
        "could",
        "course",
        "do",
        "don't",
        "explain",
        "final",
        "for",
        "from",
        "give",
        "go",
        "going",
        "good",
        "great",
        "guess",
        "have",
        "he",
        "here",
        "here's",
        "hi",
        "hello",
        "hmm",
        "honest",
        "honestly",
        "i",
        "i'd",
        "i'll",
        "i'm",
        "i've",
        "in",
        "is",
        "it",
        "it's",
        "just",
        "know",
        "let",
        "let's",
        "lets",
        "like",
        "lo",
        "maybe",
        "me",
        "moment",
        "much",
        "my",
        "next",
        "no",
        "now",
        "of",
        "ok",
        "okay",
        "on",
        "or",
        "our",
        "please",
        "problem",
        "process",
        "question",
        "really",
        "reasoning",
        "reply",
        "respond",
        "response",
        "respuesta",
        "sadly",
        "say",
        "see",
        "sir",
        "so",
        "solution",
        "solve",
        "some",
        "sorry",
        "sure",
        "take",
        "tell",
        "thank",
        "thanks",
        "that",
        "that's",
        "the",
        "then",
        "think",
        "this",
        "thought",
        "thoughts",
        "thing",
        "time",
        "to",
        "uh",
        "uhm",
        "um",
        "unfortunately",
        "us",
        "very",
        "walk",
        "was",
        "we",
        "we'll",
        "well",
        "what",
        "will",
        "with",
        "would",
        "yeah",
        "you",
        "you're",
        "your",
        "afraid",
        "question's",
        "réponse",
        "lösung",
        "risposta",
        "resposta",
        "解",
        "解答",
        "答案",
        "答",
        "回答",
        "答え",
        "step",
        "steps",
    ]
)
_ECHO = frozenset(
    [
        "also",
        "asked",
        "asking",
        "asks",
        "explained",
        "has",
        "how",
        "make",
        "makes",
        "means",
        "need",
        "needs",
        "she",
        "should",
        "does",
        "one",
        "other",
        "others",
        "there",
        "when",
        "who",
        "they",
        "through",
        "too",
        "wants",
        "want",
        "where",
        "which",
        "why",
    ]
)
_STOP = _FILLER | _ECHO
_SHRUG = _STOP | frozenset(
    [
        "ago",
        "any",
        "anything",
        "but",
        "empty",
        "ever",
        "had",
        "head",
        "heard",
        "if",
        "long",
        "mind",
        "mm",
        "move",
        "never",
        "not",
        "nothing",
        "once",
        "one",
        "only",
        "read",
        "something",
        "there",
        "topic",
        "use",
        "used",
        "were",
        "work",
        "worked",
    ]
)
"""Words that come along when somebody says that they do not know."""
_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")
_ASKS_FOR_CHOICE = re.compile(r"\bor\b|^\W*(?:is|are|was|were|do|does|did|should|would|will|has|have)\b", re.IGNORECASE)


def gate(question: str, answer: str) -> GateVerdict | None:
    """The rule that settles this answer, or ``None`` when a judge has to read it."""
    rule = _rule(question, visible(answer))
    return GateVerdict(rule, _SENTENCES[rule]) if rule else None


def _rule(question: str, answer: str) -> GateRule | None:
    if not has_content(answer):
        return GateRule.BLANK
    words = _words(answer)
    if len(words) <= MAX_WORDS_WITHOUT_CONTENT:
        if _without_content(words) and not _DONT_KNOW.search(_plain(answer)):
            return GateRule.NO_CONTENT
        if _says_dont_know(answer):
            return GateRule.DONT_KNOW
    return GateRule.QUESTION_RESTATED if _restates(question, words) else None


def is_filler(text: str) -> bool:
    """Whether a text holds nothing but talk around an answer ("Sure, great question.")."""
    return _without_content(_words(text))


def _plain(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold().replace("’", "'")


def _words(text: str) -> list[str]:
    return _WORD.findall(_plain(text))


def _without_content(words: list[str]) -> bool:
    return not [word for word in words if word not in _FILLER]


def _says_dont_know(answer: str) -> bool:
    rest, found = _DONT_KNOW.subn(" ", _plain(answer))
    return found > 0 and not set(_words(rest)) - _SHRUG


def _restates(question: str, answer_words: list[str]) -> bool:
    question_words = _words(question)
    if answer_words == question_words:
        return True
    if _ASKS_FOR_CHOICE.search(question):
        return False
    asked = {word for word in question_words if word not in _STOP}
    said = {word for word in answer_words if word not in _STOP}
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
