"""What is graded: validated text with its context, and the hash that identifies it.

Learner and metadata are not here on purpose: they never reach a model and never change a grade.
"""

from __future__ import annotations

import hashlib
import json
import re
import unicodedata
from dataclasses import dataclass, field

from service.grading.errors import InvalidSubmission

_SURROGATE = re.compile("[\ud800-\udfff]")
_ASCII_CONTENT = re.compile("[A-Za-z0-9]")


@dataclass(frozen=True, slots=True)
class Limits:
    """Upper bounds on submitted text, in Unicode code points (key points, misconceptions: also their number)."""

    question: int = 4_000
    answer: int = 20_000
    reference: int = 8_000
    context: int = 100
    key_points: int = 20
    key_point: int = 500


@dataclass(frozen=True, slots=True)
class Context:
    """For whom and where the answer is given; free text, each part optional."""

    industry: str | None = None
    audience: str | None = None
    stage: str | None = None
    seniority: str | None = None

    def named(self) -> dict[str, str]:
        """The parts that were given, by name, in a fixed order."""
        parts = {"industry": self.industry, "audience": self.audience, "stage": self.stage, "seniority": self.seniority}
        return {name: text for name, text in parts.items() if text}


@dataclass(frozen=True, slots=True)
class Submission:
    """A question and a candidate's answer, with all else that may reach a model.

    Build it with :func:`submit`, which checks the text; offsets in a grade count Unicode code points of
    ``answer`` exactly as given here.
    """

    question: str
    answer: str
    reference: str | None = None
    key_points: tuple[str, ...] = ()
    misconceptions: tuple[str, ...] = ()
    context: Context = field(default_factory=Context)
    language: str | None = None

    def parts(self) -> tuple[str, ...]:
        """The names of the parts that hold anything."""
        held = {
            "question": self.question,
            "answer": self.answer,
            "reference": self.reference,
            "key_points": self.key_points,
            "misconceptions": self.misconceptions,
            "context": self.context.named(),
            "language": self.language,
        }
        return tuple(name for name, value in held.items() if value)

    def digest(self) -> str:
        """SHA-256 (hex) of everything in the submission; equal exactly when the submissions are equal."""
        of = self.context
        context = [of.industry, of.audience, of.stage, of.seniority]
        parts = [
            self.question,
            self.answer,
            self.reference,
            self.key_points,
            self.misconceptions,
            context,
            self.language,
        ]
        return hashlib.sha256(json.dumps(parts).encode("ascii")).hexdigest()


def submit(submission: Submission, limits: Limits) -> Submission:
    """Check a submission and return it.

    Raises:
        InvalidSubmission: naming the field: empty question or answer, a text over its limit, NUL or lone
            surrogates anywhere, an empty or repeated key point or misconception.
    """
    _check_text("question", submission.question, limits.question, required=True)
    _check_text("answer", submission.answer, limits.answer, required=True)
    _check_text("reference", submission.reference, limits.reference)
    if not has_content(submission.question):
        raise InvalidSubmission("question", "is blank")
    for name, text in submission.context.named().items():
        _check_text(f"context.{name}", text, limits.context)
    _check_text("language", submission.language, 35)
    _check_points("key_points", submission.key_points, limits)
    _check_points("misconceptions", submission.misconceptions, limits)
    return submission


def has_content(text: str) -> bool:
    """Whether a text holds at least one letter, digit or symbol a reader could take as an answer."""
    return _ASCII_CONTENT.search(text) is not None or any(unicodedata.category(char)[0] in "LN" for char in text)


def _check_text(name: str, text: str | None, limit: int, *, required: bool = False) -> None:
    if text is None:
        return
    if required and text == "":
        raise InvalidSubmission(name, "is empty")
    if len(text) > limit:
        raise InvalidSubmission(name, f"has {len(text)} code points, over the limit of {limit}")
    if "\x00" in text:
        raise InvalidSubmission(name, "contains a NUL character")
    if _SURROGATE.search(text):
        raise InvalidSubmission(name, "contains a lone surrogate, which is not valid Unicode text")


def _check_points(name: str, points: tuple[str, ...], limits: Limits) -> None:
    if len(points) > limits.key_points:
        raise InvalidSubmission(name, f"has {len(points)} entries, over the limit of {limits.key_points}")
    for index, point in enumerate(points):
        _check_text(f"{name}.{index}", point, limits.key_point, required=True)
        if not has_content(point):
            raise InvalidSubmission(f"{name}.{index}", "is blank")
    if len({point.strip().casefold() for point in points}) != len(points):
        raise InvalidSubmission(name, "holds the same point twice")
