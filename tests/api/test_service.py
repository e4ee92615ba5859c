"""Around the grades: rubrics, health, metrics, documentation, the frozen API document, logs."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

import pytest
from openapi_spec_validator import validate

from service.api.examples import GRADE_BODIES, GRADE_EXAMPLE
from service.api.problems import KINDS, MEDIA_TYPE
from service.api.schemas import GradeDocument
from service.grading.errors import ModelUnavailable
from service.intake import GradeBody
from service.llm.scripted import RepliesInOrder
from service.telemetry import LOGGER, set_up_logging
from tests.conftest import Client, make_settings, running

pytestmark = pytest.mark.anyio


async def document(client: Client) -> dict[str, Any]:
    """The API document as served."""
    return dict((await client.get("/openapi.json")).json())


async def test_rubrics_can_be_read_without_the_judge_s_guidance(client: Client) -> None:
    """By id and by exact version."""
    listed = next(r for r in (await client.get("/v1/rubrics")).json()["data"] if r["id"] == "ds-interview")
    named = (await client.get("/v1/rubrics/ds-interview")).json()
    exact = (await client.get(f"/v1/rubrics/ds-interview@{named['version']}")).json()

    assert listed == named == exact
    assert len(named["criteria"]) == 4
    assert "guidance" not in json.dumps(named)


async def test_health_answers_under_any_name_and_readiness_knows_the_store(client: Client) -> None:
    """For load balancers."""
    health = await client.get("/healthz", headers={"host": "x"})
    ready = await client.get("/readyz")

    assert health.json() == {"status": "ok"}
    assert (ready.status_code, ready.json()["store"]) == (200, "ok")


async def test_readiness_is_degraded_not_refused_while_the_model_is_down(
    tmp_path: Path, body: dict[str, object]
) -> None:
    """Answers are still kept."""
    async with running(make_settings(tmp_path), RepliesInOrder([ModelUnavailable("down")])) as (client, _):
        await client.post("/v1/grades", json=body)
        ready = await client.get("/readyz")

    assert (ready.status_code, ready.json()["model"]) == (200, "degraded")


async def test_metrics_count_grades_calls_and_cache_hits(client: Client, body: dict[str, object]) -> None:
    """Two requests, one judged."""
    await client.post("/v1/grades", json=body)
    await client.post("/v1/grades", json=body)

    text = (await client.get("/metrics")).text

    assert 'debrief_grades_total{status="graded"} 2.0' in text
    assert 'debrief_judgements_total{cache="hit"} 1.0' in text
    assert 'debrief_http_requests_total{method="POST",route="/v1/grades",status="201"} 2.0' in text
    assert "p-value" not in text


async def test_the_documentation_works_offline(client: Client) -> None:
    """Every script and style comes from this server."""
    page = (await client.get("/docs")).text

    assert "http://" not in page.replace("http://127.0.0.1", "")
    assert "https://" not in page
    assert (await client.get("/static-offline-docs/swagger-ui-bundle.js")).status_code == 200


async def test_the_api_document_is_valid_and_has_an_example_for_every_operation_and_problem(client: Client) -> None:
    """OpenAPI 3.1."""
    api = await document(client)

    validate(api)
    assert api["openapi"].startswith("3.1")
    shown = {
        example["value"]["type"]
        for path in api["paths"].values()
        for operation in path.values()
        for response in operation["responses"].values()
        for example in response.get("content", {}).get(MEDIA_TYPE, {}).get("examples", {}).values()
    }
    documented_elsewhere = {"method-not-allowed"}
    assert {kind.type for kind in KINDS if kind.slug not in documented_elsewhere} <= shown
    for path, operations in api["paths"].items():
        for method, operation in operations.items():
            assert operation["summary"], f"{method} {path}"
            good = [r for code, r in operation["responses"].items() if code.startswith("2")]
            assert good, f"{method} {path}"


def test_the_examples_are_what_they_are_examples_of() -> None:
    """They validate, and the quote's offsets are right."""
    grade = GradeDocument.model_validate(GRADE_EXAMPLE)
    bodies = [GradeBody.model_validate(example["value"]) for example in GRADE_BODIES.values()]

    evidence = grade.criteria[0].evidence[0]
    assert bodies[0].answer[evidence.start : evidence.end] == evidence.quote


async def test_no_text_of_a_request_reaches_the_log(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Not at DEBUG, not when grading fails."""
    canary = "CANARY-5d1e"
    body = {"question": f"{canary} why?", "answer": f"{canary} because", "learner": canary, "metadata": {"k": canary}}
    set_up_logging("DEBUG")
    LOGGER.propagate = True
    with caplog.at_level(logging.DEBUG):
        for model in (None, RepliesInOrder([ModelUnavailable("down")])):
            folder = tmp_path / str(model is None)
            async with running(make_settings(folder), model) as (client, _):
                await client.post("/v1/grades", json=body)
                await client.post("/v1/grades", content=b"{" + canary.encode())

    assert caplog.records
    assert canary not in caplog.text
