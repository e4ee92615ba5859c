"""Evaluation runs as pages: the list, agreement with labels, the trend over runs, and the reports as written."""

from __future__ import annotations

import asyncio
from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query, Request, Response

from service.access import Scope
from service.api import problems
from service.api.access import allow
from service.api.dependencies import ServicesOf
from service.api.problems import ProblemError
from service.bootstrap import Services
from service.web import trends as drawing
from service.web import words
from service.web.errors import PageRoute
from service.web.render import page
from service.web.run_pairs import CompareRuns, NotComparable
from service.web.runs import Agreement, Run, Runs, by_criterion

router = APIRouter(
    prefix="/evals", include_in_schema=False, route_class=PageRoute, dependencies=[allow(Scope.OPERATIONS_READ)]
)

TREND_RUNS = 12
_REPORT_POLICY = (
    "sandbox allow-scripts; default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:; "
    "frame-ancestors 'none'"
)
"""A report brings its own style and script; in a sandbox it is a page of no site, with nothing of ours in reach."""

Name = Annotated[str, Path(max_length=128)]
RunName = Annotated[str, Query(max_length=128)]


@router.get("")
async def evals(request: Request, services: ServicesOf) -> Response:
    """Every run, and how agreement moved over the newest runs of each suite."""
    runs = _runs(services)
    found = runs.newest()
    trends = _trends(runs, found)
    return page(
        request,
        "evals.html.j2",
        runs=found,
        trends=trends,
        charts={suite: _charts(points) for suite, points in trends.items()},
        drawing=drawing,
        comparable=request.app.state.compare_runs is not None and len(found) > 1,
    )


@router.get("/compare")
async def compare(request: Request, services: ServicesOf, base: RunName, other: RunName) -> Response:
    """Two runs answer by answer, from their stored results: better, worse, or cannot tell."""
    runs = _runs(services)
    before, after = _found(runs, base), _found(runs, other)
    comparing: CompareRuns | None = request.app.state.compare_runs
    if comparing is None:
        raise ProblemError(problems.NOT_FOUND, "This server was started without the evaluation's analysis.")
    try:
        pair = await asyncio.to_thread(comparing, runs.folder / before.name, runs.folder / after.name)
    except NotComparable as error:
        raise ProblemError(problems.INVALID_REQUEST, str(error)) from None
    return page(request, "pair.html.j2", pair=pair, base=before, other=after)


@router.get("/{name}")
async def one_run(request: Request, name: Name, services: ServicesOf) -> Response:
    """One run: agreement by criterion, variants beside each other, and its reports."""
    runs = _runs(services)
    run = _found(runs, name)
    return page(request, "run.html.j2", run=run, criteria=by_criterion(runs.agreement(run)))


@router.get("/{name}/{kind}")
async def report(name: Name, kind: Literal["report", "diff", "migrate"], services: ServicesOf) -> Response:
    """A report as the evaluation wrote it."""
    runs = _runs(services)
    text = runs.report(_found(runs, name), kind)
    if text is None:
        raise ProblemError(problems.NOT_FOUND, "This run has no such report: debrief eval report writes it.")
    return Response(text, headers={"Content-Security-Policy": _REPORT_POLICY}, media_type="text/html; charset=utf-8")


def _runs(services: Services) -> Runs:
    return Runs(services.runs_dir)


def _found(runs: Runs, name: str) -> Run:
    run = runs.find(name)
    if run is None:
        raise ProblemError(problems.NOT_FOUND, "There is no run of this name.")
    return run


def _charts(points: list[tuple[Run, dict[str, Agreement]]]) -> list[drawing.ShareChart]:
    """Per criterion how often machine and labels gave the same level, run after run."""
    criteria = dict.fromkeys(criterion for _, found in points for criterion in found)
    return [
        drawing.share_chart(
            words.titled(criterion), [found[criterion].exact for _, found in points if criterion in found]
        )
        for criterion in criteria
    ]


def _trends(runs: Runs, found: list[Run]) -> dict[str, list[tuple[Run, dict[str, Agreement]]]]:
    """By suite, oldest first: each run's agreement of its last variant, criterion by criterion."""
    trends: dict[str, list[tuple[Run, dict[str, Agreement]]]] = {}
    for run in reversed(found[:TREND_RUNS]):
        last = run.head.variants[-1].name if run.head.variants else None
        agreements = {item.criterion: item for item in runs.agreement(run) if last in (None, item.variant)}
        if agreements:
            trends.setdefault(run.head.suite.title, []).append((run, agreements))
    return {suite: points for suite, points in trends.items() if len(points) > 1}
