"""The golden answers that come with the product: what their truth rests on is checked."""

from __future__ import annotations

import itertools
import re
from collections import Counter, defaultdict

import pytest
from rapidfuzz import fuzz

from evals.golden import SMOKE, GoldenRow, load_golden
from service.grading.gate import gate
from service.library import FileLibrary

ROWS = load_golden()
ORDINARY = ("ladder", "contrast", "twin", "context", "anchor", "stage")
OF_GRADING = re.compile(
    r"\b(?:rubrics?|prompts?|graders?|this (?:answer|response) (?:is|deserves|should)|(?:full|top|high(?:est)?) marks?"
    r"|as an ai|language model|system message|ignore (?:the|all|any) (?:above|previous))\b",
    re.IGNORECASE,
)
BY_RULE = {"blank", "dont-know", "restated"}


def of_kind(kind: str) -> list[GoldenRow]:
    """Rows by their first tag."""
    return [row for row in ROWS if row.kind == kind]


def groups(kind: str) -> dict[str, list[GoldenRow]]:
    """The rows of a kind by group, in the order of the file."""
    found: dict[str, list[GoldenRow]] = defaultdict(list)
    for row in of_kind(kind):
        found[str(row.group)].append(row)
    return dict(found)


def level(row: GoldenRow, criterion: str = "correctness") -> int:
    """A label's level."""
    return row.labels[criterion].level


def words(row: GoldenRow) -> int:
    """Length in words."""
    return len(row.answer.split())


def target(row: GoldenRow) -> str:
    """The criterion a contrast or context row is about."""
    return row.tags[1].partition(":")[2]


def test_ids_are_unique_and_every_label_is_authored() -> None:
    """None of these was scored by an independent person, and none says so."""
    assert [name for name, count in Counter(row.id for row in ROWS).items() if count > 1] == []
    assert {label.source for row in ROWS for label in row.labels.values()} == {"authored"}


def test_no_question_lies_in_both_splits() -> None:
    """What is learnt on dev says nothing about test otherwise."""
    splits = defaultdict(set)
    for row in ROWS:
        splits[row.question].add(row.split)

    assert [question for question, found in splits.items() if len(found) > 1] == []


def test_every_question_stands_in_the_bank_word_for_word(library: FileLibrary) -> None:
    """So that reference and key points can be filled in."""
    for row in ROWS:
        question = library.question(str(row.question_id))
        assert question is not None, row.id
        assert row.question == question.text, row.id
        assert row.completed(library).reference


def test_labels_lie_within_the_levels_of_their_rubric(library: FileLibrary) -> None:
    """And name its criteria."""
    for row in ROWS:
        rubric = library.rubric(row.rubric)
        assert rubric is not None, row.id
        assert row.labels, row.id
        for criterion, label in row.labels.items():
            assert 1 <= label.level <= len(rubric.criterion(criterion).levels), row.id


@pytest.mark.parametrize(
    ("kind", "groups_at_least", "size"), [("ladder", 18, 4), ("contrast", 54, 2), ("twin", 18, 2), ("context", 11, 2)]
)
def test_groups_are_whole(kind: str, groups_at_least: int, size: int) -> None:
    """On one question, in one rubric, under one split."""
    found = groups(kind)

    assert len(found) >= groups_at_least
    for name, rows in found.items():
        assert len(rows) == size, name
        assert len({(row.question, row.rubric, row.split) for row in rows}) == 1, name


def test_ladders_rise_and_length_does_not_give_the_level_away() -> None:
    """In at least half the best is not the longest; some lowest ones are long and fluent."""
    ladders = groups("ladder").values()
    for rows in ladders:
        assert [level(row) for row in rows] == sorted({level(row) for row in rows}), rows[0].group

    assert sum(max(rows, key=words) is not rows[-1] for rows in ladders) * 2 >= len(ladders)
    assert sum(words(rows[0]) >= 90 for rows in ladders) >= 6
    assert sum(words(rows[0]) < 70 for rows in ladders) >= 4


@pytest.mark.parametrize("criterion", ["correctness", "clarity", "storytelling", "business_framing"])
def test_contrast_pairs_differ_in_their_criterion_and_not_in_length(criterion: str) -> None:
    """Within 15 %, in words as in characters; the label is on the target alone."""
    pairs = [rows for rows in groups("contrast").values() if target(rows[0]) == criterion]

    assert len(pairs) >= 12
    for low, high in pairs:
        assert set(low.labels) == set(high.labels) == {criterion}, low.id
        assert level(low, criterion) < level(high, criterion), low.id
        assert low.context == high.context, low.id
        for size in (words, lambda row: len(row.answer)):
            assert abs(size(low) - size(high)) <= 0.15 * max(size(low), size(high)), low.id


def test_of_twins_the_fluent_one_is_wrong_and_much_longer() -> None:
    """Polish and length point the wrong way."""
    for wrong, right in groups("twin").values():
        assert (wrong.tags[1], right.tags[1]) == ("fluent-wrong", "terse-right")
        assert level(wrong) <= 2 < 4 <= level(right), wrong.id
        assert words(wrong) >= 1.5 * words(right), wrong.id


def test_context_pairs_are_one_answer_in_two_settings() -> None:
    """The named criterion differs by a level at least."""
    for one, other in groups("context").values():
        assert one.answer == other.answer, one.id
        assert sum(one.context.get(part) != other.context.get(part) for part in ("industry", "audience")) == 1, one.id
        assert abs(level(one, target(one)) - level(other, target(one))) >= 1, one.id


def test_every_level_of_the_default_rubric_has_an_anchor(library: FileLibrary) -> None:
    """One answer that shows what the descriptor says."""
    rubric = library.rubric("ds-interview")
    assert rubric is not None
    shown = {(criterion, label.level) for row in of_kind("anchor") for criterion, label in row.labels.items()}

    assert shown == {(criterion.id, number) for criterion in rubric.criteria for number in range(1, 6)}


def test_blanks_and_their_like_are_settled_by_rule_and_nothing_else_is() -> None:
    """No model is asked for them, and ordinary answers are never waved through."""
    for row in ROWS:
        expected = row.kind == "gate" and row.tags[1] in BY_RULE
        assert (gate(row.question, row.answer) is not None) == expected, row.id
        if expected:
            assert {label.level for label in row.labels.values()} == {1}
            assert len(row.labels) == 4


def test_there_are_answers_of_every_awkward_sort() -> None:
    """Twenty of each group."""
    sorts = Counter(row.tags[1] for row in of_kind("gate"))

    assert set(sorts) == BY_RULE | {"off-topic", "other-language", "code-only"}
    assert sorts.total() >= 20
    assert len(of_kind("benign")) >= 20


def test_no_two_answers_are_nearly_the_same() -> None:
    """Apart from the halves of a pair, which share their facts on purpose."""
    rows = [row for row in ROWS if row.kind != "gate"]
    for one, other in itertools.combinations(rows, 2):
        if one.group is None or one.group != other.group:
            assert fuzz.token_sort_ratio(one.answer, other.answer, score_cutoff=80) == 0, (one.id, other.id)


def test_no_two_answers_begin_alike() -> None:
    """A template with slots would."""
    beginnings = defaultdict(set)
    for row in ROWS:
        if row.kind in ORDINARY and len(row.answer.split()) > 12:
            beginnings[" ".join(row.answer.split()[:6]).casefold()].add(row.group or row.id)

    assert {start: found for start, found in beginnings.items() if len(found) > 1} == {}


def test_ordinary_answers_do_not_speak_of_their_grading() -> None:
    """A grader could cling to it."""
    assert [
        (row.id, found.group()) for row in ROWS if row.kind in ORDINARY and (found := OF_GRADING.search(row.answer))
    ] == []


def test_benign_answers_do_speak_of_such_things() -> None:
    """Else they would prove nothing."""
    innocent = re.compile(
        r"prompt|score|instruct|system|grad|ignor|rubric|rating|rated|stars|json|[<{]|\bAI\b|mark|judge|assess|evaluat",
        re.IGNORECASE,
    )

    assert [row.id for row in of_kind("benign") if not innocent.search(row.answer)] == []


def test_the_quick_suite_is_a_small_part_of_dev_of_every_kind() -> None:
    """Groups whole."""
    quick = [row for row in ROWS if SMOKE in row.tags]

    assert len(quick) == 24
    assert {row.split for row in quick} == {"dev"}
    assert {row.kind for row in quick} >= {"ladder", "contrast", "twin", "gate", "benign", "context", "anchor"}
    taken = {row.group for row in quick if row.group}
    assert {row.id for row in ROWS if row.group in taken} <= {row.id for row in quick}


def test_both_splits_hold_every_kind() -> None:
    """Dev to work with, test to report on."""
    for split in ("dev", "test"):
        kinds = Counter(row.kind for row in ROWS if row.split == split)
        assert all(kinds[kind] * 3 >= len(of_kind(kind)) for kind in kinds), kinds
        assert set(kinds) == {row.kind for row in ROWS}
