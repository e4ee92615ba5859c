"""A model server and worker processes, started as their users start them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from evals.bench.process import free_port
from service.settings import DatabaseSettings, Settings
from tests.conftest import make_settings
from tests.storage.conftest import postgres, url

__all__ = ["postgres", "url"]

PATIENCE = 60


class ModelServer:
    """An OpenAI-compatible model of 0.1 s latency in a process of its own, which counts its calls."""

    def __init__(self) -> None:
        self.port = free_port()
        command = [sys.executable, "-m", "evals.bench.fake_model", "--port", str(self.port), "--latency", "0.1"]
        self.process = subprocess.Popen(command)
        self._wait()

    @property
    def url(self) -> str:
        """What OPENAI_BASE_URL is set to."""
        return f"http://127.0.0.1:{self.port}/v1"

    def calls(self) -> int:
        """How many calls it got."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/_stats") as reply:
            return int(json.load(reply)["calls"])

    def _wait(self) -> None:
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            try:
                self.calls()
            except OSError:
                time.sleep(0.05)
            else:
                return
        raise AssertionError("the model server did not start")


@pytest.fixture
def model_server() -> Iterator[ModelServer]:
    """A running model server."""
    server = ModelServer()
    yield server
    server.process.kill()
    server.process.wait()


class Workers:
    """``debrief worker`` processes on one database and model."""

    def __init__(self, url: str, model: ModelServer, home: Path) -> None:
        self.processes: list[subprocess.Popen[bytes]] = []
        self._environment = {
            **os.environ,
            "DEBRIEF_DATABASE__URL": url,
            "DEBRIEF_MODEL": "openai/fake",
            "DEBRIEF_SECRET": "a secret for tests",
            "OPENAI_BASE_URL": model.url,
            "OPENAI_API_KEY": "none",
            "HOME": str(home),
        }

    def start(self, concurrency: int) -> subprocess.Popen[bytes]:
        """One more worker."""
        command = [sys.executable, "-m", "service.cli", "worker", "--concurrency", str(concurrency)]
        process = subprocess.Popen(command, env=self._environment, stderr=subprocess.DEVNULL)
        self.processes.append(process)
        return process


@pytest.fixture
def workers(url: str, model_server: ModelServer, tmp_path: Path) -> Iterator[Workers]:
    """Workers on a fresh database; those still running are killed in the end."""
    started = Workers(url, model_server, tmp_path)
    yield started
    for process in started.processes:
        process.kill()
        process.wait()


@pytest.fixture
def settings(url: str, tmp_path: Path) -> Settings:
    """Settings of who sends jobs to the same database, and grades none."""
    return make_settings(tmp_path, database=DatabaseSettings(url=url))
