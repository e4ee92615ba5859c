"""What is graded."""

from __future__ import annotations

from dataclasses import replace

import pytest

from service.grading.errors import InvalidSubmission
from service.grading.submission import Context, Limits, Submission, submit

GOOD = Submission("Why?", "Because.", reference="So.", key_points=("one",), context=Context(industry="retail"))


def test_equal_submissions_have_equal_hashes_and_any_change_another() -> None:
    """Every part that may reach a model counts."""
    changed = [
        replace(GOOD, question="Why not?"),
        replace(GOOD, answer="Because!"),
        replace(GOOD, reference=None),
        replace(GOOD, key_points=("two",)),
        replace(GOOD, context=Context(industry="finance")),
        replace(GOOD, context=Context(audience="retail")),
        replace(GOOD, language="de"),
    ]

    digests = {submission.digest() for submission in (GOOD, *changed)}

    assert GOOD.digest() == replace(GOOD).digest()
    assert len(digests) == 1 + len(changed)


@pytest.mark.parametrize(
    ("submission", "field"),
    [
        pytest.param(replace(GOOD, answer=""), "answer", id="empty answer"),
        pytest.param(replace(GOOD, question=""), "question", id="empty question"),
        pytest.param(replace(GOOD, question=" ?"), "question", id="blank question"),
        pytest.param(replace(GOOD, answer="x" * 20_001), "answer", id="answer over the limit"),
        pytest.param(replace(GOOD, reference="x" * 8_001), "reference", id="reference over the limit"),
        pytest.param(replace(GOOD, answer="a\x00b"), "answer", id="NUL"),
        pytest.param(replace(GOOD, answer="a\ud800b"), "answer", id="lone surrogate"),
        pytest.param(replace(GOOD, context=Context(stage="x" * 101)), "context.stage", id="context over the limit"),
        pytest.param(replace(GOOD, key_points=("a",) * 21), "key_points", id="too many key points"),
        pytest.param(replace(GOOD, key_points=("A", "a ")), "key_points", id="a key point twice"),
        pytest.param(replace(GOOD, key_points=("a", " ")), "key_points.1", id="a blank key point"),
    ],
)
def test_what_cannot_be_graded_is_refused_by_name_and_never_repeated(submission: Submission, field: str) -> None:
    """The message names the field, not the text."""
    with pytest.raises(InvalidSubmission) as caught:
        submit(submission, Limits())

    assert caught.value.field == field
    assert "xxx" not in str(caught.value)


@pytest.mark.parametrize("answer", ["👩‍👩‍👧", "שלום", "e\u0301", "\uffff", "x" * 20_000, " "])
def test_unusual_text_is_accepted_as_sent(answer: str) -> None:
    """Unicode of all kinds, up to the limit; a blank answer is the gate's business."""
    assert submit(replace(GOOD, answer=answer), Limits()).answer == answer
