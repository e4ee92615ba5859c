"""What a judge decides, before anything is explained or added up."""

from __future__ import annotations

from functools import cached_property
from typing import Annotated, Literal, Protocol

from pydantic import BaseModel, ConfigDict, Field

from service.grading.context_notes import AudienceNote, IndustryNote
from service.grading.fence import as_line, fenced
from service.grading.gate import GateRule
from service.grading.grade import Call, Escalation, KeyPoint, Member, Misconception, Reason
from service.grading.levels import LevelDistribution
from service.grading.models import CallBudget, ModelName
from service.grading.parts import Point, points
from service.grading.prompt import Prompt
from service.grading.rubric import Criterion, Rubric
from service.grading.submission import Submission


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Decided(_Value):
    """A level was decided for a criterion.

    Attributes:
        distribution: probability of each level, lowest first.
        sampled_once: the distribution is a single sample and says nothing about certainty.
        spread: where several judges decided, how many levels lie between the highest and the lowest of them.
        probes: probabilities of the side questions that went into it, by name, for the receipt.
        level_set: the levels among which the true one is, as often as a calibration promises.
    """

    kind: Literal["decided"] = "decided"
    criterion: str
    distribution: tuple[float, ...]
    sampled_once: bool = False
    spread: float | None = None
    probes: dict[str, float] = {}
    level_set: tuple[int, ...] | None = None

    @cached_property
    def levels(self) -> LevelDistribution:
        """The distribution as the core computes with it."""
        return LevelDistribution.from_weights(self.distribution)


class Undecided(_Value):
    """No level could be decided for a criterion."""

    kind: Literal["undecided"] = "undecided"
    criterion: str
    reason: Reason


class NotApplicable(_Value):
    """The answer gives no occasion to judge a criterion; no model was asked."""

    kind: Literal["not_applicable"] = "not_applicable"
    criterion: str
    reason: Reason


Decision = Annotated[Decided | Undecided | NotApplicable, Field(discriminator="kind")]


class DraftEvidence(_Value):
    """A quote as the model gave it; not evidence until it is found in the answer."""

    quote: str
    sign: Literal["strength", "gap"]
    comment: str


class DraftImprovement(_Value):
    """An improvement as the model gave it."""

    what: str
    why: str
    try_this: str


class DraftRemarks(_Value):
    """What the model says on one criterion."""

    rationale: str = ""
    evidence: tuple[DraftEvidence, ...] = ()
    improvements: tuple[DraftImprovement, ...] = ()


class Draft(_Value):
    """A commentary as the model wrote it, unchecked.

    Attributes:
        points: for each point listened for, the words that are to cover it.
        story: quotes for the parts of the story map.
    """

    remarks: dict[str, DraftRemarks] = {}
    points: tuple[str, ...] = ()
    summary: str = ""
    next_steps: tuple[str, ...] = ()
    follow_up_question: str = ""
    rewrite_before: str = ""
    rewrite_after: str = ""
    story: dict[str, str] = {}


class Suspected(_Value):
    """Spans of the answer as sent that seem meant for whoever marks it, and what came of leaving them out.

    Attributes:
        spans: in code points, in order.
        detail: what was seen, in words.
        gaps: criteria on which the reading with and the one without them lie a level or more apart.
    """

    spans: tuple[tuple[int, int], ...]
    detail: str
    gaps: tuple[str, ...] = ()


class Judgement(_Value):
    """All decisions on one answer, in rubric order.

    Attributes:
        gate: the rule that decided, when no model was asked.
        draft: the commentary, when the judge wrote one in the same breath.
        calls: the model calls that led here, kept for the receipt.
        calibration: ``id@version`` of the maps the judge's levels passed through, if they did.
        suspected: what of the answer is under suspicion of manipulation; decisions, key points and draft then
            owe nothing to it.
        examples: ids of the graded answers the judge was shown.
        review_below: below this confidence in a criterion a person is to look, as the calibration says.
        members: the judges behind it, where there were several.
        escalation: whether a cascade's strong judge decided.
    """

    decisions: tuple[Decision, ...]
    key_points: tuple[KeyPoint, ...] = ()
    misconceptions: tuple[Misconception, ...] = ()
    gate: GateRule | None = None
    draft: Draft | None = None
    calls: tuple[Call, ...] = ()
    calibration: str | None = None
    suspected: Suspected | None = None
    review_below: float | None = None
    examples: tuple[str, ...] = ()
    members: tuple[Member, ...] = ()
    escalation: Escalation | None = None

    def decided(self) -> dict[str, LevelDistribution]:
        """The distributions of the criteria that were decided, by criterion id."""
        return {d.criterion: d.levels for d in self.decisions if isinstance(d, Decided)}

    @property
    def settled(self) -> bool:
        """Whether every criterion that applies was decided, by a whole panel if by one: only then may it be reused."""
        gaps = self.escalation is None and any(member.reason is not None for member in self.members)
        return not gaps and not any(isinstance(decision, Undecided) for decision in self.decisions)


class Case(_Value):
    """One answer before a judge.

    Attributes:
        submission: as the models may see it.
        rubric: with the criteria that apply to the answer; ``rubric_sha256`` of the whole one.
        nonce: fences untrusted text.
        notes: what the context pulled in; the product's own words.
        as_sent: where something was left out of the answer, the submission that quotes refer to.
        forbidden: the spans of it that were left out.
    """

    model_config = ConfigDict(frozen=True, arbitrary_types_allowed=True)

    submission: Submission
    rubric: Rubric
    nonce: str
    notes: tuple[IndustryNote | AudienceNote, ...] = ()
    rubric_sha256: str = ""
    as_sent: Submission | None = None
    forbidden: tuple[tuple[int, int], ...] = ()

    @cached_property
    def points(self) -> tuple[Point, ...]:
        """The points to listen for in the answer: the key points sent, else those a reference gives marks for."""
        return points(self.submission.key_points, self.submission.reference)

    def variables(self) -> dict[str, object]:
        """The values a prompt's ``case`` section may use; all submitted text is defused and fenced."""
        return {
            "rubric": self.rubric,
            "nonce": self.nonce,
            "question": fenced("question", self.submission.question, self.nonce),
            "answer": fenced("answer", self.submission.answer, self.nonce),
            "reference": self.submission.reference and fenced("reference", self.submission.reference, self.nonce),
            "key_points": [as_line(point) for point in self.submission.key_points],
            "points": [Point(as_line(point.text), point.marks) for point in self.points],
            "misconceptions": [as_line(text) for text in self.submission.misconceptions],
            "context": self.context(),
            "notes": self.notes,
            "language": as_line(self.submission.language or "English"),
        }

    def context(self) -> dict[str, str]:
        """The context's parts, defused, by name."""
        return {name: as_line(text) for name, text in self.submission.context.named().items()}


class Observer(Protocol):
    """Told of each decision as it falls, so that a waiting reader can watch."""

    def __call__(self, decision: Decision, /) -> None:
        """One criterion was decided, or could not be."""


class Judge(Protocol):
    """Answers one question: how is a level decided?

    A judge never raises for a model's failure; it leaves criteria undecided.
    """

    @property
    def name(self) -> str:
        """How settings and receipts call the judge, e.g. ``readout``."""

    @property
    def model(self) -> ModelName:
        """The model that is asked."""

    @property
    def prompt(self) -> Prompt | None:
        """The prompt in use; None for a judge made of others."""

    def version(self) -> dict[str, object]:
        """Everything about the judge that can change a judgement: model, prompt hash, parameters."""

    async def decide(self, case: Case, budget: CallBudget, observe: Observer) -> Judgement:
        """Decide every criterion of the case's rubric, in rubric order."""


class PromptedJudge(Judge, Protocol):
    """A judge that asks one model with one prompt."""

    @property
    def prompt(self) -> Prompt:
        """The prompt in use."""


def level_labels(criterion: Criterion) -> tuple[str, ...]:
    """One-token labels for the levels, lowest first: digits, or letters from ten levels on."""
    count = len(criterion.levels)
    return tuple(str(n) for n in range(1, count + 1)) if count < 10 else tuple("ABCDEFGHIJ"[:count])
