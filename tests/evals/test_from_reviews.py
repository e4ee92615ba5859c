"""People's corrections become golden rows: all of a question in one split, the same however often it is done."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from evals.from_reviews import Splits, opinions, suite_path, write_suite
from evals.golden import Label, read_rows
from evals.suites import golden_rows, with_rubrics
from service.cli import app
from service.library import FileLibrary
from service.records import LOCAL_TENANT, GradeRequest, Tenant
from service.storage import SqlGradeStore, SqlReviewStore, open_migrated
from tests.conftest import Client, make_settings, running
from tests.evals.helpers import row
from tests.grading.helpers import rubric_data

pytestmark = pytest.mark.anyio


async def reviewed(client: Client, answer: str, *reviews: dict[str, object], **more: object) -> None:
    """A grade with reviews."""
    body = {"question": "Why do we split data?", "answer": answer, "detail": "scores", **more}
    made = await client.post("/v1/grades", json={k: v for k, v in body.items() if v is not None})
    for review in reviews:
        reply = await client.post(f"{made.headers['location']}/reviews", json=review)
        assert reply.status_code == 201


def said(reviewer: str, note: str | None = None, **levels: int) -> dict[str, object]:
    """A review's body."""
    return {"reviewer": reviewer, "levels": levels, "note": note}


def added(folder: Path, database: Path, suite: str = "people", *options: str) -> str:
    """What ``debrief golden add --from-reviews`` prints."""
    command = ["golden", "add", "--from-reviews", "--suite", suite, "--folder", str(folder), *options]
    result = CliRunner().invoke(app, [*command, "--database", f"sqlite:///{database}"])
    assert result.exit_code == 0, result.output
    return " ".join(result.output.split())


def test_a_review_becomes_a_row_as_sent_with_human_labels(tmp_path: Path) -> None:
    """One row a person; each person's last word on each criterion; the reviewer's note."""
    asyncio.run(_reviews_of_two_people(tmp_path))

    output = added(tmp_path / "golden", tmp_path / "debrief.db")

    rows = {r.labels["correctness"].rater: r for r in read_rows(tmp_path / "golden" / "people.jsonl")}
    assert "2 rows" in output
    assert rows["maria"].labels == {
        "correctness": Label(level=2, source="human", rater="maria"),
        "clarity": Label(level=4, source="human", rater="maria"),
    }
    assert rows["tom"].labels["correctness"].level == 5
    both = list(rows.values())
    assert {(r.question, r.answer, r.reference, r.key_points) for r in both} == {
        ("Why do we split data?", "To see how it does on new data.", "To estimate the error.", ("unseen data",))
    }
    assert {(r.kind, r.rubric, r.context["industry"]) for r in both} == {("human", "ds-interview", "retail")}
    assert rows["maria"].note == "Half of it."


def test_only_reviews_marked_for_it_become_rows_where_asked(tmp_path: Path) -> None:
    """A person's other reviews of the same answer are left out too; without the option all are taken."""
    asyncio.run(_one_of_two_is_marked(tmp_path))

    marked = added(tmp_path / "golden", tmp_path / "debrief.db", "marked", "--flagged")
    every = added(tmp_path / "golden", tmp_path / "debrief.db", "every")

    (row_,) = read_rows(tmp_path / "golden" / "marked.jsonl")
    assert {name: label.level for name, label in row_.labels.items()} == {"correctness": 2}
    assert "1 rows" in marked
    assert "2 rows" in every


async def _one_of_two_is_marked(tmp_path: Path) -> None:
    async with running(make_settings(tmp_path)) as (client, _):
        marked = {**said("maria", correctness=2), "golden": True}
        await reviewed(
            client, "To see how it does on new data.", marked, said("maria", clarity=4), said("tom", clarity=5)
        )


async def _reviews_of_two_people(tmp_path: Path) -> None:
    async with running(make_settings(tmp_path)) as (client, _):
        await reviewed(
            client,
            "To see how it does on new data.",
            said("maria", "Half of it.", correctness=3, clarity=4),
            said("tom", correctness=5),
            said("maria", correctness=2),
            reference="To estimate the error.",
            key_points=["unseen data"],
            context={"industry": "retail"},
        )


async def test_doing_it_again_changes_nothing_and_what_is_said_since_changes_its_row(tmp_path: Path) -> None:
    """The same answer graded twice is one row; deleted reviews are gone."""
    folder = tmp_path / "golden"
    async with running(make_settings(tmp_path)) as (client, services):
        store = services.reviewing.store
        await reviewed(client, "Because.", said("maria", correctness=2))
        first = write_suite(folder / "people.jsonl", await opinions(store, LOCAL_TENANT), [], services.library)
        bytes_then = (folder / "people.jsonl").read_bytes()
        again = write_suite(folder / "people.jsonl", await opinions(store, LOCAL_TENANT), [], services.library)
        bytes_again = (folder / "people.jsonl").read_bytes()
        await reviewed(client, "Because.", said("maria", correctness=4))
        later = write_suite(folder / "people.jsonl", await opinions(store, LOCAL_TENANT), [], services.library)
        gone = write_suite(folder / "people.jsonl", await opinions(store, Tenant("nobody")), [], services.library)

    assert (len(first.added), first.changed, bytes_again) == (1, (), bytes_then)
    assert (again.added, again.changed, again.removed) == ((), (), ())
    assert (later.added, len(later.changed), later.rows) == ((), 1, 1)
    assert (len(gone.removed), gone.rows) == (1, 0)


async def test_a_rubric_of_one_s_own_is_kept_beside_the_rows(tmp_path: Path, library: FileLibrary) -> None:
    """And found again from there, with the same hash, by whoever reads the rows."""
    path = tmp_path / "golden" / "people.jsonl"
    async with running(make_settings(tmp_path)) as (client, services):
        await reviewed(client, "Because.", said("maria", facts=2), rubric=rubric_data())
        write_suite(path, await opinions(services.reviewing.store, LOCAL_TENANT), [], library)
        again = write_suite(path, await opinions(services.reviewing.store, LOCAL_TENANT), [], library)

    suite = with_rubrics("people", golden_rows(str(path)), library)

    assert again.changed == ()
    (kept,) = suite.rubrics.values()
    assert (kept.id, kept.levels) == ("tiny", 3)
    assert str(tmp_path) not in path.read_text(encoding="utf-8")


async def test_a_question_lies_in_the_split_where_it_lies_already(tmp_path: Path, library: FileLibrary) -> None:
    """Under either split, for other spellings too, and with the rows of the bank's question."""
    for number, split in enumerate(("dev", "test")):
        known = [row("r", question="WHY do we  split data", split=split)]
        async with running(make_settings(tmp_path / split)) as (client, services):
            for answer in ("Because.", "To learn."):
                await reviewed(client, f"{answer} {number}", said("maria", correctness=2))
            found = await opinions(services.reviewing.store, LOCAL_TENANT)
        path = tmp_path / split / "people.jsonl"
        write_suite(path, found, known, library)

        assert [r.split for r in read_rows(path)] == [split, split]


@given(
    st.lists(st.tuples(st.text("ab ?.", min_size=1, max_size=6), st.sampled_from([None, "q-1", "q-2"])), max_size=30)
)
def test_no_question_ever_lies_in_two_splits(asked: list[tuple[str, str | None]]) -> None:
    """By its words in any spelling, and by its id in the bank."""
    splits = Splits()

    given_to = [(question, splits.split_of(question, None)) for question, _ in asked]

    by_words: dict[str, set[str]] = {}
    for question, split in given_to:
        by_words.setdefault(" ".join(question.replace("?", " ").replace(".", " ").split()), set()).add(split)
    assert all(len(found) == 1 for found in by_words.values())
    by_id = {name: splits.split_of("First", name) for _, name in asked if name}
    assert all(splits.split_of("in other words", name) == split for name, split in by_id.items())


def test_both_splits_get_questions() -> None:
    """Roughly every third goes to test."""
    splits = Splits()

    found = [splits.split_of(f"Question {number}", None) for number in range(300)]

    assert 70 < found.count("test") < 130


@pytest.mark.parametrize("name", ["dev", "Own Rows", "../x", ""], ids=str)
def test_a_name_that_cannot_be_a_file_of_reviews_is_refused(tmp_path: Path, name: str) -> None:
    """Named suites and paths."""
    result = CliRunner().invoke(app, ["golden", "add", "--from-reviews", "--suite", name, "--folder", str(tmp_path)])

    assert result.exit_code == 2


def test_a_file_with_other_rows_is_left_alone(tmp_path: Path) -> None:
    """Shipped golden answers are never written over."""
    from evals.errors import CouldNotRun

    (tmp_path / "ladders.jsonl").write_text(row().model_dump_json() + "\n", encoding="utf-8")

    with pytest.raises(CouldNotRun, match="not from reviews"):
        suite_path("ladders", tmp_path)


async def test_an_answer_over_the_limits_of_golden_rows_is_named_and_left_out(
    tmp_path: Path, library: FileLibrary
) -> None:
    """The others are written."""
    from dataclasses import replace

    from tests.storage.test_grades import finished, record
    from tests.storage.test_reviews import said as review

    database = await open_migrated(f"sqlite:///{tmp_path / 'debrief.db'}")
    try:
        store = SqlReviewStore(database, SqlGradeStore(database))
        for number, answer in ((1, "x" * 20_001), (2, "short")):
            made = finished(record(number))
            longer = replace(made.request.submission, answer=answer)
            request = GradeRequest.model_validate({**made.request.model_dump(), "submission": longer})
            made = made.model_copy(update={"request": request})
            await SqlGradeStore(database).add(made)
            await store.add_review(made, review(number, facts=2))
        changes = write_suite(tmp_path / "p.jsonl", await opinions(store, made.tenant), [], library)
    finally:
        await database.close()

    assert (changes.rows, changes.unusable) == (1, (record(1).id,))
