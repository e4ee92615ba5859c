"""How an interview answer is built, counted by code: length, speaking time, readability, and the words that give a
result in numbers, name a trade-off or an assumption. Lexical and English; a sign to look at, never a score.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from service.grading.grade import ComputedStructure, Passage, Readability
from service.grading.prose import Segment, count_words, segments
from service.grading.readability import automated_readability_index

WORDS_PER_MINUTE = 150
"""A common pace of conversational English (National Center for Voice and Speech)."""

READABLE_FROM_WORDS = 30
"""Below this the formula swings by grades with a single word."""

MAX_PASSAGES = 5
MAX_MEASURED = 20_000

_SENTENCE = re.compile(r"[^.!?]+(?:[.!?]+(?!\s|$)[^.!?]*)*[.!?]*")
_NUMBER = re.compile(
    r"\d|\b(?:half|twice|double|triple|third|quarter|percent|dozen|hundred|thousand|million|billion|two|three|four|five"
    r"|six|seven|eight|nine|ten)\b",
    re.IGNORECASE,
)
_OUTCOME = re.compile(
    r"\b(?:increas|decreas|reduc|cut(?:s|ting)?\b|sav(?:e|ed|es|ing)|rose|risen|rais|fell|fallen|drop|grew|grow|gain"
    r"|los[et]|improv|lift|boost|doubl|tripl|halv|went (?:up|down|from)|(?:down|up) (?:to|by|from)|from .{1,40} to"
    r"|fewer|faster|higher|lower|revenue|profit|cost|margin|churn|conversion|retention)",
    re.IGNORECASE,
)
_TRADE_OFF = re.compile(
    r"\b(?:trade[- ]?offs?|at the (?:cost|expense|price) of|in exchange for"
    r"|the (?:downside|drawback|price|catch) (?:is|was)"
    r"|on the other hand|we (?:gave|give) up|we (?:lose|lost) .{1,40} but|worth the (?:cost|extra)"
    r"|rather than .{1,60} because"
    r"|(?:cheaper|faster|simpler|slower|safer) but"
    r"|but (?:slower|costlier|harder|riskier|less (?:accurate|precise|flexible)))",
    re.IGNORECASE,
)
_ASSUMPTION = re.compile(
    r"\b(?:assum(?:e|es|ed|ing|ption|ptions)|provided (?:that|the|we)|as long as|on (?:the )?condition that|given that"
    r"|presuppos\w+|only (?:holds|works|valid) (?:if|when)|holds? (?:only )?(?:if|when)|unless)\b",
    re.IGNORECASE,
)


def measure(answer: str) -> ComputedStructure:
    """What code can say about an answer; quotes carry offsets in Unicode code points of the answer as sent."""
    parts = list(segments(answer[:MAX_MEASURED]))
    prose = [part for part in parts if not part.code]
    words = sum(count_words(answer[part.start : part.end]) for part in prose)
    sentences = list(_sentences(answer, prose))
    return ComputedStructure(
        words=words,
        code_lines=sum(part.code for part in parts),
        speaking_seconds=round(words * 60 / WORDS_PER_MINUTE),
        readability=_readability(" ".join(answer[part.start : part.end].strip() for part in prose), words),
        result_numbers=_having(answer, sentences, _NUMBER, _OUTCOME),
        trade_offs=_having(answer, sentences, _TRADE_OFF),
        assumptions=_having(answer, sentences, _ASSUMPTION),
    )


def _sentences(answer: str, prose: list[Segment]) -> Iterator[tuple[int, int]]:
    for part in prose:
        for match in _SENTENCE.finditer(answer, part.start, part.end):
            text = match.group()
            start = match.start() + len(text) - len(text.lstrip())
            end = match.start() + len(text.rstrip())
            if start < end:
                yield start, end


def _having(answer: str, sentences: list[tuple[int, int]], *patterns: re.Pattern[str]) -> tuple[Passage, ...]:
    found = [
        Passage(quote=answer[start:end], start=start, end=end)
        for start, end in sentences
        if all(pattern.search(answer, start, end) for pattern in patterns)
    ]
    return tuple(found[:MAX_PASSAGES])


def _readability(prose: str, words: int) -> Readability | None:
    """The automated readability index, which needs letters, words and sentences only and no word list."""
    foreign = sum(not char.isascii() for char in prose) > 0.1 * len(prose)
    if words < READABLE_FROM_WORDS or foreign:
        return None
    return Readability(grade=round(max(0.0, automated_readability_index(prose)), 1))
