"""Throws generated requests at a real server and holds every reply against the API document.

Schemathesis makes the requests, valid and invalid, in four phases: the document's examples, coverage of every
constraint, random data, and sequences that follow links. A reply may be no 5xx and has to be as documented: status,
headers, media type, body.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "use_after_free",
    "ensure_resource_availability",
)
PHASES = "examples,coverage,fuzzing,stateful"
HOOKS = Path(__file__).with_name("fuzz_hooks.py")
START_SECONDS = 120.0
RUN_SECONDS = 3_600.0


@dataclass(frozen=True, slots=True)
class Fuzzed:
    """What came of a run: how many requests were made, which failures there were, and what was said about them."""

    cases: int
    failures: tuple[str, ...]
    operations: int
    report: str


def fuzz(examples: int, seed: int, folder: Path) -> Fuzzed:
    """Fuzz a server of our own.

    Args:
        examples: random cases for each operation and phase.
        seed: the same one makes the same requests.
        folder: for the server's database and the reports.

    Raises:
        RuntimeError: the server did not start, died on the way, or no report was made.
    """
    with _server(folder) as (url, alive):
        command = [str(Path(sys.executable).with_name("schemathesis")), "run", f"{url}/openapi.json"]
        command += ["--phases", PHASES, "--checks", ",".join(CHECKS)]
        command += ["--seed", str(seed), "--max-examples", str(examples)]
        command += ["--report", "json", "--report-json-path", str(folder / "fuzz.json"), "--continue-on-failure"]
        command += ["--no-shrink", "--warnings", "off", "--suppress-health-check", "all"]
        environment = {**os.environ, "SCHEMATHESIS_HOOKS": str(HOOKS)}
        done = subprocess.run(  # noqa: S603
            command, cwd=folder, env=environment, capture_output=True, text=True, timeout=RUN_SECONDS, check=False
        )
        if not alive():
            raise RuntimeError(f"the server died on the way:\n{done.stdout[-4_000:]}")
    try:
        found = json.loads((folder / "fuzz.json").read_text("utf-8"))
    except FileNotFoundError:
        raise RuntimeError(f"schemathesis made no report:\n{done.stdout[-4_000:]}") from None
    said = [f"{f['title']}: {', '.join(f['operations'])}" for f in found["failures"]]
    said += [str(error) for error in found["errors"]]
    if not found["complete"]:
        said.append(f"the run ended early: {found['stop_reason']}")
    return Fuzzed(found["test_cases"]["generated"], tuple(said), found["operations"]["tested"], done.stdout)


@contextlib.contextmanager
def _server(folder: Path) -> Iterator[tuple[str, Callable[[], bool]]]:
    """A server with the scripted model on a free port, and whether it still lives."""
    port = _free_port()
    url = f"http://127.0.0.1:{port}"
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("DEBRIEF_")},
        "DEBRIEF_MODEL": "scripted/echo",
        "DEBRIEF_DATABASE__URL": f"sqlite:///{folder / 'fuzz.db'}",
        "DEBRIEF_SECRET": "a secret for fuzzing",
    }
    command = [sys.executable, "-m", "service.cli", "serve", "--port", str(port)]
    server = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)  # noqa: S603
    try:
        _wait(url, server)
        yield url, lambda: server.poll() is None
    finally:
        server.terminate()
        server.wait(30)


def _wait(url: str, server: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + START_SECONDS
    while server.poll() is None and time.monotonic() < until:
        with contextlib.suppress(urllib.error.URLError, ConnectionError), urllib.request.urlopen(f"{url}/readyz"):
            return
        time.sleep(0.1)
    raise RuntimeError("the server did not start")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def main() -> int:
    """1 when a reply was not as documented."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--examples", type=int, default=50, help="random cases for each operation and phase")
    options.add_argument("--seed", type=int, default=1)
    wanted = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        result = fuzz(wanted.examples, wanted.seed, Path(folder))
    if result.failures:
        print(result.report)
    made = f"{result.cases} requests to {result.operations} operations, seed {wanted.seed}"
    print(f"{made}: {len(result.failures)} failures")
    return 1 if result.failures else 0


if __name__ == "__main__":
    sys.exit(main())
