"""A grade as a page shows it: levels with their probabilities, remarks, the marked answer, doubts."""

from __future__ import annotations

from dataclasses import dataclass

from service.grading.grade import CriterionGrade, Grade, Improvement, Reason, ScoredCriterion
from service.grading.rubric import Criterion, Rubric
from service.records import GradeRecord
from service.web import words
from service.web.highlight import Piece, Quote, pieces, quotes_of

BAR_HEIGHT = 36
LEAST_BAR = 1


@dataclass(frozen=True, slots=True)
class Bar:
    """One level: its number from 1, what it is called, its probability; ``height`` is in units of the drawing."""

    level: int
    label: str
    probability: float
    chosen: bool

    @property
    def percent(self) -> str:
        """The probability for reading."""
        return f"{self.probability:.0%}" if self.probability >= 0.005 else "under 1%"

    @property
    def height(self) -> float:
        """The length of the bar; the impossible still has a foot to stand on."""
        return round(max(LEAST_BAR, self.probability * BAR_HEIGHT), 1)


@dataclass(frozen=True, slots=True)
class CriterionView:
    """One criterion of a grade beside what the rubric says of it.

    Attributes:
        meaning: the rubric's descriptor of the level given.
        next_up: the level above and its descriptor; None at the top.
    """

    id: str
    name: str
    asks: str
    weight: str
    bars: tuple[Bar, ...]
    level: int | None
    label: str | None
    sureness: str | None
    unsure: bool
    meaning: str | None
    next_up: tuple[str, str] | None
    rationale: str | None
    quotes: tuple[Quote, ...]
    improvements: tuple[Improvement, ...]
    reason: Reason | None
    applies: bool

    @property
    def reading(self) -> str:
        """The whole bar chart in one sentence, for those who do not see it."""
        if self.level is None:
            return f"{self.name}: no level."
        parts = ", ".join(f"level {bar.level} {bar.percent}" for bar in self.bars)
        return f"Level {self.level} of {len(self.bars)}: {self.label}. Probabilities: {parts}."


@dataclass(frozen=True, slots=True)
class Feedback:
    """A finished record for the page."""

    record: GradeRecord
    grade: Grade
    criteria: tuple[CriterionView, ...]
    answer: tuple[Piece, ...]
    doubts: tuple[str, ...]
    note: str | None

    @property
    def capped_by(self) -> str | None:
        """The name of the criterion that holds the overall score down."""
        overall = self.grade.overall
        names = {view.id: view.name for view in self.criteria}
        return names.get(overall.capped_by) if overall and overall.capped_by else None

    @property
    def can_retry(self) -> bool:
        """Whether asking again can complete the explanation."""
        return self.grade.commentary.status in ("failed", "partial")


def feedback_of(record: GradeRecord) -> Feedback | None:
    """The page's view of a record; None while there is no grade."""
    if record.grade is None:
        return None
    quotes = quotes_of(record.grade)
    rubric = record.request.rubric
    return Feedback(
        record=record,
        grade=record.grade,
        criteria=tuple(criterion_view(item, rubric, quotes) for item in record.grade.criteria),
        answer=pieces(record.request.submission.answer, quotes),
        doubts=_doubts(record.grade),
        note=words.commentary_note(record.grade.commentary),
    )


def criterion_view(item: CriterionGrade, rubric: Rubric, quotes: tuple[Quote, ...] = ()) -> CriterionView:
    """One criterion beside its rubric text."""
    criterion = rubric.criterion(item.id)
    return CriterionView(
        id=item.id,
        name=item.name,
        asks=criterion.question,
        weight=f"{item.weight:.0%}",
        bars=_bars(item, criterion) if isinstance(item, ScoredCriterion) else (),
        level=item.level,
        label=item.label,
        sureness=words.sureness(item.confidence) if item.level else None,
        unsure=words.is_unsure(item.confidence),
        meaning=criterion.levels[item.level - 1].descriptor if item.level else None,
        next_up=_next_up(item.level, criterion) if item.level else None,
        rationale=item.rationale,
        quotes=tuple(quote for quote in quotes if quote.key.rpartition("-")[0] == item.id),
        improvements=item.improvements,
        reason=item.reason,
        applies=item.status != "not_applicable",
    )


def _bars(item: ScoredCriterion, criterion: Criterion) -> tuple[Bar, ...]:
    return tuple(
        Bar(number, level.label, probability, number == item.level)
        for number, (level, probability) in enumerate(zip(criterion.levels, item.distribution, strict=True), start=1)
    )


def _next_up(level: int, criterion: Criterion) -> tuple[str, str] | None:
    if level >= len(criterion.levels):
        return None
    above = criterion.levels[level]
    return above.label, above.descriptor


def _doubts(grade: Grade) -> tuple[str, ...]:
    """What the machine is unsure of, each in a sentence."""
    names = {item.id: item.name for item in grade.criteria}
    reasons = [words.review_reason(code, names) for code in grade.review.reasons]
    told = {code.partition(":")[2] for code in grade.review.reasons}
    unsure = [
        f"{item.name}: level {item.level} is the likeliest reading, but only {item.confidence:.0%} sure."
        for item in grade.criteria
        if words.is_unsure(item.confidence) and item.id not in told
    ]
    return (*reasons, *unsure, *_unchecked(grade))


def _unchecked(grade: Grade) -> list[str]:
    """What was looked for without an answer being had."""
    counts = (
        ("key point", sum(point.covered == "unknown" for point in grade.key_points)),
        ("misconception", sum(item.voiced == "unknown" for item in grade.misconceptions)),
    )
    return [f"{count} {what}{'s' if count > 1 else ''} could not be checked." for what, count in counts if count]
