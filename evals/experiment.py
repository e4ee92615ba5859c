"""Grades every row of a suite with every variant, through the production grader, and keeps what came out.

Each grading first runs against the model-call store alone, which takes no time; only where a reply is missing is the
model opened and the grading run again with it. So a run that the store can answer never loads or fetches a model.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from evals.errors import CouldNotRun
from evals.golden import GoldenRow
from evals.manifest import Totals
from evals.perturbations import perturbation_of, perturbed
from evals.replies import RECORD_AGAIN, ModelCard, ReplyStore
from evals.results import Result
from evals.stored_chat import NotRecorded, StoredChat
from evals.suites import Suite
from evals.variants import Variant
from service.bootstrap import build_grader, retry_policy
from service.grading.assembly import as_calls
from service.grading.errors import (
    GradingError,
    ModelMisconfigured,
    ModelRateLimited,
    ModelTimeout,
    ModelUnavailable,
)
from service.grading.grade import Grade, Reason, UnscoredCriterion
from service.grading.judgement import Decided, Decision
from service.grading.models import CallBudget
from service.grading.rubric import Rubric
from service.grading.submission import Submission
from service.llm.backend import ChatBackend
from service.llm.retry import ResilientChat
from service.ports import Library
from service.workflow import usage_of

GIVES_NO_VERDICT = frozenset(
    kind.code for kind in (ModelUnavailable, ModelTimeout, ModelRateLimited, ModelMisconfigured, NotRecorded)
)
"""Reasons that say nothing about a prompt: such a grading failed and is done again by ``--resume``."""

PATIENCE = 4
"""Time limits are so many times the service's: nobody waits, and a busy machine must not cost grades."""

Outcome = Literal["done", "over_budget"]


@dataclass(frozen=True, slots=True)
class Job:
    """One row to be graded once by one variant; ``repeat`` 0 is the plain run."""

    row: GoldenRow
    variant: Variant
    repeat: int = 0

    @property
    def key(self) -> tuple[str, str, int]:
        """What tells gradings of a run apart."""
        return self.row.id, self.variant.name, self.repeat


def jobs_of(rows: Iterable[GoldenRow], variants: Sequence[Variant], repeats: int) -> Iterator[Job]:
    """Every grading of a run: the variants of a row together, so that a run that stops early is still paired."""
    for row in rows:
        for repeat in range(repeats + 1):
            for variant in variants:
                yield Job(row, variant, repeat)


@dataclass(slots=True)
class Tally:
    """What a run has used so far."""

    spent: Totals = field(default_factory=Totals)
    replayed: int = 0
    in_full: dict[str, Totals] = field(default_factory=dict)
    dearest: float = 0.0
    unrecorded: list[str] = field(default_factory=list)

    def add(self, job: Job, chat: StoredChat) -> None:
        """Count the calls of one grading."""
        before = self.spent.cost_usd
        self.spent = self.spent.plus(chat.live)
        self.replayed += len(chat.replayed)
        full = self.in_full.get(job.variant.name, Totals())
        self.in_full[job.variant.name] = full.plus([*chat.live, *chat.replayed])
        if before is not None and self.spent.cost_usd is not None:
            self.dearest = max(self.dearest, self.spent.cost_usd - before)


@dataclass(slots=True)
class Experiment:
    """One run.

    Attributes:
        open_model: opens the model and makes it ready, called at most once; None replays only.
        keep: takes each result as it comes.
        at_once: gradings at the same time.
        budget_usd: no new grading is begun that might go over it.
    """

    suite: Suite
    library: Library
    store: ReplyStore
    card: ModelCard
    keep: Callable[[Result, Tally], None]
    open_model: Callable[[], Awaitable[ChatBackend]] | None = None
    explain: bool = False
    at_once: int = 1
    budget_usd: float | None = None
    tally: Tally = field(default_factory=Tally)
    _running: int = 0
    _backend: ChatBackend | None = None
    _opening: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def run(self, jobs: Iterable[Job]) -> Outcome:
        """Grade all there is to grade.

        Raises:
            CouldNotRun: the model cannot be used as configured, or the store lacks replies and no model may be asked.
        """
        waiting = iter(jobs)
        try:
            async with asyncio.TaskGroup() as group:
                workers = [group.create_task(self._work(waiting)) for _ in range(self.at_once)]
        except BaseExceptionGroup as errors:
            raise errors.exceptions[0] from None
        if self.tally.unrecorded:
            raise CouldNotRun(_unrecorded(self.tally.unrecorded))
        return "done" if all(worker.result() for worker in workers) else "over_budget"

    async def _work(self, waiting: Iterator[Job]) -> bool:
        """False when the budget ended it."""
        for job in waiting:
            if self._would_overspend():
                return False
            self._running += 1
            result = await self._graded(job)
            self._running -= 1
            self.keep(result, self.tally)
        return True

    def _would_overspend(self) -> bool:
        if self.budget_usd is None or self.tally.spent.cost_usd is None:
            return False
        return self.tally.spent.cost_usd + self.tally.dearest * (self._running + 1) > self.budget_usd

    async def _graded(self, job: Job) -> Result:
        chat = self._chat(job)
        result = await self._attempt(job, chat)
        if chat.missing and self.open_model is not None:
            chat = self._chat(job, await self._model())
            result = await self._attempt(job, chat)
        if chat.missing:
            self.tally.unrecorded.append(f"{job.row.id} with {job.variant.name}")
            result = result.model_copy(update={"grade": None, "error": result.error or NotRecorded.code})
        self.tally.add(job, chat)
        return result

    def _chat(self, job: Job, backend: ChatBackend | None = None) -> StoredChat:
        return StoredChat(self.store, self.card, job.repeat, backend)

    async def _model(self) -> ChatBackend:
        assert self.open_model is not None
        async with self._opening:
            if self._backend is None:
                self._backend = await self.open_model()
            return self._backend

    async def _attempt(self, job: Job, chat: StoredChat) -> Result:
        settings, loop = job.variant.settings, asyncio.get_running_loop()
        policy = retry_policy(settings)
        patient = replace(policy, call_seconds=policy.call_seconds * PATIENCE)
        grader = build_grader(settings, self.library, ResilientChat(chat, patient))
        name, submission, rubric = self._case(job)
        started = loop.time()
        budget = CallBudget(deadline=started + settings.grade_seconds * PATIENCE)
        grade: Grade | None = None
        decisions: list[Decision] = []
        try:
            grade = await grader.grade(submission, rubric, budget, explain=self.explain, observe=decisions.append)
            error = failure_of(grade)
        except GradingError as broken:
            error = str(broken)
        seconds = loop.time() - started if chat.live else 0.0
        return Result(
            row=job.row,
            variant=job.variant.name,
            repeat=job.repeat,
            perturbation=name,
            grade=None if error else grade,
            usage=usage_of(as_calls(chat.live), seconds, hit=bool(chat.replayed) and not chat.live),
            probes={d.criterion: d.probes for d in decisions if isinstance(d, Decided) and d.probes},
            error=error,
        )

    def _case(self, job: Job) -> tuple[str | None, Submission, Rubric]:
        submission, rubric = job.row.submission(), self.suite.rubrics[job.row.rubric]
        if job.repeat == 0 or not job.variant.deterministic:
            return None, submission, rubric
        name = perturbation_of(job.variant.judge, job.repeat, rubric)
        return name, *perturbed(name, job.repeat, submission, rubric)


def failure_of(grade: Grade) -> str | None:
    """Why a grade says nothing about its prompt; None for one that does, even where a criterion is unscored.

    Raises:
        CouldNotRun: the model cannot be used as configured, so that every other grading would fail as well.
    """
    for where, reason in _reasons(grade):
        if reason.code == ModelMisconfigured.code:
            raise CouldNotRun(f"{reason.detail}. See what is configured with: debrief models")
        if reason.code in GIVES_NO_VERDICT:
            return f"{where}: {reason.code}: {reason.detail}"
    return None


def _reasons(grade: Grade) -> Iterator[tuple[str, Reason]]:
    for criterion in grade.criteria:
        if isinstance(criterion, UnscoredCriterion):
            yield criterion.id, criterion.reason
    if grade.commentary.reason is not None:
        yield "commentary", grade.commentary.reason


def _unrecorded(items: Sequence[str]) -> str:
    more = f" and {len(items) - 3} more" if len(items) > 3 else ""
    return f"no recorded reply for {'; '.join(items[:3])}{more}. A prompt, rubric or row changed. {RECORD_AGAIN}"
