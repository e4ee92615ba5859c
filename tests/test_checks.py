"""Checking content files: each finding with its file and line."""

from __future__ import annotations

from pathlib import Path

import yaml

from service.checks import check_content
from tests.grading.helpers import rubric_data
from tests.grading.test_question import topic


def write(folder: Path, name: str, data: object) -> Path:
    """A YAML file."""
    path = folder / name
    path.write_text(yaml.safe_dump(data, sort_keys=False))
    return path


def test_a_finding_names_the_line_of_its_place(tmp_path: Path) -> None:
    """Counted from 1, as editors do."""
    data = rubric_data()
    data["criteria"][1]["levels"][2]["descriptor"] = "An excellent answer."  # type: ignore[index]
    path = write(tmp_path, "r.yaml", data)

    (checked,) = check_content([path])

    (finding,) = checked.findings
    assert finding.line is not None
    assert "An excellent answer." in path.read_text().splitlines()[finding.line - 1]
    assert checked.faulty


def test_files_are_told_apart_by_what_they_hold(tmp_path: Path) -> None:
    """Rubrics, topics of the bank and context notes in one folder."""
    note = {
        "kind": "audience",
        "id": "x",
        "version": "1",
        "name": "X",
        "knows": [],
        "needs": ["n"],
        "loses_them": ["l"],
    }
    paths = [
        write(tmp_path, "rubric.yaml", rubric_data()),
        write(tmp_path, "topic.yaml", topic(difficulty="hard")),
        write(tmp_path, "note.yaml", note),
        write(tmp_path, "list.yaml", [1, 2]),
    ]

    rubric, questions, context, other = check_content(paths)

    assert rubric.findings == ()
    assert "difficulty" in questions.findings[0].what
    assert len(context.findings) == 2
    assert "not a rubric" in other.findings[0].what


def test_a_question_id_in_two_files_is_named_in_both(tmp_path: Path) -> None:
    """Each author sees it."""
    first, second = (write(tmp_path, f"{name}.yaml", topic()) for name in "ab")

    checked = check_content([first, second])

    assert all("q-1" in item.findings[0].what for item in checked)


def test_what_is_not_yaml_is_named_with_its_line(tmp_path: Path) -> None:
    """And the others are still checked."""
    broken = tmp_path / "broken.yaml"
    broken.write_text("id: x\ncriteria: [1, 2\ntitle: y")
    binary = tmp_path / "binary.yaml"
    binary.write_bytes(b"\xff\xfe\x00")

    first, second, third = check_content([broken, binary, write(tmp_path, "r.yaml", rubric_data())])

    assert first.findings[0].line in (2, 3)
    assert "UTF-8" in second.findings[0].what
    assert third.findings == ()
