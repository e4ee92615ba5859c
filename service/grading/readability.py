"""The automated readability index: characters a word and words a sentence, as a school grade.

Senter and Smith, "Automated Readability Index", AMRL-TR-66-220 (1967): 4.71 characters/words + 0.5 words/sentences -
21.43. Counted as the library textstat counts, which is asked for the same number in the tests; in the service it would
load a language toolkit of 130 MB in the middle of the first grade.
"""

from __future__ import annotations

import re

SHORT_SENTENCE_WORDS = 2
"""What looks like a sentence of so few words or less is an abbreviation or a heading."""

_SPACE = re.compile(r"\s")
_SENTENCE = re.compile(r"\b[^.!?]+[.!?]*")
_QUOTING = re.compile(r"'(?![tsd]|ve|ll|re)")
_PUNCTUATION = re.compile(r"[^\w\s']")


def automated_readability_index(text: str) -> float:
    """The index of a text; 0 for one without words."""
    words, tokens = _words(text), len(text.split())
    if not words:
        return 0.0
    found = _SENTENCE.findall(text)
    sentences = max(1, sum(_words(sentence) > SHORT_SENTENCE_WORDS for sentence in found))
    return 4.71 * len(_SPACE.sub("", text)) / tokens + 0.5 * words / sentences - 21.43


def _words(text: str) -> int:
    """Words without their punctuation; what is nothing but punctuation is none."""
    return len(_PUNCTUATION.sub("", _QUOTING.sub("", text)).split())
