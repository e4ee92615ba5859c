"""The practice form: its fields, what was typed into them, and the grade request they make."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError

from service.api.problems import ProblemError, problem_for
from service.intake import GradeBody
from service.records import GradeRecord

FIELDS = ("question_id", "question", "reference", "key_points", "industry", "audience", "stage", "seniority", "answer")
_CONTEXT = ("industry", "audience", "stage", "seniority")
_LABELS = {
    "question": "Question",
    "question_id": "Question",
    "answer": "Answer",
    "reference": "What a right answer says",
    "key_points": "Key points",
    "context/industry": "Industry",
    "context/audience": "Audience",
    "context/stage": "Stage",
    "context/seniority": "Seniority",
    "reviewer": "Your name",
    "levels": "Levels",
    "note": "Note",
}


@dataclass(frozen=True, slots=True)
class FieldError:
    """What is wrong with one field. ``field`` is its name in the form; None: with none in particular."""

    field: str | None
    label: str
    detail: str


@dataclass(frozen=True, slots=True)
class PracticeForm:
    """What stands in the fields. ``question_id`` names a question of the bank; else ``question`` is one's own."""

    question_id: str = ""
    question: str = ""
    reference: str = ""
    key_points: str = ""
    industry: str = ""
    audience: str = ""
    stage: str = ""
    seniority: str = ""
    answer: str = ""

    @classmethod
    async def sent(cls, request: Request) -> Self:
        """The fields of a form; browsers end lines with CR LF in forms, learners with LF."""
        form = await request.form(max_files=0, max_fields=len(FIELDS) + 2)
        values = {name: form.get(name, "") for name in FIELDS}
        return cls(**{name: value.replace("\r\n", "\n") for name, value in values.items() if isinstance(value, str)})

    @classmethod
    def again(cls, record: GradeRecord) -> Self:
        """The form of an earlier attempt, to be tried again."""
        sent = record.request.submission
        context = {name: value for name, value in sent.context.named().items() if name in _CONTEXT}
        if record.request.question_id:
            return cls(question_id=record.request.question_id, answer=sent.answer, **context)
        return cls(
            question=sent.question,
            reference=sent.reference or "",
            key_points="\n".join(sent.key_points),
            answer=sent.answer,
            **context,
        )

    @classmethod
    def follow_up(cls, record: GradeRecord) -> Self:
        """A form that asks the follow-up question of a grade, in the same context."""
        question = record.grade.follow_up_question if record.grade else None
        return cls(question=question or "", **record.request.submission.context.named())

    def body(self, learner: str) -> GradeBody:
        """The API's request for this form.

        Raises:
            ProblemError: naming the fields that cannot be used.
        """
        try:
            return GradeBody.model_validate(
                {**self._question(), "answer": self.answer, "learner": learner, **self._context()}
            )
        except ValidationError as error:
            raise invalid(error) from None

    def _question(self) -> Mapping[str, object]:
        if self.question_id:
            return {"question_id": self.question_id}
        points = [line.strip() for line in self.key_points.splitlines() if line.strip()]
        return {"question": self.question, "reference": self.reference or None, "key_points": points}

    def _context(self) -> Mapping[str, object]:
        return {"context": {name: getattr(self, name) or None for name in _CONTEXT}}


def invalid(error: ValidationError) -> ProblemError:
    """A validation error as the API words it."""
    faults = [
        {**fault, "loc": ("body", *fault["loc"])} for fault in error.errors(include_input=False, include_url=False)
    ]
    return problem_for(RequestValidationError(faults))


def field_errors(problem: ProblemError) -> tuple[FieldError, ...]:
    """What a problem says about the form, field by field."""
    found = []
    for error in problem.errors:
        pointer = error["pointer"].removeprefix("#/")
        place = next((name for name in _LABELS if pointer == name or pointer.startswith(f"{name}/")), None)
        field = place.rpartition("/")[2] if place else None
        found.append(FieldError(field, _LABELS.get(place or "", "This form"), error["detail"]))
    return tuple(found) or (FieldError(None, problem.kind.title, str(problem.detail)),)
