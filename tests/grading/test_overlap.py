"""Word overlap: how much of a reference an answer says, in words."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from service.grading.overlap import overlap

REFERENCE = "Splitting the data estimates the error on unseen cases."


def test_an_answer_in_the_references_words_uses_all_of_them() -> None:
    """Whatever their order and endings."""
    assert overlap("On cases unseen, the errors are estimated by splits of data", REFERENCE) == 1.0


def test_an_answer_with_none_of_the_words_uses_none() -> None:
    """The small words that every text shares do not count."""
    assert overlap("That is what you would do with the others, and those are too few.", REFERENCE) == 0.0


def test_words_the_question_gave_away_count_half() -> None:
    """Repeating the question is the cheapest way to share words with its reference."""
    question = "Why do we split the data?"

    echoed = overlap("We split the data.", REFERENCE, question)
    answered = overlap("Estimate the error.", REFERENCE, question)

    assert 0 < echoed < answered


def test_numbers_count_however_short() -> None:
    """In many answers they are what matters."""
    assert overlap("It is 5", "5 percent") > overlap("It is 6", "5 percent") == 0.0


@given(answer=st.text(), reference=st.text(), question=st.text(), more=st.text())
def test_saying_more_never_lowers_the_overlap(answer: str, reference: str, question: str, more: str) -> None:
    """It is a share between none and all, whatever the text."""
    one, other = overlap(answer, reference, question), overlap(f"{answer}\n{more}", reference, question)

    assert 0.0 <= one <= other <= 1.0
