"""Makers of values for property tests, which cannot take function-scoped fixtures."""

from __future__ import annotations

from service.grading.rubric import Rubric, parse_rubric


def rubric_data(**changes: object) -> dict[str, object]:
    """The parsed YAML of a small valid rubric, with changes."""
    levels, others = (
        [{"label": label, "descriptor": f"{what} is {label}."} for label in ("low", "middle", "high")]
        for what in ("It", "Its form")
    )
    return {
        "id": "tiny",
        "version": "1.0.0",
        "title": "Tiny",
        "audience": "Tests.",
        "criteria": [
            {"id": "facts", "name": "Facts", "weight": 0.75, "question": "True?", "levels": levels, "factual": True},
            {"id": "form", "name": "Form", "weight": 0.25, "question": "In order?", "levels": others},
        ],
        "aggregation": {
            "caps": [{"criterion": "facts", "at_most": 1.5, "overall": 1.25}],
            "bands": ["Poor", "Fair", "Fine"],
        },
        **changes,
    }


def tiny_rubric() -> Rubric:
    """A rubric of two criteria with three levels."""
    return parse_rubric(rubric_data())
