"""Other people's data as golden rows."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from evals.adapters.foreign import imported
from evals.adapters.mapping import RecordMap, nearest, on_levels, row_id, selected
from evals.adapters.public import PUBLIC_SETS
from evals.adapters.records import flat, read_items
from evals.datasets import read_public, sampled, source_of
from evals.errors import CouldNotRun
from service.grading.rubric import Rubric
from tests.evals.helpers import row, write_jsonl


def shared(record_id: str, score: float | None, **changes: object) -> dict[str, object]:
    """A record in the form that several public sets share."""
    return {
        "id": record_id,
        "question": "What is a socket?",
        "reference": "An end point of a connection.",
        "answer": "One end of a connection.",
        "score": score,
        "max_score": 2.0,
        "meta": {"qid": 1, "split": "training"},
        **changes,
    }


@pytest.mark.parametrize("name", ["saf", "digiklausur", "scientsbank", "beetle"])
def test_a_public_set_becomes_rows_on_the_rubric_s_scale(name: str, tmp_path: Path, rubric: Rubric) -> None:
    """0 of 2 is level 1, 2 of 2 the highest, and between them the score is kept fine."""
    path = write_jsonl(tmp_path / "set.jsonl", [shared("a", 0), shared("b", 1.25), shared("c", 2, reference=None)])

    rows, notes = read_public(name, path, rubric)

    labels = [each.labels["correctness"] for each in rows]
    assert [(label.level, label.score, label.source) for label in labels] == [
        (1, 1.0, "human"),
        (4, 3.5, "human"),
        (5, 5.0, "human"),
    ]
    assert [each.reference is None for each in rows] == [False, False, True]
    assert rows[0].rubric == "ds-interview"
    assert notes == []


def test_records_without_a_score_are_left_out_and_counted(tmp_path: Path, rubric: Rubric) -> None:
    """Never scored as nought."""
    path = write_jsonl(tmp_path / "set.jsonl", [shared("a", 1), shared("b", None)])

    rows, notes = read_public("saf", path, rubric)

    assert [each.id for each in rows] == ["a"]
    assert notes == ["left out, having no score: 1 of 2 records"]


def test_mohler_is_read_from_its_tables(tmp_path: Path, rubric: Rubric) -> None:
    """Under the column names of either edition, 0 to 5, in the encoding of its time."""
    one, two = tmp_path / "one.csv", tmp_path / "two.tsv"
    one.write_bytes("id,question,desired_answer,student_answer,score_avg\n1.1,Q,“R”,A,2.5\n".encode("cp1252"))
    two.write_text("question\tinstructor_answer\tstudent_answer\tscore_avg\nQ\tR\tA\t5\n")

    first, second = (read_public("mohler", path, rubric)[0][0] for path in (one, two))

    assert (first.id, first.reference, first.labels["correctness"].score) == ("1.1", "“R”", 3.0)
    assert (second.id, second.labels["correctness"].level) == ("two-1", 5)


def test_traits_of_essays_are_mapped_to_criteria_by_name(tmp_path: Path, rubric: Rubric) -> None:
    """One set of several, with the question given on the command line."""
    path = tmp_path / "essays.tsv"
    path.write_text(
        "essay_id\tessay_set\tessay\torganization\tnarrativity\n1\t7\tI waited.\t6\t1\n2\t8\tNo, I laughed.\t3\t0\n"
    )
    mapping = ["question==Write about patience.", "clarity=organization:1-6", "storytelling=narrativity:0-3"]

    rows, _ = read_public("asap", path, rubric, mapping, ["essay_set=7"])

    assert [each.id for each in rows] == ["1"]
    assert rows[0].question == "Write about patience."
    assert {name: label.score for name, label in rows[0].labels.items()} == {"clarity": 5.0, "storytelling": 2.3333}


@pytest.mark.parametrize(
    ("name", "mapping", "says"),
    [
        pytest.param("asap", ["answer=text"], "--map CRITERION=COLUMN:LOW-HIGH", id="no traits"),
        pytest.param("mapped", ["correctness=score:0-1"], "no column for the answer", id="no answer"),
        pytest.param("mapped", ["answer=text", "correctness=score:0-1"], "'3' is not a number from 0 to 1", id="scale"),
        pytest.param("mapped", ["answer=text", "correctness=mark"], "no scale", id="no scale"),
        pytest.param("mapped", ["nonsense"], "cannot be read", id="no mapping"),
        pytest.param("mapped", ["answer=text", "correctness=mark:0-3"], "no scored record", id="other column"),
        pytest.param("nightly", [], "--data goes with", id="no such set"),
    ],
)
def test_a_mapping_that_does_not_fit_says_how_to_mend_it(
    name: str, mapping: list[str], says: str, tmp_path: Path, rubric: Rubric
) -> None:
    """No record is dropped or shortened in silence."""
    path = write_jsonl(tmp_path / "x.jsonl", [{"question": "Q", "text": "A", "score": 3}])

    with pytest.raises(CouldNotRun, match=says):
        read_public(name, path, rubric, mapping)


def test_a_text_over_the_limit_is_refused_and_named(tmp_path: Path, rubric: Rubric) -> None:
    """Shortening it would change what people scored."""
    path = write_jsonl(tmp_path / "x.jsonl", [shared("long", 1, answer="a" * 20_001)])

    with pytest.raises(CouldNotRun, match="x-1: answer"):
        read_public("saf", path, rubric)


def test_the_source_and_licence_go_into_the_manifest(tmp_path: Path) -> None:
    """With the hash of the file, and without its path."""
    path = write_jsonl(tmp_path / "x.jsonl", [shared("a", 1)])

    source = source_of("saf", path)

    assert source.licence == "MIT"
    assert str(tmp_path) not in source.model_dump_json()
    assert all(about.licence and about.url and about.scale for about in PUBLIC_SETS.values())


@given(st.integers(1, 90), st.integers(0, 9))
def test_a_sample_keeps_the_share_of_every_question_and_level(limit: int, seed: int) -> None:
    """To within one row, and the same seed takes the same rows."""
    rows = [
        row(f"{question}-{n}", question=question, labels={"correctness": {"level": 1 + n % 3, "source": "human"}})
        for question, size in (("a", 60), ("b", 30))
        for n in range(size)
    ]

    taken = sampled(rows, limit, seed)

    assert len({each.id for each in taken}) == limit
    of_a = sum(each.question == "a" for each in taken)
    assert abs(of_a - limit * 2 / 3) <= 1
    low_a = sum(each.question == "a" and each.labels["correctness"].level == 1 for each in taken)
    assert abs(low_a - limit * 2 / 9) <= 1
    assert taken == sampled(rows, limit, seed)


@given(st.floats(0, 7), st.integers(2, 10))
def test_any_score_lands_on_the_levels(score: float, levels: int) -> None:
    """The ends on the ends."""
    fine = on_levels(score, 0, 7, levels)

    assert 1 <= fine <= levels
    assert abs(nearest(fine) - fine) <= 0.5
    assert on_levels(0, 0, 7, levels) == 1
    assert on_levels(7, 0, 7, levels) == levels


@pytest.mark.parametrize("value", [-0.1, 7.1, float("nan")])
def test_a_score_off_its_scale_is_no_score(value: float) -> None:
    """Not clipped."""
    with pytest.raises(ValueError, match="off the scale"):
        on_levels(value, 0, 7, 5)


@given(st.text(max_size=200))
def test_any_text_gives_a_valid_id(text: str) -> None:
    """Different long ones different ids."""
    made = row_id(text)

    assert re.fullmatch(r"[A-Za-z0-9]+([-_.][A-Za-z0-9]+)*", made)
    assert len(made) <= 80
    assert row_id("x" * 90 + "1") != row_id("x" * 90 + "2")


@given(st.lists(st.text(max_size=40), max_size=3))
def test_no_mapping_option_ends_in_a_traceback(specs: list[str]) -> None:
    """It is understood, or refused with how to write it."""
    understood, refusal = True, ""
    try:
        RecordMap({}).changed(specs)
    except CouldNotRun as error:
        understood, refusal = False, str(error)

    assert understood or "write NAME=COLUMN" in refusal


def test_conditions_select_records() -> None:
    """And say when they select none."""
    records = [{"set": "1", "x": "a"}, {"set": "2", "x": "b"}]

    assert selected(records, ["set=2", "x=b"]) == records[1:]
    with pytest.raises(CouldNotRun, match="leaves no record"):
        selected(records, ["set=3"])
    with pytest.raises(CouldNotRun, match="COLUMN=VALUE"):
        selected(records, ["set"])


def test_nested_items_become_flat_records() -> None:
    """Nothing stays nothing; texts in a list are lines."""
    item = {"a": {"b": 1, "c": None}, "d": ["x", "y"], "e": [{"f": True}], "g": []}

    assert flat(item) == {"a.b": "1", "d": "x\ny", "e.0.f": "true"}


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        pytest.param("x.jsonl", "{}\n{", "x.jsonl, line 2", id="broken line"),
        pytest.param("x.json", "[", "not valid JSON", id="broken JSON"),
        pytest.param("x.yaml", "a: [", "not valid YAML", id="broken YAML"),
        pytest.param("x.xlsx", "", "only .jsonl", id="unknown format"),
        pytest.param("y.csv", None, "no file", id="missing"),
    ],
)
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, name: str, content: str | None, says: str) -> None:
    """With the line where there is one."""
    if content is not None:
        (tmp_path / name).write_text(content)

    with pytest.raises(CouldNotRun, match=says):
        read_items(tmp_path / name)


def test_promptfoo_tests_become_rows(tmp_path: Path, rubric: Rubric) -> None:
    """From the configuration, with what is asserted as the reference."""
    path = tmp_path / "promptfooconfig.yaml"
    tests = [
        {
            "description": "right",
            "vars": {"question": "Q1", "answer": "A1", "points": 3},
            "assert": [{"type": "latency", "threshold": 9}, {"type": "llm-rubric", "value": "Says R1"}],
        },
        {"vars": {"input": "Q2"}, "providerOutput": "A2"},
    ]
    path.write_text(yaml.safe_dump({"prompts": ["{{question}}"], "tests": tests}))

    rows = imported("promptfoo", path, rubric, ("correctness=vars.points:0-4",), "authored")

    assert [(r.question, r.answer, r.reference, r.note) for r in rows] == [
        ("Q1", "A1", "Says R1", "right"),
        ("Q2", "A2", None, None),
    ]
    assert rows[0].labels["correctness"].score == 4.0
    assert rows[0].labels["correctness"].source == "authored"
    assert rows[1].labels == {}
    assert rows[0].tags == ("imported", "promptfoo")


def test_promptfoo_tables_become_rows(tmp_path: Path, rubric: Rubric) -> None:
    """With the kind of assertion taken off."""
    path = tmp_path / "tests.csv"
    path.write_text("question,answer,__expected\nQ,A,similar(0.8): the right one\n")

    assert imported("promptfoo", path, rubric, (), "authored")[0].reference == "the right one"


def test_inspect_samples_become_rows(tmp_path: Path, rubric: Rubric) -> None:
    """What the user said last is the question."""
    messages = [{"role": "system", "content": "S"}, {"role": "user", "content": "Q"}]
    sample = {"id": 7, "input": messages, "target": ["R1", "R2"], "metadata": {"submission": "A"}}
    path = write_jsonl(tmp_path / "samples.jsonl", [sample])

    only = imported("inspect", path, rubric, (), "authored")[0]

    assert (only.id, only.question, only.answer, only.reference) == ("7", "Q", "A", "R1\nR2")


def test_openai_evals_items_become_rows(tmp_path: Path, rubric: Rubric) -> None:
    """Of either of its two forms."""
    items = [
        {"item": {"question": "Q1", "answer": "A1", "ideal": "R1", "grade": "2"}},
        {"input": [{"role": "user", "content": "Q2"}], "ideal": "R2", "completion": "A2"},
    ]
    path = write_jsonl(tmp_path / "items.jsonl", items)

    rows = imported("openai-evals", path, rubric, ("clarity=item.grade:1-3",), "human")

    assert [(r.id, r.question, r.answer, r.reference) for r in rows] == [
        ("items-1", "Q1", "A1", "R1"),
        ("items-2", "Q2", "A2", "R2"),
    ]
    assert rows[0].labels["clarity"].level == 3


def test_samples_without_an_answer_to_grade_say_what_is_missing(tmp_path: Path, rubric: Rubric) -> None:
    """Most of other tools' cases hold none."""
    path = write_jsonl(tmp_path / "samples.jsonl", [{"input": "Q", "target": "R"}])

    with pytest.raises(CouldNotRun, match=r"no column for the answer\. Add --map answer=COLUMN; there are: input"):
        imported("inspect", path, rubric, (), "authored")
