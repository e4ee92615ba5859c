"""What many tests share: a library, small rubrics, deterministic models, settings that touch nothing outside."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from service.api.app import create_app
from service.bootstrap import Services, open_services
from service.grading.rubric import Rubric
from service.library import FileLibrary
from service.llm.backend import ChatBackend
from service.settings import DatabaseSettings, Settings
from tests.grading.helpers import tiny_rubric

QUESTION = "Can you explain what a p-value is?"
REFERENCE = "The probability, assuming the null hypothesis, of data at least as extreme as those observed."
ANSWER = "A p-value is the probability that the null hypothesis is true. So below 0.05 we ship the new page."


@pytest.fixture
def anyio_backend() -> str:
    """Asynchronous tests run on asyncio."""
    return "asyncio"


@pytest.fixture(scope="session")
def library() -> FileLibrary:
    """The product's own prompts and rubrics."""
    return FileLibrary()


@pytest.fixture(scope="session")
def rubric(library: FileLibrary) -> Rubric:
    """The default rubric."""
    found = library.rubric("ds-interview")
    assert found is not None
    return found


@pytest.fixture
def two_criteria() -> Rubric:
    """A rubric of two criteria with three levels: facts (weight .75, caps the rest) and form (.25)."""
    return tiny_rubric()


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Settings of a service with the echo model and a database of its own."""
    return make_settings(tmp_path)


def make_settings(tmp_path: Path, **more: object) -> Settings:
    """Settings that read no environment of the machine but what is given here."""
    values: dict[str, object] = {
        "model": "scripted/echo",
        "secret": "a secret for tests",
        "database": DatabaseSettings(url=f"sqlite:///{tmp_path / 'debrief.db'}"),
        **more,
    }
    return Settings.model_validate(values)


Client = httpx.AsyncClient


@asynccontextmanager
async def running(settings: Settings, backend: ChatBackend | None = None) -> AsyncIterator[tuple[Client, Services]]:
    """The real app on real services, reached through HTTP without a socket."""
    async with open_services(settings, backend) as services:
        app = create_app(settings, services)
        async with app.router.lifespan_context(app):
            transport = httpx.ASGITransport(app, raise_app_exceptions=False)
            async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8000") as client:
                yield client, services


@pytest.fixture
async def client(settings: Settings) -> AsyncIterator[Client]:
    """A client of a running service with the echo model."""
    async with running(settings) as (web, _):
        yield web


@pytest.fixture
def body() -> dict[str, object]:
    """A small valid request."""
    return {"question": QUESTION, "answer": ANSWER}


BodyMaker = Callable[..., dict[str, object]]
