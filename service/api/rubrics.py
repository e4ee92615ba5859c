"""Rubrics: what answers are judged on."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Path

from service.api import problems
from service.api.dependencies import ServicesOf, acceptable
from service.api.examples import RUBRIC_EXAMPLE, example, refusals
from service.api.problems import ProblemError
from service.api.schemas import RubricDocument, RubricList, rubric_document

router = APIRouter(prefix="/v1/rubrics", tags=["rubrics"], dependencies=[Depends(acceptable)])


@router.get("", summary="List rubrics", responses={200: example({"data": [RUBRIC_EXAMPLE]})})
async def list_rubrics(services: ServicesOf) -> RubricList:
    """Every rubric in its newest version."""
    return RubricList(data=[rubric_document(rubric) for rubric in services.library.rubrics()])


@router.get(
    "/{rubric_id}",
    summary="Get one rubric",
    responses={200: example(RUBRIC_EXAMPLE), **refusals(problems.NOT_FOUND)},
)
async def get_rubric(
    rubric_id: Annotated[str, Path(description="`id` or `id@version`.", max_length=100)], services: ServicesOf
) -> RubricDocument:
    """A rubric by `id` (its newest version) or `id@version`."""
    rubric = services.library.rubric(rubric_id)
    if rubric is None:
        raise ProblemError(problems.NOT_FOUND)
    return rubric_document(rubric)
