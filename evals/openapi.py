"""The frozen API document: ``python -m evals.openapi --check`` compares, ``--write`` replaces it.

A change to the contract is then a change to a file that somebody has to look at.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

from service.api.app import create_app
from service.settings import DatabaseSettings, Settings

FROZEN = Path(__file__).parent.parent / "service" / "api" / "openapi.json"


def document() -> str:
    """The API document of the code as it is, as text."""
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(model="scripted/echo", database=DatabaseSettings(url=f"sqlite:///{folder}/x.db"))
        return json.dumps(create_app(settings).openapi(), indent=1, ensure_ascii=False) + "\n"


def main(arguments: list[str]) -> int:
    """0 when the frozen document is the code's, 1 when it is not."""
    if arguments == ["--write"]:
        FROZEN.write_text(document(), encoding="utf-8")
        return 0
    if FROZEN.is_file() and FROZEN.read_text(encoding="utf-8") == document():
        return 0
    print(f"The API differs from {FROZEN.name}. If the change is meant: make openapi, and a line in CHANGELOG.md.")
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
