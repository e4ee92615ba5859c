"""A learner's way over many attempts: trends, gaps, and what to practise next.

Pure: told from stored grades, the question bank and the time. It changes what a learner is shown, never a score.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import takewhile
from statistics import fmean
from typing import Literal

from pydantic import BaseModel, ConfigDict

from service.attempts import Gap, GapChanges, asked, gap_changes, open_gaps
from service.grading.grade import Grade, ScoredCriterion
from service.grading.question import Difficulty, Question, Topic
from service.records import GradeRecord

LATEST = 3
"""Attempts that stand for how a learner is doing now; one alone is noise."""

STEP = 0.5
"""Levels by which the latest attempts have to differ from those before to be called rising or falling."""

FIRST_INTERVAL = timedelta(days=1)
LONGEST_INTERVAL = timedelta(days=60)
SUGGESTIONS = 3

JudgedOn = Callable[[Question], Collection[str]]
Direction = Literal["rising", "falling", "steady", "too_few"]
_ORDER: tuple[Difficulty, ...] = ("basic", "intermediate", "advanced")


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class TrendPoint(_Value):
    """A criterion in one attempt."""

    grade_id: str
    at: datetime
    level: int
    score: float


class CriterionTrend(_Value):
    """A criterion over all attempts, oldest first.

    Attributes:
        levels: K of its scale; the same criterion on another scale is another trend.
        now: the mean score of the latest attempts.
    """

    id: str
    name: str
    levels: int
    now: float
    direction: Direction
    points: tuple[TrendPoint, ...]


class QuestionProgress(_Value):
    """One question over all attempts at it.

    Attributes:
        first_score: the overall score of the first attempt, ``last_score`` of the last, of ``max_score``.
        open: what the last attempt lacks.
        gaps: what became of the gaps between the last two attempts.
        due: when to answer it again: a day later while something is open; then three days, and twice as long after
            each further attempt without a gap, up to sixty days (spaced repetition as by Leitner, 1972).
    """

    question_id: str | None
    question: str
    topic: str | None
    attempts: int
    first_score: float
    last_score: float
    max_score: int
    last_grade: str
    last_at: datetime
    open: tuple[Gap, ...]
    gaps: GapChanges
    due: datetime


class Suggestion(_Value):
    """Something to practise, and why. ``grade_id``: the last attempt, where it is to be answered again."""

    kind: Literal["again", "weakest", "new_topic"]
    question_id: str | None
    question: str
    grade_id: str | None
    why: str


class Progress(_Value):
    """Everything told of one learner; nothing where there are no graded attempts."""

    attempts: int
    criteria: tuple[CriterionTrend, ...]
    questions: tuple[QuestionProgress, ...]
    practise_next: tuple[Suggestion, ...]


@dataclass(frozen=True, slots=True)
class Bank:
    """The question bank with what its answers are judged on."""

    topics: Sequence[Topic]
    judged_on: JudgedOn

    def easiest(self, topic: Topic, answered: Collection[str | None], criterion: str | None = None) -> Question | None:
        """The easiest question of a topic that was not answered yet and is judged on a criterion."""
        left = [
            question
            for question in topic.questions
            if question.id not in answered and (criterion is None or criterion in self.judged_on(question))
        ]
        return min(left, key=lambda question: _ORDER.index(question.difficulty), default=None)


def progress(records: Iterable[GradeRecord], topics: Sequence[Topic], judged_on: JudgedOn, now: datetime) -> Progress:
    """What a learner's grades tell, whatever order they come in. Answers without a grade are passed over.

    Args:
        records: the learner's grades.
        topics: the question bank.
        judged_on: the ids of the criteria that answers to a question are judged on.
        now: the time that decides what is due.
    """
    graded = sorted(
        (record for record in records if record.grade is not None and record.grade.overall is not None),
        key=lambda record: (record.created_at, record.id),
    )
    trends = _trends(graded)
    questions = _questions(graded, topics)
    return Progress(
        attempts=len(graded),
        criteria=trends,
        questions=questions,
        practise_next=tuple(_suggestions(graded, questions, trends, Bank(topics, judged_on), now))[:SUGGESTIONS],
    )


def interval(without_gap: int) -> timedelta:
    """How long to wait before the next attempt, after so many in a row without an open gap."""
    if without_gap == 0:
        return FIRST_INTERVAL
    return min(timedelta(days=3 << min(without_gap - 1, 10)), LONGEST_INTERVAL)


def _trends(graded: Sequence[GradeRecord]) -> tuple[CriterionTrend, ...]:
    found: dict[tuple[str, int], list[tuple[str, TrendPoint]]] = {}
    for record in graded:
        for item in _scored(record):
            point = TrendPoint(grade_id=record.id, at=record.created_at, level=item.level, score=item.score)
            found.setdefault((item.id, len(item.distribution)), []).append((item.name, point))
    return tuple(
        CriterionTrend(
            id=criterion_id,
            name=named[-1][0],
            levels=levels,
            now=round(fmean(point.score for _, point in named[-LATEST:]), 2),
            direction=_direction([point.score for _, point in named]),
            points=tuple(point for _, point in named),
        )
        for (criterion_id, levels), named in found.items()
    )


def _direction(scores: Sequence[float]) -> Direction:
    if len(scores) < 2 * LATEST:
        return "too_few"
    change = fmean(scores[-LATEST:]) - fmean(scores[-2 * LATEST : -LATEST])
    if abs(change) < STEP:
        return "steady"
    return "rising" if change > 0 else "falling"


def _questions(graded: Sequence[GradeRecord], topics: Sequence[Topic]) -> tuple[QuestionProgress, ...]:
    """Every question that was answered, the newest attempt first."""
    attempts: dict[str, list[GradeRecord]] = {}
    for record in graded:
        attempts.setdefault(asked(record), []).append(record)
    told = [_question(records, topics) for records in attempts.values()]
    return tuple(sorted(told, key=lambda item: (item.last_at, item.last_grade), reverse=True))


def _question(records: Sequence[GradeRecord], topics: Sequence[Topic]) -> QuestionProgress:
    grades = [record.grade for record in records if record.grade is not None]
    scores = [grade.overall for grade in grades if grade.overall is not None]
    last = records[-1]
    without_gap = len(list(takewhile(lambda grade: not open_gaps(grade), reversed(grades))))
    return QuestionProgress(
        question_id=last.request.question_id,
        question=last.request.submission.question,
        topic=_topic_of(last, topics),
        attempts=len(records),
        first_score=scores[0].score,
        last_score=scores[-1].score,
        max_score=scores[-1].max_score,
        last_grade=last.id,
        last_at=last.created_at,
        open=open_gaps(grades[-1]),
        gaps=_changes(grades),
        due=last.created_at + interval(without_gap),
    )


def _changes(grades: Sequence[Grade]) -> GapChanges:
    return gap_changes(grades[-2], grades[-1]) if len(grades) > 1 else GapChanges()


def _topic_of(record: GradeRecord, topics: Sequence[Topic]) -> str | None:
    wanted = record.request.question_id
    return next((topic.topic for topic in topics if any(question.id == wanted for question in topic.questions)), None)


def _suggestions(
    graded: Sequence[GradeRecord],
    questions: Sequence[QuestionProgress],
    trends: Sequence[CriterionTrend],
    bank: Bank,
    now: datetime,
) -> Iterable[Suggestion]:
    """First what is due again, weakest first; then a new question where it hurts most; then a new topic."""
    due = [item for item in questions if item.due <= now]
    for item in sorted(due, key=lambda item: (item.last_score / item.max_score, item.due))[: SUGGESTIONS - 1]:
        yield _again(item)
    answered = {item.question_id for item in questions}
    if weakest := min(trends, key=lambda trend: trend.now / trend.levels, default=None):
        yield from _where_it_hurts(graded, weakest, bank, answered)
    tried = {item.topic for item in questions}
    for topic in bank.topics:
        if topic.topic not in tried and (question := bank.easiest(topic, answered)):
            yield _new("new_topic", question, f"You have not answered anything on {topic.title} yet.")


def _where_it_hurts(
    graded: Sequence[GradeRecord], weakest: CriterionTrend, bank: Bank, answered: Collection[str | None]
) -> Iterable[Suggestion]:
    """A question judged on the weakest criterion, from the topic where its latest scores are lowest."""
    means = _topic_means(graded, bank.topics, weakest.id)
    for topic in sorted((topic for topic in bank.topics if topic.topic in means), key=lambda t: means[t.topic]):
        if question := bank.easiest(topic, answered, weakest.id):
            lowest = f"{weakest.name} is your lowest ({weakest.now:.1f} of {weakest.levels})"
            yield _new("weakest", question, f"{lowest}, most of all in {topic.title}.")
            return


def _new(kind: Literal["weakest", "new_topic"], question: Question, why: str) -> Suggestion:
    return Suggestion(kind=kind, question_id=question.id, question=question.text, grade_id=None, why=why)


def _again(item: QuestionProgress) -> Suggestion:
    count = len(item.open)
    gaps = f"{count} gap{'s' if count > 1 else ''} still open" if count else "No gap was left"
    return Suggestion(
        kind="again",
        question_id=item.question_id,
        question=item.question,
        grade_id=item.last_grade,
        why=f"{gaps}, last answered on {item.last_at:%-d %B}.",
    )


def _topic_means(graded: Sequence[GradeRecord], topics: Sequence[Topic], criterion_id: str) -> dict[str, float]:
    """A criterion's latest mean score in each topic that was tried, as a share of its scale."""
    scores: dict[str, list[float]] = {}
    for record in graded:
        topic = _topic_of(record, topics)
        if topic is not None:
            found = [item.score / len(item.distribution) for item in _scored(record) if item.id == criterion_id]
            scores.setdefault(topic, []).extend(found)
    return {topic: fmean(values[-LATEST:]) for topic, values in scores.items() if values}


def _scored(record: GradeRecord) -> list[ScoredCriterion]:
    return [item for item in record.grade.criteria if isinstance(item, ScoredCriterion)] if record.grade else []
