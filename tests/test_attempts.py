"""Attempts beside each other: fixed, still open, new."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from service.attempts import compare, open_gaps, previous_attempt, same_question
from service.expiry import expired
from service.grading.rubric import Rubric
from service.library import FileLibrary
from service.records import GradeRecord
from tests.web.making import Made, record_of
from tests.web.samples import FALSE, FIRST, POINTS, SECOND


@pytest.fixture
def phone_screen(library: FileLibrary) -> Rubric:
    """The rubric both attempts are judged by."""
    rubric = library.rubric("technical-phone-screen")
    assert rubric is not None
    return rubric


def pair(rubric: Rubric, before: Made = FIRST, after: Made = SECOND) -> tuple[GradeRecord, GradeRecord]:
    """Two stored attempts."""
    return record_of(before, rubric, "BEFORE"), record_of(after, rubric, "AFTER")


def test_what_was_open_and_is_closed_is_fixed(phone_screen: Rubric) -> None:
    """Points covered now, misconceptions no longer voiced, criteria over the middle."""
    compared = compare(*pair(phone_screen))

    assert compared is not None
    assert {gap.id for gap in compared.gaps.fixed} == {
        *POINTS[:3],
        FALSE[0],
        FALSE[2],
        "correctness",
        "clarity",
        "business_framing",
    }
    assert [gap.id for gap in compared.gaps.still_open] == [POINTS[3]]
    assert compared.gaps.new == ()


def test_what_was_closed_and_is_open_is_new(phone_screen: Rubric) -> None:
    """The same two attempts the other way round."""
    compared = compare(*pair(phone_screen, SECOND, FIRST))

    assert compared is not None
    assert POINTS[0] in {gap.id for gap in compared.gaps.new}
    assert compared.gaps.fixed == ()


def test_what_could_not_be_told_is_neither_fixed_nor_new(phone_screen: Rubric) -> None:
    """An unknown point says nothing about the learner."""
    blurred = replace(SECOND, points={**SECOND.points, POINTS[0]: "unknown", POINTS[3]: "unknown"})

    compared = compare(*pair(phone_screen, FIRST, blurred))

    assert compared is not None
    told = {gap.id for gaps in (compared.gaps.fixed, compared.gaps.still_open, compared.gaps.new) for gap in gaps}
    assert not told.intersection({POINTS[0], POINTS[3]})


def test_a_rise_is_as_sure_as_the_levels_are(phone_screen: Rubric) -> None:
    """Two blurred neighbours are about the same; two sharp ones far apart are not."""
    compared = compare(*pair(phone_screen))

    assert compared is not None
    rises = {level.id: level.rise for level in compared.levels}
    assert rises["correctness"] is not None
    assert rises["storytelling"] is not None
    assert rises["correctness"] > 0.8
    assert 0.3 < rises["storytelling"] < 0.6


def test_an_attempt_against_itself_rises_and_falls_alike(phone_screen: Rubric) -> None:
    """Ties count half, so nothing has changed at one half."""
    compared = compare(*pair(phone_screen, FIRST, FIRST))

    assert compared is not None
    assert [level.rise for level in compared.levels] == pytest.approx([0.5] * 4, abs=0.001)


def test_criticised_words_that_still_stand_are_named(phone_screen: Rubric) -> None:
    """Whatever their case and punctuation."""
    repeated = replace(SECOND, answer=SECOND.answer + " THE SMALLER IT IS, the bigger the effect!")

    compared = compare(*pair(phone_screen, FIRST, repeated))

    assert compared is not None
    assert compared.repeated == ("The smaller it is, the bigger the effect",)


def test_the_gravest_gaps_come_first(phone_screen: Rubric) -> None:
    """A false statement before a missing point before a weak criterion."""
    grade = record_of(FIRST, phone_screen, "ONE").grade

    assert grade is not None
    kinds = [gap.kind for gap in open_gaps(grade)]
    assert kinds == sorted(kinds, key=["misconception", "key_point", "criterion"].index)


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(replace(FIRST, learner="somebody"), id="another learner"),
        pytest.param(replace(FIRST, question_id="sql-join-types"), id="another question"),
        pytest.param(replace(FIRST, day=3.0), id="later"),
    ],
)
def test_only_an_earlier_attempt_at_the_same_question_by_the_same_learner_counts(
    phone_screen: Rubric, other: Made
) -> None:
    """Everything else is no attempt before this one."""
    before, after = pair(phone_screen)
    foreign = record_of(other, phone_screen, "OTHER")

    assert previous_attempt(after, [foreign, after]) is None
    assert previous_attempt(after, [foreign, before, after]) == before


def test_expired_answers_are_not_taken_for_attempts_at_one_question(phone_screen: Rubric) -> None:
    """Their words are gone alike; their hashes are not."""
    records = pair(phone_screen)
    asked = ["Why do we split data?", "What is a p-value?"]
    gone = [
        expired(
            record.model_copy(
                update={
                    "request": record.request.model_copy(
                        update={
                            "question_id": None,
                            "submission": replace(record.request.submission, question=question),
                        }
                    )
                }
            ),
            datetime(2026, 11, 25, tzinfo=UTC),
        )
        for record, question in zip(records, asked, strict=True)
    ]

    assert not same_question(*gone)
    assert same_question(gone[0], gone[0])
