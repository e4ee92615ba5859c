"""The ports the workflow needs; adapters implement them, ``bootstrap`` wires them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from service.access import ApiKey, KeyId
from service.grading.calibration import Calibrations
from service.grading.context_notes import ContextNotes
from service.grading.examples import Examples
from service.grading.grade import Reason
from service.grading.prompt import Prompt
from service.grading.question import Question, Topic
from service.grading.rubric import Rubric
from service.records import GradeFilter, GradeId, GradePage, GradeRecord, KeptRow, QueuePage, Tenant
from service.reviews import Appeal, CriterionAgreement, PersonReview


class StoreUnavailable(Exception):
    """The store cannot be read or written now: disk full, database down, locked for too long.

    Nothing was acknowledged. The message says what to look at and never holds data.
    """


class GradeGone(Exception):
    """The grade was erased while something was being made for it; nothing of that was kept."""


class LearnerErased(Exception):
    """The learner was erased while a grade of theirs was being made; it was not kept."""


class NotReplaceable(Exception):
    """The record is finished, has expired, or is not there: a finished grade never changes."""


class InvalidCursor(ValueError):
    """A list cursor that this store did not issue."""


class GradeStore(Protocol):
    """Keeps grades and judgements. Every call is one short transaction; none is open across a model call.

    Raises (every method):
        StoreUnavailable: the transaction could not be done.
    """

    async def add(self, record: GradeRecord, reusable: Mapping[str, str] = {}) -> None:
        """Store a new record, and reusable results under their keys, in one transaction.

        A key that already holds a result keeps it.

        Raises:
            LearnerErased: the learner was erased since the record was begun.
        """

    async def finish(self, record: GradeRecord, reusable: Mapping[str, str] = {}) -> None:
        """Replace a record that was in progress, ungraded or lacked its commentary, in one transaction.

        Raises:
            NotReplaceable: it is finished or gone.
        """

    async def get(self, tenant: Tenant, grade_id: GradeId) -> GradeRecord | None:
        """One record; None when it is unknown or another tenant's, which look the same."""

    async def page(self, tenant: Tenant, wanted: GradeFilter, cursor: str | None, limit: int) -> GradePage:
        """Records newest first.

        Raises:
            InvalidCursor: the cursor is not one of ours.
        """

    async def reusable(self, tenant: Tenant, key: str) -> str | None:
        """A stored result (JSON text) under a key, for this tenant only."""

    async def interrupt_unfinished(self, reason: Reason, before: datetime) -> int:
        """Mark what is in progress since before ``before`` as ungraded for ``reason``; returns how many."""

    async def ping(self) -> None:
        """Return when the store can be written to."""


class ReviewStore(Protocol):
    """Keeps what people say on grades, and which grades wait for a person. One short transaction a call.

    What is said on a grade whose answer has expired meanwhile is kept without its words.

    Raises (every method):
        StoreUnavailable: the transaction could not be done.
        GradeGone: the grade was erased meanwhile; nothing was kept (methods that keep what is said on one).
    """

    async def add_review(self, record: GradeRecord, review: PersonReview) -> GradeRecord:
        """Keep a review of a grade; returns the record with it."""

    async def open_appeal(self, record: GradeRecord, appeal: Appeal) -> GradeRecord | None:
        """Keep the appeal against a grade; None when there is one already and nothing was kept."""

    async def conclude(self, record: GradeRecord, appeal: Appeal) -> GradeRecord:
        """Keep what came of an appeal in progress; one that is concluded already stays as it is."""

    async def give_up_appeals(self, detail: str, before: datetime) -> int:
        """Leave appeals in progress since before ``before`` to a person, for the reason ``detail``; how many."""

    async def queue(self, tenant: Tenant, kind: str | None, cursor: str | None, limit: int) -> QueuePage:
        """Grades that wait for a person, oldest first; ``kind`` keeps those with a reason of this kind.

        Raises:
            InvalidCursor: the cursor is not one of ours.
        """

    async def agreement(self, tenant: Tenant) -> tuple[int, tuple[CriterionAgreement, ...]]:
        """How many grades people reviewed, and how machine and people agree, by criterion."""

    async def reviewed(self, tenant: Tenant, after: GradeId | None, limit: int) -> tuple[GradeRecord, ...]:
        """Reviewed grades in the order of their ids, continuing after one."""


class LearnerStore(Protocol):
    """Everything kept on a learner, in whatever table, and the answers whose time is over.

    Raises (every method):
        StoreUnavailable: the transaction could not be done.
    """

    async def erase(self, tenant: Tenant, learner: str, now: datetime) -> Mapping[str, int]:
        """Delete all there is on a learner in one transaction; the rows deleted or emptied, by table.

        A result that another learner's grade rests on as well stays until that goes too. A grade begun before
        ``now`` cannot be stored afterwards.
        """

    async def grade_ids(self, tenant: Tenant, learner: str) -> Sequence[GradeId]:
        """The ids of a learner's grades, oldest first."""

    async def kept(self, tenant: Tenant, learner: str) -> Sequence[KeptRow]:
        """What is held on a learner beside the grades, row by row."""

    async def answer_days(self) -> Mapping[Tenant, int]:
        """The tenants that keep answers for a time of their own, in days; 0 is for ever."""

    async def keep_answers(self, tenant: Tenant, days: int | None) -> None:
        """Set a tenant's own time, or take it back with None."""

    async def tenants(self) -> Sequence[Tenant]:
        """Whoever has grades or batches."""

    async def expire(self, tenant: Tenant, before: datetime, now: datetime) -> int:
        """Take the texts out of some of a tenant's answers from before a moment; how many (0: none are left)."""

    async def forget_names(self, tenant: Tenant, before: datetime) -> int:
        """Take the names out of the refused lines of a tenant's batches from before a moment; how many."""

    async def tidy(self, now: datetime) -> int:
        """Delete what is kept for a time of its own that is over by ``now``: repeated requests' answers; how many."""

    async def scrub(self) -> bool:
        """Make what was deleted unreadable in the database's files, as far as that is ours; whether it is done."""


class RubricStore(Protocol):
    """Keeps the rubrics tenants publish; a version, once published, never changes.

    Raises (every method):
        StoreUnavailable: the transaction could not be done.
    """

    async def publish(self, tenant: Tenant, rubric: Rubric, now: datetime, most: int) -> Rubric | None:
        """Keep a rubric unless its version is there already; returns what is kept under this id and version.

        None: the tenant has ``most`` versions already and this one was not kept.
        """

    async def find(self, tenant: Tenant, reference: str) -> Rubric | None:
        """A tenant's rubric by ``id`` (its newest version) or ``id@version``."""

    async def newest(self, tenant: Tenant) -> tuple[Rubric, ...]:
        """The newest version of each of a tenant's rubrics, by id."""


class KeyStore(Protocol):
    """Keeps keys of all tenants, each by the hash of its text.

    Raises (every method):
        StoreUnavailable: the transaction could not be done.
    """

    async def add(self, key: ApiKey) -> bool:
        """Keep a new key; False when its id is taken."""

    async def get(self, key_id: KeyId) -> ApiKey | None:
        """A key by its id."""

    async def find(self, sha256: str) -> ApiKey | None:
        """A key by the hash of its text, ended ones included."""

    async def keys(self, tenant: Tenant | None) -> tuple[ApiKey, ...]:
        """Every key, of one tenant if named, oldest first."""

    async def any(self) -> bool:
        """Whether there is or was a key."""

    async def end(self, key_id: KeyId, at: datetime) -> ApiKey | None:
        """Let a key end at ``at`` unless it ends before; returns it."""


class Library(Protocol):
    """Rubrics, prompts, questions and context notes, validated and hashed when they were loaded."""

    def rubric(self, reference: str) -> Rubric | None:
        """A rubric by ``id`` (its newest version) or ``id@version``."""

    def rubrics(self) -> tuple[Rubric, ...]:
        """The newest version of every rubric, by id."""

    def prompt(self, reference: str) -> Prompt | None:
        """A prompt by ``id`` (its newest version) or ``id@version``."""

    def topics(self) -> tuple[Topic, ...]:
        """The question bank, topic by topic."""

    def question(self, question_id: str) -> Question | None:
        """A question of the bank."""

    def context_notes(self) -> ContextNotes:
        """What a grade's context can pull into the prompts."""

    def calibrations(self) -> Calibrations:
        """The calibrations judges may use."""

    def examples(self) -> Examples:
        """The graded answers judges may be shown."""


class Clock(Protocol):
    """Time, so that tests can hold it."""

    def now(self) -> datetime:
        """The current time in UTC."""

    def monotonic(self) -> float:
        """Seconds on the event loop's clock; what deadlines are measured on."""
