"""Two gradings of one answer: where they lie so far apart that a person should look."""

from __future__ import annotations

import pytest

from service.grading.differences import differences
from service.grading.grade import Grade
from tests.grading.makers import Result, graded


def apart(first: Grade, second: Grade) -> list[str]:
    """The names of what differs."""
    return [difference.criterion for difference in differences(first, second)]


@pytest.mark.parametrize(
    ("first", "second", "found"),
    [
        ({"facts": (2, 2.0)}, {"facts": (2, 2.0)}, []),
        ({"facts": (2, 1.6)}, {"facts": (2, 2.4)}, []),
        ({"facts": (2, 2.4)}, {"facts": (3, 2.6)}, ["facts"]),
        ({"facts": (2, 1.5)}, {"facts": (2, 2.49)}, []),
        ({"facts": (2, 1.5)}, {"facts": (2, 2.5)}, ["facts"]),
        ({"facts": (2, 2.0), "form": (3, 3.0)}, {"facts": (2, 2.0)}, ["form"]),
        ({"facts": (2, 2.0)}, {"form": (2, 2.0)}, ["facts", "form"]),
    ],
    ids=["same", "same-level", "other-level", "nearly", "a-level", "one-unscored", "others-scored"],
)
def test_a_level_apart_is_another_level_shown_or_a_score_that_far_off(
    first: dict[str, Result], second: dict[str, Result], found: list[str]
) -> None:
    """A criterion that only one of them scored is apart as well."""
    assert apart(graded(first), graded(second)) == found


def test_the_overall_result_counts_by_itself() -> None:
    """A cap can move it although no criterion moved by much."""
    facts: dict[str, Result] = {"facts": (2, 2.0)}

    assert apart(graded(facts, overall=(1, 1.25)), graded(facts, overall=(2, 1.75))) == ["overall"]


def test_a_difference_shows_both_results() -> None:
    """Level and score of each; None where there is none."""
    (only,) = differences(graded({"facts": (2, 2.0), "form": (3, 3.0)}), graded({"facts": (2, 2.0)}))

    assert only.first is not None
    assert (only.criterion, only.first.level, only.first.score, only.second) == ("form", 3, 3.0, None)
