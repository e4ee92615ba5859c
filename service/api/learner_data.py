"""What is kept on a learner: take it along, or have it erased."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Depends, Path
from fastapi.responses import StreamingResponse

from service.access import Scope
from service.api import problems
from service.api.access import allow
from service.api.dependencies import ServicesOf, TenantOf, acceptable
from service.api.examples import example, refusals
from service.api.problems import ProblemError
from service.api.schemas import ErasureDocument, grade_with_submission, receipt_document
from service.privacy import Privacy
from service.records import GradeRecord, KeptRow, Tenant

MEDIA_TYPE = "application/jsonl"
_EXPORT_EXAMPLE = (
    '{"object":"learner_grade","grade":{"id":"grd_01KAP0J3V8T6W1Q9X4Z7B5C2D0"},"receipt":{}}\n'
    '{"object":"end","grades":1,"rows":0}\n'
)

router = APIRouter(prefix="/v1/learners", tags=["learners"])


def _reference(
    ref: Annotated[
        str, Path(description="Your reference, as sent in `learner`.", min_length=1, max_length=200, examples=["l-17"])
    ],
) -> str:
    if "\x00" in ref:
        raise ProblemError(problems.INVALID_REQUEST, errors=[{"pointer": "#/ref", "detail": "holds a NUL character"}])
    return ref


Reference = Annotated[str, Depends(_reference)]


@router.delete(
    "/{ref:path}",
    summary="Erase everything kept on a learner",
    dependencies=[allow(Scope.LEARNERS_ERASE), Depends(acceptable)],
    responses={
        200: example({"object": "erasure", "erased": {"grades": 3, "reusable": 4}}),
        **refusals(problems.INVALID_REQUEST, problems.NOT_ACCEPTABLE, problems.STORE_UNAVAILABLE),
    },
)
async def erase_learner(ref: Reference, services: ServicesOf, tenant: TenantOf) -> ErasureDocument:
    """Grades, submissions, commentaries, raw replies, reviews and all else; can be repeated, then counts nothing.

    A result that another learner's identical answer rests on stays until that goes too. What is still being made for
    the learner when this is sent is not kept when it is finished.
    """
    return ErasureDocument(erased=dict(await services.privacy.erase(tenant, ref)))


@router.get(
    "/{ref:path}/export",
    summary="Export everything kept on a learner",
    response_class=StreamingResponse,
    dependencies=[allow(Scope.LEARNERS_ERASE)],
    responses={
        200: {
            "description": "One JSON object a line; the last is `end` with counts: without it the export is not whole.",
            "content": {MEDIA_TYPE: {"schema": {"type": "string"}, "example": _EXPORT_EXAMPLE}},
        },
        **refusals(problems.INVALID_REQUEST, problems.STORE_UNAVAILABLE),
    },
)
async def export_learner(ref: Reference, services: ServicesOf, tenant: TenantOf) -> StreamingResponse:
    """Each grade with what was sent, its receipt and raw replies, oldest first; then every other row."""
    lines = export_lines(services.privacy, tenant, ref)
    first = await anext(lines)
    return StreamingResponse(_continued(first, lines), media_type=MEDIA_TYPE)


async def export_lines(privacy: Privacy, tenant: Tenant, learner: str) -> AsyncIterator[bytes]:
    """The export as JSON lines, the end included.

    Raises:
        StoreUnavailable: before the first line, or on the way.
    """
    grades = rows = 0
    async for kept in privacy.export(tenant, learner):
        grades, rows = grades + isinstance(kept, GradeRecord), rows + isinstance(kept, KeptRow)
        yield _line(_exported(kept))
    yield _line({"object": "end", "grades": grades, "rows": rows})


async def _continued(first: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield first
    async for line in rest:
        yield line


def _exported(kept: GradeRecord | KeptRow) -> dict[str, Any]:
    if isinstance(kept, KeptRow):
        return {"object": "learner_row", "table": kept.table, "columns": kept.columns}
    return {
        "object": "learner_grade",
        "grade": grade_with_submission(kept).model_dump(mode="json"),
        "receipt": receipt_document(kept).model_dump(mode="json"),
    }


def _line(value: dict[str, Any]) -> bytes:
    return orjson.dumps(value) + b"\n"
