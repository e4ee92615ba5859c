"""Context notes: which note a context means, and what notes may not do."""

from __future__ import annotations

from typing import Any

import pytest

from service.grading.context_notes import AudienceNote, ContextNotes, IndustryNote, parse_context_note
from service.grading.errors import InvalidContextNote
from service.grading.submission import Context


def industry(name: str, *aliases: str, **more: Any) -> IndustryNote | AudienceNote:
    """A note on an industry."""
    return parse_context_note(
        {
            "id": name,
            "kind": "industry",
            "version": "1.0.0",
            "name": name.replace("-", " ").title(),
            "aliases": list(aliases),
            "constraints": ["c"],
            "metrics": ["m"],
            "stakeholders": ["s"],
            "naive_answer_misses": ["n"],
            **more,
        }
    )


def audience(name: str, *aliases: str) -> IndustryNote | AudienceNote:
    """A note on an audience."""
    return parse_context_note(
        {
            "id": name,
            "kind": "audience",
            "version": "1.0.0",
            "name": name.title(),
            "aliases": list(aliases),
            "knows": ["k"],
            "needs": ["n"],
            "loses_them": ["l"],
        }
    )


NOTES = ContextNotes(
    [
        industry("healthcare", "hospital", "health insurance"),
        industry("finance", "bank", "insurance"),
        industry("real-estate", "property"),
        audience("executives", "board", "CEO"),
    ]
)


@pytest.mark.parametrize(
    ("context", "meant"),
    [
        pytest.param(Context(industry="healthcare"), ["healthcare"], id="the id"),
        pytest.param(Context(industry="A regional HOSPITAL network"), ["healthcare"], id="an alias inside a text"),
        pytest.param(Context(industry="health insurance"), ["healthcare"], id="the longest phrase wins"),
        pytest.param(Context(industry="insurance"), ["finance"], id="the shorter one alone"),
        pytest.param(Context(industry="Real estate"), ["real-estate"], id="hyphen or space"),
        pytest.param(Context(industry="river banking"), [], id="whole words only"),
        pytest.param(Context(industry="aerospace"), [], id="nothing meant"),
        pytest.param(Context(), [], id="no context"),
        pytest.param(Context(industry="bank", audience="the board"), ["executives", "finance"], id="audience first"),
        pytest.param(Context(audience="bank"), [], id="an industry's word is no audience"),
    ],
)
def test_a_context_pulls_in_the_notes_it_means(context: Context, meant: list[str]) -> None:
    """At most one on the audience and one on the industry."""
    assert [note.id for note in NOTES.pulled_in(context)] == meant


def test_two_notes_may_not_answer_to_the_same_words() -> None:
    """Which one was meant would be chance."""
    with pytest.raises(InvalidContextNote, match="both answer to 'bank'"):
        ContextNotes([industry("finance", "bank"), industry("retail", "Bank")])


@pytest.mark.parametrize(
    "change",
    [{"constraints": []}, {"kind": "weather"}, {"metrics": ["x" * 161]}, {"surprise": 1}, {"version": "1"}],
    ids=["nothing in a part", "kind", "too long", "unknown member", "version"],
)
def test_a_faulty_note_is_refused(change: dict[str, Any]) -> None:
    """When it is loaded."""
    with pytest.raises(InvalidContextNote):
        industry("finance", **change)


def test_equal_notes_have_equal_hashes_and_a_change_changes_them() -> None:
    """The receipt names the hash."""
    assert industry("finance").sha256 == industry("finance").sha256
    assert industry("finance").sha256 != industry("finance", metrics=["other"]).sha256
