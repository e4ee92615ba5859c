"""What keys look like."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from service.key_text import PATTERN, SHOWN, digest, is_key, is_mistyped, new_key


def test_new_keys_fit_the_pattern_and_their_checksum_and_never_repeat() -> None:
    """A thousand of them; what may be shown is the beginning."""
    keys = [new_key() for _ in range(1_000)]

    assert len({key[:SHOWN] for key in keys}) == len(set(keys)) == 1_000
    assert all(re.fullmatch(PATTERN, key) and is_key(key) and not is_mistyped(key) for key in keys)


@given(position=st.integers(4, 52), letter=st.sampled_from("0aZ9bQ"))
def test_one_wrong_letter_anywhere_is_noticed(position: int, letter: str) -> None:
    """CRC-32 finds every change of a single byte."""
    key = new_key()
    wrong = key[:position] + letter + key[position + 1 :]

    assert is_mistyped(wrong) == (wrong != key)


@given(st.text())
def test_no_other_text_is_taken_for_a_key(text: str) -> None:
    """Whatever it holds."""
    assert not is_key(text) or re.fullmatch(PATTERN, text)


def test_what_is_kept_does_not_hold_the_key() -> None:
    """A hash of it."""
    key = new_key()

    assert re.fullmatch("[0-9a-f]{64}", digest(key))
    assert digest(key) != digest(new_key())
