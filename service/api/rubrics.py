"""Rubrics: what answers are judged on; the product's own, and those a tenant publishes."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Body, Depends, Path, Response, status

from service.access import Scope
from service.api import problems
from service.api.access import allow
from service.api.dependencies import ServicesOf, TenantOf, acceptable
from service.api.examples import RUBRIC_BODY, RUBRIC_CHECK_EXAMPLE, RUBRIC_EXAMPLE, example, refusals
from service.api.problems import ProblemError
from service.api.schemas import (
    RubricCheck,
    RubricDocument,
    RubricList,
    finding_document,
    json_pointer,
    rubric_document,
)
from service.api.strict_json import StrictJSONRoute
from service.bootstrap import Services
from service.grading.lint import lint
from service.grading.rubric import Rubric, parse_rubric
from service.intake import MAX_ERRORS

router = APIRouter(
    prefix="/v1/rubrics", tags=["rubrics"], route_class=StrictJSONRoute, dependencies=[Depends(acceptable)]
)

Id = Annotated[str, Path(description="`id` or `id@version`.", max_length=100)]
Given = Annotated[dict[str, Any], Body(description="A whole rubric.", examples=[RUBRIC_BODY])]


@router.get(
    "",
    summary="List rubrics",
    dependencies=[allow(None)],
    responses={200: example({"data": [RUBRIC_EXAMPLE]}), **refusals(problems.STORE_UNAVAILABLE)},
)
async def list_rubrics(services: ServicesOf, tenant: TenantOf) -> RubricList:
    """Every rubric in its newest version: the built-in ones first, then yours."""
    return RubricList(data=[_document(rubric, services) for rubric in await services.catalogue.rubrics(tenant)])


@router.get(
    "/{rubric_id}",
    summary="Get one rubric",
    dependencies=[allow(None)],
    responses={200: example(RUBRIC_EXAMPLE), **refusals(problems.NOT_FOUND, problems.STORE_UNAVAILABLE)},
)
async def get_rubric(rubric_id: Id, services: ServicesOf, tenant: TenantOf) -> RubricDocument:
    """A rubric by `id` (its newest version) or `id@version`; what is hidden from learners is left out."""
    rubric = await services.catalogue.rubric(tenant, rubric_id) if "\x00" not in rubric_id else None
    if rubric is None:
        raise ProblemError(problems.NOT_FOUND)
    return _document(rubric, services)


@router.put(
    "/{rubric_id}",
    summary="Publish a rubric version",
    dependencies=[allow(Scope.RUBRICS_WRITE)],
    responses={
        200: {"description": "The very same was published before.", **example(RUBRIC_EXAMPLE)},
        201: {"model": RubricDocument, "description": "Published.", **example(RUBRIC_EXAMPLE)},
        **refusals(
            problems.INVALID_JSON,
            problems.RUBRIC_IS_OURS,
            problems.RUBRIC_PUBLISHED,
            problems.TOO_MANY_RUBRICS,
            problems.BODY_TOO_LARGE,
            problems.UNSUPPORTED_MEDIA,
            problems.INVALID_REQUEST,
            problems.STORE_UNAVAILABLE,
        ),
    },
)
async def put_rubric(
    rubric_id: Id, body: Given, services: ServicesOf, tenant: TenantOf, response: Response
) -> RubricDocument:
    """Keep a version of a rubric of your own for good.

    A published version never changes: to change a rubric, raise its version. What the linter calls an error is
    refused; `POST /v1/rubrics/check` says how to mend it.
    """
    rubric = _checked(body)
    if rubric.id != rubric_id:
        wrong = {"pointer": "#/id", "detail": "is not the id of the path"}
        raise ProblemError(problems.INVALID_REQUEST, errors=[wrong])
    if await services.catalogue.publish(tenant, rubric):
        response.status_code = status.HTTP_201_CREATED
        response.headers["Location"] = f"/v1/rubrics/{rubric.reference}"
    return _document(rubric, services)


@router.post(
    "/check",
    summary="Check a rubric",
    dependencies=[allow(None)],
    responses={
        200: example(RUBRIC_CHECK_EXAMPLE),
        **refusals(
            problems.INVALID_JSON, problems.BODY_TOO_LARGE, problems.UNSUPPORTED_MEDIA, problems.INVALID_REQUEST
        ),
    },
)
async def check_rubric(body: Given) -> RubricCheck:
    """What the linter says: every finding with its place, why it matters and how to mend it. Nothing is kept."""
    findings = lint(body)
    return RubricCheck(
        valid=not any(finding.severity == "error" for finding in findings),
        findings=[finding_document(finding) for finding in findings],
    )


def _checked(body: dict[str, Any]) -> Rubric:
    errors = [finding for finding in lint(body) if finding.severity == "error"]
    if errors:
        raise ProblemError(
            problems.INVALID_REQUEST,
            errors=[{"pointer": json_pointer(e.path), "detail": f"{e.rule}: {e.why}"} for e in errors[:MAX_ERRORS]],
        )
    return parse_rubric(body)


def _document(rubric: Rubric, services: Services) -> RubricDocument:
    return rubric_document(rubric, built_in=services.catalogue.is_ours(rubric.id))
