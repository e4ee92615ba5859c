"""How sure a grade is of a level, and what takes trust away."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.grading.confidence import confidence, contradicts
from service.grading.grade import Coverage, KeyPoint, Misconception
from service.grading.levels import LevelDistribution

DISTRIBUTIONS = st.lists(st.floats(0, 1), min_size=2, max_size=10).filter(lambda w: sum(w) > 0.01)


def level(wanted: int) -> LevelDistribution:
    """All probability on one of five levels."""
    return LevelDistribution.point(wanted, 5)


def points(*covered: Coverage) -> list[KeyPoint]:
    """Key points and whether they are covered."""
    return [KeyPoint(point=f"point {number}", covered=found) for number, found in enumerate(covered)]


def voiced(*said: str) -> list[Misconception]:
    """Misconceptions and whether they are voiced."""
    return [Misconception.model_validate({"misconception": f"m {n}", "voiced": v}) for n, v in enumerate(said)]


@pytest.mark.parametrize(
    ("shown", "covered", "said", "expected"),
    [
        (1, ["covered", "covered"], [], True),
        (1, ["covered", "covered"], ["yes"], False),
        (1, ["covered", "partly"], [], False),
        (1, [], [], False),
        (1, ["unknown"], [], False),
        (5, ["missing", "missing"], [], True),
        (5, ["missing", "covered"], [], False),
        (5, ["covered"], ["yes"], True),
        (5, ["covered"], ["no", "unknown"], False),
        (3, ["covered"], [], False),
        (3, ["missing"], ["yes"], False),
    ],
)
def test_findings_contradict_a_level_they_cannot_go_with(
    shown: int, covered: Sequence[Coverage], said: Sequence[str], expected: bool
) -> None:
    """All covered and a low level, none covered or a false belief and a high one; the middle goes with anything."""
    assert contradicts(level(shown), points(*covered), voiced(*said)) == expected


@given(DISTRIBUTIONS, st.integers(0, 5), st.integers(0, 5), st.booleans())
def test_nothing_ever_raises_confidence(weights: list[float], quoted: int, bad: int, contradicted: bool) -> None:
    """Doubts only lower the probability of the level shown."""
    levels = LevelDistribution.from_weights(weights)

    found = confidence(
        levels, sampled_once=False, quoted=quoted, unverified=min(bad, quoted), contradicted=contradicted
    )

    assert found is not None
    assert 0 <= found <= round(levels.probability_of(levels.median), 2)


def test_a_contradiction_halves_it_and_one_sample_has_none() -> None:
    """As a judge whose quotes are all invented."""
    assert confidence(level(2), sampled_once=False, quoted=0, unverified=0, contradicted=True) == 0.5
    assert confidence(level(2), sampled_once=True, quoted=0, unverified=0) is None
