"""The marked answer: its pieces are the answer, and a quote's pieces are the quote."""

from __future__ import annotations

from typing import Literal

from hypothesis import given
from hypothesis import strategies as st

from service.grading.grade import Evidence
from service.web.highlight import Quote, pieces

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=60)
SIGNS: st.SearchStrategy[Literal["strength", "gap"]] = st.sampled_from(["strength", "gap"])


@st.composite
def quoted(draw: st.DrawFn) -> tuple[str, list[Quote]]:
    """An answer of any characters, and quotes that lie in it."""
    answer = draw(TEXTS)
    quotes = []
    for number in range(draw(st.integers(0, 5))):
        start = draw(st.integers(0, len(answer) - 1))
        end = draw(st.integers(start + 1, len(answer)))
        evidence = Evidence(
            quote=answer[start:end], start=start, end=end, match="verified", sign=draw(SIGNS), comment=""
        )
        quotes.append(Quote(f"c-{number}", "C", evidence))
    return answer, quotes


@given(quoted())
def test_nothing_is_lost_added_or_moved(case: tuple[str, list[Quote]]) -> None:
    """Pieces joined are the answer; each quote's pieces joined are the quote."""
    answer, quotes = case

    cut = pieces(answer, quotes)

    assert "".join(piece.text for piece in cut) == answer
    for quote in quotes:
        assert "".join(piece.text for piece in cut if quote in piece.quotes) == quote.evidence.quote
        assert sum(quote in piece.begins for piece in cut) == 1


@given(TEXTS)
def test_a_quote_outside_the_answer_marks_nothing(answer: str) -> None:
    """Better no mark than a wrong one."""
    beyond = Evidence(quote="x", start=len(answer), end=len(answer) + 1, match="verified", sign="gap", comment="")

    assert [piece.text for piece in pieces(answer, [Quote("c-0", "C", beyond)])] == [answer]


def test_words_quoted_for_and_against_are_both() -> None:
    """A piece under two quotes carries both signs."""
    strength = Evidence(quote="ab", start=0, end=2, match="verified", sign="strength", comment="")
    gap = Evidence(quote="bc", start=1, end=3, match="verified", sign="gap", comment="")

    cut = pieces("abcd", [Quote("a-0", "A", strength), Quote("b-0", "B", gap)])

    assert [(piece.text, piece.sign) for piece in cut] == [("a", "strength"), ("b", "both"), ("c", "gap"), ("d", None)]
