"""Graded answers to other questions, shown to a judge so that it sees how strictly levels are given.

The nearest are found by words (BM25: Robertson & Zaragoza, 2009), without embeddings. What is looked for is the
question and what a right answer says, never the candidate's answer: everybody who answers a question is held against
the same examples, and an answer cannot choose them. Nothing leaks: an example is never of the same question, never the
same answer, and only ever of the ``dev`` split of the golden answers.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from service.grading.errors import InvalidExample, faults_of
from service.grading.fence import as_line, fenced
from service.grading.hashing import content_hash
from service.grading.submission import Submission

TERM_WEIGHT, LENGTH_WEIGHT = 1.5, 0.75
"""BM25's k1 and b, at their usual values."""
LONGEST = 1_500
"""Code points of an answer from which it is too long to be an example."""
NO_EXAMPLES = frozenset({"gate", "benign", "context", "attack"})
"""Kinds of golden answers that are settled without a judge, or mean something only beside another one."""
_WORDS = re.compile(r"\w+")


class _Label(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)

    level: Annotated[int, Field(ge=1, le=10)]


class Example(BaseModel):
    """A golden answer with known levels; what else its row holds is passed over."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    id: Annotated[str, Field(min_length=1, max_length=80)]
    question: Annotated[str, Field(min_length=1)]
    question_id: str | None = None
    answer: str
    rubric: str
    labels: dict[str, _Label] = {}
    tags: Annotated[tuple[str, ...], Field(min_length=1)]
    split: str

    @property
    def usable(self) -> bool:
        """Whether a judge may be shown it."""
        fits = 0 < len(self.answer) <= LONGEST and self.tags[0] not in NO_EXAMPLES
        return self.split == "dev" and bool(self.labels) and fits

    @cached_property
    def levels(self) -> dict[str, int]:
        """The known level of each labelled criterion."""
        return {criterion: label.level for criterion, label in self.labels.items()}

    @cached_property
    def words(self) -> Counter[str]:
        """The words of question and answer."""
        return Counter(_words(f"{self.question} {self.answer}"))


def parse_example(data: Any) -> Example:
    """An example from a golden row's parsed JSON.

    Raises:
        InvalidExample: naming what is missing.
    """
    try:
        return Example.model_validate(data)
    except ValidationError as error:
        raise InvalidExample(faults_of(error)) from None


class Examples:
    """All examples an instance has; those that may not be shown are left out.

    Args:
        several: golden answers in any order.
    """

    def __init__(self, several: Iterable[Example] = ()) -> None:
        self._by_rubric: dict[str, list[Example]] = {}
        for example in sorted((one for one in several if one.usable), key=lambda one: one.id):
            self._by_rubric.setdefault(example.rubric, []).append(example)
        self._indexes = {rubric: _Index(found) for rubric, found in self._by_rubric.items()}

    @cached_property
    def sha256(self) -> str:
        """SHA-256 (hex) over all of them: other examples, other judgements."""
        return content_hash([e.model_dump(mode="json") for found in self._by_rubric.values() for e in found])

    def nearest(self, submission: Submission, rubric_id: str, count: int) -> tuple[Example, ...]:
        """At most ``count`` examples for a question, the nearest first, of different levels where there are such.

        Args:
            submission: what is to be graded; only its question, reference and key points are looked for.
            rubric_id: whose levels the examples' labels have to be.
            count: how many; 0 for none.
        """
        index = self._indexes.get(rubric_id)
        if count <= 0 or index is None:
            return ()
        wanted = " ".join((submission.question, submission.reference or "", *submission.key_points))
        found = [one for one in index.ranked(_words(wanted)) if not _leaks(one, submission)]
        return _varied(found, count)


@dataclass(frozen=True, slots=True)
class _Ranked:
    score: float
    example: Example


class _Index:
    """The words of some examples, counted."""

    def __init__(self, examples: Sequence[Example]) -> None:
        self._examples = examples
        self._mean = math.fsum(one.words.total() for one in examples) / len(examples)
        self._holding = Counter(word for one in examples for word in one.words)

    def ranked(self, wanted: Iterable[str]) -> list[Example]:
        """The examples that share a word with those wanted, the nearest first; ties in the order of their ids."""
        words = sorted(set(wanted) & self._holding.keys())
        scored = [_Ranked(self._score(one, words), one) for one in self._examples]
        return [r.example for r in sorted(scored, key=lambda r: (-r.score, r.example.id)) if r.score > 0]

    def _score(self, example: Example, words: Sequence[str]) -> float:
        length = 1 - LENGTH_WEIGHT + LENGTH_WEIGHT * example.words.total() / self._mean
        return math.fsum(self._weight(word) * _saturated(example.words[word], length) for word in words)

    def _weight(self, word: str) -> float:
        having, all_of_them = self._holding[word], len(self._examples)
        return math.log(1 + (all_of_them - having + 0.5) / (having + 0.5))


def _saturated(times: int, length: float) -> float:
    return times * (TERM_WEIGHT + 1) / (times + TERM_WEIGHT * length)


def _leaks(example: Example, submission: Submission) -> bool:
    """Whether an example is of the same question or the same answer, whatever the spelling."""
    same_question = _words(example.question) == _words(submission.question)
    return same_question or _words(example.answer) == _words(submission.answer)


def _varied(ranked: Sequence[Example], count: int) -> tuple[Example, ...]:
    """The first of each set of levels before the second of any: two examples of one level show less."""
    seen: Counter[tuple[tuple[str, int], ...]] = Counter()
    places: list[tuple[int, int]] = []
    for place, example in enumerate(ranked):
        levels = tuple(sorted(example.levels.items()))
        places.append((seen[levels], place))
        seen[levels] += 1
    return tuple(ranked[place] for _, place in sorted(places)[:count])


def _words(text: str) -> list[str]:
    return _WORDS.findall(text.casefold())


def shown(examples: Iterable[Example], nonce: str) -> list[Mapping[str, object]]:
    """Examples as a prompt's template shows them: ``question``, ``answer`` (fenced) and ``levels`` by criterion id."""
    return [
        {
            "question": as_line(one.question),
            "answer": fenced("example", one.answer, nonce),
            "levels": {as_line(criterion): level for criterion, level in one.levels.items()},
        }
        for one in examples
    ]
