"""Grades over HTTP: make one, read it, follow it, audit it, try again."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from service.api.schemas import GradeDocument
from service.grading.errors import ModelError, ModelMisconfigured, ModelRateLimited, ModelUnavailable
from service.grading.grade import GradeStatus
from service.grading.models import ChatReply, ChatRequest
from service.grading.rubric import Rubric
from service.llm.scripted import RepliesInOrder, echo
from service.records import LOCAL_TENANT, GradeId, GradeRecord
from service.settings import Settings, TimeSettings
from tests.conftest import ANSWER, QUESTION, Client, make_settings, running
from tests.grading.helpers import rubric_data

pytestmark = pytest.mark.anyio


async def post(client: Client, body: dict[str, object], **headers: str) -> httpx.Response:
    """POST /v1/grades."""
    return await client.post("/v1/grades", json=body, headers=headers)


def down() -> RepliesInOrder:
    """A model that is down and asks for patience."""
    return RepliesInOrder([ModelRateLimited("slow down", retry_after=60.0)])


class Recovering(RepliesInOrder):
    """A model that fails until it is told to recover, then answers as echo does."""

    recovered = False

    async def complete(self, request: ChatRequest, seconds: float) -> ChatReply:
        """Echo, once recovered."""
        return await echo().complete(request, seconds) if self.recovered else await super().complete(request, seconds)


async def test_an_answer_is_graded_and_can_be_read_again(client: Client, body: dict[str, object]) -> None:
    """201 with a Location that returns the same grade."""
    made = await post(client, {**body, "learner": "l-1", "metadata": {"course": "c-7"}})
    read = await client.get(made.headers["location"])

    assert made.status_code == 201
    assert read.json() == made.json()
    grade = made.json()
    assert grade["status"] == "graded"
    assert (grade["learner"], grade["metadata"]) == ("l-1", {"course": "c-7"})
    assert [c["id"] for c in grade["criteria"]] == ["correctness", "clarity", "storytelling", "business_framing"]


async def test_every_key_of_a_grade_is_always_present(client: Client, body: dict[str, object]) -> None:
    """Graded, by rule, scores only and in progress alike."""
    bodies = [body, {**body, "answer": " "}, {**body, "detail": "scores"}]
    grades = [(await post(client, each)).json() for each in bodies]
    grades.append((await post(client, body, Prefer="respond-async")).json())

    for grade in grades:
        assert set(grade) == set(GradeDocument.model_fields)


async def test_a_quote_s_offsets_point_into_the_answer_as_sent(client: Client, body: dict[str, object]) -> None:
    """In code points, astral characters and invisible ones counted."""
    answer = "👩‍👩‍👧 \u200bA p-value is a tail probability. It assumes the null."

    grade = (await post(client, {**body, "answer": answer})).json()

    for criterion in grade["criteria"]:
        for evidence in criterion["evidence"]:
            assert answer[evidence["start"] : evidence["end"]] == evidence["quote"]
    assert any(criterion["evidence"] for criterion in grade["criteria"])


async def test_what_was_sent_comes_back_only_when_asked_for(client: Client, body: dict[str, object]) -> None:
    """?include=submission, exactly as sent."""
    answer = "e\u0301 שלום \uffff  " + ANSWER
    made = await post(client, {**body, "answer": answer})

    plain = await client.get(made.headers["location"])
    full = await client.get(made.headers["location"], params={"include": "submission"})

    assert "submission" not in plain.json()
    assert full.json()["submission"]["answer"] == answer


async def test_the_same_submission_is_judged_once(client: Client, body: dict[str, object]) -> None:
    """The repeat has an id, learner and metadata of its own, the same scores, and no model call."""
    first = (await post(client, {**body, "learner": "a"})).json()
    second = (await post(client, {**body, "learner": "b"})).json()

    assert first["id"] != second["id"]
    assert second["learner"] == "b"
    assert (second["criteria"], second["overall"]) == (first["criteria"], first["overall"])
    assert (first["usage"]["cache"], second["usage"]["cache"]) == ("miss", "hit")
    assert (first["usage"]["model_calls"] > 0, second["usage"]["model_calls"]) == (True, 0)
    assert second["receipt"]["models"] == first["receipt"]["models"]


async def test_identical_requests_in_flight_share_the_judge_s_calls(tmp_path: Path, body: dict[str, object]) -> None:
    """Ten at once cost what one costs."""
    async with running(make_settings(tmp_path)) as (client, _):
        replies = await asyncio.gather(*(post(client, {**body, "detail": "scores"}) for _ in range(10)))

    calls = sorted(reply.json()["usage"]["model_calls"] for reply in replies)
    assert calls[:9] == [0] * 9
    assert calls[9] > 0
    assert len({json.dumps(reply.json()["criteria"]) for reply in replies}) == 1


async def test_full_after_scores_runs_only_the_coach(client: Client, body: dict[str, object]) -> None:
    """The levels stand; the commentary is new."""
    scores = (await post(client, {**body, "detail": "scores"})).json()
    full = (await post(client, body)).json()

    assert scores["commentary"] == {"status": "omitted", "reason": None, "checks": None}
    assert all(c["rationale"] is None and c["evidence"] == [] for c in scores["criteria"])
    assert full["usage"]["cache"] == "hit"
    assert full["usage"]["model_calls"] == 1
    assert full["commentary"]["status"] == "written"
    assert [c["score"] for c in full["criteria"]] == [c["score"] for c in scores["criteria"]]


@pytest.mark.parametrize("answer", [" ", "I don't know", QUESTION, "Solution"], ids=["blank", "dunno", "pasted", "key"])
async def test_an_empty_answer_is_lowest_by_rule_without_a_model(
    client: Client, body: dict[str, object], answer: str
) -> None:
    """201, level 1 with probability 1, no call, a kind sentence."""
    reply = await post(client, {**body, "answer": answer})

    grade = reply.json()
    assert reply.status_code == 201
    assert grade["overall"]["score"] == 1.0
    assert {c["level"] for c in grade["criteria"]} == {1}
    assert {c["distribution"][0] for c in grade["criteria"]} == {1.0}
    assert grade["usage"]["model_calls"] == 0
    assert grade["commentary"]["status"] == "by_rule"


async def test_a_model_that_is_down_leaves_an_ungraded_answer_that_can_be_retried(
    tmp_path: Path, body: dict[str, object]
) -> None:
    """503 with Retry-After, Location and the kept resource; nothing is lost."""
    model = Recovering([ModelUnavailable("down")])
    async with running(make_settings(tmp_path), model) as (client, _):
        failed = await post(client, body)
        kept = await client.get(failed.headers["location"])
        model.recovered = True
        retried = await client.post(failed.headers["location"] + "/retry")
        again = await client.post(failed.headers["location"] + "/retry")

    problem = failed.json()
    assert failed.status_code == 503
    assert failed.headers["content-type"] == "application/problem+json"
    assert int(failed.headers["retry-after"]) >= 1
    assert problem["grade"] == kept.json()
    assert kept.json()["status"] == "ungraded"
    assert kept.json()["overall"] is None
    assert kept.json()["reason"]["code"] == "model_unavailable"
    assert (retried.status_code, retried.json()["status"]) == (200, "graded")
    assert retried.json()["id"] == kept.json()["id"]
    assert (again.status_code, again.json()["type"]) == (409, "urn:debrief:problem:nothing-to-retry")


async def test_an_ungraded_result_is_never_reused(tmp_path: Path, body: dict[str, object]) -> None:
    """The next request asks the model again."""
    model = Recovering([ModelUnavailable("down")])
    async with running(make_settings(tmp_path), model) as (client, _):
        await post(client, body)
        model.recovered = True
        second = await post(client, body)

    assert second.json()["status"] == "graded"
    assert second.json()["usage"]["cache"] == "miss"


async def test_the_provider_s_patience_is_passed_on(tmp_path: Path, body: dict[str, object]) -> None:
    """A Retry-After of a minute reaches the caller, jittered upwards."""
    async with running(make_settings(tmp_path), down()) as (client, _):
        failed = await post(client, body)

    assert 60 <= int(failed.headers["retry-after"]) <= 78


@pytest.mark.parametrize(
    "error", [ModelMisconfigured("wrong key"), ModelUnavailable("down")], ids=["for good", "for now"]
)
async def test_a_reason_says_whether_retrying_helps(tmp_path: Path, body: dict[str, object], error: ModelError) -> None:
    """Retryable is true only for what passes."""
    async with running(make_settings(tmp_path), RepliesInOrder([error])) as (client, _):
        failed = await post(client, body)

    assert failed.json()["grade"]["reason"]["retryable"] is error.retryable


async def test_a_hanging_model_ends_in_time(tmp_path: Path, body: dict[str, object]) -> None:
    """The total deadline of a grade holds whatever the model does."""

    class Hanging(RepliesInOrder):
        async def complete(self, request: ChatRequest, seconds: float) -> ChatReply:
            await asyncio.Event().wait()
            raise AssertionError

    settings = make_settings(tmp_path, seconds=TimeSettings(grade=0.2))
    async with running(settings, Hanging([])) as (client, _):
        failed = await post(client, body)

    assert failed.status_code == 503
    assert failed.json()["grade"]["reason"]["code"] == "model_timeout"


async def test_a_failed_commentary_is_written_again_without_grading_again(
    tmp_path: Path, body: dict[str, object]
) -> None:
    """The scores stand."""

    class CoachFails(Recovering):
        async def complete(self, request: ChatRequest, seconds: float) -> ChatReply:
            self.requests.append(request)
            if request.purpose == "coach" and not self.recovered:
                return ChatReply("I would rather not.")
            return await echo().complete(request, seconds)

    model = CoachFails([])
    async with running(make_settings(tmp_path), model) as (client, _):
        made = await post(client, body)
        model.recovered = True
        before = len(model.requests)
        retried = await client.post(made.headers["location"] + "/retry")

    assert made.status_code == 201
    assert (made.json()["status"], made.json()["commentary"]["status"]) == ("graded", "failed")
    assert retried.json()["commentary"]["status"] == "written"
    assert [c["score"] for c in retried.json()["criteria"]] == [c["score"] for c in made.json()["criteria"]]
    assert [request.purpose for request in model.requests[before:]] == ["coach"]


async def test_respond_async_answers_at_once_and_the_grade_follows(client: Client, body: dict[str, object]) -> None:
    """202 with Location; the resource goes from in progress to graded."""
    accepted = await post(client, body, Prefer="respond-async")
    events = await client.get(accepted.headers["location"] + "/events")
    finished = await client.get(accepted.headers["location"])

    assert accepted.status_code == 202
    assert accepted.json()["status"] == "in_progress"
    assert "event: done" in events.text
    assert finished.json()["status"] == "graded"


def parsed(text: str) -> list[tuple[int, str, Any]]:
    """The events of a stream: number, name, data."""
    events = []
    for block in text.strip().split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.splitlines() if ": " in line)
        if "event" in fields:
            events.append((int(fields["id"]), fields["event"], json.loads(fields["data"])))
    return events


async def test_events_come_stage_by_stage_and_criterion_by_criterion(client: Client, body: dict[str, object]) -> None:
    """The same numbers for who watches and for who comes later; resumable."""
    accepted = await post(client, body, Prefer="respond-async")
    url = accepted.headers["location"] + "/events"

    watched = parsed((await client.get(url)).text)
    later = parsed((await client.get(url)).text)
    resumed = parsed((await client.get(url, headers={"Last-Event-ID": "5"})).text)

    names = [name for _, name, _ in watched]
    assert names == ["stage", *["criterion"] * 4, "stage", "commentary", "done"]
    assert [(n, name) for n, name, _ in later] == [(n, name) for n, name, _ in watched]
    assert resumed == later[5:]
    assert [data["id"] for _, name, data in watched if name == "criterion"] == [
        "correctness",
        "clarity",
        "storytelling",
        "business_framing",
    ]


async def test_the_receipt_defends_the_grade(client: Client, body: dict[str, object], rubric: Rubric) -> None:
    """Versions, hashes, every call with its raw reply, the decisions."""
    made = await post(client, body)

    receipt = (await client.get(made.headers["location"] + "/receipt")).json()

    assert receipt["receipt"]["rubric"]["sha256"] == rubric.sha256
    assert len(receipt["calls"]) == made.json()["usage"]["model_calls"]
    assert all(call["raw"] for call in receipt["calls"])
    assert [decision["criterion"] for decision in receipt["decisions"]] == [c["id"] for c in made.json()["criteria"]]
    assert receipt["decisions"][0]["probes"].keys() >= {"right", "statement_1"}


async def test_a_list_is_newest_first_filtered_and_paged(client: Client, body: dict[str, object]) -> None:
    """Following next_cursor meets every grade once."""
    made = [
        (await post(client, {**body, "answer": f"It is number {n} indeed.", "learner": f"l{n % 2}"})).json()["id"]
        for n in range(5)
    ]

    first = (await client.get("/v1/grades", params={"limit": 2})).json()
    second = (await client.get("/v1/grades", params={"limit": 3, "cursor": first["next_cursor"]})).json()
    even = (await client.get("/v1/grades", params={"learner": "l0"})).json()

    assert [g["id"] for g in first["data"] + second["data"]] == made[::-1]
    assert (first["has_more"], second["has_more"], second["next_cursor"]) == (True, False, None)
    assert [g["id"] for g in even["data"]] == [made[4], made[2], made[0]]


async def test_a_rubric_of_one_s_own_can_be_sent_along(client: Client, body: dict[str, object]) -> None:
    """And is kept for retries."""
    grade = (await post(client, {**body, "rubric": rubric_data()})).json()

    assert [c["id"] for c in grade["criteria"]] == ["facts", "form"]
    assert grade["receipt"]["rubric"]["id"] == "tiny"


async def test_key_points_are_reported(client: Client, body: dict[str, object]) -> None:
    """In the order sent."""
    grade = (await post(client, {**body, "key_points": ["assumes the null", "as extreme"]})).json()

    assert [p["point"] for p in grade["key_points"]] == ["assumes the null", "as extreme"]
    assert {p["covered"] for p in grade["key_points"]} <= {"covered", "partly", "missing", "unknown"}


async def test_a_grade_cut_off_by_a_stop_is_found_and_can_be_retried(
    settings: Settings, body: dict[str, object]
) -> None:
    """After a restart it is ungraded, reason interrupted, and grading it again works."""
    async with running(settings) as (client, services):
        made = await post(client, body)
        stored = await services.store.get(LOCAL_TENANT, made.json()["id"])
        assert stored is not None
        stale = GradeRecord(
            id=GradeId("grd_stale"),
            tenant=LOCAL_TENANT,
            created_at=stored.created_at - timedelta(hours=1),
            status=GradeStatus.IN_PROGRESS,
            request=stored.request,
        )
        await services.store.add(stale)

    async with running(settings) as (client, _):
        found = await client.get(f"/v1/grades/{stale.id}")
        retried = await client.post(f"/v1/grades/{stale.id}/retry")

    assert (found.json()["status"], found.json()["reason"]["code"]) == ("ungraded", "interrupted")
    assert retried.json()["status"] == "graded"
