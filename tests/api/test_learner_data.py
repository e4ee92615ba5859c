"""What is kept on a learner, over HTTP and from the command line: erased, exported, expired."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import quote

import pytest
import sqlalchemy as sa
from typer.testing import CliRunner

from service.bootstrap import Services, SystemClock
from service.cli import app
from service.privacy import Privacy
from service.records import LOCAL_TENANT
from service.settings import Settings
from service.storage import open_migrated
from tests.conftest import Client, make_settings, running

pytestmark = pytest.mark.anyio
CANARY = "CANARY-e4a0"
LEARNER = f"{CANARY}/ünï cödé"
PATH = "/v1/learners/" + quote(LEARNER, safe="")


def sent(more: str = "") -> dict[str, object]:
    """A request whose every text carries the canary."""
    return {
        "question": f"{CANARY} Can you explain what a p-value is?",
        "answer": f"{CANARY} A p-value assumes the null hypothesis {more}. It is a probability of data.",
        "reference": f"{CANARY} The probability of data at least as extreme.",
        "key_points": [f"{CANARY} assumes the null"],
        "misconceptions": [f"{CANARY} it is the probability of the null"],
        "context": {"industry": f"{CANARY} retail"},
        "learner": LEARNER,
        "metadata": {"course": CANARY},
    }


async def contents(settings: Settings) -> str:
    """Every value of every table of the database, whoever made the table."""

    def work(connection: sa.Connection) -> str:
        found = sa.MetaData()
        found.reflect(connection)
        rows = [row for table in found.sorted_tables for row in connection.execute(sa.select(table))]
        return "\n".join(str(tuple(row)) for row in rows)

    database = await open_migrated(settings.database.url)
    try:
        return await database.read(work)
    finally:
        await database.close()


class LaterClock(SystemClock):
    """The real clock, moved forward."""

    def __init__(self, days: float) -> None:
        self._ahead = timedelta(days=days)

    def now(self) -> datetime:
        """The time then."""
        return datetime.now(UTC) + self._ahead


def after(services: Services, days: float) -> Privacy:
    """The service's privacy as it is some days later."""
    here = services.privacy
    return Privacy(here.grades, here.learners, LaterClock(days), here.answer_days)


async def test_erasing_a_learner_leaves_nothing_in_any_table(tmp_path: Path) -> None:
    """However the grades were made: waited for, in the background, repeated under a key, scores only, by rule."""
    settings = make_settings(tmp_path)
    async with running(settings) as (client, _):
        for headers in ({}, {"Prefer": "respond-async"}, {"Idempotency-Key": "k-1"}, {"Idempotency-Key": "k-1"}):
            made = await client.post("/v1/grades", json=sent(), headers=headers)
            await client.get(made.headers["location"] + "/events")
        await client.post("/v1/grades", json={**sent("too"), "detail": "scores"})
        await client.post("/v1/grades", json={**sent(), "answer": " "})
        assert CANARY in await contents(settings)

        erased = await client.delete(PATH)
        again = await client.delete(PATH)
        gone = await client.get(made.headers["location"])

        assert CANARY not in await contents(settings)
    assert (erased.status_code, again.status_code, gone.status_code) == (200, 200, 404)
    assert erased.json()["erased"]["grades"] >= 5
    assert not any(again.json()["erased"].values())


async def test_the_same_answer_of_another_learner_is_untouched(client: Client) -> None:
    """And is still judged once."""
    await client.post("/v1/grades", json=sent())
    theirs = await client.post("/v1/grades", json={**sent(), "learner": "another"})

    await client.delete(PATH)

    again = await client.post("/v1/grades", json={**sent(), "learner": "another"})
    assert (await client.get(theirs.headers["location"])).json() == theirs.json()
    assert again.json()["usage"]["cache"] == "hit"


async def test_an_export_holds_every_grade_with_what_was_sent_and_its_receipt(client: Client) -> None:
    """One JSON object a line, oldest first; the last line says that it is whole."""
    first = await client.post("/v1/grades", json=sent())
    second = await client.post("/v1/grades", json=sent("too"))
    await client.post("/v1/grades", json={**sent(), "learner": "another"})

    reply = await client.get(PATH + "/export")

    lines = [json.loads(line) for line in reply.text.splitlines()]
    grades = [line for line in lines if line["object"] == "learner_grade"]
    assert reply.headers["content-type"] == "application/jsonl"
    assert [line["grade"]["id"] for line in grades] == [first.json()["id"], second.json()["id"]]
    assert grades[0]["grade"]["submission"]["answer"] == sent()["answer"]
    assert grades[0]["receipt"]["calls"][0]["raw"]
    assert lines[-1]["object"] == "end"
    assert lines[-1]["grades"] == 2
    assert lines[-1]["rows"] == sum(line["object"] == "learner_row" for line in lines)


@pytest.mark.parametrize(
    ("path", "status"),
    [("/v1/learners/%00", 422), ("/v1/learners/" + "x" * 201, 422), ("/v1/learners/nobody", 200)],
    ids=["NUL", "too long", "unknown"],
)
async def test_an_odd_reference_is_refused_and_an_unknown_one_holds_nothing(
    client: Client, path: str, status: int
) -> None:
    """For erasing and exporting."""
    erased = await client.delete(path)
    exported = await client.get(path + "/export")

    assert (erased.status_code, exported.status_code) == (status, status)
    if status == 200:
        assert exported.json() == {"object": "end", "grades": 0, "rows": 0}


async def test_an_answer_expires_and_its_grade_says_so(tmp_path: Path) -> None:
    """After 90 days unless set otherwise; levels and receipt stand, no word is left anywhere."""
    settings = make_settings(tmp_path)
    async with running(settings) as (client, services):
        body = {name: value for name, value in sent().items() if name not in ("learner", "metadata")}
        before = await client.post("/v1/grades", json=body)
        at = before.headers["location"]
        early = await after(services, 89.9).sweep()
        late = await after(services, 90.1).sweep()
        grade = (await client.get(at, params={"include": "submission"})).json()
        receipt = (await client.get(at + "/receipt")).json()
        retried = await client.post(at + "/retry")

        assert CANARY not in await contents(settings)
    assert (early, late) == (0, 1)
    assert grade["submission"] is None
    assert grade["answer_expired_at"] is not None
    assert grade["commentary"] == {"status": "expired", "reason": None, "checks": None}
    assert grade["receipt"] == before.json()["receipt"]
    assert [c["level"] for c in grade["criteria"]] == [c["level"] for c in before.json()["criteria"]]
    assert len(receipt["submission_sha256"]) == 64
    assert {call["raw"] for call in receipt["calls"]} == {None}
    assert (retried.status_code, retried.json()["type"]) == (409, "urn:debrief:problem:answer-expired")


async def test_a_tenant_may_keep_answers_shorter_longer_or_for_ever(tmp_path: Path) -> None:
    """Its own number of days comes before the operator's."""
    async with running(make_settings(tmp_path, answer_days=10)) as (client, services):
        await client.post("/v1/grades", json=sent())
        await services.privacy.keep_answers(LOCAL_TENANT, 0)
        kept_for_ever = await after(services, 10_000).sweep()
        await services.privacy.keep_answers(LOCAL_TENANT, 20)
        kept_longer = await after(services, 11).sweep()
        await services.privacy.keep_answers(LOCAL_TENANT, None)
        expired = await after(services, 11).sweep()

    assert (kept_for_ever, kept_longer, expired) == (0, 0, 1)


def test_an_operator_erases_exports_sweeps_and_sets_days_from_the_command_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On the database of the settings, without a model."""
    monkeypatch.setenv("DEBRIEF_DATABASE__URL", f"sqlite:///{tmp_path / 'debrief.db'}")
    monkeypatch.setenv("DEBRIEF_MODEL", "scripted/echo")
    runner = CliRunner()

    days = runner.invoke(app, ["privacy", "retention", "local", "--days", "30"])
    back = runner.invoke(app, ["privacy", "retention", "local"])
    swept = runner.invoke(app, ["privacy", "sweep"])
    exported = runner.invoke(app, ["privacy", "export", LEARNER])
    erased = runner.invoke(app, ["privacy", "erase", LEARNER])

    assert days.output == "local: 30 days\n"
    assert back.output == "local: as the settings say\n"
    assert swept.output == "0 answers expired\n"
    assert json.loads(exported.output) == {"object": "end", "grades": 0, "rows": 0}
    assert "grades 0" in erased.output
