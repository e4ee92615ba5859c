"""What came with the dependencies: start-up hooks nobody asked for, compromised releases, known vulnerabilities.

A ``.pth`` file runs code whenever Python starts, and compromised releases of a dependency have hidden there, so the
environment may hold only the known ones. LiteLLM is pinned to one exact version that is none of the compromised ones.
Known vulnerabilities are looked up by ``pip-audit``; where its database cannot be reached, that is said, not passed.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import sysconfig
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

EXPECTED = frozenset({"distutils-precedence.pth", "_virtualenv.pth", "a1_coverage.pth"})
OWN_PREFIXES = ("_debrief_service", "__editable__", "_editable")
COMPROMISED = re.compile(r"1\.82\.[78]|1\.107\.\d+")
"""Releases of LiteLLM that carried malicious code."""

AUDIT_SECONDS = 60.0
CONNECT_SECONDS = 5
PROBE = "pip==25.0\n"
"""One package that is surely known: asked for first, so that a machine without a network waits for one answer."""


def unexpected(folder: Path) -> list[Path]:
    """The ``.pth`` files of an environment that are neither ours nor known."""
    return [
        path
        for path in sorted(folder.glob("*.pth"))
        if path.name not in EXPECTED and not path.name.startswith(OWN_PREFIXES)
    ]


def litellm_faults(dependencies: Sequence[str], locked: Mapping[str, Any], installed: str | None) -> Iterator[str]:
    """What is wrong with how LiteLLM is pinned, locked and installed; nothing is the good case."""
    pin = next((d for d in dependencies if re.match(r"litellm\b", d)), "")
    exact = re.fullmatch(r"litellm==([\w.]+)", pin)
    if exact is None:
        yield f"litellm has to be pinned to one version, without extras, and the requirement is {pin or 'missing'}"
        return
    package = next((p for p in locked["package"] if p["name"] == "litellm"), None)
    found = {"pinned": exact[1], "locked": package["version"] if package else None, "installed": installed}
    if len(set(found.values())) > 1:
        yield f"litellm differs: {found}; run make setup"
    for where, number in found.items():
        if number and COMPROMISED.fullmatch(number):
            yield f"litellm {number}, {where}, is a compromised release: take another at once"
    if package and not all("hash" in wheel for wheel in package["wheels"]):
        yield "litellm is locked without hashes"


def read_audit(report: str) -> tuple[list[str], int, int]:
    """What ``pip-audit`` said as JSON: the vulnerable packages, how many were looked up, how many could not be."""
    dependencies = json.loads(report)["dependencies"]
    audited = [item for item in dependencies if "skip_reason" not in item]
    vulnerable = [_vulnerable(item) for item in audited if item["vulns"]]
    return vulnerable, len(audited), len(dependencies) - len(audited)


def _vulnerable(item: Mapping[str, Any]) -> str:
    known = ", ".join(
        f"{found['id']} (mended in {found['fix_versions'][-1]})" if found["fix_versions"] else str(found["id"])
        for found in item["vulns"]
    )
    return f"{item['name']} {item['version']}: {known}"


def audit() -> list[str]:
    """The installed packages with known vulnerabilities; says NOT CHECKED where that cannot be known now."""
    try:
        _, reached, _ = read_audit(_pip_audit("--requirement", "/dev/stdin", "--no-deps", "--disable-pip", given=PROBE))
        if not reached:
            raise Unreachable("its database could not be reached")
        vulnerable, audited, skipped = read_audit(_pip_audit("--local", "--skip-editable"))
    except Unreachable as error:
        print(f"known vulnerabilities: NOT CHECKED ({error})")
        return []
    print(f"known vulnerabilities: {len(vulnerable)} in {audited} packages looked up, {skipped} not looked up")
    return [f"vulnerable: {item}" for item in vulnerable]


class Unreachable(Exception):
    """Whether a package is vulnerable cannot be known now."""


def _pip_audit(*arguments: str, given: str = "") -> str:
    """Its report as JSON.

    Raises:
        Unreachable: it did not end in time, or made none.
    """
    command = [sys.executable, "-m", "pip_audit", *arguments, "--progress-spinner", "off"]
    command += ["--timeout", str(CONNECT_SECONDS), "--format", "json"]
    try:
        done = subprocess.run(command, input=given, capture_output=True, text=True, timeout=AUDIT_SECONDS, check=False)  # noqa: S603
    except subprocess.TimeoutExpired:
        raise Unreachable(f"no answer within {AUDIT_SECONDS:.0f} s") from None
    if not done.stdout.startswith("{"):
        raise Unreachable("pip-audit made no report")
    return done.stdout


def _installed(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def main() -> int:
    """1 when anything was found."""
    project = tomllib.loads(Path("pyproject.toml").read_text("utf-8"))["project"]
    locked = tomllib.loads(Path("uv.lock").read_text("utf-8"))
    hooks = unexpected(Path(sysconfig.get_path("purelib")))
    faults = [
        *(f"unexpected start-up hook: {path.name} - find out which package brought it" for path in hooks),
        *litellm_faults(project["dependencies"], locked, _installed("litellm")),
        *audit(),
    ]
    for fault in faults:
        print(fault)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
