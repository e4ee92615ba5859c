"""The composition root: opens the store, the models and all between, and closes them.

Together with ``backends`` (which adapter a model's name stands for) and ``lineup`` (which judges the settings ask
for) the only place that names concrete adapters.
"""

from __future__ import annotations

import asyncio
import os
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from platformdirs import user_data_path

from service import __version__
from service.allowances import AllowanceStore
from service.backends import Misconfigured, guarded, model_finder, open_backend, provider_batches, retry_policy
from service.batches import Batches
from service.catalogue import Catalogue
from service.economy import Economy
from service.economy_ports import Asking
from service.engine import DbosEngine
from service.estimate import Estimator
from service.grading.coach import Coach
from service.grading.grader import Grader
from service.grading.judgement import Judge
from service.grading.submission import Limits
from service.idempotency import Idempotency
from service.intake import Intake
from service.keys import Keys
from service.library import FileLibrary
from service.limiting import Limiting
from service.lineup import Models, asks_once, build_judge, fitting_judge, named_prompt, second_judge
from service.llm.backend import ChatBackend
from service.llm.prepared import Collecting, Questions
from service.llm.retry import ResilientChat
from service.operations import OperationsStore
from service.ports import Clock, GradeStore, Library, ReviewStore
from service.privacy import Privacy
from service.reviewing import Reviewing, SecondGrader
from service.settings import EMBEDDED, Settings
from service.spending import Spending
from service.storage import (
    Database,
    SqlAllowanceStore,
    SqlBatchStore,
    SqlDeliveryQueue,
    SqlEconomyStore,
    SqlEndpointStore,
    SqlGradeStore,
    SqlIdempotencyStore,
    SqlJobStore,
    SqlKeyStore,
    SqlLearnerStore,
    SqlOperationsStore,
    SqlReviewStore,
    SqlRubricStore,
    SqlWorkerStore,
    open_migrated,
)
from service.telemetry import Metrics
from service.webhooks.addresses import AddressPolicy
from service.webhooks.courier import Courier
from service.webhooks.endpoints import Webhooks
from service.webhooks.signing import Signer
from service.webhooks.transport import SystemResolver, Transport
from service.worker import Worker
from service.workflow import Grading, Pace

__all__ = [
    "Misconfigured",
    "Services",
    "SystemClock",
    "build_grader",
    "build_webhooks",
    "coach_prompt",
    "estimator",
    "fitting_judge",
    "guarded",
    "instance_secret",
    "limits",
    "model_finder",
    "open_backend",
    "open_keys",
    "open_privacy",
    "open_reviews",
    "open_services",
    "pace",
    "retry_policy",
    "second_grader",
]

ALWAYS = 2.0
"""A threshold no confidence reaches."""


class SystemClock:
    """The real time."""

    def now(self) -> datetime:
        """The current time in UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Seconds on the running event loop's clock."""
        return asyncio.get_running_loop().time()


@dataclass(slots=True)
class Services:
    """Everything a front end needs."""

    grading: Grading
    batches: Batches
    worker: Worker
    economy: Economy
    intake: Intake
    library: Library
    catalogue: Catalogue
    reviewing: Reviewing
    privacy: Privacy
    store: GradeStore
    keys: Keys
    idempotency: Idempotency
    limiting: Limiting
    spending: Spending
    operations: OperationsStore
    metrics: Metrics
    secret: bytes = field(repr=False)
    runs_dir: Path
    models: Models
    webhooks: Webhooks
    courier: Courier
    loading: asyncio.Task[None] | None = None

    @property
    def model(self) -> ResilientChat:
        """``DEBRIEF_MODEL``."""
        return self.models.main

    def model_state(self) -> Literal["ok", "loading", "degraded"]:
        """How the models are, as far as known without asking them: one that fails degrades the whole."""
        if self.loading is not None and not self.loading.done():
            return "loading"
        return "ok" if self.models.healthy else "degraded"


@asynccontextmanager
async def open_services(
    settings: Settings, backend: ChatBackend | None = None, clock: Clock | None = None
) -> AsyncIterator[Services]:
    """Open the store, the model and all between, and close them in the end.

    Args:
        settings: what to open.
        backend: a model to use in place of the configured one.
        clock: a time to go by in place of the real one.

    Raises:
        Misconfigured: the settings do not fit together.
    """
    library = FileLibrary(settings.content_dir)
    model = guarded(backend or open_backend(settings), settings)
    models = Models(settings, model)
    grader = build_grader(settings, library, model, models)
    database = await open_migrated(settings.database.url)
    clock, metrics = clock or SystemClock(), Metrics()
    store = SqlGradeStore(database, clock.now)
    webhooks, courier = build_webhooks(settings, database, clock, metrics)
    second = second_grader(settings, library, models)
    reviews = SqlReviewStore(database, store)
    jobs = SqlJobStore(database, store)
    catalogue = Catalogue(library, SqlRubricStore(database), clock)
    intake = Intake(catalogue, limits(settings), settings.limits.metadata_keys, settings.data_policy, models.all())
    limiting = Limiting(SqlAllowanceStore(database), clock, settings.limits.requests_per_minute)
    spending = Spending(limiting, settings.limits.usd_per_day, models.priced)
    grading = Grading(grader, store, jobs, clock, pace(settings), metrics, spending.purse)
    privacy = Privacy(store, SqlLearnerStore(database, store), clock, settings.answer_days)
    economy = Economy(
        SqlEconomyStore(database, store),
        economy_asking(settings, library, model),
        provider_batches(model) if asks_once(settings, model.capabilities) else None,
        clock,
        spending.purse,
    )
    services = Services(
        grading=grading,
        batches=Batches(
            SqlBatchStore(database, store),
            grading,
            intake,
            clock,
            estimator(settings, library, models),
            settings.limits.batch_lines,
            settings.limits.body_bytes,
        ),
        worker=Worker(
            grading,
            jobs,
            SqlWorkerStore(database),
            DbosEngine(settings.database.url),
            clock,
            settings.jobs_at_once,
            settings.seconds.drain,
            models.paused,
            economy.tend,
        ),
        economy=economy,
        intake=intake,
        library=library,
        catalogue=catalogue,
        reviewing=Reviewing(store, reviews, clock, grading, second),
        privacy=privacy,
        store=store,
        keys=Keys(SqlKeyStore(database), clock),
        idempotency=Idempotency(SqlIdempotencyStore(database), clock),
        limiting=limiting,
        spending=spending,
        operations=SqlOperationsStore(database),
        metrics=metrics,
        secret=instance_secret(settings),
        runs_dir=settings.runs_dir,
        models=models,
        webhooks=webhooks,
        courier=courier,
        loading=asyncio.create_task(models.prepare()),
    )
    sweeping = asyncio.create_task(privacy.sweep_for_ever())
    try:
        yield services
    finally:
        sweeping.cancel()
        drain = settings.seconds.drain
        await asyncio.gather(services.grading.drain(drain), services.reviewing.drain(drain))
        if services.loading is not None:
            services.loading.cancel()
        await models.close()
        await database.close()


@asynccontextmanager
async def open_reviews(url: str) -> AsyncIterator[ReviewStore]:
    """What people said, for tools that need nothing else of the service.

    Raises:
        StoreUnavailable, ValueError: the database cannot be used.
    """
    database = await open_migrated(url)
    try:
        yield SqlReviewStore(database, SqlGradeStore(database))
    finally:
        await database.close()


@asynccontextmanager
async def open_keys(settings: Settings) -> AsyncIterator[tuple[Keys, AllowanceStore]]:
    """The keys, and what tenants may use, for the command line."""
    database = await open_migrated(settings.database.url)
    try:
        yield Keys(SqlKeyStore(database), SystemClock()), SqlAllowanceStore(database)
    finally:
        await database.close()


@asynccontextmanager
async def open_privacy(settings: Settings) -> AsyncIterator[Privacy]:
    """What an operator needs for erasing, exporting and expiring; no model is opened."""
    database = await open_migrated(settings.database.url)
    try:
        store = SqlGradeStore(database)
        yield Privacy(store, SqlLearnerStore(database, store), SystemClock(), settings.answer_days)
    finally:
        await database.close()


def build_webhooks(settings: Settings, database: Database, clock: Clock, metrics: Metrics) -> tuple[Webhooks, Courier]:
    """What manages webhook endpoints, and what sends: ``async with courier.running(): ...`` or ``courier.run()``."""
    transport = Transport(AddressPolicy(allow_private=settings.webhooks_allow_private), SystemResolver())
    signer = Signer(instance_secret(settings))
    webhooks = Webhooks(SqlEndpointStore(database), transport.vetted, signer, clock)
    return webhooks, Courier(SqlDeliveryQueue(database), transport, signer, clock, metrics)


def economy_asking(settings: Settings, library: Library, model: ResilientChat) -> Asking:
    """What the single-call judge would ask about an answer."""
    collecting = Collecting(model.backend)
    alone = settings.model_copy(update={"judge": "single_call", "samples": 1})
    return Questions(build_grader(alone, library, ResilientChat(collecting)), collecting)


def estimator(settings: Settings, library: Library, models: Models) -> Estimator:
    """What says beforehand what grades will take on the models, at most: every answer of a cascade goes on."""
    judges = settings.judges.model_copy(update={"escalate_below": ALWAYS})
    rehearsed = models.rehearsed()
    rehearsal = build_grader(settings.model_copy(update={"judges": judges}), library, rehearsed.main, rehearsed)
    return Estimator(rehearsal, priced=rehearsed.priced)


def build_grader(settings: Settings, library: Library, model: ResilientChat, models: Models | None = None) -> Grader:
    """The grader the settings ask for, around a model.

    Args:
        settings: name the judge, or several, and the prompts.
        library: holds the prompts.
        model: writes the commentary, and decides wherever the settings name no other model.
        models: opens the others; without it no other model may be named.

    Raises:
        Misconfigured: an unknown prompt, or a judge the model cannot serve.
    """
    judge = build_judge(settings, library, models or Models(settings, model, alone=True))
    return _grader(settings, library, model, judge)


def second_grader(settings: Settings, library: Library, models: Models) -> SecondGrader:
    """Who grades again on appeal.

    Raises:
        Misconfigured: the model that is to do it cannot be used.
    """
    judge, how = second_judge(settings, library, models)
    model = models.main if settings.appeal_model is None else models.chat(settings.appeal_model)
    return SecondGrader(_grader(settings, library, model, judge), how)


def _grader(settings: Settings, library: Library, model: ResilientChat, judge: Judge) -> Grader:
    return Grader(
        judge=judge,
        coach=Coach(model, named_prompt(library, coach_prompt(settings))),
        secret=instance_secret(settings),
        service=__version__,
        notes=library.context_notes(),
    )


def coach_prompt(settings: Settings) -> str:
    """The coach's prompt when none is named: a brief one for the embedded model."""
    return settings.prompts.coach or ("coach-brief" if settings.model == EMBEDDED else "coach")


def pace(settings: Settings) -> Pace:
    """How many grades at once: one on the embedded model, whose cached prefix belongs to one answer at a time."""
    at_once = 1 if settings.uses_embedded else settings.concurrency
    return Pace(at_once=at_once, waiting=settings.limits.waiting, grade_seconds=settings.grade_seconds)


def limits(settings: Settings) -> Limits:
    """The limits on submitted text."""
    of = settings.limits
    return Limits(
        question=of.question, answer=of.answer, reference=of.reference, context=of.context, key_points=of.key_points
    )


def instance_secret(settings: Settings) -> bytes:
    """The secret behind the fences: from the settings, else kept in a file of this user's (mode 0600)."""
    if settings.secret is not None:
        return settings.secret.get_secret_value().encode()
    path = user_data_path("debrief", False) / "secret"
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_bytes()
    with os.fdopen(handle, "wb") as file:
        secret = secrets.token_hex(32).encode()
        file.write(secret)
    return secret
