"""One request to a decision model: a score question for each criterion, a yes-or-no question for each thing to hear.

A decision model writes nothing; it answers typed questions with probabilities. A rubric's criterion is exactly its
score question: instructions and ordered levels. What cannot be used of a reply leaves its own criterion without a
level; a reply that decides none is asked for again.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from service.grading.errors import ModelError, ModelRefused, ReplyInvalid
from service.grading.fence import as_line
from service.grading.grade import Reason
from service.grading.judgement import Case, Decided, Decision, Judgement, Observer, Undecided
from service.grading.judges.coverage import Said
from service.grading.levels import LevelDistribution
from service.grading.models import (
    CallBudget,
    DecisionModel,
    DecisionReply,
    DecisionRequest,
    ModelName,
    Scale,
    ScaleLevel,
    YesNo,
)
from service.grading.prompt import Prompt
from service.grading.rubric import Criterion

ADDS_UP = 0.05
"""Level probabilities may miss 1 by this much: some providers round each to two decimals."""


@dataclass(frozen=True, slots=True)
class DecisionJudge:
    """Judge ``decision``. The prompt's parameters are those of :mod:`service.grading.judges.coverage`."""

    asked: DecisionModel
    prompt: Prompt

    name = "decision"

    @property
    def model(self) -> ModelName:
        """The model that is asked."""
        return self.asked.name

    def version(self) -> dict[str, object]:
        """Judge, model and prompt (whose hash covers the parameters)."""
        return {"judge": self.name, "model": self.model, "prompt": self.prompt.sha256}

    async def decide(self, case: Case, budget: CallBudget, observe: Observer) -> Judgement:
        """Ask everything in one request."""
        try:
            reply = await self.asked.ask(self._request(case), lambda reply: _decisive(reply, case), budget)
        except ModelError as error:
            reason = Reason.of(error)
            decisions: list[Decision] = [Undecided(criterion=c.id, reason=reason) for c in case.rubric.criteria]
            said = Said(tuple(None for _ in case.points), tuple(None for _ in case.submission.misconceptions))
        else:
            said = _said(reply, case)
            decisions = [self._decision(criterion, reply, said, case) for criterion in case.rubric.criteria]
        for decision in decisions:
            observe(decision)
        return Judgement(
            decisions=tuple(decisions),
            key_points=said.key_points(case, self.prompt),
            misconceptions=said.misconception_list(case, self.prompt),
        )

    def _request(self, case: Case) -> DecisionRequest:
        questions: list[YesNo | Scale] = [self._scale(criterion, case) for criterion in case.rubric.criteria]
        for n, point in enumerate(case.points):
            questions.append(YesNo(_point(n), self.prompt.render("key_point", point=as_line(point.text))))
        for n, text in enumerate(case.submission.misconceptions):
            questions.append(YesNo(_misconception(n), self.prompt.render("misconception", statement=as_line(text))))
        return DecisionRequest("judge", self.prompt.render("case", **case.variables()), tuple(questions))

    def _scale(self, criterion: Criterion, case: Case) -> Scale:
        instructions = self.prompt.render(
            "criterion",
            criterion=criterion,
            context=case.context(),
            notes=case.notes,
            reference=case.submission.reference is not None,
        )
        levels = tuple(ScaleLevel(level.label, level.descriptor) for level in criterion.levels)
        return Scale(_level(criterion), instructions, levels)

    def _decision(self, criterion: Criterion, reply: DecisionReply, said: Said, case: Case) -> Decision:
        try:
            levels = _levels(reply, criterion)
        except ModelError as error:
            return Undecided(criterion=criterion.id, reason=Reason.of(error))
        if not criterion.factual:
            return Decided(criterion=criterion.id, distribution=levels.probabilities)
        moved = said.moved(levels, case.points, self.prompt)
        return Decided(
            criterion=criterion.id,
            distribution=moved.probabilities,
            probes={"level_alone": round(levels.expected, 4), **_probes(said, case)},
        )


def _probes(said: Said, case: Case) -> dict[str, float]:
    shares = {"covered_share": said.covered_share(case.points), "misconception_voiced": said.voiced()}
    return {name: round(share, 4) for name, share in shares.items() if share is not None}


def _level(criterion: Criterion) -> str:
    return f"level_{criterion.id}"


def _point(number: int) -> str:
    return f"point_{number + 1}"


def _misconception(number: int) -> str:
    return f"misconception_{number + 1}"


def _decisive(reply: DecisionReply, case: Case) -> DecisionReply:
    """The reply, if it decides at least one criterion.

    Raises:
        ModelError: why the first criterion has no level, when none has.
    """
    failures: list[ModelError] = []
    for criterion in case.rubric.criteria:
        try:
            _levels(reply, criterion)
        except ModelError as error:
            failures.append(error)
    if len(failures) == len(case.rubric.criteria):
        raise failures[0]
    return reply


def _levels(reply: DecisionReply, criterion: Criterion) -> LevelDistribution:
    """A criterion's distribution.

    Raises:
        ModelRefused: the model declined this question.
        ReplyInvalid: the answer is missing, of another length, out of range or does not add up.
    """
    name = _level(criterion)
    if name in reply.refused:
        raise ModelRefused("the model declined to judge this criterion")
    given = reply.answers.get(name)
    if given is None:
        raise ReplyInvalid("the model gave no answer for this criterion")
    if len(given) != len(criterion.levels):
        raise ReplyInvalid("the model's answer has another number of levels than this criterion")
    if not all(_is_probability(value) for value in given):
        raise ReplyInvalid("the model's level probabilities do not lie between 0 and 1")
    if abs(math.fsum(given) - 1) > ADDS_UP:
        raise ReplyInvalid("the model's level probabilities do not add up to 1")
    return LevelDistribution.from_weights(given)


def _said(reply: DecisionReply, case: Case) -> Said:
    return Said(
        tuple(_yes(reply.answers.get(_point(n))) for n in range(len(case.points))),
        tuple(_yes(reply.answers.get(_misconception(n))) for n in range(len(case.submission.misconceptions))),
    )


def _yes(given: Sequence[float] | None) -> float | None:
    """The probability of yes; None where there is none that makes sense."""
    return given[0] if given is not None and len(given) == 1 and _is_probability(given[0]) else None


def _is_probability(value: float) -> bool:
    return math.isfinite(value) and 0 <= value <= 1
