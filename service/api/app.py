"""The app: routes, problems, guards. ``create_app(settings)`` builds one; importing this does nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from fastapi_offline import FastAPIOffline
from starlette.exceptions import HTTPException as StarletteHTTPException

from service import __version__
from service.api import (
    batches,
    grades,
    learner_data,
    links,
    operations,
    progress,
    questions,
    reviews,
    rubrics,
    webhooks,
)
from service.api.access import check_rules
from service.api.document import document_api
from service.api.guard import Guard
from service.api.problems import handle
from service.batches import TooManyLines
from service.bootstrap import Services, open_services
from service.catalogue import PublishedDifferently, ReservedRubric, TooManyRubrics
from service.intake import InvalidRequest
from service.lines import BrokenArray
from service.ports import InvalidCursor, StoreUnavailable
from service.reviewing import AlreadyAppealed, NotReviewable
from service.settings import Settings
from service.telemetry import log
from service.webhooks.addresses import UrlRefused
from service.webhooks.endpoints import EndpointDisabled, TooManyEndpoints
from service.workflow import AnswerExpired, NothingToRetry, Overloaded

DESCRIPTION = """\
Grades interview answers against a rubric with a language model and gives feedback that can be defended:
every remark quotes the answer and the quote is verified by code; every level comes with its probabilities.
"""
_HANDLED: tuple[type[Exception], ...] = (
    StarletteHTTPException,
    RequestValidationError,
    AlreadyAppealed,
    BrokenArray,
    AnswerExpired,
    InvalidCursor,
    NotReviewable,
    InvalidRequest,
    NothingToRetry,
    Overloaded,
    PublishedDifferently,
    ReservedRubric,
    StoreUnavailable,
    TooManyLines,
    TooManyRubrics,
    TooManyEndpoints,
    EndpointDisabled,
    UrlRefused,
    Exception,
)


def create_app(settings: Settings, services: Services | None = None) -> FastAPI:
    """The HTTP service.

    Args:
        settings: what to build.
        services: already opened services, which the caller closes; opened from the settings otherwise.
    """
    app: FastAPI = FastAPIOffline(
        title="debrief",
        version=__version__,
        description=DESCRIPTION,
        license_info={"name": "Apache-2.0", "identifier": "Apache-2.0"},
        openapi_tags=[
            {"name": "grades", "description": "Grade answers and read the results."},
            {"name": "reviews", "description": "What people say on grades, and which grades wait for them."},
            {"name": "batches", "description": "Grade a whole cohort, whatever happens meanwhile."},
            {
                "name": "learners",
                "description": "What a learner's attempts tell together; take it along, or have it erased.",
            },
            {"name": "links", "description": "Signed links for learners and for other sites."},
            {"name": "rubrics", "description": "What answers are judged on."},
            {"name": "questions", "description": "What can be asked, with what a right answer says."},
            {"name": "webhooks", "description": "Be told when something is done, and see what was told."},
            {"name": "operations", "description": "For those who run the service."},
        ],
        redoc_url=None,
        lifespan=_lifespan(settings, services),
        separate_input_output_schemas=True,
    )
    for router in (
        grades.router,
        batches.router,
        progress.router,
        links.router,
        reviews.router,
        reviews.queue_router,
        learner_data.router,
        rubrics.router,
        questions.router,
        webhooks.router,
        operations.router,
    ):
        app.include_router(router)
    webhooks.document_events(app.webhooks)
    for error in _HANDLED:
        app.add_exception_handler(error, handle)
    app.add_middleware(
        Guard,
        body_bytes=settings.limits.body_bytes,
        larger=dict.fromkeys(("/v1/batches", "/batches"), settings.limits.batch_bytes),
    )
    document_api(app)
    check_rules(app)
    return app


def _lifespan(settings: Settings, given: Services | None) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            services = given if given is not None else await stack.enter_async_context(open_services(settings))
            app.state.services = services
            if interrupted := await services.grading.recover():
                log("interrupted_grades_found", count=interrupted)
            if cut_short := await services.reviewing.recover():
                log("interrupted_appeals_found", count=cut_short)
            if broken_off := await services.batches.recover():
                log("unsent_batches_dropped", count=broken_off)
            if settings.worker.in_server:
                await stack.enter_async_context(services.worker.running())
            await stack.enter_async_context(services.courier.running())
            yield

    return lifespan
