"""How many of a reference's words an answer uses: a weak sign of what is there, and one that no fluency can buy.

Word overlap alone agrees with teachers about as well as a small model's level does (Dzikovska et al., SemEval-2013
task 7, use it as their baseline), and it errs elsewhere, so a judge weighs it with what the model says. It is English
in its small words and stems only; other languages are compared by the same rule on both sides.
"""

from __future__ import annotations

import re
from functools import lru_cache

import snowballstemmer

NEW_WORDS_COUNT = 2.0
"""A word of the reference that the question does not hold counts this often; one it holds, once."""

_WORD = re.compile(r"[^\W_]+")
_SMALL = frozenset(
    (  # noqa: SIM905 - a list of a hundred quoted words is hard to read
        "about above after again all also and any are been before being below between both but can could did "
        "does doing down during each few for from further had has have having her here him his how into its "
        "itself just may might more most must nor not now off once only other our out over own same shall she "
        "should some such than that the their them then there these they this those through too under until "
        "upon very was were what when where which while who whom why will with would you your "
    ).split()
)


def overlap(answer: str, reference: str, question: str = "") -> float:
    """The share of the reference's content words that the answer uses, between 0 and 1.

    Words are compared by their stems; those of fewer than three letters and the commonest are left out, numbers kept.
    """
    wanted, asked, said = content_words(reference), content_words(question), content_words(answer)
    weights = {word: 1.0 if word in asked else NEW_WORDS_COUNT for word in wanted}
    total = sum(weights.values())
    return sum(weights[word] for word in wanted & said) / total if total else 0.0


def content_words(text: str) -> frozenset[str]:
    """The stems of a text's content words."""
    words = _WORD.findall(text.lower())
    return frozenset(_stem(word) for word in words if word not in _SMALL and (len(word) > 2 or word.isdigit()))


@lru_cache(maxsize=20_000)
def _stem(word: str) -> str:
    return str(_STEMMER.stemWord(word))


_STEMMER = snowballstemmer.stemmer("english")
