"""A probability for each level."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.grading.levels import LevelDistribution

weights = st.lists(st.floats(0, 1e6), min_size=2, max_size=10).filter(lambda w: sum(w) > 1e-3)


def test_expected_level_is_the_sum_of_level_times_probability() -> None:
    """0.5 on level 1, 0.25 each on 2 and 4: 0.5 + 0.5 + 1 = 2."""
    distribution = LevelDistribution((0.5, 0.25, 0.0, 0.25))

    assert distribution.expected == pytest.approx(2.0)


@pytest.mark.parametrize(
    ("probabilities", "median"),
    [
        pytest.param((0.5, 0.0, 0.5), 1, id="exactly half at the bottom"),
        pytest.param((0.49, 0.0, 0.51), 3, id="just under half"),
        pytest.param((0.2, 0.2, 0.2, 0.2, 0.2), 3, id="flat"),
        pytest.param((0.0, 0.0, 1.0), 3, id="all at the top"),
    ],
)
def test_the_level_shown_is_the_lowest_whose_cumulative_probability_reaches_half(
    probabilities: tuple[float, ...], median: int
) -> None:
    """The median, not the mode."""
    assert LevelDistribution(probabilities).median == median


@given(weights)
def test_normalised_weights_are_a_distribution_with_score_and_level_on_the_scale(given: list[float]) -> None:
    """Whatever the weights."""
    distribution = LevelDistribution.from_weights(given)

    assert sum(distribution.probabilities) == pytest.approx(1)
    assert 1 <= distribution.expected <= len(given) + 1e-9
    assert 1 <= distribution.median <= len(given)


@pytest.mark.parametrize(
    "probabilities",
    [
        pytest.param((1.0,), id="one level"),
        pytest.param((0.5, 0.6), id="sums to more"),
        pytest.param((-0.5, 1.5), id="negative"),
        pytest.param((float("nan"), 1.0), id="not a number"),
    ],
)
def test_what_is_no_distribution_is_refused(probabilities: tuple[float, ...]) -> None:
    """NaN, negative values, wrong sums and single levels."""
    with pytest.raises(ValueError, match=r"level|probabilit"):
        LevelDistribution(probabilities)


def test_the_mean_of_samples_weighs_each_alike() -> None:
    """Two points at levels 1 and 3 give half and half."""
    mean = LevelDistribution.mean([LevelDistribution.point(1, 3), LevelDistribution.point(3, 3)])

    assert mean.probabilities == (0.5, 0.0, 0.5)


def test_a_point_outside_the_scale_is_refused() -> None:
    """Level 4 of 3."""
    with pytest.raises(ValueError, match="outside"):
        LevelDistribution.point(4, 3)
