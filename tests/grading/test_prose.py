"""Telling prose from code, and which criteria a bare query gives occasion for."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.grading.applicability import not_applicable
from service.grading.prose import count_words, prose_words, segments
from service.library import FileLibrary

BARE = {
    "upper case": "SELECT name\nFROM customers c\nLEFT JOIN orders o ON o.customer_id = c.id\nWHERE o.id IS NULL;",
    "lower case, one line": "select max(salary) from employees where salary < (select max(salary) from employees);",
    "fenced": "```sql\nselect 1\n```",
    "cte": "WITH ranked AS (\n  SELECT id, ROW_NUMBER() OVER (PARTITION BY c ORDER BY d DESC) AS n\n  FROM t\n)\n"
    "SELECT id FROM ranked WHERE n = 1;",
    "python": "def last(xs):\n    return xs[-1]\n\nprint(last([1, 2]))",
    "pandas": "df = df.merge(other, on='id', how='left')\ndf.groupby('region').agg({'sales': 'sum'})",
    "with a remark": "-- second\nSELECT DISTINCT salary FROM e ORDER BY salary DESC LIMIT 1 OFFSET 1;\nThat's it.",
}
TALK = {
    "plain": "I would first ask whether ties count. Then I take the largest salary below the largest one, because that "
    "ignores duplicates and gives no row at all when there is only one salary in the whole table.",
    "sql words in talk": "With a left join you keep every customer, and where there is no order you see nulls. So from "
    "the business side we select the people who never bought, and that is the group that marketing wants.",
    "talk after the query": "SELECT MAX(s) FROM e WHERE s < (SELECT MAX(s) FROM e); I pick the largest below the "
    "largest, so shared top salaries do no harm, and if there is no second salary you get one row with a null in it.",
}


@pytest.mark.parametrize("answer", BARE.values(), ids=BARE)
def test_a_bare_query_is_not_asked_for_a_story(answer: str, library: FileLibrary) -> None:
    """Storytelling and business framing do not apply; correctness and clarity do."""
    rubric = library.rubric("sql-whiteboard")
    assert rubric is not None

    assert set(not_applicable(rubric, answer)) == {"storytelling", "business_framing"}


@pytest.mark.parametrize("answer", TALK.values(), ids=TALK)
def test_an_answer_that_talks_is_judged_on_everything(answer: str, library: FileLibrary) -> None:
    """Also when it speaks of selecting and joining."""
    rubric = library.rubric("sql-whiteboard")
    assert rubric is not None

    assert not_applicable(rubric, answer) == {}


def test_a_rubric_without_conditions_always_applies(library: FileLibrary) -> None:
    """A bare query under the default rubric is judged on all four."""
    rubric = library.rubric("ds-interview")
    assert rubric is not None

    assert not_applicable(rubric, BARE["upper case"]) == {}


@given(st.text(max_size=300))
def test_segments_lie_in_order_inside_the_answer(answer: str) -> None:
    """Offsets are code points of the answer as sent, and no stretch is counted twice."""
    end = 0
    for part in segments(answer):
        assert end <= part.start < part.end <= len(answer)
        end = part.end


@given(st.text(max_size=300))
def test_there_are_no_more_words_of_prose_than_words(answer: str) -> None:
    """Taking code away never adds a word."""
    assert prose_words(answer) <= count_words(answer)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", 0),
        ("it's 2.5 well-known p-values", 4),
        ("naïve Straße", 2),
        ("— … !", 0),
        ("一二", 1),
        ("中位数 is 稳健的。", 5),
        ("ค่ามัธยฐาน", 5),
    ],
)
def test_words_are_runs_of_letters_and_digits(text: str, words: int) -> None:
    """With hyphens, dots and apostrophes inside."""
    assert count_words(text) == words


def test_a_short_answer_without_code_is_judged_on_everything(library: FileLibrary) -> None:
    """Only code beside little prose makes a criterion not apply."""
    rubric = library.rubric("sql-whiteboard")
    assert rubric is not None

    assert not_applicable(rubric, "Group by customer, then keep groups with more than one order.") == {}
