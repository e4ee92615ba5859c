"""A CSV file with a header as the lines of a batch."""

from __future__ import annotations

import csv
import json
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

from service.lines import RawLine

PLAIN = ("custom_id", "question", "question_id", "answer", "reference", "rubric", "learner", "language", "detail")
CONTEXT = ("industry", "audience", "stage", "seniority")
LISTS = ("key_points", "misconceptions")
SEPARATOR = "|"
METADATA = "metadata."


class UnknownColumns(ValueError):
    """The header holds columns that mean nothing here; the message names those that do."""


async def csv_lines(file: Path) -> AsyncIterator[RawLine]:
    """The rows of a CSV file (UTF-8, with a header), numbered from 1, each as a JSON line.

    Empty cells are left out; ``key_points`` and ``misconceptions`` are separated by ``|``; a row without a
    ``custom_id`` is named by its number; columns ``metadata.x`` become metadata.

    Raises:
        UnknownColumns: the header does not fit.
    """
    with file.open(newline="", encoding="utf-8-sig") as content:
        rows = csv.DictReader(content)
        _check_header(rows.fieldnames or ())
        for number, row in enumerate(rows, 1):
            yield RawLine(number, json.dumps(_body(number, row)).encode())


def _check_header(names: Any) -> None:
    known = {*PLAIN, *CONTEXT, *LISTS}
    unknown = [name for name in names if name not in known and not name.startswith(METADATA)]
    if unknown or "answer" not in names:
        raise UnknownColumns(
            f"the CSV header has to hold answer, and of the others only: {', '.join((*PLAIN, *LISTS, *CONTEXT))} "
            f"and {METADATA}..."
        )


def _body(number: int, row: Mapping[str | None, Any]) -> dict[str, Any]:
    given = {name: cell for name, cell in row.items() if name and cell}
    body: dict[str, Any] = {"custom_id": str(number), "answer": ""}
    body |= {name: given[name] for name in PLAIN if name in given}
    body |= {name: [part.strip() for part in given[name].split(SEPARATOR)] for name in LISTS if name in given}
    if context := {name: given[name] for name in CONTEXT if name in given}:
        body["context"] = context
    if metadata := {name.removeprefix(METADATA): cell for name, cell in given.items() if name.startswith(METADATA)}:
        body["metadata"] = metadata
    return body
