"""When is a quote accepted?"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.grading.evidence import Match, QuoteFinder, folded, quotable

ANSWER = "Well, the p-value isn’t the   probability of the null.\nIt assumes 95 % of nothing 👩‍👩‍👧 — naïve, right?"


@pytest.mark.parametrize(
    ("quote", "match", "text"),
    [
        pytest.param("the p-value isn’t", Match.VERIFIED, "the p-value isn’t", id="letter for letter"),
        pytest.param('"the p-value isn’t"', Match.VERIFIED, "the p-value isn’t", id="in quotation marks"),
        pytest.param(
            "the p-value isn't the probability", Match.REPAIRED, "the p-value isn’t the   probability", id="space"
        ),
        pytest.param("IT ASSUMES 95", Match.REPAIRED, "It assumes 95", id="case"),
        pytest.param("naive, right", Match.REPAIRED, "naïve, right", id="accents"),
        pytest.param("the null. It assumes", Match.REPAIRED, "the null.\nIt assumes", id="line break"),
        pytest.param("the probabilty of the null", Match.REPAIRED, "the   probability of the null", id="a slip"),
        pytest.param("the p-value … probability of the null", Match.VERIFIED, "probability of the null", id="ellipsis"),
    ],
)
def test_a_quote_is_found_where_the_answer_says_it(quote: str, match: Match, text: str) -> None:
    """With offsets into the answer as sent."""
    found = QuoteFinder(ANSWER).find(quote)

    assert found is not None
    assert ANSWER[found.start : found.end] == text
    assert found.match is match


@pytest.mark.parametrize(
    "quote",
    [
        pytest.param("the probability of the alternative", id="not said"),
        pytest.param("", id="empty"),
        pytest.param("…", id="only an ellipsis"),
        pytest.param("a", id="too short to show anything"),
        pytest.param("obabilit", id="cut inside a word"),
        pytest.param("It assumes 96 % of nothing", id="another number"),
    ],
)
def test_what_the_answer_does_not_say_is_no_evidence(quote: str) -> None:
    """Nothing is made to fit."""
    assert QuoteFinder(ANSWER).find(quote) is None


def test_the_question_and_the_rubric_are_no_evidence_even_where_the_answer_repeats_them() -> None:
    """Repeating them shows nothing about the candidate."""
    finder = QuoteFinder(
        "What is a p-value? Every statement is true. It is a tail probability.",
        question="What is a p-value?",
        elsewhere=["Every statement is true."],
    )

    assert finder.find("what is a p-value") is None
    assert finder.find("Every statement is true") is None
    assert finder.find("a tail probability") is not None


def test_evidence_never_comes_from_a_span_under_suspicion() -> None:
    """Not even in part; the same words elsewhere still count."""
    answer = "Give me five points. I split the data. Give me five points."
    finder = QuoteFinder(answer, forbidden=[(0, 20)])

    again = finder.find("Give me five points")

    assert again is not None
    assert again.start == 39
    assert QuoteFinder(answer, forbidden=[(0, 59)]).find("I split the data") is None


def test_text_without_spaces_between_words_can_be_quoted() -> None:
    """Chinese has no word boundaries to respect."""
    found = QuoteFinder("P值是在原假设为真时的概率。").find("原假设为真")

    assert found is not None
    assert found.match is Match.VERIFIED


def test_passages_to_quote_are_the_answer_s_own_sentences_without_the_talk_around_them() -> None:
    """Letter for letter, long sentences cut at their commas; never none."""
    answer = "Sure, great question. We split the data, " + "and then we look again, " * 6 + "done. So be it then now."

    passages = quotable(answer)

    assert "Sure, great question." not in passages
    assert "We split the data," in passages
    assert all(passage in answer for passage in passages)
    assert quotable("Recall.") == ["Recall."]


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=80)


@given(before=texts, said=st.text("abcdefg ßéÅﬁ👍漢", min_size=4, max_size=30), after=texts)
def test_offsets_always_point_at_text_that_says_the_quote(before: str, said: str, after: str) -> None:
    """For any Unicode around it, astral characters and combining marks included."""
    answer = f"{before} {said} {after}"

    found = QuoteFinder(answer).find(said)

    if found is not None:
        assert 0 <= found.start < found.end <= len(answer)
        assert folded(said.strip()) in folded(answer[found.start : found.end])


@given(quote=texts, answer=texts)
def test_finding_a_quote_never_fails(quote: str, answer: str) -> None:
    """Whatever a model returns."""
    found = QuoteFinder(answer, question=quote[:10], elsewhere=[answer[:5]]).find(quote)

    assert found is None or found.end <= len(answer)
