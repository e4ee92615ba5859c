"""A learner's way over attempts: trends, gaps, what to practise next."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from service.grading.question import Question
from service.grading.rubric import Rubric
from service.library import FileLibrary
from service.progress import interval, progress
from service.records import GradeRecord
from tests.web.making import BEGINNING, Made, Remark, record_of
from tests.web.samples import FIRST, OTHER, POINTS, SECOND, THIRD

NOW = BEGINNING + timedelta(days=30)


@pytest.fixture
def phone_screen(library: FileLibrary) -> Rubric:
    """The rubric all attempts are judged by."""
    rubric = library.rubric("technical-phone-screen")
    assert rubric is not None
    return rubric


def stored(rubric: Rubric, *attempts: Made) -> list[GradeRecord]:
    """The grades of some attempts."""
    return [record_of(made, rubric, f"G{number}") for number, made in enumerate(attempts)]


def everything(_question: Question) -> tuple[str, ...]:
    """All questions are judged on the same four criteria."""
    return ("correctness", "clarity", "storytelling", "business_framing")


def levels(*values: int) -> list[Made]:
    """One sharp attempt a day at these levels of correctness."""
    return [
        replace(FIRST, day=float(day), remarks={**FIRST.remarks, "correctness": Remark(level=level, probability=0.98)})
        for day, level in enumerate(values)
    ]


def test_a_question_s_gaps_are_those_of_the_last_two_attempts(library: FileLibrary, phone_screen: Rubric) -> None:
    """Fixed and open since the attempt before; what was fixed earlier is history."""
    found = progress(stored(phone_screen, THIRD, FIRST, SECOND), library.topics(), everything, NOW)

    question = found.questions[0]
    assert (found.attempts, question.attempts) == (3, 3)
    assert [gap.id for gap in question.gaps.fixed] == [POINTS[3]]
    assert question.open == ()
    assert question.first_score < question.last_score


@pytest.mark.parametrize(
    ("values", "direction"),
    [
        pytest.param((1, 4), "too_few", id="two attempts"),
        pytest.param((1, 1, 1, 4, 4, 4), "rising", id="up"),
        pytest.param((4, 4, 4, 2, 2, 2), "falling", id="down"),
        pytest.param((3, 4, 3, 4, 3, 4), "steady", id="to and fro"),
    ],
)
def test_a_trend_needs_more_than_one_good_day(
    library: FileLibrary, phone_screen: Rubric, values: tuple[int, ...], direction: str
) -> None:
    """The latest three against the three before, by at least half a level."""
    found = progress(stored(phone_screen, *levels(*values)), library.topics(), everything, NOW)

    trend = next(trend for trend in found.criteria if trend.id == "correctness")
    assert trend.direction == direction
    assert [point.level for point in trend.points] == list(values)


def test_the_interval_grows_with_every_attempt_without_a_gap() -> None:
    """A day while something is open; then 3, 6, 12, ... and never more than 60."""
    days = [interval(count).days for count in (0, 1, 2, 3, 4, 5, 6, 100)]

    assert days == [1, 3, 6, 12, 24, 48, 60, 60]


def test_what_is_due_comes_first_and_the_weakest_of_it_before_the_rest(
    library: FileLibrary, phone_screen: Rubric
) -> None:
    """Then a new question where the lowest criterion is lowest."""
    found = progress(stored(phone_screen, FIRST, OTHER), library.topics(), everything, NOW)

    assert [(item.kind, item.question_id) for item in found.practise_next[:2]] == [
        ("again", "p-value-meaning"),
        ("again", "sql-where-having"),
    ]
    third = found.practise_next[2]
    assert third.kind == "weakest"
    assert "Correctness is your lowest" in third.why
    assert third.question_id not in {"p-value-meaning", "sql-where-having"}


def test_what_is_not_due_yet_is_left_alone(library: FileLibrary, phone_screen: Rubric) -> None:
    """An hour after an attempt something else is suggested."""
    found = progress(stored(phone_screen, FIRST), library.topics(), everything, BEGINNING + timedelta(hours=1))

    assert [item.kind for item in found.practise_next] == ["weakest", "new_topic", "new_topic"]


def test_a_newcomer_is_shown_topics_to_begin_with(library: FileLibrary) -> None:
    """Nothing graded: no trend, no question, something to start from."""
    found = progress([], library.topics(), everything, NOW)

    assert (found.attempts, found.criteria, found.questions) == (0, (), ())
    assert {item.kind for item in found.practise_next} == {"new_topic"}


def test_a_question_of_one_s_own_can_be_due_too(library: FileLibrary, phone_screen: Rubric) -> None:
    """Told by its words; it leads back to its last attempt."""
    own = replace(FIRST, question_id=None, question="Why split data?")

    found = progress(stored(phone_screen, own, replace(own, day=1.0)), library.topics(), everything, NOW)

    assert found.questions[0].attempts == 2
    assert found.practise_next[0].grade_id == "grd_G1"


def test_a_question_that_is_not_judged_on_the_weakest_criterion_does_not_help(
    library: FileLibrary, phone_screen: Rubric
) -> None:
    """A bare query is no place to practise business framing."""

    def facts_only(question: Question) -> tuple[str, ...]:
        return ("correctness",) if question.id != "p-value-to-executive" else ("storytelling",)

    weak = {**FIRST.remarks, "correctness": Remark(level=5), "storytelling": Remark(level=1)}

    found = progress(
        stored(phone_screen, replace(FIRST, remarks=weak)), library.topics(), facts_only, BEGINNING + timedelta(hours=1)
    )

    assert found.practise_next[0].question_id == "p-value-to-executive"
    assert "Storytelling is your lowest" in found.practise_next[0].why
