"""Rubrics of one's own and the question bank, over HTTP."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from service.api.examples import QUESTION_EXAMPLE, RUBRIC_BODY, RUBRIC_CHECK_EXAMPLE, RUBRIC_EXAMPLE
from service.api.schemas import QuestionDocument, RubricCheck, RubricDocument
from service.grading.question import Stage
from service.library import FileLibrary
from tests.conftest import ANSWER, Client

pytestmark = pytest.mark.anyio


def vague() -> dict[str, Any]:
    """A rubric the linter refuses."""
    data = copy.deepcopy(RUBRIC_BODY)
    data["criteria"][0]["levels"][2]["descriptor"] = "The pitch is very good."
    return data


async def test_a_published_rubric_can_be_graded_by_and_read(client: Client) -> None:
    """By id and by version; 201 the first time, 200 for the very same again."""
    made = await client.put("/v1/rubrics/cohort-pitch", json=RUBRIC_BODY)
    again = await client.put("/v1/rubrics/cohort-pitch", json=RUBRIC_BODY)
    read = await client.get(made.headers["location"])
    grade = await client.post(
        "/v1/grades", json={"question": "Pitch it.", "answer": ANSWER, "rubric": "cohort-pitch", "detail": "scores"}
    )

    assert (made.status_code, again.status_code) == (201, 200)
    assert made.json() == again.json() == read.json()
    assert made.json()["built_in"] is False
    assert [c["id"] for c in grade.json()["criteria"]] == ["recommendation"]
    assert grade.json()["receipt"]["rubric"]["sha256"] == made.json()["sha256"]


async def test_a_new_version_is_the_newest_and_the_old_one_stays(client: Client) -> None:
    """Grades made by it can be defended."""
    await client.put("/v1/rubrics/cohort-pitch", json=RUBRIC_BODY)
    await client.put("/v1/rubrics/cohort-pitch", json={**RUBRIC_BODY, "version": "1.10.0"})

    listed = (await client.get("/v1/rubrics")).json()["data"]

    assert [r["version"] for r in listed if r["id"] == "cohort-pitch"] == ["1.10.0"]
    assert (await client.get("/v1/rubrics/cohort-pitch@1.0.0")).status_code == 200


@pytest.mark.parametrize(
    ("path", "body", "status", "kind"),
    [
        pytest.param("cohort-pitch", {**RUBRIC_BODY, "title": "Other"}, 409, "rubric-version-published", id="changed"),
        pytest.param("ds-interview", {**RUBRIC_BODY, "id": "ds-interview"}, 409, "rubric-is-built-in", id="ours"),
        pytest.param("other", RUBRIC_BODY, 422, "invalid-request", id="another id"),
        pytest.param("cohort-pitch", vague(), 422, "invalid-request", id="unobservable"),
        pytest.param("cohort-pitch", {**RUBRIC_BODY, "version": "1"}, 422, "invalid-request", id="version"),
        pytest.param("cohort-pitch", [RUBRIC_BODY], 422, "invalid-request", id="a list"),
    ],
)
async def test_what_cannot_be_published_is_refused(
    client: Client, path: str, body: Any, status: int, kind: str
) -> None:
    """And what was published before stays."""
    await client.put("/v1/rubrics/cohort-pitch", json=RUBRIC_BODY)

    response = await client.put(f"/v1/rubrics/{path}", json=body)

    assert (response.status_code, response.json()["type"]) == (status, f"urn:debrief:problem:{kind}")
    assert (await client.get("/v1/rubrics/cohort-pitch")).json()["title"] == "Project pitch"


async def test_a_check_names_place_reason_and_cure_and_keeps_nothing(client: Client) -> None:
    """For an author who is still writing."""
    response = await client.post("/v1/rubrics/check", json=vague())

    (finding,) = response.json()["findings"]
    assert response.json()["valid"] is False
    assert finding["pointer"] == "#/criteria/0/levels/2/descriptor"
    assert finding["rule"] == "unobservable"
    assert finding["why"]
    assert finding["mend"]
    assert (await client.get("/v1/rubrics/cohort-pitch")).status_code == 404
    assert (await client.post("/v1/rubrics/check", json=RUBRIC_BODY)).json() == {
        "object": "rubric_check",
        "valid": True,
        "findings": [],
    }


async def test_the_documented_examples_are_true_to_their_schemas() -> None:
    """A reader may copy them."""
    RubricDocument.model_validate(RUBRIC_EXAMPLE)
    RubricCheck.model_validate(RUBRIC_CHECK_EXAMPLE)
    QuestionDocument.model_validate(QUESTION_EXAMPLE)


async def test_questions_can_be_filtered(client: Client, library: FileLibrary) -> None:
    """Every filter keeps exactly what matches, and filters add up."""
    everything = (await client.get("/v1/questions")).json()["data"]
    sql = (await client.get("/v1/questions?topic=sql")).json()["data"]
    cases = (await client.get("/v1/questions?stage=case-study&industry=healthcare")).json()["data"]
    basic = (await client.get("/v1/questions?difficulty=basic")).json()["data"]

    assert len(everything) == sum(len(topic.questions) for topic in library.topics())
    assert sql == [q for q in everything if q["topic"] == "sql"] != []
    assert cases == [q for q in everything if q["stage"] == "case-study" and "healthcare" in q["industries"]] != []
    assert basic == [q for q in everything if q["difficulty"] == "basic"] != []
    assert (await client.get("/v1/questions?topic=none")).json() == {"data": []}


async def test_an_unknown_stage_is_refused_with_those_there_are(client: Client) -> None:
    """Rather than answered with an empty list."""
    response = await client.get("/v1/questions?stage=lunch")

    assert response.status_code == 422
    assert response.json()["errors"][0]["pointer"] == "?stage"
    assert all(stage.value in response.json()["errors"][0]["detail"] for stage in Stage)


async def test_one_question_can_be_read(client: Client) -> None:
    """Unknown ones are 404."""
    question = (await client.get("/v1/questions/p-value-meaning")).json()

    assert question["text"] == "Can you explain what a p-value is?"
    assert question["rubric"] == "technical-phone-screen"
    assert (await client.get("/v1/questions/nothing")).status_code == 404


async def test_a_question_of_the_bank_brings_all_it_knows(client: Client, library: FileLibrary) -> None:
    """Text, reference, key points, stage, and the rubric of that stage."""
    question = library.question("p-value-meaning")
    assert question is not None

    made = await client.post("/v1/grades", json={"question_id": "p-value-meaning", "answer": ANSWER})
    grade = (await client.get(made.headers["location"] + "?include=submission")).json()

    assert made.status_code == 201
    assert grade["question_id"] == "p-value-meaning"
    assert grade["receipt"]["rubric"]["id"] == "technical-phone-screen"
    assert grade["submission"]["question"] == question.text
    assert grade["submission"]["reference"] == question.reference
    assert grade["submission"]["key_points"] == list(question.key_points)
    assert grade["submission"]["context"] == {"stage": "technical phone screen"}
    assert [point["point"] for point in grade["key_points"]] == list(question.key_points)


async def test_what_is_sent_along_stands_before_the_bank(client: Client) -> None:
    """Reference, key points, stage and rubric."""
    body = {
        "question_id": "p-value-meaning",
        "answer": ANSWER,
        "reference": "Mine.",
        "key_points": ["My point"],
        "context": {"stage": "mock"},
        "rubric": "ds-interview",
    }

    made = await client.post("/v1/grades", json=body)
    grade = (await client.get(made.headers["location"] + "?include=submission")).json()

    assert grade["submission"]["reference"] == "Mine."
    assert grade["submission"]["key_points"] == ["My point"]
    assert grade["submission"]["context"] == {"stage": "mock"}
    assert grade["receipt"]["rubric"]["id"] == "ds-interview"


async def test_the_industry_of_the_context_changes_the_reference(client: Client, library: FileLibrary) -> None:
    """What is right in healthcare is not what is right elsewhere."""
    question = next(q for t in library.topics() for q in t.questions if "healthcare" in q.industries)
    body = {"question_id": question.id, "answer": ANSWER, "context": {"industry": "a regional hospital"}}

    made = await client.post("/v1/grades", json=body)
    grade = (await client.get(made.headers["location"] + "?include=submission")).json()

    assert question.industries["healthcare"] in grade["submission"]["reference"]
    assert [note["id"] for note in grade["receipt"]["context_notes"]] == ["healthcare"]


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        pytest.param({"answer": "A"}, "#/question", id="neither"),
        pytest.param({"answer": "A", "question": "Q", "question_id": "p-value-meaning"}, "#/question_id", id="both"),
        pytest.param({"answer": "A", "question_id": "nothing"}, "#/question_id", id="unknown"),
        pytest.param({"answer": "A", "question_id": "NO SUCH"}, "#/question_id", id="malformed"),
        pytest.param({"answer": "A", "question": ""}, "#/question", id="empty"),
    ],
)
async def test_a_request_names_exactly_one_question(client: Client, body: dict[str, str], pointer: str) -> None:
    """422 with the place."""
    response = await client.post("/v1/grades", json=body)

    assert (response.status_code, response.json()["errors"][0]["pointer"]) == (422, pointer)


async def test_a_bare_query_is_not_marked_down_for_what_does_not_apply(client: Client) -> None:
    """Not applicable is no low score: the weight goes to the others."""
    body = {"question_id": "sql-second-highest", "answer": "SELECT MAX(s) FROM e WHERE s < (SELECT MAX(s) FROM e);"}

    grade = (await client.post("/v1/grades", json=body)).json()

    assert [(c["id"], c["status"]) for c in grade["criteria"]] == [
        ("correctness", "scored"),
        ("clarity", "scored"),
        ("storytelling", "not_applicable"),
        ("business_framing", "not_applicable"),
    ]
    weights = {c["id"]: c["weight"] for c in grade["criteria"] if c["status"] == "scored"}
    mean = sum(c["score"] * c["weight"] for c in grade["criteria"] if c["score"]) / sum(weights.values())
    assert grade["overall"]["score"] == pytest.approx(mean, abs=0.02)
    assert grade["structure"]["computed"]["code_lines"] == 1
