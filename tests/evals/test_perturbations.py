"""Changes that keep the meaning."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evals.perturbations import Name, perturbation_of, perturbed
from service.grading.rubric import Rubric
from service.grading.submission import Submission
from tests.grading.helpers import tiny_rubric

SUBMISSION = Submission("What does a p-value tell you, and whom?", "It tells how often chance does this.")
NAMES: list[Name] = ["criterion-order", "question-space", "level-form"]


def words(text: str) -> list[str]:
    """A text's words, whatever the spaces, the case and the full stops."""
    return text.lower().replace(".", "").split()


@pytest.mark.parametrize("name", NAMES)
@given(repeat=st.integers(1, 12))
def test_every_change_changes_something_and_no_word(name: Name, repeat: int) -> None:
    """Question, criteria and levels read as before; answer and weights are untouched."""
    rubric = tiny_rubric()

    submission, changed = perturbed(name, repeat, SUBMISSION, rubric)

    assert (submission, changed) != (SUBMISSION, rubric)
    assert submission.answer == SUBMISSION.answer
    assert words(submission.question) == words(SUBMISSION.question)
    for criterion in rubric.criteria:
        other = changed.criterion(criterion.id)
        assert other.weight == criterion.weight
        for before, after in zip(criterion.levels, other.levels, strict=True):
            assert words(after.label) == words(before.label)
            assert words(after.descriptor) == words(before.descriptor)


@pytest.mark.parametrize("name", NAMES)
def test_the_default_rubric_can_be_changed_every_way(name: Name, rubric: Rubric) -> None:
    """It stays a valid rubric of the same criteria."""
    _, changed = perturbed(name, 1, SUBMISSION, rubric)

    assert {c.id for c in changed.criteria} == {c.id for c in rubric.criteria}


def test_a_readout_is_never_perturbed_by_an_order_it_does_not_see(rubric: Rubric) -> None:
    """A change that reaches no model would measure a noise of nought."""
    assert {perturbation_of("readout", n, rubric) for n in range(1, 7)} == {"question-space", "level-form"}
    assert {perturbation_of("single_call", n, rubric) for n in range(1, 7)} == set(NAMES)
