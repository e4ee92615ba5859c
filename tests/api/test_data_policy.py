"""Where an answer may go, and what the receipt says of where it went."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from service.grading.models import ChatReply, ChatRequest, Place
from service.llm.redaction import RedactingChat
from service.llm.scripted import ScriptedChat, echo
from tests.conftest import ANSWER, Client, make_settings, running

pytestmark = pytest.mark.anyio


class Elsewhere(ScriptedChat):
    """The echo model as if it ran outside the own network; remembers what it was shown."""

    def __init__(self) -> None:
        super().__init__("scripted/elsewhere", lambda _, levels: min(4, levels))
        self.shown: list[str] = []

    async def place(self) -> Place:
        """Not here."""
        return Place(local=False)

    async def complete(self, request: ChatRequest, seconds: float) -> ChatReply:
        """As echo does."""
        self.shown.append(str(request))
        return await echo().complete(request, seconds)


async def test_local_refuses_a_model_elsewhere_before_anything_is_kept_or_sent(
    tmp_path: Path, body: dict[str, object]
) -> None:
    """422 that names the member and says what to do; waiting, in the background and in a batch."""
    model = Elsewhere()
    async with running(make_settings(tmp_path), model) as (client, _):
        refused = await client.post("/v1/grades", json={**body, "data_policy": "local"})
        later = await client.post(
            "/v1/grades", json={**body, "data_policy": "local"}, headers={"Prefer": "respond-async"}
        )
        listed = await client.get("/v1/grades")

    assert (refused.status_code, later.status_code) == (422, 422)
    assert refused.json()["errors"][0]["pointer"] == "#/data_policy"
    assert "scripted/elsewhere" in refused.json()["errors"][0]["detail"]
    assert listed.json()["data"] == []
    assert model.shown == []


async def test_the_operator_s_policy_holds_for_requests_that_do_not_say(
    tmp_path: Path, body: dict[str, object]
) -> None:
    """And a request may say otherwise."""
    async with running(make_settings(tmp_path, data_policy="local"), Elsewhere()) as (client, _):
        refused = await client.post("/v1/grades", json=body)
        allowed = await client.post("/v1/grades", json={**body, "data_policy": "cloud"})

    assert (refused.status_code, allowed.status_code) == (422, 201)


async def test_local_is_no_hindrance_to_a_model_that_runs_here(client: Client, body: dict[str, object]) -> None:
    """The receipt says that nothing left."""
    made = await client.post("/v1/grades", json={**body, "data_policy": "local"})

    assert made.status_code == 201
    assert {model["place"] for model in made.json()["receipt"]["models"]} == {"local"}
    receipt = (await client.get(made.headers["location"] + "/receipt")).json()
    assert receipt["data_policy"] == "local"


async def test_the_receipt_says_where_models_ran_and_what_they_were_shown(
    tmp_path: Path, body: dict[str, object]
) -> None:
    """By model; the parts of the submission by name; nothing for an answer settled by rule."""
    sent = {**body, "reference": "r r", "context": {"industry": "retail"}, "learner": "l", "metadata": {"a": "b"}}
    async with running(make_settings(tmp_path), Elsewhere()) as (client, _):
        judged = (await client.post("/v1/grades", json=sent)).json()["receipt"]
        ruled = (await client.post("/v1/grades", json={**sent, "answer": " "})).json()["receipt"]

    assert {(m["place"], m["redacted"]) for m in judged["models"]} == {("remote", False)}
    assert judged["sent"] == ["question", "answer", "reference", "context"]
    assert (ruled["models"], ruled["sent"]) == ([], [])


async def test_redacted_answers_leave_without_personal_data_and_quotes_still_fit(
    tmp_path: Path, body: dict[str, object]
) -> None:
    """What the model saw holds a placeholder; what the reader sees holds the words, at the right place."""
    answer = f"Write to ada.lovelace@example.org or +49 30 901820. {ANSWER}"
    model = Elsewhere()
    async with running(make_settings(tmp_path), RedactingChat(model)) as (client, _):
        made = await client.post("/v1/grades", json={**body, "answer": answer})

    grade = made.json()
    assert made.status_code == 201
    assert "ada.lovelace" not in json.dumps(model.shown)
    assert "901820" not in json.dumps(model.shown)
    assert "[EMAIL_ADDRESS_1]" in json.dumps(model.shown)
    assert {m["redacted"] for m in grade["receipt"]["models"]} == {True}
    quotes = [evidence for criterion in grade["criteria"] for evidence in criterion["evidence"]]
    assert quotes
    assert all(answer[quote["start"] : quote["end"]] == quote["quote"] for quote in quotes)
    assert any("ada.lovelace@example.org" in quote["quote"] for quote in quotes)
