"""The review queue: one doubtful grade after the other, a person's levels beside the machine's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request, Response, status
from fastapi.responses import RedirectResponse
from pydantic import ValidationError

from service.access import Scope
from service.api.access import allow
from service.api.dependencies import ServicesOf
from service.api.problems import ProblemError, problem_for
from service.api.review_schemas import AgreementDocument, ReviewBody, agreement_document
from service.bootstrap import Services
from service.records import GradeRecord, QueueItem
from service.reviewing import NotReviewable, Opinion
from service.web import words
from service.web.errors import PageRoute
from service.web.feedback import feedback_of
from service.web.forms import field_errors, invalid
from service.web.learning import find_grade
from service.web.render import page
from service.web.visitor import SameOrigin, Visitor, VisitorOf

router = APIRouter(
    prefix="/review",
    include_in_schema=False,
    route_class=PageRoute,
    dependencies=[allow(Scope.REVIEWS_WRITE)],
)

REVIEWER_COOKIE = "debrief_reviewer"
A_YEAR = 365 * 24 * 3600
LEVEL = "level:"
REASONS = ("appeal", "low_confidence", "unscored", "manipulation_suspected", "masking_gap")

Reason = Annotated[str, Query(max_length=40, pattern=r"^[a-z_]*$")]
Cursor = Annotated[str, Query(max_length=200)]


@dataclass(frozen=True, slots=True)
class Place:
    """Where in the queue a person works: which reasons, from where on, and whether the machine's levels are shown."""

    reason: str = ""
    cursor: str = ""
    blind: bool = False

    def address(self, **changes: object) -> str:
        """The queue at this place, with changes."""
        parts = {"reason": self.reason, "cursor": self.cursor, "blind": "true" if self.blind else "", **changes}
        chosen = {name: value for name, value in parts.items() if value}
        return f"/review?{urlencode(chosen)}" if chosen else "/review"


@dataclass(frozen=True, slots=True)
class ReviewForm:
    """What a person typed and chose."""

    reviewer: str = ""
    note: str = ""
    levels: tuple[tuple[str, int], ...] = ()
    golden: bool = False

    def level_of(self, criterion: str) -> int | None:
        """The level chosen for a criterion."""
        return dict(self.levels).get(criterion)


@router.get("")
async def queue(
    request: Request,
    services: ServicesOf,
    who: VisitorOf,
    reason: Reason = "",
    cursor: Cursor = "",
    blind: bool = False,
) -> Response:
    """The next grade that waits, with all a person needs to decide."""
    form = ReviewForm(reviewer=request.cookies.get(REVIEWER_COOKIE, ""))
    return await _queue_page(request, services, who, Place(reason, cursor, blind), form)


@router.post("", dependencies=[SameOrigin])
async def review(
    request: Request,
    services: ServicesOf,
    who: VisitorOf,
    grade: Annotated[str, Query(max_length=64)],
    reason: Reason = "",
    cursor: Cursor = "",
    blind: bool = False,
) -> Response:
    """Keep the levels and go on to the next grade."""
    place, form = Place(reason, cursor, blind), await _sent(request)
    record = await find_grade(services, who, grade)
    try:
        body = _body(form)
        opinion = Opinion(body.reviewer, body.levels, body.note, body.golden)
        await services.reviewing.review(who.tenant, record.id, opinion)
    except (ProblemError, NotReviewable) as error:
        return await _queue_page(request, services, who, place, form, record, problem_for(error))
    response = RedirectResponse(place.address(), status.HTTP_303_SEE_OTHER)
    secure = request.url.scheme == "https"
    response.set_cookie(
        REVIEWER_COOKIE, form.reviewer, A_YEAR, path="/review", secure=secure, httponly=True, samesite="lax"
    )
    return response


async def _sent(request: Request) -> ReviewForm:
    fields = await request.form(max_files=0, max_fields=20)
    texts = {name: value.replace("\r\n", "\n") for name, value in fields.items() if isinstance(value, str)}
    levels = tuple((name.removeprefix(LEVEL), int(text)) for name, text in texts.items() if _is_level(name, text))
    return ReviewForm(texts.get("reviewer", "").strip(), texts.get("note", ""), levels, "golden" in texts)


def _is_level(name: str, text: str) -> bool:
    return name.startswith(LEVEL) and text.isascii() and text.isdigit() and len(text) < 3


def _body(form: ReviewForm) -> ReviewBody:
    try:
        return ReviewBody.model_validate(
            {
                "reviewer": form.reviewer,
                "levels": dict(form.levels),
                "note": form.note.strip() or None,
                "golden": form.golden,
            }
        )
    except ValidationError as error:
        raise invalid(error) from None


async def _queue_page(
    request: Request,
    services: Services,
    who: Visitor,
    place: Place,
    form: ReviewForm,
    shown: GradeRecord | None = None,
    problem: ProblemError | None = None,
) -> Response:
    found = await services.reviewing.queue(who.tenant, place.reason or None, place.cursor or None, 1)
    item = found.items[0] if found.items and shown is None else None
    record = await _whole(services, item) if item else shown
    reviewed, criteria = await services.reviewing.agreement(who.tenant)
    names = {criterion.id: criterion.name for criterion in record.request.rubric.criteria} if record else {}
    return page(
        request,
        "review.html.j2",
        problem.kind.status if problem else 200,
        feedback=feedback_of(record) if record else None,
        record=record,
        reasons=[words.review_reason(code, names) for code in (record.open_reasons if record else ())],
        waiting=found.waiting,
        next_cursor=found.next_cursor,
        place=place,
        form=form,
        errors=field_errors(problem) if problem else (),
        kinds=REASONS,
        agreement=_by_criterion(agreement_document(reviewed, criteria)),
        reviewed=reviewed,
    )


async def _whole(services: Services, item: QueueItem) -> GradeRecord:
    """The record as it is now, with everything said on it."""
    return await services.grading.get(item.record.tenant, item.record.id) or item.record


def _by_criterion(agreement: AgreementDocument) -> list[tuple[str, str, int, float, float | None]]:
    return [
        (words.titled(found.criterion), found.rubric, found.n, found.exact, found.qwk) for found in agreement.criteria
    ]
