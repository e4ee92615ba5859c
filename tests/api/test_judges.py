"""Judges made of others, and decision models, end to end through the HTTP contract."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from starlette.responses import JSONResponse, Response

from service.bootstrap import Services
from service.llm.litellm_chat import load_litellm
from service.settings import JudgeSettings
from tests.conftest import ANSWER, QUESTION, REFERENCE, Client, make_settings, running
from tests.llm.jev_server import JevServer, jev_server

pytestmark = [pytest.mark.anyio, pytest.mark.filterwarnings("ignore")]
RIGHT = "It is the probability of data at least as extreme as those observed, assuming the null hypothesis."
BODY: dict[str, Any] = {
    "question": QUESTION,
    "answer": RIGHT,
    "reference": REFERENCE,
    "key_points": ["assuming the null hypothesis"],
    "misconceptions": ["The null hypothesis is true with this probability"],
}


@pytest.fixture
async def jev() -> AsyncIterator[JevServer]:
    """A decision model on this machine, and LiteLLM without connections of another test's loop."""
    loaded: Any = load_litellm()
    loaded.in_memory_llm_clients_cache.flush_cache()
    async with jev_server() as server:
        yield server


def decision_settings(tmp_path: Path, server: JevServer, **more: object) -> Any:
    """A decision judge on the server; the scripted model writes the commentary."""
    judges = JudgeSettings(endpoints={"hosted_vllm/tiny": server.url})
    return make_settings(tmp_path, judge="decision:hosted_vllm/tiny", judges=judges, **more)


async def posted(client: Client, **changes: object) -> dict[str, Any]:
    """The grade of the body with changes."""
    response = await client.post("/v1/grades", json={**BODY, **changes})
    assert response.status_code == 201, response.text
    grade: dict[str, Any] = response.json()
    return grade


async def test_a_decision_model_grades_in_one_request(tmp_path: Path, jev: JevServer) -> None:
    """Levels from it, words from the chat model, both in the receipt."""
    async with running(decision_settings(tmp_path, jev)) as (client, _):
        grade = await posted(client)
        receipt = (await client.get(f"/v1/grades/{grade['id']}/receipt")).json()

    (request,) = jev.requests
    assert set(request["questions"]) == {
        "level_correctness",
        "level_clarity",
        "level_storytelling",
        "level_business_framing",
        "point_1",
        "misconception_1",
    }
    assert jev.authorizations == [None]
    assert grade["status"] == "graded"
    assert [point["covered"] for point in grade["key_points"]] == ["covered"]
    assert grade["commentary"]["status"] == "written"
    assert grade["receipt"]["judge"] == "decision"
    assert grade["receipt"]["prompt"]["id"] == "judge-decision"
    assert {(m["role"], m["requested"], m["reported"]) for m in grade["receipt"]["models"]} == {
        ("judge", "hosted_vllm/tiny", "tiny-jev-1"),
        ("coach", "scripted/echo", "scripted/echo"),
    }
    assert '"noul"' in receipt["calls"][0]["raw"]
    assert receipt["decisions"][0]["probes"]["covered_share"] == 1.0


async def test_a_better_answer_gets_a_better_level_from_it(tmp_path: Path, jev: JevServer) -> None:
    """What the model says reaches the score."""
    async with running(decision_settings(tmp_path, jev)) as (client, _):
        right = await posted(client, detail="scores")
        wrong = await posted(client, detail="scores", answer=ANSWER, key_points=[])

    assert right["criteria"][0]["score"] > wrong["criteria"][0]["score"]
    assert sum(right["criteria"][0]["distribution"]) == pytest.approx(1, abs=0.001)


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(JSONResponse({"model": "tiny", "answers": {}}), id="no answers"),
        pytest.param(Response("<html>busy</html>", media_type="text/html"), id="no JSON"),
        pytest.param(Response(status_code=503), id="down"),
    ],
)
async def test_an_unusable_reply_is_asked_for_again(tmp_path: Path, jev: JevServer, fault: Response) -> None:
    """By the one retry layer; usage counts the failed call too."""
    jev.faults.append(fault)
    async with running(decision_settings(tmp_path, jev)) as (client, _):
        grade = await posted(client, detail="scores")

    assert grade["status"] == "graded"
    assert grade["usage"]["model_calls"] == 2


async def test_a_criterion_it_leaves_out_is_unscored_with_a_reason(tmp_path: Path, jev: JevServer) -> None:
    """And asks for a person, since the others stand."""
    score = {
        "type": "score",
        "score": 3.0,
        "confidence": 0.6,
        "legend": {str(n): str(n) for n in range(5)},
        "probabilities": {"0": 0.0, "1": 0.0, "2": 0.2, "3": 0.6, "4": 0.2},
    }
    answers = {f"level_{name}": score for name in ("correctness", "clarity", "storytelling")}
    jev.faults.append(JSONResponse({"model": "tiny", "answers": answers, "usage": None}))
    async with running(decision_settings(tmp_path, jev)) as (client, _):
        grade = await posted(client, detail="scores", key_points=[], misconceptions=[])

    assert grade["status"] == "needs_review"
    assert grade["review"]["reasons"] == ["unscored:business_framing"]
    assert grade["criteria"][3]["reason"]["code"] == "model_reply_invalid"
    assert grade["criteria"][0]["level"] == 4
    assert len(jev.requests) == 1


async def test_nothing_of_a_request_chooses_where_it_is_judged(tmp_path: Path, jev: JevServer) -> None:
    """Addresses, keys and models are the operator's; unknown members are refused."""
    async with running(decision_settings(tmp_path, jev)) as (client, _):
        for name in ("model", "judge", "api_base", "api_key", "endpoints"):
            response = await client.post("/v1/grades", json={**BODY, name: "http://evil.test"})
            assert response.status_code == 422

    assert jev.requests == []


async def test_a_panel_shows_its_members_and_how_far_they_are_apart(tmp_path: Path, jev: JevServer) -> None:
    """In the receipt; the confidence is lowered by it."""
    judges = JudgeSettings(
        members=("readout", "single_call:scripted/obedient", "decision:hosted_vllm/tiny"),
        endpoints={"hosted_vllm/tiny": jev.url},
    )
    async with running(make_settings(tmp_path, judge="panel", judges=judges)) as (client, _):
        grade = await posted(client)
        again = await posted(client)
        receipt = (await client.get(f"/v1/grades/{grade['id']}/receipt")).json()

    members = grade["receipt"]["members"]
    assert [(m["judge"], m["model"], m["part"]) for m in members] == [
        ("readout", "scripted/echo", "counted"),
        ("single_call", "scripted/obedient", "counted"),
        ("decision", "hosted_vllm/tiny", "counted"),
    ]
    assert [m["prompt"]["id"] for m in members] == ["judge-readout", "judge-single-call", "judge-decision"]
    assert grade["receipt"]["prompt"] is None
    clarity = receipt["decisions"][1]
    expected = [member["expected"]["clarity"] for member in members]
    assert clarity["spread"] == pytest.approx(max(expected) - min(expected), abs=1e-3)
    assert grade["criteria"][1]["confidence"] < max(grade["criteria"][1]["distribution"])
    assert grade["commentary"]["status"] == "written"
    assert again["usage"]["cache"] == "hit"
    assert again["receipt"]["members"] == members


async def test_a_member_that_is_down_is_named_and_the_grade_is_not_kept_for_others(
    tmp_path: Path, jev: JevServer
) -> None:
    """Next time the panel may be whole."""
    judges = JudgeSettings(
        members=("readout", "single_call:scripted/obedient", "decision:hosted_vllm/tiny"),
        endpoints={"hosted_vllm/tiny": jev.url},
    )
    jev.faults += [Response(status_code=401)]
    async with running(make_settings(tmp_path, judge="panel", judges=judges)) as (client, services):
        first = await posted(client, detail="scores")
        state = services.model_state()
        second = await posted(client, detail="scores")

    assert [m["part"] for m in first["receipt"]["members"]] == ["counted", "counted", "left_out"]
    assert first["receipt"]["members"][2]["reason"]["code"] == "model_misconfigured"
    assert first["status"] == "graded"
    assert state == "degraded"
    assert second["usage"]["cache"] == "miss"
    assert [m["part"] for m in second["receipt"]["members"]] == ["counted"] * 3


def counted(services: Services, name: str) -> dict[str, float]:
    """A metric's values by its label, or under the empty label."""
    text = services.metrics.exposition().decode()
    pattern = rf'^debrief_{name}(?:_total)?(?:\{{escalated="(\w+)"\}})? (\S+)$'
    return {label: float(value) for label, value in re.findall(pattern, text, re.MULTILINE)}


async def test_a_cascade_counts_what_went_on_and_shows_why(tmp_path: Path, jev: JevServer) -> None:
    """Sure of nothing at this threshold, of everything at the other."""
    for threshold, escalated in ((1.0, True), (0.01, False)):
        judges = JudgeSettings(
            members=("decision:hosted_vllm/tiny", "single_call:scripted/obedient"),
            endpoints={"hosted_vllm/tiny": jev.url},
            escalate_below=threshold,
        )
        settings = make_settings(tmp_path / str(threshold), judge="cascade", judges=judges)
        async with running(settings) as (client, services):
            grade = await posted(client, detail="scores")
            shares = counted(services, "cascade_answers")

        escalation = grade["receipt"]["escalation"]
        assert (escalation["escalated"], escalation["threshold"]) == (escalated, threshold)
        assert 0 < escalation["confidence"] < 1
        assert grade["receipt"]["members"][1]["part"] == ("counted" if escalated else "not_asked")
        assert shares == {"yes" if escalated else "no": 1.0}
