"""A learner's progress as a page, made to be printed as well."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Request, Response

from service.access import Scope
from service.api import problems
from service.api.access import allow
from service.api.dependencies import ServicesOf
from service.api.problems import ProblemError
from service.api.progress import progress_of
from service.web import trends
from service.web.errors import PageRoute
from service.web.render import page
from service.web.visitor import VisitorOf

router = APIRouter(prefix="/learners", include_in_schema=False, route_class=PageRoute)


@router.get("/{learner}", dependencies=[allow(Scope.GRADES_READ, learners=True)])
async def learner_progress(
    request: Request, learner: Annotated[str, Path(max_length=200)], services: ServicesOf, who: VisitorOf
) -> Response:
    """Trends, gaps, and what to practise next."""
    if not who.may_see(learner):
        raise ProblemError(problems.NOT_FOUND)
    found = await progress_of(services, who.tenant, learner)
    return page(
        request,
        "learner.html.j2",
        learner=learner,
        own=learner == who.learner,
        progress=found,
        charts=[trends.trend_chart(trend) for trend in found.criteria],
        drawing=trends,
        now=services.grading.clock.now(),
    )
