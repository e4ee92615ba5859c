"""The readability index is the published one, counted as a well-known library counts it."""

from __future__ import annotations

import pytest
import textstat
from hypothesis import given
from hypothesis import strategies as st

from service.grading.readability import automated_readability_index

PIECES = st.lists(
    st.sampled_from(
        [
            "the",
            "model",
            "isn't",
            "e.g.",
            "3.5",
            "-",
            "'quoted'",
            "well-known",
            "They'll",
            "é",
            "\n",
            "!",
            "?",
            "",
            "I",
            "x.",
        ]
    )
    | st.text(max_size=8)
)


@given(PIECES)
def test_it_counts_as_textstat_does(pieces: list[str]) -> None:
    """Abbreviations, contractions, quotation marks, numbers and anything else."""
    text = " ".join(pieces)

    assert automated_readability_index(text) == pytest.approx(textstat.automated_readability_index(text))


def test_longer_words_and_sentences_read_harder() -> None:
    """What it is for."""
    easy = "We cut the cost. It took a week. No one left."
    hard = "Notwithstanding considerable organisational resistance, expenditure was subsequently reduced substantially."

    assert automated_readability_index(easy) < automated_readability_index(hard)
