"""Which answers are graded."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from evals.errors import CouldNotRun
from evals.golden import GoldenRow
from evals.suites import Suite, check_labels, focused, golden_rows, limited, with_rubrics
from service.grading.rubric import Rubric
from service.library import FileLibrary
from tests.evals.helpers import row, write_rows
from tests.grading.helpers import rubric_data, tiny_rubric


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A golden folder with rows of both splits, smoke rows and attacks."""
    write_rows(tmp_path / "a.jsonl", [row("dev-1", tags=["plain", "smoke"]), row("dev-2")])
    write_rows(tmp_path / "b.jsonl", [row("test-1", split="test", question="Another?")])
    write_rows(tmp_path / "attacks" / "a.jsonl", [row("attack-1")])
    return tmp_path


@pytest.mark.parametrize(
    ("suite", "ids"),
    [
        pytest.param("smoke", ["dev-1"], id="smoke"),
        pytest.param("dev", ["dev-1", "dev-2"], id="dev"),
        pytest.param("test", ["test-1"], id="test"),
        pytest.param("attacks", ["attack-1"], id="attacks"),
    ],
)
def test_a_suite_is_a_part_of_the_golden_answers(folder: Path, suite: str, ids: list[str]) -> None:
    """Attacks are in none of the others."""
    assert [each.id for each in golden_rows(suite, folder)] == ids


def test_a_suite_may_be_a_file_or_a_folder(folder: Path) -> None:
    """Of one's own."""
    assert [each.id for each in golden_rows(str(folder / "b.jsonl"))] == ["test-1"]
    assert len(golden_rows(str(folder))) == 3


def test_no_suite_an_empty_one_and_shared_ids_are_refused_with_advice(tmp_path: Path) -> None:
    """Before anything is graded."""
    twice = write_rows(tmp_path / "twice.jsonl", [row("same"), row("same", answer="other")])

    with pytest.raises(CouldNotRun, match=r"no suite called nightly.*smoke, dev, test"):
        golden_rows("nightly", tmp_path)
    with pytest.raises(CouldNotRun, match=r"smoke has no rows.*debrief golden add"):
        golden_rows("smoke", tmp_path)
    with pytest.raises(CouldNotRun, match="share an id: same"):
        golden_rows(str(twice))


def test_rows_of_a_question_follow_each_other(library: FileLibrary) -> None:
    """Their common beginning is read once by an engine that caches it."""
    rows = [row("1", question="B?"), row("2", question="A?"), row("3", question="B?"), row("4", question="A?")]

    suite = with_rubrics("mine", rows, library)

    assert [each.id for each in suite.rows] == ["2", "4", "1", "3"]


def test_the_hash_of_a_suite_is_of_its_content(library: FileLibrary) -> None:
    """Not of its order."""
    one, two = row("1"), row("2")

    hashes = [with_rubrics("x", rows, library).sha256 for rows in ([one, two], [two, one], [one, row("2", note="n")])]

    assert hashes[0] == hashes[1] != hashes[2]


def test_a_rubric_filters_rows_and_grades_them(library: FileLibrary, tmp_path: Path) -> None:
    """A file's own version stands in for the library's."""
    path = tmp_path / "tiny.yaml"
    path.write_text(yaml.safe_dump(rubric_data()))
    rows = [row("1"), row("2", rubric="tiny", labels={"facts": {"level": 3, "source": "authored"}})]

    suite = with_rubrics("x", rows, library, str(path))

    assert [each.id for each in suite.rows] == ["2"]
    assert suite.rubrics == {"tiny": tiny_rubric()}


@pytest.mark.parametrize(
    ("labels", "says"),
    [
        pytest.param({"wit": {"level": 1, "source": "authored"}}, "no criterion wit", id="criterion"),
        pytest.param({"facts": {"level": 4, "source": "authored"}}, "the levels end at 3", id="level"),
    ],
)
def test_a_label_that_does_not_fit_its_rubric_is_named(labels: dict[str, object], says: str) -> None:
    """With the row."""
    with pytest.raises(CouldNotRun, match=f"^row-1: .*{says}"):
        check_labels(row(rubric="tiny", labels=labels), tiny_rubric())


def test_a_rubric_can_be_cut_down_to_what_is_labelled(library: FileLibrary, rubric: Rubric) -> None:
    """Weights keep their proportions; caps go, since they speak of the whole."""
    labels = {name: {"level": 2, "source": "authored"} for name in ("correctness", "clarity")}

    cut = with_rubrics("x", [row(labels=labels)], library, labelled_only=True).rubrics["ds-interview"]

    assert {c.id: round(c.weight, 3) for c in cut.criteria} == {"correctness": 0.667, "clarity": 0.333}
    assert cut.aggregation.caps == ()
    assert focused(rubric, set()) is rubric


@given(
    st.lists(st.tuples(st.sampled_from("abc"), st.integers(1, 4)), min_size=1, max_size=12),
    st.integers(1, 20),
    st.integers(0, 5),
)
def test_a_limit_keeps_groups_whole_and_is_kept(groups: list[tuple[str, int]], limit: int, seed: int) -> None:
    """Whatever the groups' sizes; the same seed takes the same rows."""
    rows = [
        row(f"{kind}{number}-{place}", tags=[kind], group=f"g{number}")
        for number, (kind, size) in enumerate(groups)
        for place in range(size)
    ]
    suite = Suite("x", tuple(rows), {})
    if min(size for _, size in groups) > limit:
        with pytest.raises(CouldNotRun, match="Raise --limit"):
            limited(suite, limit, seed)
        return

    kept = limited(suite, limit, seed)

    sizes = Counter(each.group for each in kept.rows)
    assert len(kept.rows) <= limit
    assert all(size == groups[int((group or "g0")[1:])][1] for group, size in sizes.items())
    assert kept == limited(suite, limit, seed)


def test_a_limit_takes_every_kind(library: FileLibrary) -> None:
    """Also one that is rare."""
    rows: list[GoldenRow] = [row(f"many-{n}", tags=["many"]) for n in range(30)]
    rows += [row("rare-1", tags=["rare"])]

    kinds = {each.kind for each in limited(with_rubrics("x", rows, library), 3).rows}

    assert kinds == {"many", "rare"}
