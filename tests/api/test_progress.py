"""GET /v1/learners/{ref}/progress."""

from __future__ import annotations

import pytest

from service.api.progress import ProgressDocument
from service.api.progress_examples import PROGRESS_EXAMPLE
from tests.conftest import ANSWER, Client

pytestmark = pytest.mark.anyio


async def test_a_learner_s_attempts_are_told_together(client: Client) -> None:
    """Per criterion and per question; other learners' are not among them."""
    for learner in ("ada", "ada", "eve"):
        await client.post(
            "/v1/grades", json={"question_id": "p-value-meaning", "answer": f"{ANSWER} {learner}", "learner": learner}
        )

    found = (await client.get("/v1/learners/ada/progress")).json()

    assert (found["object"], found["learner"], found["attempts"]) == ("progress", "ada", 2)
    assert found["questions"][0]["attempts"] == 2
    assert found["practise_next"]


async def test_history_never_changes_a_score(client: Client) -> None:
    """The same answer after a worse one is graded as it was before it."""
    body = {"question_id": "p-value-meaning", "answer": ANSWER}
    alone = (await client.post("/v1/grades", json=body)).json()
    await client.post("/v1/grades", json={**body, "answer": "I do not know.", "learner": "ada"})

    after = (await client.post("/v1/grades", json={**body, "learner": "ada"})).json()

    assert after["overall"] == alone["overall"]
    assert after["criteria"] == alone["criteria"]


async def test_an_unknown_learner_has_no_attempts(client: Client) -> None:
    """It cannot be told whether a reference exists."""
    found = await client.get("/v1/learners/nobody/progress")

    assert found.status_code == 200
    assert found.json()["attempts"] == 0


@pytest.mark.parametrize("reference", ["%00", "a" * 201])
async def test_what_cannot_be_a_reference_is_refused(client: Client, reference: str) -> None:
    """422, not repeated."""
    refused = await client.get(f"/v1/learners/{reference}/progress")

    assert refused.status_code == 422
    assert "aaa" not in refused.text


def test_the_example_is_what_is_sent() -> None:
    """It fits the schema."""
    ProgressDocument.model_validate(PROGRESS_EXAMPLE)
