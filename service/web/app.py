"""The site: the API's app with the pages added. ``create_site(settings)`` builds one."""

from __future__ import annotations

from fastapi import FastAPI

from service.api.access import check_rules
from service.api.app import create_app
from service.bootstrap import Services
from service.settings import Settings
from service.web import (
    assets,
    batches,
    embed,
    evals_pages,
    grades,
    learners,
    operations_pages,
    practice,
    review,
    sessions,
)
from service.web.errors import show_missing_pages
from service.web.run_pairs import CompareRuns


def create_site(
    settings: Settings, services: Services | None = None, *, compare_runs: CompareRuns | None = None
) -> FastAPI:
    """API and pages as one app.

    Args:
        settings: what to build.
        services: already opened services, which the caller closes; opened from the settings otherwise.
        compare_runs: puts two evaluation runs beside each other, where the evaluation is at hand.
    """
    app = create_app(settings, services)
    for router in (
        practice.router,
        grades.router,
        learners.router,
        review.router,
        batches.router,
        evals_pages.router,
        operations_pages.router,
        sessions.router,
        embed.router,
        assets.router,
    ):
        app.include_router(router)
    app.state.compare_runs = compare_runs
    app.state.session_access = sessions.session_access
    show_missing_pages(app)
    check_rules(app)
    return app
