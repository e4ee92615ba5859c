"""A reference with marks is read as points with weights; any other reference is left alone."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.grading.parts import MAX_PARTS, Part, parts

SCHEMES = {
    "points for": (
        "6.5 points for naming mutual exclusion and why it is needed. 3.5 points for hold and wait.",
        [("naming mutual exclusion and why it is needed.", 6.5), ("hold and wait.", 3.5)],
    ),
    "if, after a comma": (
        "4 points for the schedule, 2 points if the turnaround time is right.",
        [("the schedule", 4.0), ("the turnaround time is right.", 2.0)],
    ),
    "in words": ("One mark for speed; half a point for cost.", [("speed", 1.0), ("cost.", 0.5)]),
    "after each sentence": (
        "Deadlock needs mutual exclusion (1 mark), hold and wait (1 mark), and no preemption (2 marks).",
        [("Deadlock needs mutual exclusion", 1.0), ("hold and wait", 1.0), ("no preemption", 2.0)],
    ),
    "bare brackets on labelled lines": (
        "a) Four conditions:\n - exclusion\n - hold and wait [3]\nb) A cycle in the graph [2 points]\nc) Kill one. [1]",
        [
            ("Four conditions:\n - exclusion\n - hold and wait", 3.0),
            ("A cycle in the graph", 2.0),
            ("Kill one.", 1.0),
        ],
    ),
    "before, in brackets": (
        "a) (2 points) The page table\nis walked.\nb) (3 points) The buffer is filled.",
        [("The page table\nis walked.", 2.0), ("The buffer is filled.", 3.0)],
    ),
    "a preface and a total": (
        "Possible answers:\n- The header is shorter (1 mark)\n- It has a fixed length (1 mark)\nTotal: 2 marks",
        [("The header is shorter", 1.0), ("It has a fixed length", 1.0)],
    ),
    "after a dash": (
        "Names the bias - 2 marks\nNames the variance - 1,5 marks",
        [("Names the bias", 2.0), ("Names the variance", 1.5)],
    ),
    "a deduction": (
        "2 points: it is fast\n3 points: it is safe\n-1 point: wrong unit",
        [("it is fast", 2.0), ("it is safe", 3.0)],
    ),
    "short units": (
        "The blocking probability (0.25p) times the time frame (0.75 P)",
        [("The blocking probability", 0.25), ("times the time frame", 0.75)],
    ),
}

PLAIN = {
    "no marks": "The probability, assuming the null hypothesis is true, of data at least as extreme.",
    "citations": "As shown by Smith [3], and by Jones [4].",
    "points of another kind": "The 3 points of the triangle. A line needs 2 points (see figure 1).",
    "one mark alone": "The blocking probability is 0.05 (1 mark).",
    "a number in brackets": "First (1) scale, then (2) split.",
    "only a total": "Everything that is said above. Total: 10 points",
    "empty": "",
}


@pytest.mark.parametrize(("reference", "expected"), SCHEMES.values(), ids=SCHEMES)
def test_a_mark_scheme_is_read_as_its_parts(reference: str, expected: list[tuple[str, float]]) -> None:
    """Each part keeps the teacher's words and what they are worth."""
    assert [(part.text, part.marks) for part in parts(reference)] == expected


@pytest.mark.parametrize("reference", PLAIN.values(), ids=PLAIN)
def test_a_reference_without_a_scheme_has_no_parts(reference: str) -> None:
    """Points of a triangle and citations are no marks."""
    assert parts(reference) == ()


def test_a_list_longer_than_a_request_may_name_is_no_scheme() -> None:
    """Nothing is left out silently: either every part counts or none does."""
    lines = [f"- fact number {n} is said (1 mark)" for n in range(MAX_PARTS + 1)]

    assert parts("\n".join(lines)) == ()
    assert len(parts("\n".join(lines[:-1]))) == MAX_PARTS


_WORDS = st.lists(st.text(alphabet="bcdfghjklnqrstuvwxyz", min_size=3, max_size=8), min_size=2, max_size=6).map(
    lambda words: "the " + " ".join(words)
)
_MARKS = st.sampled_from([0.25, 0.5, 1, 1.5, 2, 3, 6.5, 10, 12])
_STYLES = st.sampled_from(
    [
        ("{marks:g} points for {text}", "; "),
        ("{marks:g} marks: {text}", "\n"),
        ("- {marks:g} pts - {text}", "\n"),
        ("({marks:g} marks) {text}", "\n"),
        ("{text} ({marks:g} points)", ", "),
        ("* {text} [{marks:g} marks]", "\n"),
        ("{label}) {text} [{marks:g}]", "\n"),
        ("{text} - {marks:g} marks", "\n"),
    ]
)


@given(st.lists(st.tuples(_WORDS, _MARKS), min_size=2, max_size=8), _STYLES)
def test_whatever_is_written_in_one_style_is_read_back(scheme: list[tuple[str, float]], style: tuple[str, str]) -> None:
    """No part is lost, none is invented, and marks stay with their own words."""
    line, joint = style
    labels = "abcdefgh"
    written = [line.format(text=text, marks=marks, label=labels[n]) for n, (text, marks) in enumerate(scheme)]

    assert parts(joint.join(written)) == tuple(Part(text, marks) for text, marks in scheme)


_SHREDS = st.sampled_from(
    [
        "2 marks",
        "(1 p)",
        "[3]",
        "[2",
        "points for",
        "-",
        "a)",
        "\n",
        ": ",
        "½",
        "total",
        "(",
        " and ",
        "x",
        "7,5 pts",
        "٣",
    ]
)


@given(
    st.one_of(
        st.text(max_size=300), st.lists(_SHREDS, max_size=40).map(" ".join), st.lists(_SHREDS, max_size=40).map("".join)
    )
)
def test_any_text_gives_parts_that_stand_in_it_in_order(reference: str) -> None:
    """Nothing a reference holds can break the reading, and no words are made up."""
    found = parts(reference)
    place = 0

    for part in found:
        assert part.marks > 0
        place = reference.index(part.text, place) + len(part.text)
    assert len(found) == 0 or 2 <= len(found) <= MAX_PARTS
