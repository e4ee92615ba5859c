"""What code counts in an answer."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.grading.structure import MAX_PASSAGES, measure

ANSWER = (
    "We saw returns rise after the launch. We moved the size chart up, which cut returns from 12 to 9 percent. "
    "The trade-off is a slower page. That holds only if the product mix stays as it is."
)


def test_result_numbers_trade_offs_and_assumptions_are_quoted() -> None:
    """Each by the sentence that holds it."""
    found = measure(ANSWER)

    assert [p.quote for p in found.result_numbers] == [
        "We moved the size chart up, which cut returns from 12 to 9 percent."
    ]
    assert [p.quote for p in found.trade_offs] == ["The trade-off is a slower page."]
    assert [p.quote for p in found.assumptions] == ["That holds only if the product mix stays as it is."]


def test_speaking_time_is_counted_for_prose_at_150_words_a_minute() -> None:
    """The query is not read aloud."""
    found = measure("word " * 75 + "\n```\nSELECT 1\n```")

    assert (found.words, found.speaking_seconds, found.code_lines) == (75, 30, 1)


@pytest.mark.parametrize(
    "answer", ["Short answer.", "Это ответ на русском языке. " * 10], ids=["too short", "another script"]
)
def test_readability_is_not_claimed_where_the_formula_does_not_fit(answer: str) -> None:
    """A missing number beats a meaningless one."""
    assert measure(answer).readability is None


def test_longer_words_and_sentences_read_harder() -> None:
    """The index is a school grade."""
    easy = measure("We cut the price. Sales went up. We kept it. " * 4).readability
    hard = measure("Heterogeneous retrospective considerations notwithstanding, organisational prioritisation " * 6)

    assert easy is not None
    assert hard.readability is not None
    assert easy.grade < hard.readability.grade


@pytest.mark.parametrize("answer", ["Version 2 is out.", "It improved a lot.", "We rank in the top ten."])
def test_a_number_without_an_outcome_is_no_result(answer: str) -> None:
    """Nor an outcome without a number."""
    assert measure(answer).result_numbers == ()


@given(st.text(max_size=400))
def test_quotes_stand_in_the_answer_where_they_say(answer: str) -> None:
    """In code points, whatever the script."""
    found = measure(answer)

    for passage in (*found.result_numbers, *found.trade_offs, *found.assumptions):
        assert answer[passage.start : passage.end] == passage.quote


def test_the_number_of_quotes_is_bounded() -> None:
    """A long answer does not blow up the grade."""
    assert len(measure("Sales rose by 5 percent. " * 50).result_numbers) == MAX_PASSAGES
