"""Golden rows and how they are read."""

from __future__ import annotations

from pathlib import Path

import pytest

from evals.golden import GoldenRow, InvalidGolden, anchored, load_golden, read_rows
from tests.evals.helpers import row, row_data, write_jsonl, write_rows


def test_rows_come_file_by_file(tmp_path: Path) -> None:
    """In the order of the files' names, blank lines aside."""
    write_rows(tmp_path / "b.jsonl", [row("b-1")])
    write_rows(tmp_path / "a.jsonl", [row("a-1"), row("a-2")])
    (tmp_path / "a.jsonl").write_text((tmp_path / "a.jsonl").read_text() + "\n\n")

    assert [each.id for each in load_golden(tmp_path)] == ["a-1", "a-2", "b-1"]


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        pytest.param({"id": "has space"}, "id", id="id"),
        pytest.param({"labels": {"clarity": {"level": 0, "source": "authored"}}}, "labels.clarity.level", id="level"),
        pytest.param({"labels": {"clarity": {"level": 2, "source": "guess"}}}, "labels.clarity.source", id="source"),
        pytest.param({"split": "train"}, "split", id="split"),
        pytest.param({"tags": []}, "tags", id="no tag"),
        pytest.param({"tags": ["ladder"]}, "needs a group", id="ladder without group"),
        pytest.param({"lables": {}}, "lables", id="misspelt member"),
        pytest.param({"context": {"planet": "Mars"}}, "context", id="context"),
    ],
)
def test_a_faulty_row_is_named_with_file_line_and_place(tmp_path: Path, changes: dict[str, object], says: str) -> None:
    """Nothing is guessed."""
    path = write_jsonl(tmp_path / "rows.jsonl", [row_data("good"), {**row_data(), **changes}])

    with pytest.raises(InvalidGolden, match=rf"rows\.jsonl, line 2: .*{says}"):
        list(read_rows(path))


def test_a_row_survives_being_written_and_read() -> None:
    """With a label finer than its level."""
    fine = row(labels={"clarity": {"level": 4, "score": 3.6, "source": "human", "rater": "r1"}}, key_points=["a", "b"])

    again = GoldenRow.model_validate_json(fine.model_dump_json(exclude_defaults=True))

    assert again == fine
    assert again.labels["clarity"].truth == 3.6


def test_a_row_is_graded_as_the_service_would_be_asked() -> None:
    """Question, answer, reference, key points and context; nothing of the labels."""
    full = row(reference="R", key_points=["K"], context={"industry": "finance"}, note="because")

    submission = full.submission()

    assert submission.context.industry == "finance"
    assert (submission.reference, submission.key_points) == ("R", ("K",))
    assert "because" not in str(submission)


def test_anchors_are_found_by_rubric_criterion_and_level() -> None:
    """So that missing ones can be named."""
    rows = [row("a", tags=["anchor"]), row("b"), row("c", tags=["anchor"], rubric="other")]

    assert anchored(rows, "ds-interview") == {("correctness", 4)}
