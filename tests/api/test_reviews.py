"""People in the loop over HTTP: reviews, appeals and the queue."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest

from service.grading.errors import ModelUnavailable
from service.grading.models import ChatReply, ChatRequest
from service.llm.scripted import RepliesInOrder, ScriptedChat, echo
from tests.conftest import QUESTION, Client, make_settings, running
from tests.grading.helpers import rubric_data

pytestmark = pytest.mark.anyio
REASON = "My definition is right: see the second sentence."


class Wavering(ScriptedChat):
    """A model whose levels depend on how it is asked: 2 at first, ``later`` where the question is restated."""

    def __init__(self, later: int) -> None:
        super().__init__("scripted/wavering", lambda _answer, _levels: 2)
        self._steady = ScriptedChat("scripted/wavering", lambda _answer, _levels: later)
        self.seen: list[ChatRequest] = []

    async def complete(self, request: ChatRequest, seconds: float) -> ChatReply:
        """Judge as asked."""
        self.seen.append(request)
        restated = any(f"\n\n{QUESTION}\n\n" in message.content for message in request.messages)
        return await (self._steady.complete if restated else super().complete)(request, seconds)


class MissesForm(ScriptedChat):
    """A model that never gives the criterion ``form`` a level."""

    def __init__(self) -> None:
        super().__init__("scripted/misses-form", lambda _answer, _levels: 2)

    async def complete(self, request: ChatRequest, seconds: float) -> ChatReply:
        """A reply without the second criterion's level."""
        reply = await super().complete(request, seconds)
        if request.schema_name != "grade":
            return reply
        data = orjson.loads(reply.text)
        text = re.sub(r'"form":\{', '"form":{"gone":true,', orjson.dumps(data).decode())
        data = orjson.loads(text)
        for part in _parts(data):
            if "gone" in part:
                part.pop("level", None)
        return ChatReply(text=orjson.dumps(data).decode(), tokens=reply.tokens, reported=reply.reported)


def _parts(data: Any) -> list[dict[str, Any]]:
    if isinstance(data, dict):
        return [data, *(part for value in data.values() for part in _parts(value))]
    return [part for value in data for part in _parts(value)] if isinstance(data, list) else []


async def graded(client: Client, body: dict[str, object], **more: object) -> dict[str, Any]:
    """A new grade."""
    reply = await client.post("/v1/grades", json={**body, "detail": "scores", **more})
    assert reply.status_code == 201
    grade: dict[str, Any] = reply.json()
    return grade


async def review(client: Client, grade: dict[str, Any], **members: object) -> httpx.Response:
    """POST a review."""
    body = {"reviewer": "maria", "levels": {"correctness": 2}, **members}
    return await client.post(f"/v1/grades/{grade['id']}/reviews", json=body)


async def appeal(client: Client, grade: dict[str, Any], **headers: str) -> httpx.Response:
    """POST an appeal."""
    return await client.post(f"/v1/grades/{grade['id']}/appeals", json={"reason": REASON}, headers=headers)


async def queue(client: Client, **parameters: object) -> dict[str, Any]:
    """GET the queue."""
    reply = await client.get("/v1/reviews/queue", params={key: str(value) for key, value in parameters.items()})
    assert reply.status_code == 200
    page: dict[str, Any] = reply.json()
    return page


async def test_a_person_s_levels_stand_beside_the_machine_s_which_do_not_change(
    client: Client, body: dict[str, object]
) -> None:
    """The review is shown with the overall result it leads to; everything else is as before."""
    grade = await graded(client, body)

    levels = {"correctness": 1, "clarity": 5, "storytelling": 5, "business_framing": 5}

    reply = await review(client, grade, levels=levels, note="The claim is false.")

    assert reply.status_code == 201
    assert reply.headers["location"] == f"/v1/grades/{grade['id']}"
    shown = (await client.get(reply.headers["location"])).json()
    assert shown == reply.json()
    assert {key: value for key, value in shown.items() if key != "reviews"} == {
        key: value for key, value in grade.items() if key != "reviews"
    }
    given = shown["reviews"][0]
    assert given["levels"] == levels
    assert (given["reviewer"], given["note"]) == ("maria", "The claim is false.")
    assert (given["overall"]["score"], given["overall"]["capped_by"]) == (2.5, "correctness")


async def test_a_review_can_ask_for_a_golden_answer(client: Client, body: dict[str, object]) -> None:
    """Only when it says so; what is no boolean is refused."""
    grade = await graded(client, body)

    await review(client, grade)
    reply = await review(client, grade, golden=True)
    refused = await review(client, grade, golden="yes")

    assert [given["golden"] for given in reply.json()["reviews"]] == [False, True]
    assert refused.status_code == 422


async def test_reviews_are_kept_in_the_order_they_came(client: Client, body: dict[str, object]) -> None:
    """Two people may review one grade."""
    grade = await graded(client, body)

    await review(client, grade, reviewer="maria")
    second = (await review(client, grade, reviewer="tom", levels={"correctness": 4})).json()

    assert [(r["reviewer"], r["levels"]["correctness"]) for r in second["reviews"]] == [("maria", 2), ("tom", 4)]


@pytest.mark.parametrize(
    ("members", "pointer"),
    [
        ({"levels": {"charm": 3}}, "#/levels"),
        ({"levels": {"correctness": 6}}, "#/levels/correctness"),
        ({"levels": {"correctness": 0}}, "#/levels/correctness"),
        ({"levels": {"correctness": 2.5}}, "#/levels"),
        ({"levels": {}}, "#/levels"),
        ({"reviewer": ""}, "#/reviewer"),
        ({"note": "a\x00b"}, "#/note"),
        ({"score": 3}, "#"),
    ],
    ids=["unknown", "too-high", "too-low", "half", "none", "nobody", "nul", "member"],
)
async def test_levels_that_do_not_fit_the_rubric_are_refused_naming_the_place(
    client: Client, body: dict[str, object], members: dict[str, object], pointer: str
) -> None:
    """422, and nothing is kept."""
    grade = await graded(client, body)

    reply = await review(client, grade, **members)

    assert reply.status_code == 422
    assert [error["pointer"] for error in reply.json()["errors"]] == [pointer]
    assert "charm" not in reply.text
    assert (await client.get(f"/v1/grades/{grade['id']}")).json()["reviews"] == []


async def test_a_review_settles_what_it_answers_and_the_grade_leaves_the_queue(tmp_path: Path) -> None:
    """A criterion without a level asks for a person; the person's level for it, and only that, settles it."""
    body: dict[str, object] = {"question": "Why?", "answer": "Because of the data we saw.", "rubric": rubric_data()}
    async with running(make_settings(tmp_path, judge="single_call"), MissesForm()) as (client, _):
        grade = await graded(client, body)
        assert (grade["status"], grade["review"]["reasons"]) == ("needs_review", ["unscored:form"])

        other = (await review(client, grade, levels={"facts": 2})).json()
        waiting = await queue(client)
        answered = (await review(client, grade, levels={"form": 3})).json()

        assert (other["status"], other["reviews"][0]["settles"]) == ("needs_review", [])
        assert [item["grade"]["id"] for item in waiting["data"]] == [grade["id"]]
        assert (answered["status"], answered["review"]) == ("graded", {"needed": False, "reasons": []})
        assert answered["reviews"][1]["settles"] == ["unscored:form"]
        assert (await queue(client))["data"] == []
        listed = (await client.get("/v1/grades", params={"status": "needs_review"})).json()
        assert listed["data"] == []


async def test_an_appeal_that_comes_to_the_same_is_closed_and_shows_both(
    client: Client, body: dict[str, object]
) -> None:
    """The second grading is shown; nobody has to look."""
    grade = await graded(client, body)

    reply = await appeal(client, grade)

    shown = reply.json()
    made = shown["appeals"][0]
    assert reply.status_code == 201
    assert (made["status"], made["differences"], made["reason"]) == ("agreed", [], REASON)
    assert made["second"]["overall"]["score"] == pytest.approx(grade["overall"]["score"], abs=0.5)
    assert (shown["status"], shown["review"]["needed"]) == ("graded", False)
    assert shown["criteria"] == grade["criteria"]


async def test_the_second_grading_sees_neither_the_first_nor_the_reason(
    tmp_path: Path, body: dict[str, object]
) -> None:
    """It is asked anew, in other words, and told nothing else."""
    model = Wavering(later=2)
    async with running(make_settings(tmp_path), model) as (client, _):
        grade = await graded(client, body)
        before = len(model.seen)
        reply = (await appeal(client, grade)).json()

    asked = [message.content for request in model.seen[before:] for message in request.messages]
    assert reply["appeals"][0]["second"]["how"] == "restated"
    assert len(model.seen) > before
    assert not any(REASON in text or "first grad" in text for text in asked)


async def test_gradings_a_level_apart_go_to_a_person(tmp_path: Path, body: dict[str, object]) -> None:
    """Both results are shown, the reason is `appeal`, and a review settles it."""
    async with running(make_settings(tmp_path), Wavering(later=5)) as (client, _):
        grade = await graded(client, body)
        shown = (await appeal(client, grade)).json()
        waiting = await queue(client, reason="appeal")
        settled = (await review(client, grade)).json()

    assert shown["appeals"][0]["status"] == "differed"
    assert "clarity" in {difference["criterion"] for difference in shown["appeals"][0]["differences"]}
    assert (shown["status"], shown["review"]["reasons"]) == ("needs_review", ["appeal"])
    assert [item["reasons"] for item in waiting["data"]] == [["appeal"]]
    assert (settled["status"], settled["review"]["needed"]) == ("graded", False)
    assert settled["appeals"][0]["settled_by"] == settled["reviews"][0]["id"]


class Leaving(RepliesInOrder):
    """A model that answers as echo does, until it is gone."""

    gone = False

    async def complete(self, request: ChatRequest, seconds: float) -> ChatReply:
        """Echo, or the prepared error."""
        return await super().complete(request, seconds) if self.gone else await echo().complete(request, seconds)


async def test_an_appeal_is_not_lost_when_the_model_is_down(tmp_path: Path, body: dict[str, object]) -> None:
    """A person looks in its place."""
    model = Leaving([ModelUnavailable("down")])
    async with running(make_settings(tmp_path), model) as (client, _):
        grade = await graded(client, body)
        model.gone = True
        shown = (await appeal(client, grade)).json()

    assert (shown["appeals"][0]["status"], shown["review"]["reasons"]) == ("undecided", ["appeal"])
    assert shown["appeals"][0]["detail"] == "the second grading gave no level"


async def test_an_appeal_against_a_rule_goes_straight_to_a_person(client: Client, body: dict[str, object]) -> None:
    """Asking the rule again would be no second look."""
    grade = await graded(client, body, answer="I don't know")

    shown = (await appeal(client, grade)).json()

    assert (shown["appeals"][0]["status"], shown["appeals"][0]["second"]) == ("undecided", None)
    assert shown["review"]["reasons"] == ["appeal"]


async def test_who_does_not_want_to_wait_for_the_second_grading_need_not(
    tmp_path: Path, body: dict[str, object]
) -> None:
    """202 with the appeal in progress; the grade shows its end."""
    async with running(make_settings(tmp_path)) as (client, services):
        grade = await graded(client, body)
        reply = await appeal(client, grade, Prefer="respond-async")
        await services.reviewing.drain(10)
        later = (await client.get(reply.headers["location"])).json()

    assert (reply.status_code, reply.json()["appeals"][0]["status"]) == (202, "in_progress")
    assert later["appeals"][0]["status"] == "agreed"


async def test_there_is_one_appeal_a_grade(client: Client, body: dict[str, object]) -> None:
    """Also when two come at the same moment."""
    grade = await graded(client, body)

    codes = sorted(reply.status_code for reply in await asyncio.gather(*(appeal(client, grade) for _ in range(3))))

    assert codes == [201, 409, 409]
    assert (await appeal(client, grade)).json()["type"] == "urn:debrief:problem:already-appealed"


async def test_an_unknown_grade_cannot_be_reviewed_or_appealed(client: Client) -> None:
    """404, the same body as for anything unknown."""
    unknown = {"id": "grd_01KAP0J3V8T6W1Q9X4Z7B5C2D0"}

    replies = [await review(client, unknown), await appeal(client, unknown)]

    assert [reply.status_code for reply in replies] == [404, 404]


async def test_what_was_not_graded_cannot_be_reviewed(tmp_path: Path, body: dict[str, object]) -> None:
    """409 that says to retry first."""
    async with running(make_settings(tmp_path), RepliesInOrder([ModelUnavailable("down")])) as (client, _):
        made = await client.post("/v1/grades", json=body)
        grade = made.json()["grade"]
        replies = [await review(client, grade), await appeal(client, grade)]

    assert made.status_code == 503
    assert [reply.status_code for reply in replies] == [409, 409]
    assert replies[0].json()["type"] == "urn:debrief:problem:not-reviewable"


async def test_the_queue_goes_oldest_first_page_by_page(client: Client, body: dict[str, object]) -> None:
    """Every waiting grade once, over as many pages as it takes; the count does not depend on the page."""
    ids = []
    for _ in range(5):
        grade = await graded(client, body, answer="I don't know")
        await appeal(client, grade)
        ids.append(grade["id"])

    seen: list[str] = []
    page = await queue(client, limit=2)
    while True:
        assert page["waiting"] == 5
        seen += [item["grade"]["id"] for item in page["data"]]
        if not page["has_more"]:
            break
        page = await queue(client, limit=2, cursor=page["next_cursor"])

    assert seen == ids
    assert (await queue(client, reason="unscored"))["waiting"] == 0


@pytest.mark.parametrize("parameters", [{"cursor": "nonsense"}, {"reason": "Unscored:x"}, {"limit": 0}], ids=str)
async def test_a_queue_nobody_could_ask_for_is_refused(client: Client, parameters: dict[str, object]) -> None:
    """422."""
    reply = await client.get("/v1/reviews/queue", params={key: str(value) for key, value in parameters.items()})

    assert reply.status_code == 422


async def test_the_queue_says_how_far_machine_and_people_agree(tmp_path: Path, body: dict[str, object]) -> None:
    """Of each grade the last level given counts; asked in one call, the echo model says 3 to everything."""
    async with running(make_settings(tmp_path, judge="single_call")) as (client, _):
        for number, level in enumerate([3, 3, 4, 5]):
            grade = await graded(client, body, answer=f"Answer {number} says something about the null hypothesis.")
            await review(client, grade, levels={"clarity": 1})
            await review(client, grade, levels={"clarity": level})

        agreement = (await queue(client))["agreement"]

    assert agreement["reviewed"] == 4
    assert agreement["criteria"] == [
        {"rubric": "ds-interview", "criterion": "clarity", "n": 4, "exact": 0.5, "adjacent": 0.75, "qwk": 0.0}
    ]
