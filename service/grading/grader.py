"""One answer from submission to grade: gate, judge, coach, verified quotes, scores.

The same object serves HTTP, the command line and the evals. ``decide`` and ``explain`` are apart so that a
stored judgement can be explained later and a failed commentary written again without grading twice.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from service.grading.applicability import not_applicable
from service.grading.assembly import OMITTED, Explanation, as_calls, assembled, models_of, written
from service.grading.coach import Coach
from service.grading.commentary import Commentary, Remarks, check_commentary
from service.grading.context_notes import ContextNotes
from service.grading.errors import ModelError
from service.grading.fence import nonce_for
from service.grading.gate import GateVerdict, sentence_for
from service.grading.grade import (
    ArtefactRef,
    CommentaryStatus,
    Grade,
    Reason,
    Receipt,
)
from service.grading.judgement import Case, Decided, Decision, Judge, Judgement, NotApplicable, Observer, Suspected
from service.grading.levels import LevelDistribution
from service.grading.manipulation import VERSION
from service.grading.masking import lower, settled_by_rule, suspected_in, without
from service.grading.models import CallBudget
from service.grading.rubric import Criterion, Rubric
from service.grading.submission import Submission


@dataclass(frozen=True, slots=True)
class Grader:
    """Grades one answer at a time; holds no state and may be shared.

    Attributes:
        secret: instance secret behind the fences' nonces; evals use a fixed one so that replays match.
        service: version of the service, for the receipt.
        notes: blocks on industries and audiences that a submission's context pulls into the prompts.
    """

    judge: Judge
    coach: Coach
    secret: bytes
    service: str
    notes: ContextNotes = field(default_factory=ContextNotes)

    async def grade(
        self,
        submission: Submission,
        rubric: Rubric,
        budget: CallBudget,
        *,
        explain: bool = True,
        observe: Observer = lambda _: None,
    ) -> Grade:
        """A finished grade. A model's failure is a value in it, never an exception."""
        judgement = await self.decide(submission, rubric, budget, observe)
        explanation = await self.explain(submission, rubric, judgement, budget) if explain else OMITTED
        return self.assemble(submission, rubric, judgement, explanation)

    def version(self) -> dict[str, object]:
        """Everything about the judge and the detector that can change a judgement."""
        return {**self.judge.version(), "manipulation": VERSION}

    async def decide(self, submission: Submission, rubric: Rubric, budget: CallBudget, observe: Observer) -> Judgement:
        """The levels, by rule where a rule settles it, else by the judge.

        Where manipulation is suspected the judge reads the answer twice, as sent and without the suspicious spans.
        """
        suspected = suspected_in(submission)
        if (verdict := settled_by_rule(submission, suspected)) is not None:
            return _settled(verdict, suspected, rubric, observe)
        case = self._case(submission, rubric, suspected)
        skipped = not_applicable(rubric, case.submission.answer)
        if suspected is None:
            return await self._judged(case, _InRubricOrder(rubric, skipped, observe), budget)
        sent = await self._judged(_as_sent(case), _InRubricOrder(rubric, skipped), budget)
        judgement = lower(sent, await self._judged(case, _InRubricOrder(rubric, skipped), budget), suspected)
        for decision in judgement.decisions:
            observe(decision)
        return judgement

    async def _judged(self, case: Case, told: _InRubricOrder, budget: CallBudget) -> Judgement:
        before = len(budget.records)
        judgement = await self.judge.decide(case, budget, told)
        return judgement.model_copy(
            update={"decisions": told.all_decisions(), "calls": as_calls(budget.records[before:])}
        )

    async def explain(
        self, submission: Submission, rubric: Rubric, judgement: Judgement, budget: CallBudget
    ) -> Explanation:
        """The commentary: by rule, from the judge's own draft, or from the coach."""
        decided = judgement.decided()
        if judgement.gate is not None:
            return _by_rule(sentence_for(judgement.gate), rubric)
        if not decided:
            return OMITTED
        if judgement.draft is not None:
            forbidden = judgement.suspected.spans if judgement.suspected else ()
            return written(check_commentary(judgement.draft, submission, rubric, decided, forbidden))
        before = len(budget.records)
        case = self._case(submission, rubric, judgement.suspected)
        try:
            explanation = written(await self.coach.explain(case, decided, budget))
        except ModelError as error:
            explanation = Explanation(status=CommentaryStatus(status="failed", reason=Reason.of(error)))
        return explanation.model_copy(update={"calls": as_calls(budget.records[before:])})

    def assemble(self, submission: Submission, rubric: Rubric, judgement: Judgement, explanation: Explanation) -> Grade:
        """Add up, route to review and write the receipt."""
        return assembled(
            submission, rubric, judgement, explanation, self._receipt(submission, rubric, judgement, explanation)
        )

    def _case(self, submission: Submission, rubric: Rubric, suspected: Suspected | None = None) -> Case:
        """The case without what is under suspicion."""
        clean = without(submission, suspected)
        skipped = not_applicable(rubric, clean.answer)
        return Case(
            submission=clean,
            rubric=rubric.only(c for c in rubric.criteria if c.id not in skipped) if skipped else rubric,
            nonce=nonce_for(self.secret, submission.digest()),
            notes=self.notes.pulled_in(submission.context),
            rubric_sha256=rubric.sha256,
            as_sent=submission if suspected else None,
            forbidden=suspected.spans if suspected else (),
        )

    def _receipt(
        self, submission: Submission, rubric: Rubric, judgement: Judgement, explanation: Explanation
    ) -> Receipt:
        by_rule = judgement.gate is not None
        return Receipt(
            rubric=ArtefactRef(id=rubric.id, version=rubric.version, sha256=rubric.sha256),
            prompt=None if by_rule or self.judge.prompt is None else self.judge.prompt.ref,
            coach_prompt=self.coach.prompt.ref if explanation.calls else None,
            context_notes=()
            if by_rule
            else tuple(
                ArtefactRef(id=note.id, version=note.version, sha256=note.sha256)
                for note in self.notes.pulled_in(submission.context)
            ),
            judge=f"rule:{judgement.gate}" if by_rule else self.judge.name,
            models=models_of((*judgement.calls, *explanation.calls)),
            members=judgement.members,
            escalation=judgement.escalation,
            calibration=judgement.calibration,
            examples=judgement.examples,
            service=self.service,
            sent=submission.parts() if judgement.calls or explanation.calls else (),
        )


class _InRubricOrder:
    """Tells an observer of decisions in rubric order, the ones nobody had to be asked for in their places."""

    def __init__(
        self, rubric: Rubric, skipped: Mapping[str, NotApplicable], observe: Observer = lambda _: None
    ) -> None:
        self._waiting = [criterion.id for criterion in rubric.criteria]
        self._skipped = skipped
        self._observe = observe
        self._told: list[Decision] = []

    def __call__(self, decision: Decision) -> None:
        self._tell_skipped()
        self._waiting.remove(decision.criterion)
        self._tell(decision)

    def all_decisions(self) -> tuple[Decision, ...]:
        """Every decision, once the judge has ended."""
        self._tell_skipped()
        return tuple(self._told)

    def _tell_skipped(self) -> None:
        while self._waiting and self._waiting[0] in self._skipped:
            self._tell(self._skipped[self._waiting.pop(0)])

    def _tell(self, decision: Decision) -> None:
        self._told.append(decision)
        self._observe(decision)


def _as_sent(case: Case) -> Case:
    """The case with nothing left out; the same criteria apply."""
    return case.model_copy(update={"submission": case.as_sent, "as_sent": None, "forbidden": ()})


def _settled(verdict: GateVerdict, suspected: Suspected | None, rubric: Rubric, observe: Observer) -> Judgement:
    """The lowest level on everything, by rule."""
    decisions = tuple(_lowest(criterion) for criterion in rubric.criteria)
    for decision in decisions:
        observe(decision)
    return Judgement(decisions=decisions, gate=verdict.rule, suspected=suspected)


def _lowest(criterion: Criterion) -> Decided:
    return Decided(criterion=criterion.id, distribution=LevelDistribution.point(1, len(criterion.levels)).probabilities)


def _by_rule(sentence: str, rubric: Rubric) -> Explanation:
    remarks = {criterion.id: Remarks(rationale=sentence) for criterion in rubric.criteria}
    commentary = Commentary(remarks=remarks, summary=sentence)
    return Explanation(commentary=commentary, status=CommentaryStatus(status="by_rule"))
