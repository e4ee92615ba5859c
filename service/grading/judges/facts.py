"""How right is an answer? Small factual questions, each put apart from the answer's polish, weighed together.

Asked for a level, a small model follows fluency. Asked whether one bare sentence agrees with a reference, whether the
answer says one key point, or whether it makes one known false statement, it has no polish to follow. What the
questions found is one number on a log-odds scale; the level distribution is a bell around the place it stands for.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

from service.grading.errors import ModelError
from service.grading.grade import Coverage, KeyPoint, Misconception
from service.grading.judgement import Case, Decision, Judgement
from service.grading.levels import LevelDistribution, logistic
from service.grading.parts import Point
from service.grading.prompt import Prompt
from service.grading.prose import count_words, segments

LEAST = 1e-4
"""The least probability a first token is taken to have, so that log-odds stay finite."""

HALF = math.log(2)
"""Log-odds of two to one: prompts without thresholds of their own call a point covered from there on."""

MIN_WORDS = 3
MAX_STATEMENTS = 24
"""Longer answers are checked on this many of their statements, spread evenly."""

_END = re.compile(r"(?<=[.!?;])\s+|(?<=[。！？；])\s*")


@dataclass(frozen=True, slots=True)
class Findings:
    """What was found, as log-odds of yes; empty where nothing was asked.

    Attributes:
        statements: the answer's statement agrees with the reference (or, without one, is true).
        points: the answer says this key point; ``weights`` are their marks, empty where each counts the same.
        misconceptions: the answer makes this false statement.
        overlap: how many of the reference's words the answer uses (0 to 1), counted by code; None without a reference.
    """

    statements: tuple[float, ...]
    points: tuple[float, ...] = ()
    misconceptions: tuple[float, ...] = ()
    overlap: float | None = None
    weights: tuple[float, ...] = ()

    def numbered(self) -> dict[str, float]:
        """Each finding by name, for the receipt: ``statement_1``, ``point_1``, ``misconception_1``, ..."""
        named = (("statement", self.statements), ("point", self.points), ("misconception", self.misconceptions))
        numbers = {f"{name}_{n}": round(odds, 4) for name, found in named for n, odds in enumerate(found, 1)}
        return numbers if self.overlap is None else {**numbers, "overlap": round(self.overlap, 4)}

    @property
    def alone(self) -> bool:
        """Whether nothing but the answer's statements was there to go by."""
        return not self.points and not self.misconceptions

    def right(self, prompt: Prompt) -> float:
        """How right the answer is, as log-odds: a weighted sum with the weights of the prompt file.

        A finding that was not asked for counts as an average one (``points_at``, ``misconceptions_at``).
        """
        agreed = fmean(self.statements)
        if self.alone:
            return self._alone(agreed, prompt)
        weighed = prompt.parameter("statements_weight", 1.0) * agreed
        if self.points:
            said = fmean(self.points, self.weights or None) - prompt.parameter("points_at", 0.0)
            weighed += prompt.parameter("points_weight", 1.0) * said
        if self.misconceptions:
            worst = max(self.misconceptions) - prompt.parameter("misconceptions_at", 0.0)
            weighed -= prompt.parameter("misconceptions_weight", 1.0) * worst
        return weighed - prompt.parameter("right_at", 0.0)

    def _alone(self, agreed: float, prompt: Prompt) -> float:
        """By the statements, the worst of them once more, and the overlap; without a reference by the statements."""
        weight, at = prompt.parameter("alone_weight", 1.0), prompt.parameter("alone_at", 0.0)
        if self.overlap is None:
            return prompt.parameter("bare_weight", weight) * agreed - prompt.parameter("bare_at", at)
        weighed = weight * agreed - at
        weighed += prompt.parameter("alone_least_weight", 0.0) * min(self.statements)
        return weighed + prompt.parameter("overlap_weight", 0.0) * (self.overlap - prompt.parameter("overlap_at", 0.5))


def right_levels(found: Findings, levels: int, prompt: Prompt, *, referenced: bool) -> LevelDistribution:
    """The probability of each level: a discretised bell around the place the findings stand for.

    Args:
        found: at least one statement.
        levels: K.
        prompt: its parameters ``right_scale``, by which the log-odds are divided, and ``right_spread`` or
            ``alone_spread``, the bell's standard deviation as a share of the scale from lowest to highest level.
        referenced: without a reference the model has only what it knows itself, and the bell is twice as wide.
    """
    place = logistic(found.right(prompt) / prompt.parameter("right_scale", 0.7))
    spread = prompt.parameter("alone_spread" if found.alone else "right_spread", 0.25) * (1 if referenced else 2)
    return LevelDistribution.bell(place, spread, levels)


def statements(answer: str) -> list[str]:
    """What of an answer can be true or false by itself: its sentences, and its code as one statement.

    Fragments of fewer than three words are left out, unless nothing else is there.
    """
    parts = list(segments(answer))
    code = "\n".join(answer[part.start : part.end] for part in parts if part.code)
    prose = " ".join(answer[part.start : part.end].strip() for part in parts if not part.code)
    sentences = [sentence for sentence in _END.split(prose.strip()) if sentence.strip()]
    found = [sentence for sentence in sentences if count_words(sentence) >= MIN_WORDS] or sentences
    return _spread([*found, *([code] if code else [])]) or [answer]


def _spread(items: list[str]) -> list[str]:
    if len(items) <= MAX_STATEMENTS:
        return items
    return [items[index * (len(items) - 1) // (MAX_STATEMENTS - 1)] for index in range(MAX_STATEMENTS)]


@dataclass(frozen=True, slots=True)
class Heard:
    """Whether the answer says these points and the misconceptions, as log-odds of yes; None where it could not be told.

    Attributes:
        points: what was listened for; ``said`` answers each.
        failed: the model itself could not be asked about one of them, so that nothing may be decided without it.
    """

    points: tuple[Point, ...]
    said: tuple[float | None, ...]
    misconceptions: tuple[float | None, ...]
    failed: ModelError | None = None

    def known_points(self) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """The log-odds of the points that could be told, and what each counts."""
        told = [(odds, point.weight) for point, odds in zip(self.points, self.said, strict=True) if odds is not None]
        return tuple(odds for odds, _ in told), tuple(weight for _, weight in told)

    def told(self, case: Case, prompt: Prompt, decisions: tuple[Decision, ...]) -> Judgement:
        """The judgement with these, in the order of the submission and in words for the learner."""
        sent = case.submission
        partly, covered = prompt.parameter("partly_at", -HALF), prompt.parameter("covered_at", HALF)
        voiced = prompt.parameter("voiced_at", 1.5)
        wrong = (*self.misconceptions, *(None for _ in sent.misconceptions[len(self.misconceptions) :]))
        return Judgement(
            decisions=decisions,
            key_points=tuple(
                KeyPoint(point=point.text, covered=_coverage(odds, partly, covered), marks=point.marks)
                for point, odds in zip(self.points, self.said, strict=True)
            ),
            misconceptions=tuple(
                Misconception(
                    misconception=text, voiced="unknown" if odds is None else "yes" if odds >= voiced else "no"
                )
                for text, odds in zip(sent.misconceptions, wrong, strict=True)
            ),
        )


def _coverage(odds: float | None, partly: float, covered: float) -> Coverage:
    if odds is None:
        return "unknown"
    return "covered" if odds >= covered else "partly" if odds >= partly else "missing"


def log_odds(yes_no: Sequence[float]) -> float:
    """The natural log-odds of yes, kept within what first tokens can tell."""
    yes, no = (max(weight, LEAST) for weight in yes_no)
    return math.log(yes / no)


def known(odds: Sequence[float | None]) -> tuple[float, ...]:
    """What could be told."""
    return tuple(value for value in odds if value is not None)
