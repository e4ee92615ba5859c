"""Five bugs to plant in a running service, each put in place of the adapter that does it right.

The service has none of them: a harness that stays green with one of these in it proves nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from enum import StrEnum

from sqlalchemy import Connection, update

from service.bootstrap import Services
from service.grading.assembly import Explanation
from service.grading.errors import ModelError
from service.grading.grade import Evidence
from service.grading.grader import Grader
from service.grading.judgement import Judgement
from service.grading.models import CallBudget, ChatReply, ChatRequest
from service.grading.rubric import Rubric
from service.grading.submission import Submission
from service.jobs import Beat
from service.llm.backend import ChatBackend
from service.records import GradeRecord
from service.storage import SqlGradeStore, SqlJobStore, SqlWorkerStore
from service.storage.database import Database
from service.storage.tables import GRADES, JOBS

LATE_SECONDS = 1.0


class Bug(StrEnum):
    """What is wrong with a service that has it."""

    UNGUARDED = "unguarded-finish"
    EARLY = "early-acknowledgement"
    DEAF = "no-heartbeat"
    TWICE = "second-retry-layer"
    CREDULOUS = "no-evidence-check"


class UnguardedJobs(SqlJobStore):
    """Whoever finishes a job stores its grade, although it is there: no unique effect."""

    async def finish(self, record: GradeRecord, reusable: Mapping[str, str]) -> bool:
        """Store it, once more if need be."""

        def again(connection: Connection) -> None:
            connection.execute(update(JOBS).where(JOBS.c.id == record.id).values(state="running"))
            connection.execute(update(GRADES).where(GRADES.c.id == record.id).values(status="in_progress", open=1))

        await self._database.write(again)
        return await super().finish(record, reusable)


class EarlyJobs(SqlJobStore):
    """A job is acknowledged a moment before it is stored."""

    _late: set[asyncio.Task[None]]

    async def add(self, record: GradeRecord) -> None:
        """Say yes; store it later."""
        self._late = getattr(self, "_late", set())
        task = asyncio.create_task(self._add_later(record))
        self._late.add(task)

    async def _add_later(self, record: GradeRecord) -> None:
        await asyncio.sleep(LATE_SECONDS)
        await super().add(record)


class DeafWorkers(SqlWorkerStore):
    """A worker's signs of life are not written down."""

    async def beat(self, name: str) -> tuple[Beat, ...]:
        """All workers, none of them more alive than before."""
        everybody: Sequence[Beat] = await super().beat(name)
        return tuple(beat.model_copy(update={"beats": 0}) for beat in everybody)


class InsistentBackend:
    """A model asked three times for each time the retry policy asks."""

    def __init__(self, backend: ChatBackend) -> None:
        self._backend = backend
        self.name, self.capabilities = backend.name, backend.capabilities
        self.cost_usd, self.prepare, self.place, self.close = (
            backend.cost_usd,
            backend.prepare,
            backend.place,
            backend.close,
        )

    async def complete(self, request: ChatRequest, seconds: float) -> ChatReply:
        """The first reply of three."""
        for _ in range(2):
            try:
                return await self._backend.complete(request, seconds)
            except ModelError:
                await asyncio.sleep(0)
        return await self._backend.complete(request, seconds)


class CredulousGrader(Grader):
    """Whatever a model quotes is taken for the candidate's words."""

    async def explain(
        self, submission: Submission, rubric: Rubric, judgement: Judgement, budget: CallBudget
    ) -> Explanation:
        """The commentary with every quote of the draft in it."""
        explained = await super().explain(submission, rubric, judgement, budget)
        if judgement.draft is None:
            return explained
        remarks = {
            name: checked.model_copy(
                update={
                    "evidence": tuple(
                        Evidence(
                            quote=item.quote,
                            start=0,
                            end=len(item.quote),
                            match="verified",
                            sign=item.sign,
                            comment=item.comment,
                        )
                        for item in judgement.draft.remarks[name].evidence
                    )
                }
            )
            for name, checked in explained.commentary.remarks.items()
            if name in judgement.draft.remarks
        }
        commentary = explained.commentary.model_copy(update={"remarks": {**explained.commentary.remarks, **remarks}})
        return explained.model_copy(update={"commentary": commentary})


def plant(bug: Bug, services: Services) -> None:
    """Put a bug into opened services."""
    _PLANT[bug](services)


def _database(services: Services) -> tuple[Database, SqlGradeStore]:
    assert isinstance(services.store, SqlGradeStore)
    return services.store._database, services.store


def _jobs(kind: type[SqlJobStore]) -> Callable[[Services], None]:
    def put(services: Services) -> None:
        services.grading.jobs = services.worker.jobs = kind(*_database(services))

    return put


def _deaf(services: Services) -> None:
    services.worker.workers = DeafWorkers(_database(services)[0])


def _insistent(services: Services) -> None:
    services.model.backend = InsistentBackend(services.model.backend)


def _credulous(services: Services) -> None:
    right = services.grading.grader
    services.grading.grader = CredulousGrader(**{each.name: getattr(right, each.name) for each in fields(right)})


_PLANT: Mapping[Bug, Callable[[Services], None]] = {
    Bug.UNGUARDED: _jobs(UnguardedJobs),
    Bug.EARLY: _jobs(EarlyJobs),
    Bug.DEAF: _deaf,
    Bug.TWICE: _insistent,
    Bug.CREDULOUS: _credulous,
}
