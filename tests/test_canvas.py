"""Canvas rubrics become ours."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.canvas import InvalidCanvas, import_canvas
from service.grading.errors import InvalidRubric

HEADER = "Rubric Name,Criteria Name,Criteria Description,Criteria Enable Range," + ",".join(
    ["Rating Name,Rating Description,Rating Points"] * 3
)
CSV = (
    HEADER + "\n"
    'Pitch,Evidence,"Are claims backed by numbers?",false,Full,"Every claim has a number, and its source.",6,'
    "Some,One claim has a number.,3,None,No claim has a number.,0\n"
    "Pitch,Next step,,false,Yes,Names who does what.,2,No,Names nothing.,0,,,\n"
)


def rating(label: str, points: float, text: str = "") -> dict[str, Any]:
    """A rating as the Canvas API returns it."""
    return {"id": "r1", "description": label, "long_description": text, "points": points}


def rubric(*criteria: dict[str, Any], title: str = "Final project") -> dict[str, Any]:
    """A rubric as the Canvas API returns it."""
    return {"id": 1, "title": title, "points_possible": 10.0, "data": list(criteria)}


def criterion(name: str, points: float, *ratings: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A criterion as the Canvas API returns it."""
    return {"id": "c1", "description": name, "long_description": "", "points": points, "ratings": list(ratings), **more}


PASS_FAIL = (rating("Pass", 4, "Names a <b>decision</b>."), rating("Fail", 0, "Names no decision."))


def test_the_csv_template_becomes_a_rubric_lowest_level_first() -> None:
    """Quoted commas survive, weights are shares of the points, a description that asks is the question."""
    (imported,) = import_canvas(CSV)

    made = imported.rubric
    assert (made.id, made.title, made.levels) == ("pitch", "Pitch", 3)
    evidence, step = made.criteria
    assert (evidence.weight, step.weight) == (0.75, 0.25)
    assert evidence.question == "Are claims backed by numbers?"
    assert [level.label for level in evidence.levels] == ["None", "Some", "Full"]
    assert evidence.levels[2].descriptor == "Every claim has a number, and its source."


def test_a_criterion_with_fewer_ratings_gets_a_level_between_and_says_so() -> None:
    """Canvas lets criteria differ; a mean over them needs one scale."""
    (imported,) = import_canvas(CSV)

    step = imported.rubric.criteria[1]
    assert [level.label for level in step.levels] == ["No", "Between No and Yes", "Yes"]
    assert "Names nothing." in step.levels[1].descriptor
    assert any("Next step" in remark and "put in between" in remark for remark in imported.remarks)


def test_the_json_of_the_api_becomes_a_rubric_without_its_html() -> None:
    """Also as an assignment, and as a list."""
    (plain,) = import_canvas(json.dumps(rubric(criterion("Decision", 4, *PASS_FAIL))))
    assignment = {"rubric": rubric(criterion("Decision", 4, *PASS_FAIL))["data"], "rubric_settings": {"title": "A"}}
    (of_assignment,) = import_canvas(json.dumps(assignment))
    both = import_canvas(json.dumps([rubric(criterion("Decision", 4, *PASS_FAIL), title=t) for t in ("X", "Y")]))

    assert plain.rubric.criteria[0].levels[1].descriptor == "Names a decision ."
    assert of_assignment.rubric.title == "A"
    assert [imported.rubric.title for imported in both] == ["X", "Y"]


def test_several_rubrics_in_one_csv_are_told_apart_by_name() -> None:
    """As Canvas exports them."""
    found = import_canvas(CSV + CSV.partition("\n")[2].replace("Pitch", "Paper"))

    assert [imported.rubric.title for imported in found] == ["Pitch", "Paper"]


def test_what_counts_nothing_in_canvas_is_left_out_and_named() -> None:
    """Outcomes that are shown but not scored."""
    (imported,) = import_canvas(
        json.dumps(
            rubric(criterion("Decision", 4, *PASS_FAIL), criterion("Note", 4, *PASS_FAIL, ignore_for_scoring=True))
        )
    )

    assert [c.name for c in imported.rubric.criteria] == ["Decision"]
    assert any('"Note"' in remark for remark in imported.remarks)


def test_criteria_of_one_name_get_ids_of_their_own() -> None:
    """Levels are kept by id."""
    (imported,) = import_canvas(json.dumps(rubric(*[criterion("Décision!", 4, *PASS_FAIL)] * 2)))

    assert [c.id for c in imported.rubric.criteria] == ["decision", "decision-2"]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        pytest.param("", "columns", id="empty"),
        pytest.param("a,b\n1,2", "columns", id="another csv"),
        pytest.param("{", "not valid JSON", id="broken json"),
        pytest.param("[1]", "JSON object", id="list of numbers"),
        pytest.param('{"title": "x"}', "no list of criteria", id="no criteria"),
        pytest.param(json.dumps(rubric()), "no list of criteria", id="empty rubric"),
        pytest.param(json.dumps(rubric({"description": "x", "points": 3})), "free-form", id="free-form"),
        pytest.param(json.dumps(rubric(criterion("x", 3, rating("a", 3)))), "2 to 10 ratings", id="one rating"),
        pytest.param(
            json.dumps(rubric(criterion("x", 3, rating("a", -1), rating("b", 3)))), "points", id="negative points"
        ),
        pytest.param(
            json.dumps(rubric(criterion("x", 3, rating("a", 0), {"description": "b", "points": "many"}))),
            "points",
            id="no number",
        ),
        pytest.param(json.dumps(rubric(*[criterion("x", 3, *PASS_FAIL)] * 13)), "1 to 12 criteria", id="too many"),
        pytest.param(HEADER + "\n", "no rubric", id="only a header"),
    ],
)
def test_what_is_not_a_canvas_rubric_is_refused_with_the_reason(text: str, says: str) -> None:
    """Never half imported."""
    with pytest.raises(InvalidCanvas, match=says):
        import_canvas(text)


ratings = st.builds(rating, st.text(max_size=250), st.floats(min_value=0, max_value=1e6), st.text(max_size=1_200))
criteria = st.builds(
    lambda name, points, found: criterion(name, points, *found),
    st.text(max_size=250),
    st.floats(min_value=0, max_value=1e6),
    st.lists(ratings, min_size=1, max_size=11),
)


@given(st.lists(criteria, max_size=13), st.text(max_size=250))
def test_whatever_canvas_sends_becomes_a_valid_rubric_or_a_reason(found: list[dict[str, Any]], title: str) -> None:
    """Titles, labels and descriptions of any length and script."""
    try:
        (imported,) = import_canvas(json.dumps(rubric(*found, title=title)))
    except (InvalidCanvas, InvalidRubric):
        return
    assert abs(sum(c.weight for c in imported.rubric.criteria) - 1) < 1e-6


@given(st.text(max_size=300))
def test_any_text_is_survived(text: str) -> None:
    """A file may be anything; what it is not is said by one kind of error."""
    with contextlib.suppress(InvalidCanvas):
        import_canvas(text)
