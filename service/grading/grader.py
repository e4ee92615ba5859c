"""One answer from submission to grade: gate, judge, coach, verified quotes, scores.

The same object serves HTTP, the command line and the evals. ``decide`` and ``explain`` are apart so that a
stored judgement can be explained later and a failed commentary written again without grading twice.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import zip_longest

from pydantic import BaseModel, ConfigDict

from service.grading.applicability import not_applicable
from service.grading.coach import Coach
from service.grading.commentary import Commentary, Remarks, check_commentary
from service.grading.confidence import confidence, contradicts
from service.grading.context_notes import ContextNotes
from service.grading.errors import ModelError
from service.grading.fence import nonce_for
from service.grading.gate import GateVerdict, sentence_for
from service.grading.grade import (
    ArtefactRef,
    Call,
    CommentaryStatus,
    CriterionGrade,
    Flag,
    Grade,
    GradeStatus,
    InapplicableCriterion,
    KeyPoint,
    ModelPlace,
    ModelRef,
    Overall,
    Quoted,
    Reason,
    Receipt,
    Review,
    ScoredCriterion,
    Structure,
    UnscoredCriterion,
)
from service.grading.judgement import Case, Decided, Decision, Judge, Judgement, NotApplicable, Observer, Suspected
from service.grading.levels import LevelDistribution
from service.grading.manipulation import VERSION
from service.grading.masking import beyond_suspicion, lower, settled_by_rule, suspected_in, without
from service.grading.models import CallBudget, CallRecord
from service.grading.rubric import Criterion, Rubric
from service.grading.scoring import overall, rounded
from service.grading.structure import measure
from service.grading.submission import Submission


class Explanation(BaseModel):
    """What became of the commentary: its text, if any, the status a reader sees, and the calls it took."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    commentary: Commentary = Commentary()
    status: CommentaryStatus
    calls: tuple[Call, ...] = ()


OMITTED = Explanation(status=CommentaryStatus(status="omitted"))
MANIPULATION = "manipulation_suspected"
MASKING_GAP = "masking_gap"


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
            return _written(check_commentary(judgement.draft, submission, rubric, decided, forbidden))
        before = len(budget.records)
        case = self._case(submission, rubric, judgement.suspected)
        try:
            explanation = _written(await self.coach.explain(case, decided, budget))
        except ModelError as error:
            explanation = Explanation(status=CommentaryStatus(status="failed", reason=Reason.of(error)))
        return explanation.model_copy(update={"calls": as_calls(budget.records[before:])})

    def assemble(self, submission: Submission, rubric: Rubric, judgement: Judgement, explanation: Explanation) -> Grade:
        """Add up, route to review and write the receipt."""
        commentary = explanation.commentary
        criteria = tuple(
            criterion_grade(
                criterion := rubric.criterion(d.criterion),
                d,
                commentary.remarks.get(d.criterion),
                contradicted=criterion.factual and _contradicted(d, judgement),
            )
            for d in judgement.decisions
        )
        reasons = _review_reasons(criteria, judgement)
        return Grade(
            status=_status(criteria, reasons),
            overall=_overall(rubric, judgement.decided(), criteria, commentary.summary),
            criteria=criteria,
            key_points=_with_quotes(judgement.key_points, commentary.points),
            misconceptions=judgement.misconceptions,
            next_steps=commentary.next_steps,
            follow_up_question=commentary.follow_up_question,
            rewrite=commentary.rewrite,
            structure=Structure(
                computed=beyond_suspicion(measure(submission.answer), judgement.suspected), story=commentary.story
            ),
            flags=_flags(judgement.suspected),
            review=Review(needed=bool(reasons), reasons=reasons),
            receipt=self._receipt(submission, rubric, judgement, explanation),
            commentary=explanation.status,
            reason=_ungraded_reason(criteria),
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
            models=_models((*judgement.calls, *explanation.calls)),
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


def _contradicted(decision: Decision, judgement: Judgement) -> bool:
    if not isinstance(decision, Decided):
        return False
    return contradicts(decision.levels, judgement.key_points, judgement.misconceptions)


def criterion_grade(
    criterion: Criterion, decision: Decision, remarks: Remarks | None = None, *, contradicted: bool = False
) -> CriterionGrade:
    """One criterion as a reader sees it; ``contradicted`` by what was found on key points and misconceptions."""
    remarks = remarks or Remarks()
    if not isinstance(decision, Decided):
        kind = InapplicableCriterion if isinstance(decision, NotApplicable) else UnscoredCriterion
        return kind(id=criterion.id, name=criterion.name, weight=criterion.weight, reason=decision.reason)
    levels = decision.levels
    return ScoredCriterion(
        id=criterion.id,
        name=criterion.name,
        weight=criterion.weight,
        score=rounded(levels.expected),
        level=levels.median,
        label=criterion.levels[levels.median - 1].label,
        distribution=tuple(round(p, 4) for p in levels.probabilities),
        confidence=confidence(
            levels,
            sampled_once=decision.sampled_once,
            quoted=remarks.quoted,
            unverified=remarks.unverified,
            contradicted=contradicted,
            spread=decision.spread,
        ),
        level_set=decision.level_set,
        rationale=remarks.rationale,
        evidence=remarks.evidence,
        improvements=remarks.improvements,
    )


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


def _written(commentary: Commentary) -> Explanation:
    if not commentary.missing:
        return Explanation(commentary=commentary, status=CommentaryStatus(status="written", checks=commentary.checks))
    reason = Reason(
        code="commentary_incomplete",
        detail=f"the model wrote no rationale for: {', '.join(commentary.missing)}",
        retryable=True,
    )
    failed = len(commentary.missing) == len(commentary.remarks)
    status = CommentaryStatus(status="failed" if failed else "partial", reason=reason, checks=commentary.checks)
    return Explanation(commentary=commentary, status=status)


def _with_quotes(points: tuple[KeyPoint, ...], quotes: tuple[Quoted | None, ...]) -> tuple[KeyPoint, ...]:
    """The points with the words that cover them; what is missing is covered by none."""
    return tuple(
        point.model_copy(update={"quote": quote}) if quote and point.covered in ("covered", "partly") else point
        for point, quote in zip_longest(points, quotes[: len(points)])
    )


def _overall(
    rubric: Rubric,
    decided: Mapping[str, LevelDistribution],
    criteria: tuple[CriterionGrade, ...],
    summary: str | None,
) -> Overall | None:
    total = overall(rubric, decided)
    if total is None:
        return None
    sure = [c.confidence for c in criteria if isinstance(c, ScoredCriterion) and c.confidence is not None]
    scored = sum(isinstance(c, ScoredCriterion) for c in criteria)
    return Overall(
        score=total.score,
        max_score=rubric.levels,
        level=total.level,
        label=total.label,
        confidence=min(sure) if len(sure) == scored else None,
        capped_by=total.capped_by,
        summary=summary,
    )


def _flags(suspected: Suspected | None) -> tuple[Flag, ...]:
    return (Flag(code=MANIPULATION, spans=suspected.spans, detail=suspected.detail),) if suspected else ()


def _review_reasons(criteria: tuple[CriterionGrade, ...], judgement: Judgement) -> tuple[str, ...]:
    scored = [criterion for criterion in criteria if isinstance(criterion, ScoredCriterion)]
    if not scored:
        return ()
    suspected, below = judgement.suspected, judgement.review_below
    found = [MANIPULATION] if suspected else []
    if suspected and suspected.gaps:
        found.append(MASKING_GAP)
    unscored = [f"unscored:{c.id}" for c in criteria if isinstance(c, UnscoredCriterion)]
    unsure = [c.id for c in scored if below is not None and c.confidence is not None and c.confidence < below]
    return (*found, *unscored, *(f"low_confidence:{name}" for name in unsure))


def _status(criteria: tuple[CriterionGrade, ...], review: tuple[str, ...]) -> GradeStatus:
    if not any(isinstance(criterion, ScoredCriterion) for criterion in criteria):
        return GradeStatus.UNGRADED
    return GradeStatus.NEEDS_REVIEW if review else GradeStatus.GRADED


def _ungraded_reason(criteria: tuple[CriterionGrade, ...]) -> Reason | None:
    if any(isinstance(criterion, ScoredCriterion) for criterion in criteria):
        return None
    return next(criterion.reason for criterion in criteria if isinstance(criterion, UnscoredCriterion))


def as_calls(records: Sequence[CallRecord]) -> tuple[Call, ...]:
    """Call records in the form receipts keep."""
    return tuple(
        Call(
            purpose=record.purpose,
            requested=record.requested,
            reported=record.reported,
            outcome=record.outcome,
            input_tokens=record.tokens.input,
            output_tokens=record.tokens.output,
            cached_tokens=record.tokens.cached,
            cost_usd=record.cost_usd,
            latency_ms=round(record.seconds * 1000),
            raw=record.raw,
            place=_place(record),
            redacted=bool(record.place and record.place.redacted),
        )
        for record in records
    )


def _models(calls: Sequence[Call]) -> tuple[ModelRef, ...]:
    seen: dict[tuple[str, str], ModelRef] = {}
    for call in calls:
        known = seen.get((call.purpose, call.requested))
        if known is None or known.reported is None:
            seen[call.purpose, call.requested] = ModelRef(
                role=call.purpose,
                requested=call.requested,
                reported=call.reported,
                place=call.place,
                redacted=call.redacted,
            )
    return tuple(seen.values())


def _place(record: CallRecord) -> ModelPlace | None:
    if record.place is None:
        return None
    return "local" if record.place.local else "remote"
