"""The same judge, asked the same in other words: how a deterministic judge gives a second reading of its own.

Nothing that carries meaning changes: the criteria come in another order, the levels in other spelling and punctuation,
the question in other white space. Levels keep their order, because prompts speak of low and high numbers.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from service.grading.judgement import Case, Judge, Judgement, Observer
from service.grading.models import CallBudget, ModelName
from service.grading.prompt import Prompt
from service.grading.rubric import Criterion, Level, Rubric
from service.grading.submission import Submission


@dataclass(frozen=True, slots=True)
class RestatedJudge:
    """Another judge's decisions on the case as :func:`restated`, told in the rubric's own order."""

    raw: Judge

    @property
    def name(self) -> str:
        """The raw judge's name."""
        return self.raw.name

    @property
    def model(self) -> ModelName:
        """The model that is asked."""
        return self.raw.model

    @property
    def prompt(self) -> Prompt | None:
        """The prompt in use; None for a judge made of others."""
        return self.raw.prompt

    def version(self) -> dict[str, object]:
        """The raw judge's version, marked as restated."""
        return {**self.raw.version(), "restated": True}

    async def decide(self, case: Case, budget: CallBudget, observe: Observer) -> Judgement:
        """Decide as the raw judge does on the restated case."""
        judgement = await self.raw.decide(restated(case), budget, lambda _: None)
        known = {decision.criterion: decision for decision in judgement.decisions}
        decisions = tuple(known[criterion.id] for criterion in case.rubric.criteria)
        for decision in decisions:
            observe(decision)
        return judgement.model_copy(update={"decisions": decisions, "draft": None})


def restated(case: Case) -> Case:
    """The same case in other words; answer and reference stay to the letter, as does the rubric's hash."""
    return case.model_copy(update={"submission": _spaced(case.submission), "rubric": _reordered(case.rubric)})


def _spaced(submission: Submission) -> Submission:
    return replace(submission, question=f"\n{submission.question.replace('. ', '.  ')}\n")


def _reordered(rubric: Rubric) -> Rubric:
    first, *others = (criterion.model_copy(update={"levels": _respelt(criterion)}) for criterion in rubric.criteria)
    fields = {name: getattr(rubric, name) for name in Rubric.model_fields}
    return Rubric(**{**fields, "criteria": (*others, first)})


def _respelt(criterion: Criterion) -> tuple[Level, ...]:
    return tuple(
        level.model_copy(
            update={"label": level.label.upper(), "descriptor": level.descriptor.rstrip(".").replace(", ", ",  ")}
        )
        for level in criterion.levels
    )
