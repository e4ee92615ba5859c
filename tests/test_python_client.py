"""The Python client against the real service on a real socket."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import httpx
import pytest

from tests.browser.server import serving
from tests.conftest import ANSWER, QUESTION, make_settings

ROOT = Path(__file__).parent.parent


def load() -> ModuleType:
    """The client as a user has it: one file."""
    spec = importlib.util.spec_from_file_location("debrief_client", ROOT / "clients" / "python" / "debrief_client.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


CLIENT = load()


@pytest.fixture
def debrief(tmp_path: Path) -> Iterator[Any]:
    """A client of a running service."""
    with serving(make_settings(tmp_path)) as site, CLIENT.Debrief(site.address) as client:
        yield client


def test_an_answer_is_graded_read_and_told_in_progress(debrief: Any) -> None:
    """What the quick start shows."""
    grade = debrief.grade(question=QUESTION, answer=ANSWER, learner="ada")

    assert grade["overall"]["score"] > 0
    assert debrief.get(grade["id"], submission=True)["submission"]["answer"] == ANSWER
    assert debrief.progress("ada")["attempts"] == 1
    assert debrief.embed_link(grade["id"], "https://learn.example.com")["path"].startswith("/embed/")
    assert [name for name, _ in debrief.events(grade["id"])][-1] == "done"


def test_what_was_refused_says_what_to_mend(debrief: Any) -> None:
    """The problem document comes along."""
    with pytest.raises(CLIENT.DebriefError) as refused:
        debrief.grade(answer=ANSWER)

    assert refused.value.status == 422
    assert refused.value.problem["errors"][0]["pointer"] == "#/question"


def test_a_busy_service_is_asked_again_when_it_said(tmp_path: Path) -> None:
    """After Retry-After, with the same idempotency key; at most so many times."""
    seen: list[str] = []
    waited: list[float] = []

    def busy(request: httpx.Request) -> httpx.Response:
        seen.append(request.headers["idempotency-key"])
        return httpx.Response(503, headers={"Retry-After": "7"}, json={"title": "Busy"})

    client = CLIENT.Debrief(transport=httpx.MockTransport(busy), sleep=waited.append)

    with pytest.raises(CLIENT.DebriefError, match="503 Busy"):
        client.grade(question=QUESTION, answer=ANSWER)
    assert len(seen) == 3
    assert len(set(seen)) == 1
    assert waited == [7.0, 7.0]


def test_every_path_of_the_client_is_in_the_api_document() -> None:
    """Derived from it, and kept to it."""
    document = json.loads((ROOT / "service" / "api" / "openapi.json").read_text(encoding="utf-8"))
    source = (ROOT / "clients" / "python" / "debrief_client.py").read_text(encoding="utf-8")

    for path in ("/v1/grades", "/v1/sign-in-links"):
        assert path in document["paths"]
        assert f'"{path}"' in source
    for path in ("/v1/grades/{grade_id}", "/v1/grades/{grade_id}/events", "/v1/grades/{grade_id}/embed-links"):
        assert path in document["paths"]
        assert f'f"{path}"' in source
    assert "/v1/learners/{learner}/progress" in document["paths"]
