"""Rubrics as data."""

from __future__ import annotations

from typing import Any

import pytest

from service.grading.errors import InvalidRubric
from service.grading.rubric import Rubric, parse_rubric
from tests.grading.helpers import rubric_data, tiny_rubric


def changed_criterion(**changes: object) -> dict[str, object]:
    """The small rubric with its first criterion changed."""
    data = rubric_data()
    criteria: Any = data["criteria"]
    return {**data, "criteria": [{**criteria[0], **changes}, criteria[1]]}


@pytest.mark.parametrize(
    ("data", "says"),
    [
        pytest.param(changed_criterion(weight=0.5), "weights sum to 0.75", id="weights"),
        pytest.param(changed_criterion(id="form"), "share an id", id="same id"),
        pytest.param(changed_criterion(levels=[]), "criteria.0.levels", id="no levels"),
        pytest.param(changed_criterion(weight=float("nan")), "criteria.0.weight", id="not a number"),
        pytest.param(changed_criterion(surprise=1), "criteria.0: holds a member", id="unknown member"),
        pytest.param(rubric_data(version="1"), "version", id="version"),
        pytest.param(rubric_data(aggregation={"bands": ["A", "B"]}), "3 labels needed", id="bands"),
        pytest.param(
            rubric_data(
                aggregation={"bands": ["A", "B", "C"], "caps": [{"criterion": "x", "at_most": 1, "overall": 2}]}
            ),
            "no criterion is called x",
            id="cap on nothing",
        ),
        pytest.param(
            rubric_data(
                aggregation={"bands": ["A", "B", "C"], "caps": [{"criterion": "form", "at_most": 1, "overall": 3}]}
            ),
            "can never lower",
            id="cap that cannot fire",
        ),
        pytest.param([], "dictionary", id="not an object"),
    ],
)
def test_a_fault_is_refused_with_its_place(data: object, says: str) -> None:
    """So that an author can mend it."""
    with pytest.raises(InvalidRubric, match=says):
        parse_rubric(data)


def test_equal_rubrics_have_equal_hashes_and_any_word_changes_the_hash() -> None:
    """The hash in a receipt stands for the whole content."""
    changed = parse_rubric(changed_criterion(question="Is it true?"))

    assert tiny_rubric().sha256 == tiny_rubric().sha256
    assert tiny_rubric().sha256 != changed.sha256


def test_the_default_rubric_has_four_criteria_on_five_levels_with_distinct_descriptors(rubric: Rubric) -> None:
    """Correctness, clarity, storytelling, business framing."""
    ids = [criterion.id for criterion in rubric.criteria]
    descriptors = [level.descriptor for criterion in rubric.criteria for level in criterion.levels]

    assert ids == ["correctness", "clarity", "storytelling", "business_framing"]
    assert rubric.levels == 5
    assert len(set(descriptors)) == 20
    assert [criterion.id for criterion in rubric.criteria if criterion.factual] == ["correctness"]


def test_a_part_of_a_rubric_is_a_rubric_with_renormalised_weights(rubric: Rubric) -> None:
    """What a judge is shown where a criterion does not apply; caps on what is left out go with it."""
    part = rubric.only(criterion for criterion in rubric.criteria if criterion.id in ("clarity", "storytelling"))

    assert [(c.id, c.weight) for c in part.criteria] == [("clarity", 0.5), ("storytelling", 0.5)]
    assert part.aggregation.caps == ()
    assert part.sha256 != rubric.sha256


def test_a_part_of_a_rubric_never_breaks_over_a_cap_that_fitted_the_whole() -> None:
    """With fewer criteria a cap may be unable to fire; the judge needs no caps."""
    data = rubric_data()
    form = {**data["criteria"][1], "weight": 0.6}  # type: ignore[index]
    facts = {**data["criteria"][0], "weight": 0.4}  # type: ignore[index]
    caps = [{"criterion": "facts", "at_most": 1.5, "overall": 2.2}]
    whole = parse_rubric({**data, "criteria": [facts, form], "aggregation": {"caps": caps, "bands": ["a", "b", "c"]}})

    assert whole.only(whole.criteria[:1]).criteria[0].weight == 1.0
