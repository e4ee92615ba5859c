"""The site on real services, reached through HTTP without a socket."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest

from evals.for_pages import compare_folders
from service.bootstrap import Services, open_services
from service.llm.backend import ChatBackend
from service.settings import Settings
from service.web.app import create_site
from tests.conftest import Client


@asynccontextmanager
async def site_running(
    settings: Settings, backend: ChatBackend | None = None
) -> AsyncIterator[tuple[Client, Services]]:
    """The site and its services."""
    async with open_services(settings, backend) as services:
        app = create_site(settings, services, compare_runs=compare_folders)
        async with app.router.lifespan_context(app):
            transport = httpx.ASGITransport(app, raise_app_exceptions=False)
            async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8000") as client:
                yield client, services


@pytest.fixture
async def site(settings: Settings) -> AsyncIterator[tuple[Client, Services]]:
    """A site with the echo model, and its services."""
    async with site_running(settings) as running:
        yield running


@pytest.fixture
def browser(site: tuple[Client, Services]) -> Client:
    """What a browser without JavaScript does."""
    return site[0]
