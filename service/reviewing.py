"""People in the loop: a person's levels beside the machine's, appeals with a blind second grading, the review queue.

The second grading is made by a grader of its own, which sees the submission and nothing of the first grade or of the
appeal's reason. Where it cannot be made, or lies a level apart, a person decides.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from ulid import ULID

from service.grading.assembly import as_calls
from service.grading.differences import differences
from service.grading.grade import Grade, GradeStatus
from service.grading.grader import Grader
from service.grading.models import CallBudget
from service.grading.rubric import Rubric
from service.ports import Clock, GradeStore, ReviewStore
from service.records import GradeId, GradeRecord, QueuePage, Tenant
from service.reviews import (
    Appeal,
    AppealId,
    AppealStatus,
    CriterionAgreement,
    PersonReview,
    ReviewId,
    SecondGrade,
    SecondOpinion,
    corrected,
    open_reasons,
)
from service.telemetry import log
from service.workflow import AnswerExpired, Grading

SETTLED_BY_RULE = "the grade was settled by a rule, which would say the same again"
NO_SECOND_GRADE = "the second grading gave no level"
CUT_SHORT = "the service stopped while the second grading was made"
BY_RULE = "rule:"


class NotReviewable(Exception):
    """There is no grade to review or appeal against: it is being made, or could not be made."""


class AlreadyAppealed(Exception):
    """An appeal was made against this grade before."""


class UnfitLevels(Exception):
    """A person's levels do not fit the rubric.

    Attributes:
        off_scale: the criteria of the rubric whose level is not on the scale of 1 to ``levels``.
        known: the ids of the rubric's criteria, if one was named that is not among them.
    """

    def __init__(self, off_scale: tuple[str, ...], levels: int, known: tuple[str, ...]) -> None:
        super().__init__("the levels do not fit the rubric")
        self.off_scale = off_scale
        self.levels = levels
        self.known = known


@dataclass(frozen=True, slots=True)
class Opinion:
    """What a person says on a grade."""

    reviewer: str
    levels: Mapping[str, int]
    note: str | None = None
    golden: bool = False


@dataclass(frozen=True, slots=True)
class SecondGrader:
    """Grades an answer again, and how that differs from the first time."""

    grader: Grader
    how: SecondOpinion


@dataclass(slots=True)
class Reviewing:
    """The workflow of reviews and appeals.

    Attributes:
        grading: where a second grading waits for its turn among the grades being made.
    """

    grades: GradeStore
    store: ReviewStore
    clock: Clock
    grading: Grading
    second: SecondGrader
    _background: set[asyncio.Task[GradeRecord]] = field(default_factory=set)

    async def review(self, tenant: Tenant, grade_id: GradeId, opinion: Opinion) -> GradeRecord | None:
        """Keep a person's levels beside the grade; None when there is no such grade.

        Raises:
            NotReviewable: there is no finished grade.
            AnswerExpired: the answer's text is gone.
            GradeGone: it was erased meanwhile.
            UnfitLevels: a criterion the rubric does not have, or a level off its scale.
            StoreUnavailable: it could not be stored.
        """
        record = await self.grades.get(tenant, grade_id)
        if record is None:
            return None
        grade = _grade_of(record)
        _check_levels(record.request.rubric, opinion.levels)
        review = PersonReview(
            id=ReviewId(f"rev_{ULID()}"),
            created_at=self.clock.now(),
            reviewer=opinion.reviewer,
            levels=dict(opinion.levels),
            note=opinion.note,
            golden=opinion.golden,
            settles=(),
            overall=corrected(
                record.request.rubric, record.judgement.decided() if record.judgement else {}, opinion.levels
            ),
        )
        left = open_reasons(grade.review.reasons, (*record.reviews, review), record.appeals)
        settles = tuple(reason for reason in record.open_reasons if reason not in left)
        return await self.store.add_review(record, review.model_copy(update={"settles": settles}))

    async def appeal(
        self, tenant: Tenant, grade_id: GradeId, reason: str, *, in_background: bool = False
    ) -> GradeRecord | None:
        """Keep the appeal, then grade a second time; None when there is no such grade.

        The appeal is stored before the second grading begins and is never lost: whatever goes wrong with that, a person
        looks.

        Raises:
            NotReviewable: there is no finished grade.
            AnswerExpired: the answer's text is gone.
            AlreadyAppealed: there was an appeal before.
            GradeGone: it was erased meanwhile.
            StoreUnavailable: it could not be stored.
        """
        record = await self.grades.get(tenant, grade_id)
        if record is None:
            return None
        _grade_of(record)
        appeal = Appeal(id=AppealId(f"apl_{ULID()}"), created_at=self.clock.now(), reason=reason)
        appealed = await self.store.open_appeal(record, appeal)
        if appealed is None:
            raise AlreadyAppealed
        task = self._task(self._look_again(appealed, appeal))
        return appealed if in_background else await asyncio.shield(task)

    async def queue(self, tenant: Tenant, kind: str | None, cursor: str | None, limit: int) -> QueuePage:
        """Grades that wait for a person, oldest first."""
        return await self.store.queue(tenant, kind, cursor, limit)

    async def agreement(self, tenant: Tenant) -> tuple[int, tuple[CriterionAgreement, ...]]:
        """How many grades people reviewed, and how machine and people agree, by criterion."""
        return await self.store.agreement(tenant)

    async def recover(self) -> int:
        """Leave appeals that a stopped process left in progress to people; returns how many."""
        before = self.clock.now() - timedelta(seconds=2 * self.grading.pace.grade_seconds)
        return await self.store.give_up_appeals(CUT_SHORT, before)

    async def drain(self, seconds: float) -> None:
        """Let second gradings finish for a while, then stop them; their appeals go to people at the next start."""
        if self._background:
            await asyncio.wait(self._background, timeout=seconds)
        for task in self._background:
            task.cancel()

    async def _look_again(self, record: GradeRecord, appeal: Appeal) -> GradeRecord:
        first = _grade_of(record)
        if first.receipt.judge.startswith(BY_RULE):
            return await self.store.conclude(record, _undecided(appeal, SETTLED_BY_RULE))
        async with self.grading.turn():
            second, budget = await self._graded(record)
        concluded = _concluded(appeal, first, second, self.second.how, budget)
        log("appeal_concluded", id=record.id, status=concluded.status.value)
        return await self.store.conclude(record, concluded)

    async def _graded(self, record: GradeRecord) -> tuple[Grade, CallBudget]:
        request = record.request
        deadline = self.clock.monotonic() + self.grading.pace.grade_seconds
        budget = CallBudget(
            deadline=deadline,
            local_only=request.data_policy == "local",
            purse=self.grading.purse_of(record.tenant),
        )
        grade = await self.second.grader.grade(request.submission, request.rubric, budget, explain=False)
        for call in as_calls(budget.records):
            self.grading.metrics.called(call)
        return grade, budget

    def _task(self, work: Coroutine[Any, Any, GradeRecord]) -> asyncio.Task[GradeRecord]:
        task = asyncio.create_task(work)
        self._background.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[GradeRecord]) -> None:
        self._background.discard(task)
        if not task.cancelled() and (error := task.exception()):
            log("appeal_failed", error=type(error).__name__)


def _grade_of(record: GradeRecord) -> Grade:
    if record.expired is not None:
        raise AnswerExpired
    if record.grade is None or record.status not in (GradeStatus.GRADED, GradeStatus.NEEDS_REVIEW):
        raise NotReviewable
    return record.grade


def _check_levels(rubric: Rubric, levels: Mapping[str, int]) -> None:
    known = tuple(criterion.id for criterion in rubric.criteria)
    off_scale = tuple(name for name in known if name in levels and not 1 <= levels[name] <= rubric.levels)
    unknown = not levels.keys() <= set(known)
    if off_scale or unknown:
        raise UnfitLevels(off_scale, rubric.levels, known if unknown else ())


def _concluded(appeal: Appeal, first: Grade, second: Grade, how: SecondOpinion, budget: CallBudget) -> Appeal:
    given = SecondGrade(
        how=how,
        overall=second.overall,
        criteria=second.criteria,
        judge=second.receipt.judge,
        models=second.receipt.models,
        calls=as_calls(budget.records),
    )
    if second.overall is None:
        return _undecided(appeal, NO_SECOND_GRADE).model_copy(update={"second": given})
    found = differences(first, second)
    status = AppealStatus.DIFFERED if found else AppealStatus.AGREED
    return appeal.model_copy(update={"status": status, "second": given, "differences": found})


def _undecided(appeal: Appeal, detail: str) -> Appeal:
    return appeal.model_copy(update={"status": AppealStatus.UNDECIDED, "detail": detail})
