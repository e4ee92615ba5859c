"""The result of grading: frozen values that are stored, returned and streamed as they are.

Failure is never a grade: a criterion is :class:`ScoredCriterion`, :class:`UnscoredCriterion` or
:class:`InapplicableCriterion`, and an ungraded answer carries a :class:`Reason` and no scores.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from service.grading.errors import ModelError


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class GradeStatus(StrEnum):
    """Where a grade stands."""

    IN_PROGRESS = "in_progress"
    GRADED = "graded"
    NEEDS_REVIEW = "needs_review"
    UNGRADED = "ungraded"


class Reason(_Value):
    """Why something is missing, and whether asking again can help.

    ``retry_after`` (seconds, as the provider asked) serves the caller who waits; it is neither stored nor shown.
    """

    code: str
    detail: str
    retryable: bool
    retry_after: Annotated[float | None, Field(exclude=True)] = None

    @classmethod
    def of(cls, error: ModelError) -> Reason:
        """The reason a model error gives."""
        return cls(code=error.code, detail=error.detail, retryable=error.retryable, retry_after=error.retry_after)


class Evidence(_Value):
    """Words of the answer that show a level: ``answer[start:end] == quote``, in Unicode code points."""

    quote: str
    start: Annotated[int, Field(ge=0)]
    end: Annotated[int, Field(gt=0)]
    match: Literal["verified", "repaired"]
    sign: Literal["strength", "gap"]
    comment: str


class Improvement(_Value):
    """One thing to do better: what, why, and words to try."""

    what: str
    why: str
    try_this: str


class ScoredCriterion(_Value):
    """A criterion with a decided level.

    Attributes:
        distribution: the probability of each level, lowest first.
        level_set: neighbouring levels among which the true one is, as often as the calibration promises; None without.
    """

    status: Literal["scored"] = "scored"
    id: str
    name: str
    weight: float
    score: float
    level: int
    label: str
    distribution: tuple[float, ...]
    confidence: float | None
    level_set: tuple[int, ...] | None = None
    rationale: str | None = None
    evidence: tuple[Evidence, ...] = ()
    improvements: tuple[Improvement, ...] = ()
    reason: None = None


class UnscoredCriterion(_Value):
    """A criterion no level could be decided for; it is left out of every average."""

    status: Literal["unscored"] = "unscored"
    id: str
    name: str
    weight: float
    score: None = None
    level: None = None
    label: None = None
    distribution: None = None
    confidence: None = None
    level_set: None = None
    rationale: None = None
    evidence: tuple[Evidence, ...] = ()
    improvements: tuple[Improvement, ...] = ()
    reason: Reason


class InapplicableCriterion(_Value):
    """A criterion the answer gives no occasion for; its weight goes to the others."""

    status: Literal["not_applicable"] = "not_applicable"
    id: str
    name: str
    weight: float
    score: None = None
    level: None = None
    label: None = None
    distribution: None = None
    confidence: None = None
    level_set: None = None
    rationale: None = None
    evidence: tuple[Evidence, ...] = ()
    improvements: tuple[Improvement, ...] = ()
    reason: Reason


CriterionGrade = Annotated[ScoredCriterion | UnscoredCriterion | InapplicableCriterion, Field(discriminator="status")]


class Overall(_Value):
    """The overall result on the rubric's scale."""

    score: float
    max_score: int
    level: int
    label: str
    confidence: float | None
    capped_by: str | None
    summary: str | None


class Passage(_Value):
    """Words of the answer: ``answer[start:end] == quote``, in Unicode code points."""

    quote: str
    start: Annotated[int, Field(ge=0)]
    end: Annotated[int, Field(gt=0)]


class Quoted(Passage):
    """Words of the answer that a model pointed at and code found there."""

    match: Literal["verified", "repaired"]


Coverage = Literal["covered", "partly", "missing", "unknown"]


class KeyPoint(_Value):
    """A key point and whether the answer covers it (``unknown``: it could not be told).

    ``marks`` are those the reference gives for it; ``quote`` the words of the answer that cover it, where a judge names
    them.
    """

    point: str
    covered: Coverage
    marks: float | None = None
    quote: Quoted | None = None


class Misconception(_Value):
    """A false statement that was looked for, and whether the answer makes it (``unknown``: it could not be told)."""

    misconception: str
    voiced: Literal["yes", "no", "unknown"]


class Rewrite(_Value):
    """The candidate's weakest passage, as said and as it could be said."""

    before: str
    after: str


class Readability(_Value):
    """The automated readability index: a US school grade, 0 and up, made for English (Smith & Senter, 1967)."""

    measure: Literal["automated_readability_index"] = "automated_readability_index"
    grade: float


class ComputedStructure(_Value):
    """What code counted in the answer; signs to look at, never a score.

    Attributes:
        words: words of prose; code is counted in ``code_lines``.
        speaking_seconds: for the prose, at 150 words a minute.
        readability: None for short answers and for scripts the formula was not made for.
        result_numbers: sentences with a number and an outcome.
        trade_offs: sentences that name one.
        assumptions: sentences that name an assumption or a condition.
    """

    by: Literal["code"] = "code"
    words: int
    code_lines: int
    speaking_seconds: int
    readability: Readability | None
    result_numbers: tuple[Passage, ...]
    trade_offs: tuple[Passage, ...]
    assumptions: tuple[Passage, ...]


class StoryMap(_Value):
    """Where the answer tells its context, method, result and impact, as the coach reads it; None: nowhere."""

    by: Literal["coach"] = "coach"
    context: Quoted | None
    method: Quoted | None
    result: Quoted | None
    impact: Quoted | None


class Structure(_Value):
    """How the answer is built: counted by code, and mapped by the coach where it wrote a commentary."""

    computed: ComputedStructure
    story: StoryMap | None


class Flag(_Value):
    """Something about the answer a reader should know; never lowers a score by itself."""

    code: str
    spans: tuple[tuple[int, int], ...]
    detail: str


class Review(_Value):
    """Whether a person should look, and why."""

    needed: bool
    reasons: tuple[str, ...]


class Checks(_Value):
    """What code made of a model's remarks before a learner sees them.

    Attributes:
        quotes: offered, of every kind; ``quotes_dropped`` of them are not in the answer.
        remarks: signs, improvements and rewrites offered; ``remarks_dropped`` of them contradict the level, advise what
            the answer says already, or change the learner's facts.
        sent_back: drafts the model was asked to mend; what they offered and lost is counted as well.
    """

    quotes: int = 0
    quotes_dropped: int = 0
    remarks: int = 0
    remarks_dropped: int = 0
    sent_back: int = 0

    def after(self, earlier: Checks) -> Checks:
        """These together with those of a draft that was sent back."""
        return Checks(
            quotes=self.quotes + earlier.quotes,
            quotes_dropped=self.quotes_dropped + earlier.quotes_dropped,
            remarks=self.remarks + earlier.remarks,
            remarks_dropped=self.remarks_dropped + earlier.remarks_dropped,
            sent_back=self.sent_back + earlier.sent_back + 1,
        )


class CommentaryStatus(_Value):
    """What became of the commentary; the scores stand whatever it says. ``checks`` is None where no model wrote it."""

    status: Literal["written", "partial", "failed", "omitted", "by_rule", "expired"]
    reason: Reason | None = None
    checks: Checks | None = None


class ArtefactRef(_Value):
    """A rubric or prompt file: which one, which version, which bytes."""

    id: str
    version: str
    sha256: str


ModelPlace = Literal["local", "remote"]
"""Where a model runs: on the machine or its own network, or elsewhere."""


class ModelRef(_Value):
    """A model that took part: as configured, and as it named itself.

    ``remote``: what was sent left the machine's own network, ``redacted``: with placeholders for personal data.
    """

    role: str
    requested: str
    reported: str | None
    place: ModelPlace | None = None
    redacted: bool = False


class Member(_Value):
    """One of several judges behind a grade.

    Attributes:
        part: ``counted`` in the levels; ``left_out`` of them; ``not_asked`` because another was sure enough.
        expected: the level it gave each criterion by itself, on the scale 1..K.
        reason: why it decided less than it was asked for.
        calibration: ``id@version`` of the maps its own levels passed through.
    """

    judge: str
    model: str
    prompt: ArtefactRef | None
    part: Literal["counted", "left_out", "not_asked"]
    expected: dict[str, float] = {}
    reason: Reason | None = None
    calibration: str | None = None


class Escalation(_Value):
    """Whether a cascade went on to its strong judge.

    Attributes:
        confidence: of the cheap judge in the criterion it was least sure of; None where it could not say.
        threshold: below it, or without a confidence, the strong judge decides.
        strong_cost_usd: what the strong judge's calls cost; None where that is not known or it was not asked.
    """

    escalated: bool
    confidence: float | None
    threshold: float
    strong_cost_usd: float | None = None


class Receipt(_Value):
    """Enough to say a year later what produced a grade; ``context_notes`` are the blocks its context pulled in.

    ``sent`` names the parts of the submission that the models were shown; learner and metadata never are. ``prompt`` is
    None where ``members`` decided, each with a prompt of its own.
    """

    rubric: ArtefactRef
    prompt: ArtefactRef | None
    coach_prompt: ArtefactRef | None
    context_notes: tuple[ArtefactRef, ...] = ()
    judge: str
    models: tuple[ModelRef, ...]
    members: tuple[Member, ...] = ()
    escalation: Escalation | None = None
    calibration: str | None
    examples: tuple[str, ...] = ()
    service: str
    sent: tuple[str, ...] = ()


class Call(_Value):
    """One model call as the receipt keeps it, with the raw reply."""

    purpose: str
    requested: str
    reported: str | None
    outcome: str
    input_tokens: int
    output_tokens: int
    cached_tokens: int
    cost_usd: float | None
    latency_ms: int
    raw: str | None
    place: ModelPlace | None = None
    redacted: bool = False


class Usage(_Value):
    """What the grade cost: every call counted, failed and repeated ones too. ``cost_usd`` None: price unknown."""

    model_calls: int
    input_tokens: int
    output_tokens: int
    cached_tokens: int
    cost_usd: float | None
    latency_ms: int
    cache: Literal["hit", "miss"]


class Grade(_Value):
    """A finished attempt at grading one answer."""

    status: GradeStatus
    overall: Overall | None
    criteria: tuple[CriterionGrade, ...]
    key_points: tuple[KeyPoint, ...] = ()
    misconceptions: tuple[Misconception, ...] = ()
    next_steps: tuple[str, ...] = ()
    follow_up_question: str | None = None
    rewrite: Rewrite | None = None
    structure: Structure | None = None
    flags: tuple[Flag, ...] = ()
    review: Review
    receipt: Receipt
    commentary: CommentaryStatus
    reason: Reason | None = None
