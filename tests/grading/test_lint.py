"""The rubric linter: what it finds, where, and what it leaves alone."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.grading.errors import InvalidRubric
from service.grading.lint import MAX_FINDINGS, Finding, lint
from service.grading.rubric import parse_rubric
from tests.grading.helpers import rubric_data


def changed(*path: str | int, to: Any) -> dict[str, Any]:
    """A small valid rubric with one place replaced; None takes it away."""
    data: Any = copy.deepcopy(rubric_data())
    here = data
    for part in path[:-1]:
        here = here[part]
    if to is None:
        del here[path[-1]]
    else:
        here[path[-1]] = to
    return dict(data)


def descriptor(text: str | None) -> dict[str, Any]:
    """The small rubric with another descriptor at the top level of its first criterion."""
    return changed("criteria", 0, "levels", 2, "descriptor", to=text)


def rules(findings: list[Finding]) -> set[tuple[str, str]]:
    """Rule and severity of each finding."""
    return {(finding.rule, finding.severity) for finding in findings}


def test_a_sound_rubric_has_no_findings() -> None:
    """Nothing is found for the sake of finding something."""
    assert lint(rubric_data()) == []


@pytest.mark.parametrize(
    ("data", "rule", "severity", "path"),
    [
        pytest.param(descriptor(None), "missing-descriptor", "error", ("criteria", 0, "levels", 2), id="missing"),
        pytest.param(descriptor("  "), "missing-descriptor", "error", ("criteria", 0, "levels", 2), id="blank"),
        pytest.param(
            descriptor("It is low!"),
            "duplicate-descriptor",
            "error",
            ("criteria", 0, "levels", 2, "descriptor"),
            id="duplicate",
        ),
        pytest.param(
            changed("criteria", 1, "signs", to=["In order."]),
            "sign",
            "error",
            ("criteria", 1, "signs", 0),
            id="a sign that is no question",
        ),
        pytest.param(
            changed("criteria", 1, "signs", to=["Is it in order?", "Does it not jump about?"]),
            "sign",
            "warning",
            ("criteria", 1, "signs", 1),
            id="a negated sign",
        ),
        pytest.param(
            changed("criteria", 1, "signs", to=["Is it in order?", "Is it in order ?"]),
            "sign",
            "error",
            ("criteria", 1, "signs"),
            id="the same sign twice",
        ),
        pytest.param(
            changed("criteria", 1, "readability", to=True),
            "sign",
            "error",
            ("criteria", 1, "readability"),
            id="readability without signs",
        ),
        pytest.param(
            descriptor("Excellent."),
            "unobservable",
            "error",
            ("criteria", 0, "levels", 2, "descriptor"),
            id="adjective",
        ),
        pytest.param(
            descriptor("The structure is very clear."),
            "unobservable",
            "error",
            ("criteria", 0, "levels", 2, "descriptor"),
            id="very clear",
        ),
        pytest.param(
            descriptor("A good example is named."),
            "unobservable",
            "warning",
            ("criteria", 0, "levels", 2, "descriptor"),
            id="adjective beside an observable",
        ),
        pytest.param(
            descriptor("All"), "bare-descriptor", "error", ("criteria", 0, "levels", 2, "descriptor"), id="one word"
        ),
        pytest.param(
            changed("criteria", 0, "question", to="Is the answer correct and is it well told?"),
            "double-barrelled",
            "error",
            ("criteria", 0, "question"),
            id="two questions",
        ),
        pytest.param(
            changed("criteria", 0, "question", to="Is the answer clear and concise?"),
            "double-barrelled",
            "error",
            ("criteria", 0, "question"),
            id="two qualities",
        ),
        pytest.param(
            changed("criteria", 0, "question", to="Is the answer both true and easy to follow?"),
            "double-barrelled",
            "error",
            ("criteria", 0, "question"),
            id="both",
        ),
        pytest.param(
            changed("criteria", 0, "question", to="Does the answer name what was done and why?"),
            "double-barrelled",
            "warning",
            ("criteria", 0, "question"),
            id="and why",
        ),
        pytest.param(
            changed("criteria", 0, "name", to="Truth and style"),
            "double-barrelled",
            "warning",
            ("criteria", 0, "name"),
            id="two names",
        ),
        pytest.param(changed("criteria", 0, "weight", to=0.7), "weights", "error", ("criteria",), id="weights"),
        pytest.param(
            changed("criteria", 1, "id", to="facts"), "shared-id", "error", ("criteria", 1, "id"), id="shared id"
        ),
        pytest.param(
            changed("aggregation", "caps", 0, "overall", to=3.0),
            "cap-never-fires",
            "error",
            ("aggregation", "caps", 0),
            id="cap at the top",
        ),
        pytest.param(
            changed("aggregation", "caps", 0, "at_most", to=0.5),
            "shape",
            "error",
            ("aggregation", "caps", 0, "at_most"),
            id="cap under the scale",
        ),
        pytest.param(
            changed("aggregation", "caps", 0, "criterion", to="style"),
            "cap-unknown",
            "error",
            ("aggregation", "caps", 0),
            id="cap on nothing",
        ),
        pytest.param(
            changed("aggregation", "bands", to=["A", "A", "B"]),
            "bands",
            "error",
            ("aggregation", "bands"),
            id="bands alike",
        ),
        pytest.param(
            descriptor("Fits the {{ industry }}."),
            "unknown-variable",
            "error",
            ("criteria", 0, "levels", 2, "descriptor"),
            id="variable",
        ),
        pytest.param(
            changed("criteria", 1, "question", to="True ?"),
            "overlapping-criteria",
            "error",
            ("criteria", 1),
            id="same question",
        ),
        pytest.param(
            changed("criteria", 0, "importance", to="high"),
            "shape",
            "error",
            ("criteria", 0, "importance"),
            id="member",
        ),
    ],
)
def test_a_fault_is_found_with_its_place_and_severity(
    data: dict[str, Any], rule: str, severity: str, path: tuple[str | int, ...]
) -> None:
    """And says why it matters and how to mend it."""
    found = [finding for finding in lint(data) if (finding.rule, finding.path) == (rule, path)]

    assert [finding.severity for finding in found] == [severity]
    assert all(finding.what and finding.why and finding.mend for finding in found)


def test_a_cap_that_a_wider_and_lower_one_swallows_never_fires() -> None:
    """In either order of the two."""
    wide = {"criterion": "facts", "at_most": 2.0, "overall": 1.25}
    narrow = {"criterion": "facts", "at_most": 1.5, "overall": 1.5}

    for caps in ([narrow, wide], [wide, narrow]):
        data = changed("aggregation", "caps", to=caps)
        assert ("cap-never-fires", "error") in rules(lint(data))


@pytest.mark.parametrize(
    "text",
    [
        "The first sentence answers the question.",
        "Two of the steps are left out.",
        "Names the farewell and the wellness programme.",
        "No customer, cost or decision is mentioned.",
    ],
)
def test_an_observable_descriptor_is_left_alone(text: str) -> None:
    """Also where a vague word hides inside another."""
    assert lint(descriptor(text)) == []


def test_levels_without_an_anchor_are_warned_about_where_anchors_are_asked_for() -> None:
    """And only those."""
    anchored = {(name, level) for name in ("facts", "form") for level in (1, 2, 3)} - {("form", 2)}

    findings = lint(rubric_data(), anchored)

    assert [(f.rule, f.severity, f.path) for f in findings] == [("no-anchor", "warning", ("criteria", 1, "levels", 1))]


def test_findings_come_in_the_order_of_the_file() -> None:
    """So that an author can go through them from top to bottom."""
    data = changed("criteria", 1, "levels", 0, "descriptor", to="A good answer.")
    data["criteria"][0]["levels"][2]["descriptor"] = "An excellent answer."

    assert [finding.path[1] for finding in lint(data)] == [0, 1]


json_like = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)


@given(json_like)
def test_any_json_is_survived_and_the_list_is_bounded(data: Any) -> None:
    """An author may send anything."""
    assert len(lint(data)) <= MAX_FINDINGS


@given(st.sampled_from(["id", "version", "title", "audience", "criteria", "aggregation"]), json_like)
def test_what_has_no_error_can_be_parsed(member: str, value: Any) -> None:
    """The linter promises that a rubric without errors can be used."""
    data = {**rubric_data(), member: value}

    if not any(finding.severity == "error" for finding in lint(data)):
        parse_rubric(data)


@given(st.sampled_from(["id", "version", "title", "audience", "criteria", "aggregation"]), json_like)
def test_what_cannot_be_parsed_has_an_error(member: str, value: Any) -> None:
    """And the other way round."""
    data = {**rubric_data(), member: value}
    try:
        parse_rubric(data)
    except InvalidRubric:
        assert any(finding.severity == "error" for finding in lint(data))


def test_a_huge_rubric_is_answered_at_once_and_briefly() -> None:
    """Whoever sends it must not hold up the others, nor get a megabyte back."""
    many: dict[str, Any] = {**rubric_data(), "criteria": [{"id": "x" * 200_000, "levels": [{}] * 120}] * 20_000}

    findings = lint(many)

    assert findings
    assert sum(len(finding.what) for finding in findings) < 20_000


@pytest.mark.parametrize("value", [[1], {"a": 1}, 10**400, None])
def test_odd_values_in_any_place_are_findings_not_crashes(value: Any) -> None:
    """As YAML and JSON allow them."""
    for member in ("id", "name", "weight", "levels", "question"):
        assert lint(changed("criteria", 0, member, to=value if value is not None else ""))
    assert lint(changed("aggregation", "caps", 0, "at_most", to=value if value is not None else ""))
