"""From a plan to what it stands for: rows, model, manifest."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from evals.datasets import read_public, sampled, source_of
from evals.errors import CouldNotRun
from evals.manifest import Manifest, Plan, SuiteRef, VariantRef, git_state, versions
from evals.replies import RECORD_AGAIN, ModelCard, ReplyStore
from evals.suites import Suite, golden_rows, limited, rubric_called, with_rubrics
from evals.variants import Variant
from service.bootstrap import Misconfigured, open_backend
from service.grading.grade import ArtefactRef
from service.grading.hashing import content_hash
from service.grading.rubric import DEFAULT_RUBRIC
from service.llm.backend import ChatBackend
from service.llm.model_files import QWEN_CODER_1_5B, Progress
from service.ports import Library
from service.settings import EMBEDDED, Settings


def suite_of(plan: Plan, library: Library) -> Suite:
    """The rows of a plan with their rubrics.

    Raises:
        CouldNotRun: see :mod:`evals.suites` and :mod:`evals.datasets`.
    """
    if plan.data is None:
        rows = golden_rows(plan.suite)
        suite = with_rubrics(plan.suite, rows, library, plan.rubric, labelled_only=plan.labelled_only)
        return limited(suite, plan.limit, plan.seed)
    path, rubric = Path(plan.data), rubric_called(plan.rubric or DEFAULT_RUBRIC, library)
    public, notes = read_public(plan.suite, path, rubric, plan.mapping, plan.where)
    rows = sampled(public, plan.limit, plan.seed)
    found = with_rubrics(plan.suite, rows, library, plan.rubric, labelled_only=plan.labelled_only)
    return Suite(found.name, found.rows, found.rubrics, source_of(plan.suite, path), tuple(notes))


def model_identity(settings: Settings) -> str:
    """What tells the configured model's weights apart from others of the same name."""
    if settings.model != EMBEDDED:
        return (
            f"{settings.model}:{content_hash(settings.model_base_url)}" if settings.model_base_url else settings.model
        )
    own = settings.embedded.path
    if own is None:
        return f"{EMBEDDED}:{QWEN_CODER_1_5B.sha256}"
    try:
        with own.open("rb") as file:
            return f"{EMBEDDED}:{hashlib.file_digest(file, 'sha256').hexdigest()}"
    except OSError as error:
        raise CouldNotRun(f"the model file {own} cannot be read ({error.strerror}).") from None


def known_model(
    settings: Settings, store: ReplyStore, *, replay: bool, progress: Progress | None
) -> tuple[ChatBackend | None, ModelCard]:
    """The model, neither loaded nor called yet, and its card; no model where only the record speaks for it.

    Args:
        settings: name the model.
        store: may hold its card.
        replay: leave the model alone.
        progress: shown while the embedded model is fetched.

    Raises:
        CouldNotRun: replaying a model of which nothing is recorded.
        Misconfigured: the model lacks its key, and nothing is recorded of it.
    """
    identity = model_identity(settings)
    card = store.card(identity)
    if replay and card is None:
        raise CouldNotRun(f"nothing was ever recorded of {settings.model}. {RECORD_AGAIN}")
    try:
        backend = None if replay else open_backend(settings, progress)
    except Misconfigured:
        if card is None:
            raise
        backend = None
    if backend is not None:
        card = ModelCard(name=settings.model, identity=identity, capabilities=backend.capabilities)
    assert card is not None
    return backend, card


def manifest_of(
    plan: Plan, suite: Suite, variants: Sequence[Variant], card: ModelCard, command: tuple[str, ...]
) -> Manifest:
    """The manifest of a new run, under a new id; the plan in it names every prompt with its version."""
    now = datetime.now(UTC)
    return Manifest(
        id=f"{now:%Y%m%d-%H%M%S}-{secrets.token_hex(2)}",
        created=now.isoformat(timespec="seconds"),
        command=command,
        plan=plan.model_copy(update={"prompts": tuple(variant.name for variant in variants)}),
        suite=SuiteRef(name=suite.name, sha256=suite.sha256, n=len(suite.rows), source=suite.source),
        variants=tuple(_variant_ref(variant) for variant in variants),
        model=card.name,
        model_identity=card.identity,
        rubrics=tuple(
            ArtefactRef(id=rubric.id, version=rubric.version, sha256=rubric.sha256)
            for _, rubric in sorted(suite.rubrics.items())
        ),
        versions=versions(),
        git=git_state(Path(__file__).parent.parent),
    )


def _variant_ref(variant: Variant) -> VariantRef:
    return VariantRef(
        name=variant.name,
        sha256=variant.prompt.sha256,
        judge=variant.judge,
        coach=variant.settings.prompts.coach or "",
        deterministic=variant.deterministic,
    )
