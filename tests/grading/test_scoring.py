"""How points are added up."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.grading.levels import LevelDistribution
from service.grading.rubric import Rubric
from service.grading.scoring import overall, rounded

low, middle, high = (LevelDistribution.point(level, 3) for level in (1, 2, 3))


def test_the_overall_score_is_the_weighted_mean(two_criteria: Rubric) -> None:
    """0.75 x 2 + 0.25 x 3 = 2.25: level floor(2.25 + 0.5) = 2."""
    result = overall(two_criteria, {"facts": middle, "form": high})

    assert result is not None
    assert (result.score, result.level, result.label, result.capped_by) == (2.25, 2, "Fair", None)


def test_weights_are_renormalised_over_what_was_scored(two_criteria: Rubric) -> None:
    """Only form was scored: its score is the overall score."""
    result = overall(two_criteria, {"form": high})

    assert result is not None
    assert result.score == 3.0


def test_nothing_scored_is_no_score(two_criteria: Rubric) -> None:
    """Failure is never a grade."""
    assert overall(two_criteria, {}) is None


def test_a_cap_lowers_the_score_and_is_named(two_criteria: Rubric) -> None:
    """Facts at 1 caps the overall at 1.25, where the mean is 1.5."""
    result = overall(two_criteria, {"facts": low, "form": high})

    assert result is not None
    assert (result.score, result.capped_by) == (1.25, "facts")


def test_a_cap_that_lowers_nothing_is_not_named(two_criteria: Rubric) -> None:
    """Facts at 1 and form at 1 give 1.0, which the cap leaves alone."""
    result = overall(two_criteria, {"facts": low, "form": low})

    assert result is not None
    assert (result.score, result.capped_by) == (1.0, None)


def test_a_cap_is_tested_on_the_unrounded_score(two_criteria: Rubric) -> None:
    """Facts expected at 1.504 is shown as 1.50 but lies over the limit of 1.5."""
    just_over = LevelDistribution((0.496, 0.504, 0.0))

    result = overall(two_criteria, {"facts": just_over, "form": high})

    assert result is not None
    assert result.capped_by is None


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        pytest.param(2.345, 2.35, id="half up"),
        pytest.param(1.005, 1.01, id="half up although binary says less"),
        pytest.param(2.3449, 2.34, id="down"),
    ],
)
def test_scores_are_rounded_half_up_to_two_decimals(value: float, shown: float) -> None:
    """As people round."""
    assert rounded(value) == shown


triples = st.tuples(*[st.floats(0.001, 1)] * 3).map(LevelDistribution.from_weights)


@given(facts=triples, form=triples)
def test_the_overall_score_stays_between_the_lowest_and_highest_criterion_unless_capped(
    facts: LevelDistribution, form: LevelDistribution
) -> None:
    """A mean lies between its parts; a cap only lowers."""
    from tests.grading.helpers import tiny_rubric

    result = overall(tiny_rubric(), {"facts": facts, "form": form})

    assert result is not None
    assert result.score <= max(facts.expected, form.expected) + 0.01
    assert result.capped_by is not None or result.score >= min(facts.expected, form.expected) - 0.01
