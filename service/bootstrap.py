"""The composition root: the only file that names concrete adapters; it opens and closes them."""

from __future__ import annotations

import asyncio
import os
import secrets
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from platformdirs import user_data_path

from service import __version__
from service.allowances import AllowanceStore
from service.batches import Batches
from service.catalogue import Catalogue
from service.engine import DbosEngine
from service.estimate import Estimator
from service.grading.calibration import Calibrations
from service.grading.coach import Coach
from service.grading.errors import ModelError
from service.grading.grader import Grader
from service.grading.judgement import Judge
from service.grading.judges.calibrated import CalibratedJudge
from service.grading.judges.readout import ReadoutJudge
from service.grading.judges.restated import RestatedJudge
from service.grading.judges.single_call import SingleCallJudge
from service.grading.models import Capabilities, ChatModel, Tokens
from service.grading.prompt import Prompt
from service.grading.submission import Limits
from service.idempotency import Idempotency
from service.intake import Intake
from service.keys import Keys
from service.library import FileLibrary
from service.limiting import Limiting
from service.llm import scripted
from service.llm.backend import ChatBackend
from service.llm.breaker import PATIENCE, Breaker
from service.llm.embedded import EmbeddedChat
from service.llm.litellm_chat import LiteLLMChat
from service.llm.model_files import QWEN_CODER_1_5B, NoProgress, Progress, ensure_model
from service.llm.prices import price_of
from service.llm.redaction import RedactingChat, can_redact
from service.llm.rehearsal import Rehearsal
from service.llm.retry import ResilientChat, RetryPolicy
from service.ports import Clock, GradeStore, Library, ReviewStore
from service.privacy import Privacy
from service.reviewing import Reviewing, SecondGrader
from service.reviews import SecondOpinion
from service.settings import EMBEDDED, Settings
from service.spending import Spending
from service.storage import (
    Database,
    SqlAllowanceStore,
    SqlBatchStore,
    SqlDeliveryQueue,
    SqlEndpointStore,
    SqlGradeStore,
    SqlIdempotencyStore,
    SqlJobStore,
    SqlKeyStore,
    SqlLearnerStore,
    SqlReviewStore,
    SqlRubricStore,
    SqlWorkerStore,
    open_migrated,
)
from service.telemetry import Metrics, log
from service.webhooks.addresses import AddressPolicy
from service.webhooks.courier import Courier
from service.webhooks.endpoints import Webhooks
from service.webhooks.signing import Signer
from service.webhooks.transport import SystemResolver, Transport
from service.worker import Worker
from service.workflow import Grading, Pace


class Misconfigured(Exception):
    """The settings do not fit together; the message says what to change."""


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
    metrics: Metrics
    secret: bytes = field(repr=False)
    runs_dir: Path
    model: ResilientChat
    webhooks: Webhooks
    courier: Courier
    loading: asyncio.Task[None] | None = None

    def model_state(self) -> Literal["ok", "loading", "degraded"]:
        """How the model is, as far as known without asking it."""
        if self.loading is not None and not self.loading.done():
            return "loading"
        return "ok" if self.model.healthy else "degraded"


@asynccontextmanager
async def open_services(settings: Settings, backend: ChatBackend | None = None) -> AsyncIterator[Services]:
    """Open the store, the model and all between, and close them in the end.

    Args:
        settings: what to open.
        backend: a model to use in place of the configured one.

    Raises:
        Misconfigured: the settings do not fit together.
    """
    library = FileLibrary(settings.content_dir)
    model = guarded(backend or open_backend(settings), settings)
    grader = build_grader(settings, library, model)
    database = await open_migrated(settings.database.url)
    clock, metrics = SystemClock(), Metrics()
    store = SqlGradeStore(database, clock.now)
    webhooks, courier = build_webhooks(settings, database, clock, metrics)
    second, second_model = second_grader(settings, library, model)
    reviews = SqlReviewStore(database, store)
    jobs = SqlJobStore(database, store)
    catalogue = Catalogue(library, SqlRubricStore(database), clock)
    intake = Intake(catalogue, limits(settings), settings.limits.metadata_keys, settings.data_policy, (model,))
    limiting = Limiting(SqlAllowanceStore(database), clock, settings.limits.requests_per_minute)
    spending = Spending(
        limiting, settings.limits.usd_per_day, is_priced(model.backend) and is_priced(second_model.backend)
    )
    grading = Grading(grader, store, jobs, clock, pace(settings), metrics, spending.purse)
    privacy = Privacy(store, SqlLearnerStore(database, store), clock, settings.answer_days)
    services = Services(
        grading=grading,
        batches=Batches(
            SqlBatchStore(database, store),
            grading,
            intake,
            clock,
            estimator(settings, library, model.backend),
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
            model.pause.over,
        ),
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
        metrics=metrics,
        secret=instance_secret(settings),
        runs_dir=settings.runs_dir,
        model=model,
        webhooks=webhooks,
        courier=courier,
        loading=asyncio.create_task(_prepare(model)),
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
        await model.backend.close()
        if second_model is not model:
            await second_model.backend.close()
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


async def _prepare(model: ResilientChat) -> None:
    try:
        await model.backend.prepare()
    except ModelError as error:
        model.healthy = False
        log("model_not_ready", code=error.code, detail=error.detail)


def estimator(settings: Settings, library: Library, backend: ChatBackend) -> Estimator:
    """What says beforehand what grades will take on a model."""
    rehearsal = build_grader(settings, library, ResilientChat(Rehearsal(backend)))
    return Estimator(rehearsal, priced=backend.cost_usd(Tokens(input=1, output=1)) is not None)


def build_grader(settings: Settings, library: Library, model: ChatModel) -> Grader:
    """The grader the settings ask for, around a model.

    Raises:
        Misconfigured: an unknown prompt, or a judge the model cannot serve.
    """
    return Grader(
        judge=_calibrated(_judge(settings, library, model), library),
        coach=Coach(model, _prompt(library, coach_prompt(settings))),
        secret=instance_secret(settings),
        service=__version__,
        notes=library.context_notes(),
    )


SECOND_SAMPLES = 3
"""Fresh samples behind the second grading of an appeal, where the judge samples."""


def second_grader(settings: Settings, library: Library, model: ResilientChat) -> tuple[SecondGrader, ResilientChat]:
    """Who grades again on appeal, and the model that is asked: another one if one is configured.

    Else the same model: fresh samples of a judge that asks once for all, the case in other words for the others.

    Raises:
        Misconfigured: the other model cannot be used.
    """
    how: SecondOpinion = "other_model"
    if settings.appeal_model is not None:
        other = settings.model_copy(
            update={"model": settings.appeal_model, "model_base_url": None, "model_api_key": None, "judge": "auto"}
        )
        model = guarded(open_backend(other), other)
        judge = _judge(other, library, model)
    else:
        judge = _judge(settings, library, model)
        how = "fresh_samples" if isinstance(judge, SingleCallJudge) else "restated"
        judge = _asked_again(judge)
    grader = Grader(
        judge=_calibrated(judge, library),
        coach=Coach(model, _prompt(library, coach_prompt(settings))),
        secret=instance_secret(settings),
        service=__version__,
        notes=library.context_notes(),
    )
    return SecondGrader(grader, how), model


def _asked_again(judge: Judge) -> Judge:
    if isinstance(judge, SingleCallJudge):
        return replace(judge, samples=SECOND_SAMPLES, first_seed=judge.samples)
    return RestatedJudge(judge)


def _calibrated(judge: Judge, library: Library) -> Judge:
    usable = library.calibrations().of_judge(judge.name, judge.model, judge.prompt.sha256)
    return CalibratedJudge(judge, Calibrations(usable)) if usable else judge


def _judge(settings: Settings, library: Library, model: ChatModel) -> Judge:
    name = fitting_judge(model.capabilities) if settings.judge == "auto" else settings.judge
    if name == "single_call":
        prompt = _prompt(library, settings.prompts.single_call)
        return SingleCallJudge(model, prompt, settings.samples, examples=library.examples())
    if not model.capabilities.top_logprobs:
        raise Misconfigured(
            f"the readout judge needs a model that reports log-probabilities, and {model.name} does not: "
            "set DEBRIEF_JUDGE=single_call or leave it out"
        )
    return ReadoutJudge(model, _prompt(library, settings.prompts.readout))


def fitting_judge(capabilities: Capabilities) -> Literal["readout", "single_call"]:
    """The judge for a model when none is named: readout for a small model that runs here, else one call for all."""
    return "readout" if capabilities.free and capabilities.top_logprobs else "single_call"


def coach_prompt(settings: Settings) -> str:
    """The coach's prompt when none is named: a brief one for the embedded model."""
    return settings.prompts.coach or ("coach-brief" if settings.model == EMBEDDED else "coach")


def _prompt(library: Library, reference: str) -> Prompt:
    prompt = library.prompt(reference)
    if prompt is None:
        raise Misconfigured(f"there is no prompt called {reference}: look into prompts/")
    return prompt


_DIRECT = {
    "openai": None,
    "hosted_vllm": "http://127.0.0.1:8000/v1",
    "ollama": "http://127.0.0.1:11434/v1",
    "llamacpp": "http://127.0.0.1:8080/v1",
}
"""OpenAI-compatible providers that need no LiteLLM, and where they listen unless told otherwise."""


def open_backend(settings: Settings, progress: Progress | None = None) -> ChatBackend:
    """The backend of ``settings.model``, redacting if that is asked for; nothing is loaded or called yet.

    Raises:
        Misconfigured: the model's key is missing, or what redaction needs.
    """
    backend = _unredacted(settings, progress)
    if not settings.redact:
        return backend
    if not can_redact():
        raise Misconfigured(
            "DEBRIEF_REDACT needs the extra privacy: pip install 'debrief-service[privacy]', or leave it out"
        )
    return RedactingChat(backend)


def _unredacted(settings: Settings, progress: Progress | None = None) -> ChatBackend:
    name = settings.model
    if name == EMBEDDED:
        embedded = settings.embedded
        return EmbeddedChat(
            name, model_finder(settings, progress), context_tokens=embedded.context_tokens, threads=embedded.threads
        )
    if name in _SCRIPTED:
        return _SCRIPTED[name]()
    provider, _, model = name.partition("/")
    if provider in _DIRECT and model:
        return _direct(settings, provider, model)
    return LiteLLMChat(name, price=price_of(name), api_base=settings.model_base_url)


_SCRIPTED: dict[str, Callable[[], ChatBackend]] = {
    "scripted/echo": scripted.echo,
    "scripted/obedient": scripted.obedient,
}


def _direct(settings: Settings, provider: str, model: str) -> ChatBackend:
    from service.llm.openai_chat import OpenAIChat

    own = provider == "openai"
    base_url = settings.model_base_url or (settings.openai_base_url if own else None) or _DIRECT[provider]
    key = settings.model_api_key or (settings.openai_api_key if own else None)
    if own and base_url is None and key is None:
        raise Misconfigured(f"{settings.model} needs a key: set OPENAI_API_KEY, or DEBRIEF_MODEL=embedded to use none")
    return OpenAIChat(
        settings.model,
        model,
        api_key=key.get_secret_value() if key else None,
        base_url=base_url,
        price=price_of(settings.model) if own and base_url is None else None,
        hosted_by_openai=own and base_url is None,
    )


def model_finder(settings: Settings, progress: Progress | None = None) -> Callable[[], Path]:
    """A function that returns the embedded model's file, fetching it on first use."""
    embedded = settings.embedded
    return lambda: ensure_model(
        QWEN_CODER_1_5B, path=embedded.path, cache_dir=embedded.cache_dir, progress=progress or NoProgress()
    )


def guarded(backend: ChatBackend, settings: Settings) -> ResilientChat:
    """A model as the service asks it: with the retry policy, behind a breaker."""
    patience = PATIENCE * settings.call_seconds
    return ResilientChat(backend, retry_policy(settings), breaker=Breaker(backend.name, time.monotonic, patience))


def is_priced(backend: ChatBackend) -> bool:
    """Whether the price of a call is known."""
    return backend.cost_usd(Tokens(input=1, output=1)) is not None


def retry_policy(settings: Settings) -> RetryPolicy:
    """The retry policy of the settings."""
    return RetryPolicy(call_seconds=settings.call_seconds, concurrency=settings.concurrency)


def pace(settings: Settings) -> Pace:
    """How many grades at once: one on the embedded model, whose cached prefix belongs to one answer at a time."""
    at_once = 1 if settings.model == EMBEDDED else settings.concurrency
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
