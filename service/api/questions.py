"""The question bank: what can be asked, with what a right answer says."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query

from service.api import problems
from service.api.access import allow
from service.api.dependencies import ServicesOf, acceptable
from service.api.examples import QUESTION_EXAMPLE, example, refusals
from service.api.problems import ProblemError
from service.api.schemas import QuestionDocument, QuestionList, question_document
from service.grading.question import Difficulty, Industry, Stage

router = APIRouter(prefix="/v1/questions", tags=["questions"], dependencies=[Depends(acceptable), allow(None)])


@router.get(
    "",
    summary="List questions",
    responses={200: example({"data": [QUESTION_EXAMPLE]}), **refusals(problems.INVALID_REQUEST)},
)
async def list_questions(
    services: ServicesOf,
    topic: Annotated[str | None, Query(max_length=64, examples=["experimentation"])] = None,
    stage: Stage | None = None,
    industry: Annotated[Industry | None, Query(description="Only questions whose answer changes there.")] = None,
    difficulty: Difficulty | None = None,
) -> QuestionList:
    """The questions that match every filter, in the order of the bank."""
    found = services.catalogue.questions(topic, stage, industry, difficulty)
    return QuestionList(data=[question_document(part, question) for part, question in found])


@router.get(
    "/{question_id}",
    summary="Get one question",
    responses={200: example(QUESTION_EXAMPLE), **refusals(problems.NOT_FOUND)},
)
async def get_question(
    question_id: Annotated[str, Path(description="The question's id.", max_length=64)], services: ServicesOf
) -> QuestionDocument:
    """One question by its id, which `POST /v1/grades` takes as `question_id`."""
    for topic, question in services.catalogue.questions():
        if question.id == question_id:
            return question_document(topic, question)
    raise ProblemError(problems.NOT_FOUND)
