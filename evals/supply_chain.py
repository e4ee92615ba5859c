"""Looks for start-up hooks that nobody asked for: a ``.pth`` file runs code whenever Python starts.

Compromised releases of a dependency have hidden there, so the environment may hold only the known ones.
"""

from __future__ import annotations

import sys
import sysconfig
from pathlib import Path

EXPECTED = frozenset({"distutils-precedence.pth", "_virtualenv.pth", "a1_coverage.pth"})
OWN_PREFIXES = ("_debrief_service", "__editable__", "_editable")


def unexpected(folder: Path) -> list[Path]:
    """The ``.pth`` files of an environment that are neither ours nor known."""
    return [
        path
        for path in sorted(folder.glob("*.pth"))
        if path.name not in EXPECTED and not path.name.startswith(OWN_PREFIXES)
    ]


def main() -> int:
    """1 when an unknown hook is installed."""
    found = unexpected(Path(sysconfig.get_path("purelib")))
    for path in found:
        print(f"unexpected start-up hook: {path.name} - find out which package brought it before going on")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
