"""The question bank: what is asked, what a right answer says, and what people get wrong.

One YAML file a topic under ``rubrics/questions/``; checked when it is loaded.
"""

from __future__ import annotations

from collections import Counter
from enum import StrEnum
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from service.grading.errors import InvalidQuestion, faults_of
from service.grading.rubric import DEFAULT_RUBRIC, Line, Slug

Fact = Annotated[str, Field(min_length=1, max_length=200)]
Difficulty = Literal["basic", "intermediate", "advanced"]
Industry = Literal["healthcare", "finance", "growth-marketing", "real-estate", "retail", "public-sector"]


class Stage(StrEnum):
    """The rounds of an interview loop."""

    RECRUITER_SCREEN = "recruiter-screen"
    HIRING_MANAGER_SCREEN = "hiring-manager-screen"
    TECHNICAL_PHONE_SCREEN = "technical-phone-screen"
    SQL_WHITEBOARD = "sql-whiteboard"
    TAKE_HOME_PRESENTATION = "take-home-presentation"
    BEHAVIOURAL = "behavioural"
    CASE_STUDY = "case-study"
    ONSITE = "onsite"

    @property
    def rubric(self) -> str:
        """The rubric answers in this round are judged by: of the same name, or the default one for a mixed onsite."""
        return DEFAULT_RUBRIC if self is Stage.ONSITE else self.value

    @property
    def spoken(self) -> str:
        """The round in words, as prompts name it."""
        return self.value.replace("-", " ")


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Question(_Part):
    """One interview question with all that grading an answer to it needs.

    Attributes:
        stage: the round it belongs to, which also picks the rubric.
        industries: what changes in the answer there; only where the industry really changes it.
        reference: what a strong candidate says.
        key_points: claims a right answer holds, each to be found in an answer or not.
        misconceptions: false statements people really make.
        follow_up: what an interviewer would ask next.
    """

    id: Annotated[str, Field(pattern=r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$", max_length=64)]
    text: Annotated[str, Field(min_length=1, max_length=600)]
    stage: Annotated[Stage, Field(strict=False)]
    difficulty: Difficulty
    industries: dict[Industry, Annotated[str, Field(min_length=1, max_length=500)]] = {}
    reference: Annotated[str, Field(min_length=1, max_length=2_000)]
    key_points: Annotated[tuple[Fact, ...], Field(min_length=3, max_length=6, strict=False)]
    misconceptions: Annotated[tuple[Fact, ...], Field(min_length=2, max_length=4, strict=False)]
    follow_up: Annotated[str, Field(min_length=1, max_length=400)]

    def reference_in(self, industry: str | None) -> str:
        """The reference, with what changes in that industry (the id of a context note) added."""
        change = self.industries.get(industry) if industry else None  # type: ignore[call-overload]
        return f"{self.reference}\n\nIn {industry}: {change}" if change else self.reference

    @model_validator(mode="after")
    def _distinct(self) -> Self:
        for name, texts in (("key_points", self.key_points), ("misconceptions", self.misconceptions)):
            if len({text.strip().casefold() for text in texts}) < len(texts):
                raise ValueError(f"{name} holds the same sentence twice")
        return self


class Topic(_Part):
    """One file of the bank: the questions of one topic."""

    topic: Slug
    title: Line
    questions: Annotated[tuple[Question, ...], Field(min_length=1, strict=False)]

    @model_validator(mode="after")
    def _unique(self) -> Self:
        twice = [name for name, count in Counter(q.id for q in self.questions).items() if count > 1]
        if twice:
            raise ValueError(f"two questions share an id: {', '.join(twice)}")
        return self


def parse_topic(data: Any) -> Topic:
    """A topic from parsed YAML.

    Raises:
        InvalidQuestion: with every problem found, each naming its place.
    """
    try:
        return Topic.model_validate(data)
    except ValidationError as error:
        raise InvalidQuestion(faults_of(error)) from None
