"""What came with the dependencies."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

from evals.supply_chain import litellm_faults, read_audit, unexpected

GOOD = ["fastapi>=0.163", "litellm==1.106.2"]


def lock(number: str, **wheel: str) -> dict[str, Any]:
    """A lock file that holds one version of LiteLLM."""
    return {"package": [{"name": "litellm", "version": number, "wheels": [wheel or {"hash": "sha256:00"}]}]}


def test_a_start_up_hook_nobody_knows_is_found(tmp_path: Path) -> None:
    """Ours and the installer's are known."""
    for name in ("distutils-precedence.pth", "_debrief_service.pth", "litellm_init.pth"):
        (tmp_path / name).write_text("")

    assert [path.name for path in unexpected(tmp_path)] == ["litellm_init.pth"]


def test_this_project_s_pin_is_sound() -> None:
    """One exact version, locked with hashes, installed."""
    project = tomllib.loads(Path("pyproject.toml").read_text("utf-8"))["project"]
    locked = tomllib.loads(Path("uv.lock").read_text("utf-8"))
    pinned = next(d for d in project["dependencies"] if d.startswith("litellm"))

    assert list(litellm_faults(project["dependencies"], locked, pinned.partition("==")[2])) == []


@pytest.mark.parametrize(
    ("dependencies", "locked", "installed", "said"),
    [
        pytest.param(["litellm>=1.100"], lock("1.106.2"), "1.106.2", "pinned to one version", id="not pinned"),
        pytest.param(["litellm[proxy]==1.106.2"], lock("1.106.2"), "1.106.2", "without extras", id="with its proxy"),
        pytest.param([], lock("1.106.2"), "1.106.2", "missing", id="not named"),
        pytest.param(GOOD, lock("1.106.2"), "1.105.0", "differs", id="another is installed"),
        pytest.param(GOOD, lock("1.105.0"), "1.106.2", "differs", id="another is locked"),
        pytest.param(["litellm==1.82.8"], lock("1.82.8"), "1.82.8", "compromised", id="1.82.8"),
        pytest.param(["litellm==1.107.0"], lock("1.107.0"), "1.107.0", "compromised", id="1.107.0"),
        pytest.param(GOOD, lock("1.106.2", url="x"), "1.106.2", "without hashes", id="no hashes"),
    ],
)
def test_a_loose_or_compromised_litellm_is_a_fault(
    dependencies: list[str], locked: dict[str, Any], installed: str, said: str
) -> None:
    """The fault says what to do."""
    assert said in " ".join(litellm_faults(dependencies, locked, installed))


def test_every_package_in_the_lock_has_hashes() -> None:
    """So that a changed file is refused at installation."""
    packages = tomllib.loads(Path("uv.lock").read_text("utf-8"))["package"]

    from_index = [package for package in packages if "registry" in package["source"]]
    files = [file for package in from_index for file in [package.get("sdist"), *package.get("wheels", [])] if file]
    assert len(from_index) > 100
    assert all(file["hash"].startswith("sha256:") for file in files)


def test_an_audit_that_could_look_up_nothing_is_not_a_clean_one() -> None:
    """pip-audit says "no known vulnerabilities" of packages it skipped."""
    skipped = {"name": "a", "skip_reason": "not found"}
    clean = {"name": "b", "version": "1", "vulns": []}
    bad = {
        "name": "c",
        "version": "2",
        "vulns": [{"id": "PYSEC-1", "fix_versions": ["2.1"]}, {"id": "X", "fix_versions": []}],
    }

    assert read_audit(json.dumps({"dependencies": [skipped]})) == ([], 0, 1)
    assert read_audit(json.dumps({"dependencies": [skipped, clean, bad]})) == (
        ["c 2: PYSEC-1 (mended in 2.1), X"],
        2,
        1,
    )


_QUIET = """
import json, os
from service.llm.litellm_chat import load_litellm
litellm = load_litellm()
import huggingface_hub.constants as hub
print(json.dumps({
    "litellm": [litellm.telemetry, litellm.callbacks, litellm.success_callback, litellm.failure_callback],
    "hub": hub.HF_HUB_DISABLE_TELEMETRY,
    "cost map": os.environ["LITELLM_LOCAL_MODEL_COST_MAP"],
    "do not track": os.environ["DO_NOT_TRACK"],
}))
"""


def test_no_dependency_reports_home() -> None:
    """LiteLLM's and Hugging Face's telemetry are off and no callback is set, in a process that changed nothing."""
    plain = {name: value for name, value in os.environ.items() if not name.startswith(("LITELLM", "HF_", "DO_NOT"))}

    done = subprocess.run([sys.executable, "-c", _QUIET], capture_output=True, text=True, env=plain, check=True)

    assert json.loads(done.stdout) == {
        "litellm": [False, [], [], []],
        "hub": True,
        "cost map": "True",
        "do not track": "1",
    }
