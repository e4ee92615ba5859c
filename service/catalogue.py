"""What answers can be judged by and what can be asked: the product's rubrics and questions, a tenant's own rubrics."""

from __future__ import annotations

from dataclasses import dataclass, replace

from service.grading.context_notes import ContextNotes, IndustryNote
from service.grading.question import Difficulty, Question, Stage, Topic
from service.grading.rubric import Rubric
from service.grading.submission import Submission
from service.ports import Clock, Library, RubricStore
from service.records import Tenant

MAX_VERSIONS = 1_000
"""Rubric versions one tenant may publish."""


class ReservedRubric(Exception):
    """The id belongs to a rubric of the product."""


class PublishedDifferently(Exception):
    """This version is published already, with other content: versions never change."""


class TooManyRubrics(Exception):
    """The tenant has as many versions as are kept."""


def completed(question: Question, given: Submission, notes: ContextNotes) -> Submission:
    """A submission with what the bank knows of its question; what the caller gave stands.

    The bank brings the text, the reference (with what changes in the industry of the context), the key points, the
    misconceptions, and the stage.
    """
    meant = notes.pulled_in(given.context)
    industry = next((note.id for note in meant if isinstance(note, IndustryNote)), None)
    return replace(
        given,
        question=question.text,
        reference=given.reference or question.reference_in(industry),
        key_points=given.key_points or question.key_points,
        misconceptions=given.misconceptions or question.misconceptions,
        context=replace(given.context, stage=given.context.stage or question.stage.spoken),
    )


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Rubrics by name for a tenant, and the question bank."""

    library: Library
    store: RubricStore
    clock: Clock

    async def rubric(self, tenant: Tenant, reference: str) -> Rubric | None:
        """A rubric by ``id`` (its newest version) or ``id@version``: the product's, else the tenant's own."""
        return self.library.rubric(reference) or await self.store.find(tenant, reference)

    async def rubrics(self, tenant: Tenant) -> tuple[Rubric, ...]:
        """The newest version of every rubric: the product's first, then the tenant's."""
        return (*self.library.rubrics(), *await self.store.newest(tenant))

    async def publish(self, tenant: Tenant, rubric: Rubric) -> bool:
        """Keep a version of a tenant's rubric for good; False when the very same was kept before.

        Raises:
            ReservedRubric, PublishedDifferently, TooManyRubrics: it is not kept.
        """
        if self.is_ours(rubric.id):
            raise ReservedRubric
        before = await self.store.find(tenant, rubric.reference)
        kept = before or await self.store.publish(tenant, rubric, self.clock.now(), MAX_VERSIONS)
        if kept is None:
            raise TooManyRubrics
        if kept.sha256 != rubric.sha256:
            raise PublishedDifferently
        return before is None

    def is_ours(self, rubric_id: str) -> bool:
        """Whether a rubric id is the product's."""
        return self.library.rubric(rubric_id) is not None

    def question(self, question_id: str) -> Question | None:
        """A question of the bank."""
        return self.library.question(question_id)

    def completed(self, question: Question, given: Submission) -> Submission:
        """A submission with what the bank knows of its question; what the caller gave stands."""
        return completed(question, given, self.library.context_notes())

    def questions(
        self,
        topic: str | None = None,
        stage: Stage | None = None,
        industry: str | None = None,
        difficulty: Difficulty | None = None,
    ) -> list[tuple[Topic, Question]]:
        """The questions that match every given part, with their topics, in the order of the bank.

        ``industry`` keeps those whose answer changes in that industry.
        """
        return [
            (part, question)
            for part in self.library.topics()
            if topic in (None, part.topic)
            for question in part.questions
            if stage in (None, question.stage)
            and difficulty in (None, question.difficulty)
            and (industry is None or industry in question.industries)
        ]
