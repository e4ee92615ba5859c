"""A run from beginning to end: what it is made of, its folder, going on with it, recording it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Self

from evals.errors import CouldNotRun
from evals.experiment import Experiment, Tally, jobs_of
from evals.manifest import RESULTS, Manifest, Plan, Totals, read_manifest
from evals.plans import known_model, manifest_of, suite_of
from evals.progress import Watcher
from evals.replies import ModelCard, ReplyStore, recorded_for, recorded_path, write_recorded
from evals.results import Result, read_results
from evals.suites import Suite
from evals.variants import Variant, variants_of
from service.bootstrap import open_backend
from service.grading.errors import ModelError
from service.grading.models import Tokens
from service.library import FileLibrary
from service.llm.backend import ChatBackend
from service.llm.model_files import ModelFileError, Progress
from service.ports import Library
from service.settings import EMBEDDED, JudgeSettings, Settings

AT_ONCE = 8
"""Gradings at once on a model that is not embedded; each makes a few calls."""

CACHE = "eval-replies.sqlite"

Mode = Literal["ask", "replay", "record"]
"""``ask``: the store first, then the model. ``replay``: what is recorded and nothing else. ``record``: as ``ask``,
and what was used is written into the recorded file."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What of a run is not part of its plan: it may differ when the run goes on.

    Attributes:
        out: folder of all runs.
        recorded: folder of the recorded stores.
        progress: shown while the embedded model is fetched.
    """

    mode: Mode
    out: Path
    recorded: Path
    budget_usd: float | None = None
    command: tuple[str, ...] = ()
    progress: Progress | None = None


@dataclass(slots=True)
class Run:
    """One run, ready to go. Build it with :meth:`opened`, close it in the end."""

    folder: Path
    manifest: Manifest
    suite: Suite
    variants: tuple[Variant, ...]
    settings: Settings
    library: Library
    store: ReplyStore
    card: ModelCard
    asked: Asked
    backend: ChatBackend | None

    @classmethod
    def opened(cls, plan: Plan, settings: Settings, asked: Asked, resume: str | None = None) -> Self:
        """A new run of a plan, or the one called ``resume``, of which ``plan`` is then the plan it had.

        Raises:
            CouldNotRun: the plan cannot be carried out, or the stopped run's parts have changed.
        """
        judges = JudgeSettings(members=plan.members, escalate_below=plan.escalate_below)
        planned = {"model": plan.model, "judge": plan.judge, "judges": judges, "samples": plan.samples}
        settings = settings.model_copy(update=planned)
        library = FileLibrary(settings.content_dir)
        suite = suite_of(plan, library)
        store = _store(settings, asked)
        try:
            return cls._made(plan, settings, asked, resume, library, suite, store)
        except BaseException:
            store.close()
            raise

    @classmethod
    def _made(
        cls,
        plan: Plan,
        settings: Settings,
        asked: Asked,
        resume: str | None,
        library: Library,
        suite: Suite,
        store: ReplyStore,
    ) -> Self:
        backend, card = known_model(settings, store, replay=asked.mode == "replay", progress=asked.progress)
        _check_budget(asked, backend, card)
        variants = variants_of(plan.prompts, settings, card.capabilities, library, explain=plan.explain)
        manifest = manifest_of(plan, suite, variants, card, asked.command)
        if resume is not None:
            manifest = _continued(read_manifest(asked.out / resume), manifest)
        folder = asked.out / manifest.id
        folder.mkdir(parents=True, exist_ok=resume is not None)
        return cls(folder, manifest, suite, variants, settings, library, store, card, asked, backend)

    async def go(self, watch: Watcher) -> None:
        """Grade what is not graded yet, then record if asked to. What is done stays, however it ends.

        Raises:
            CouldNotRun: see :meth:`evals.experiment.Experiment.run`.
        """
        kept = _kept(self.folder / RESULTS, nothing=self.asked.mode == "record")
        jobs = list(jobs_of(self.suite.rows, self.variants, self.manifest.plan.repeats))
        self._note("running")
        watch.started(len(jobs), len(kept))
        experiment = self._experiment(watch)
        status: Literal["done", "stopped", "over_budget"] = "stopped"
        try:
            status = await experiment.run(job for job in jobs if job.key not in kept)
        finally:
            watch.ended()
            self._note(status, experiment.tally)
            await self._close()
        if self.asked.mode == "record":
            self._record()

    def _experiment(self, watch: Watcher) -> Experiment:
        file = self.folder / RESULTS

        def keep(result: Result, tally: Tally) -> None:
            _append(file, result)
            watch.graded(result, tally.spent.cost_usd)

        return Experiment(
            suite=self.suite,
            library=self.library,
            store=self.store,
            card=self.card,
            keep=keep,
            open_model=None if self.asked.mode == "replay" else self._ready_model,
            explain=self.manifest.plan.explain,
            at_once=1 if self.settings.model == EMBEDDED else min(AT_ONCE, self.settings.concurrency),
            budget_usd=self.asked.budget_usd,
        )

    async def _ready_model(self) -> ChatBackend:
        if self.backend is None:
            self.backend = open_backend(self.settings, self.asked.progress)
        try:
            await self.backend.prepare()
        except (ModelError, ModelFileError) as error:
            raise CouldNotRun(f"{error}. See what is configured with: debrief models") from None
        return self.backend

    async def _close(self) -> None:
        if self.backend is not None:
            await self.backend.close()
        self.store.close()

    def _note(self, status: Literal["running", "done", "stopped", "over_budget"], tally: Tally | None = None) -> None:
        changes: dict[str, object] = {"status": status}
        if tally is not None:
            before = self.manifest
            changes["replayed"] = before.replayed + tally.replayed
            changes["totals"] = _sum(before.totals, tally.spent)
            changes["in_full"] = {
                variant.name: _sum(before.in_full.get(variant.name), tally.in_full.get(variant.name))
                for variant in self.variants
            }
        self.manifest = self.manifest.model_copy(update=changes)
        self.manifest.write(self.folder)

    def _record(self) -> None:
        failed = [result for result in read_results(self.folder / RESULTS) if result.error]
        if failed or self.manifest.status != "done":
            raise CouldNotRun(
                f"nothing was recorded, since the run is not whole ({len(failed)} gradings failed). "
                f"Go on with: debrief eval run --record --resume {self.manifest.id}"
            )
        write_recorded(self._recorded_path(), self.card, self.store.used)

    def _recorded_path(self) -> Path:
        name = Path(self.manifest.plan.suite).stem
        return recorded_path(name, self.settings.model, self.asked.recorded)


def _check_budget(asked: Asked, backend: ChatBackend | None, card: ModelCard) -> None:
    if asked.budget_usd is None or asked.mode == "replay":
        return
    if backend is None or backend.cost_usd(Tokens(1, 1)) is None:
        raise CouldNotRun(f"the price of {card.name} is not known. Leave --budget-usd out.")


def _store(settings: Settings, asked: Asked) -> ReplyStore:
    cache = None if asked.mode == "replay" else settings.embedded.cache_dir / CACHE
    return ReplyStore(recorded_for(settings.model, asked.recorded), cache)


def _continued(stopped: Manifest, now: Manifest) -> Manifest:
    if changed := stopped.differences(now):
        raise CouldNotRun(f"the run cannot go on: {', '.join(changed)} changed since. Start a new one.")
    return stopped


def _kept(path: Path, *, nothing: bool) -> set[tuple[str, str, int]]:
    """The gradings that are done; what failed or was cut short is taken out of the file.

    ``nothing`` takes all out: a recording has to see every call of the run, most of them from the cache.
    """
    if not path.exists():
        return set()
    good = [result for result in read_results(path) if result.error is None and not nothing]
    beside = path.with_suffix(".tmp")
    beside.write_text("".join(f"{result.model_dump_json()}\n" for result in good), encoding="utf-8")
    beside.replace(path)
    return {(result.row.id, result.variant, result.repeat) for result in good}


def _append(path: Path, result: Result) -> None:
    """One line in one write, so that it is there whole or, after a crash, cut and known by its missing end."""
    handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    try:
        os.write(handle, f"{result.model_dump_json()}\n".encode())
    finally:
        os.close(handle)


def _sum(first: Totals | None, second: Totals | None) -> Totals:
    a, b = first or Totals(), second or Totals()
    return Totals(
        calls=a.calls + b.calls,
        input_tokens=a.input_tokens + b.input_tokens,
        output_tokens=a.output_tokens + b.output_tokens,
        cost_usd=None if a.cost_usd is None or b.cost_usd is None else a.cost_usd + b.cost_usd,
        seconds=round(a.seconds + b.seconds, 3),
    )
