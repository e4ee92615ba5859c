"""What is written down outside the service while a run goes on, for the checker to read afterwards.

``acknowledged.jsonl``: every id the service said yes to. ``provider.jsonl``: every model call. ``receiver.jsonl``:
every webhook that arrived. ``strikes.jsonl``: what was done to whom. ``run.json``: what the run was.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import orjson

Kind = Literal["acknowledged", "provider", "receiver", "strikes"]


class Logbook:
    """The files of one run.

    Args:
        folder: where they lie; made if need be.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder

    def write(self, kind: Kind, **entry: Any) -> None:
        """Add a line; it is in the file when this returns."""
        with (self.folder / f"{kind}.jsonl").open("ab") as file:
            file.write(orjson.dumps({"at": time.time(), **entry}, option=orjson.OPT_APPEND_NEWLINE))

    def read(self, kind: Kind) -> Iterator[dict[str, Any]]:
        """The lines written so far."""
        path = self.folder / f"{kind}.jsonl"
        if path.exists():
            with path.open("rb") as file:
                yield from map(orjson.loads, file)

    def describe(self, **run: Any) -> None:
        """Say what the run was."""
        (self.folder / "run.json").write_bytes(orjson.dumps(run, option=orjson.OPT_INDENT_2))

    def description(self) -> dict[str, Any]:
        """What the run was."""
        described: dict[str, Any] = orjson.loads((self.folder / "run.json").read_bytes())
        return described
