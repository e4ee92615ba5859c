"""The product's own content: question bank, rubrics and context notes hold together."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest
import yaml
from rapidfuzz import fuzz

from service.checks import check_content
from service.grading.context_notes import IndustryNote
from service.grading.question import Question, Stage
from service.grading.submission import Context
from service.library import FileLibrary, default_content_dir

RUBRICS = default_content_dir() / "rubrics"
FOUR = ["correctness", "clarity", "storytelling", "business_framing"]


def bank(library: FileLibrary) -> list[Question]:
    """Every question."""
    return [question for topic in library.topics() for question in topic.questions]


def test_the_bank_is_large_and_covers_every_stage_and_difficulty(library: FileLibrary) -> None:
    """At least 72 questions on 13 topics."""
    questions = bank(library)

    assert len(questions) >= 72
    assert len(library.topics()) >= 13
    assert {question.stage for question in questions} == set(Stage)
    assert {question.difficulty for question in questions} == {"basic", "intermediate", "advanced"}


def test_question_ids_are_unique_and_no_two_questions_ask_the_same(library: FileLibrary) -> None:
    """Grades and golden answers are kept by id."""
    questions = bank(library)
    texts = [question.text for question in questions]

    assert len({question.id for question in questions}) == len(questions)
    alike = [pair for pair in itertools.combinations(texts, 2) if fuzz.token_sort_ratio(*pair) >= 85]
    assert alike == []


def test_key_points_are_distinct_and_reported_on_one_by_one(library: FileLibrary) -> None:
    """Two that say the same would count it twice."""
    for question in bank(library):
        for one, other in itertools.combinations(question.key_points, 2):
            assert fuzz.token_sort_ratio(one, other) < 95, (question.id, one, other)


def test_a_misconception_is_no_key_point(library: FileLibrary) -> None:
    """The false is not asked for."""
    for question in bank(library):
        for wrong, right in itertools.product(question.misconceptions, question.key_points):
            assert fuzz.ratio(wrong.casefold(), right.casefold()) < 90, question.id


def test_every_referenced_id_exists(library: FileLibrary) -> None:
    """Rubrics of stages, notes of industries."""
    notes = {note.id for note in library.context_notes().all if isinstance(note, IndustryNote)}

    for question in bank(library):
        assert library.rubric(question.stage.rubric) is not None
        assert set(question.industries) <= notes


def test_the_industry_changes_the_answer_to_many_questions(library: FileLibrary) -> None:
    """Each industry has questions of its own, and a third of the bank depends on one."""
    questions = bank(library)

    assert sum(bool(question.industries) for question in questions) * 3 >= len(questions)
    for note in library.context_notes().all:
        if isinstance(note, IndustryNote):
            assert any(note.id in question.industries for question in questions), note.id


def test_no_file_of_the_content_has_an_error() -> None:
    """What ``debrief rubric check rubrics`` says; without anchors in view it has no warning either."""
    checked = check_content(sorted(RUBRICS.rglob("*.yaml")))

    assert len(checked) >= 8 + 13 + 6
    assert [(item.path.name, finding.what) for item in checked for finding in item.findings] == []


@pytest.mark.parametrize("stage", Stage)
def test_every_stage_judges_the_four_criteria_in_its_own_way(stage: Stage, library: FileLibrary) -> None:
    """Same ids, so that progress can be followed across stages; weights and descriptors differ."""
    rubric = library.rubric(stage.rubric)
    default = library.rubric("ds-interview")
    assert rubric is not None
    assert default is not None

    assert [criterion.id for criterion in rubric.criteria] == FOUR
    assert rubric.levels == 5
    assert rubric.aggregation.caps
    if rubric.id != default.id:
        assert [c.weight for c in rubric.criteria] != [c.weight for c in default.criteria]


def test_an_answer_without_prose_is_not_asked_for_a_story(library: FileLibrary) -> None:
    """At the whiteboard only."""
    conditional = {
        rubric.id: [c.id for c in rubric.criteria if c.applies_when is not None] for rubric in library.rubrics()
    }

    assert conditional.pop("sql-whiteboard") == ["storytelling", "business_framing"]
    assert not any(conditional.values())


def test_context_notes_stay_small_enough_for_a_small_model(library: FileLibrary) -> None:
    """Each is read before every question to the judge."""
    for note in library.context_notes().all:
        words = sum(len(item.split()) for _, items in note.parts() for item in items)
        assert words <= 110, note.id


@pytest.mark.parametrize(
    ("industry", "audience", "meant"),
    [
        ("healthcare", "executives", ["executives", "healthcare"]),
        ("a regional hospital network", "the board", ["executives", "healthcare"]),
        ("retail bank", "software engineers", ["engineers", "finance"]),
        ("e-commerce", "product managers", ["product-managers", "retail"]),
        ("city government", None, ["public-sector"]),
        ("real estate", "recruiter", ["recruiters", "real-estate"]),
        ("growth marketing", None, ["growth-marketing"]),
        ("aerospace", "my mother", []),
    ],
)
def test_free_words_find_the_note_that_is_meant(
    industry: str, audience: str | None, meant: list[str], library: FileLibrary
) -> None:
    """As people write them."""
    found = library.context_notes().pulled_in(Context(industry=industry, audience=audience))

    assert [note.id for note in found] == meant


def test_every_rubric_file_is_named_after_its_id() -> None:
    """So that it is found in one guess."""
    for path in (*RUBRICS.glob("*.yaml"), *(RUBRICS / "context").glob("*.yaml")):
        assert yaml.safe_load(Path(path).read_text(encoding="utf-8"))["id"] == path.stem
    for path in (RUBRICS / "questions").glob("*.yaml"):
        assert yaml.safe_load(path.read_text(encoding="utf-8"))["topic"] == path.stem
