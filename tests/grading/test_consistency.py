"""What words alone can tell: whether advice brings something new, and whether a rewrite keeps the facts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.grading.consistency import (
    absent,
    content_words,
    invented_numbers,
    lost_facts,
    numbers,
    says_something_new,
)

ANSWER = "We randomised users by cookie and compared conversion after two weeks; it was not significant."


@pytest.mark.parametrize(
    "advice",
    [
        "Say how large a difference you could have detected.",
        "Name the confidence interval.",
        "Randomise by account instead.",
        "The p-value was 0.03.",
    ],
)
def test_advice_that_names_what_is_not_there_is_new(advice: str) -> None:
    """One thing is enough."""
    assert says_something_new(advice, ANSWER)


@pytest.mark.parametrize(
    "advice",
    [
        "You should randomise the users.",
        "Compare conversions after two weeks.",
        "Say clearly that it was not significant.",
    ],
)
def test_advice_made_of_the_answer_s_own_words_is_not(advice: str) -> None:
    """In whatever form, and whatever words of advice stand around them."""
    assert not says_something_new(advice, ANSWER)


def test_advice_without_content_words_is_left_alone() -> None:
    """There is nothing to tell it by."""
    assert says_something_new("Say more about it.", ANSWER)
    assert says_something_new("もっと具体的に", ANSWER)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("It rose from 3.10 to 1,250 users, 12%.", {"3.1", "1250", "12"}),
        ("three of ten", {"3", "10"}),
        ("3,5 percent", {"3.5"}),
        ("version v2 of p95", set()),
        ("100 and 100.0 and 100.00", {"100"}),
        ("0.0 and 0", {"0"}),
        ("10.10.1", {"10.10.1"}),
    ],
)
def test_a_number_is_the_same_however_it_is_written(text: str, found: set[str]) -> None:
    """Separators, trailing zeros, small numbers as words."""
    assert numbers(text) == found


@pytest.mark.parametrize(
    ("before", "after", "lost"),
    [
        ("It fell by 3.5 %.", "It fell.", ["a number"]),
        ("It fell by three percent.", "It fell by 3 %.", []),
        ("We did not see it.", "We saw it.", ["a negation"]),
        ("We didn't see it.", "It never showed.", []),
        ("We had no time.", "Without time we stopped.", []),
        ("I moved it to AWS with Marie.", "I moved it to AWS.", ["a name"]),
        ("I trained XGBoost.", "I trained xgboost on the logs.", []),
        ("The model is fine.", "That one works.", []),
        ("One of us left.", "Somebody left.", []),
        ("We lost 5 users and Jo did not mind.", "Users went.", ["a number", "a name", "a negation"]),
    ],
)
def test_a_rewrite_keeps_numbers_names_and_negations(before: str, after: str, lost: list[str]) -> None:
    """In other words they are the same; a capital at the start of a sentence is no name."""
    assert lost_facts(before, after) == lost


def test_a_number_nobody_gave_is_invented() -> None:
    """Answer, reference and question may have it."""
    assert invented_numbers("from 3 to 4.5", "three users", None, "why 4?") == {"4.5"}
    assert invented_numbers("from 3 to 4.5", "three", "4.50", None) == frozenset()


texts = st.one_of(
    st.text(max_size=80),
    st.lists(st.sampled_from(["not", "AWS", "3.5", "1,000", "users", "it's", "’", "...", "½", "١", "\n", "a_b"])).map(
        " ".join
    ),
)


@given(texts)
def test_a_text_keeps_everything_of_itself(text: str) -> None:
    """And brings nothing new to itself."""
    assert lost_facts(text, text) == []
    assert invented_numbers(text, text) == frozenset()
    assert absent(content_words(text), text) == frozenset()


@given(texts, texts)
def test_more_text_loses_no_fact(before: str, more: str) -> None:
    """What is added can only add."""
    assert lost_facts(before, f"{before} {more}") == []
