"""Test cases of other evaluation tools as golden rows: promptfoo, Inspect, OpenAI Evals.

Their cases hold a question and often the answer that is right, seldom an answer to grade; ``--map`` says where that is.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from evals.adapters.mapping import RecordMap
from evals.adapters.records import Record, flat, read_items
from evals.errors import CouldNotRun
from evals.golden import GoldenRow
from service.grading.rubric import Rubric

_EXPECTING = ("equals", "contains", "icontains", "similar", "factuality", "model-graded-factuality", "llm-rubric")
_CSV_ASSERTION = re.compile(rf"(?:{'|'.join(_EXPECTING)})(?:\([\d.]+\))?:\s*")
_ANSWERS = ("answer", "response", "output", "completion", "submission", "student_answer")
_REFERENCES = ("reference", "ideal", "expected", "reference_answer", "expected_answer")
_QUESTIONS = ("question", "input", "query", "prompt")


@dataclass(frozen=True, slots=True)
class Tool:
    """How one tool's file becomes records, and which column is what."""

    records: Callable[[list[Any]], list[Record]]
    mapping: RecordMap


def _promptfoo(items: list[Any]) -> list[Record]:
    tests: list[Any] = []
    for item in items:
        found = item.get("tests", [item]) if isinstance(item, Mapping) else []
        if isinstance(found, str):
            raise CouldNotRun(f"the tests stand in another file ({found}). Import that file.")
        tests += found
    return [_promptfoo_record(test) for test in tests if isinstance(test, Mapping)]


def _promptfoo_record(test: Mapping[str, Any]) -> Record:
    record = flat({name: part for name, part in test.items() if name != "assert"})
    asserted = (part for part in test.get("assert") or () if isinstance(part, Mapping))
    wanted = [
        flat({"value": part.get("value")}).get("value", "") for part in asserted if part.get("type") in _EXPECTING
    ]
    if "__expected" in record:
        wanted.append(_CSV_ASSERTION.sub("", record["__expected"], count=1))
    return {**record, "asserted": wanted[0]} if wanted else record


def _with_messages(items: list[Any]) -> list[Record]:
    """Records in which a list of chat messages became the last one of the user."""
    return [flat(_spoken(item)) for item in items]


def _spoken(item: Any) -> Any:
    if not isinstance(item, Mapping):
        return item
    return {name: _last_said(part) if name == "input" else _spoken(part) for name, part in item.items()}


def _last_said(value: Any) -> Any:
    if not isinstance(value, list):
        return value
    said = [part.get("content") for part in value if isinstance(part, Mapping) and part.get("role") == "user"]
    return said[-1] if said else value


def _columns(*prefixes: str, **more: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
    names = {"question": _QUESTIONS, "answer": _ANSWERS, "reference": _REFERENCES, "id": ("id",)}
    found = {field: tuple(f"{prefix}{name}" for prefix in prefixes for name in known) for field, known in names.items()}
    return {field: (*columns, *more.get(field, ())) for field, columns in found.items()}


TOOLS: dict[str, Tool] = {
    "promptfoo": Tool(
        _promptfoo,
        RecordMap(
            _columns("vars.", "", answer=("providerOutput",), reference=("asserted",)) | {"note": ("description",)}
        ),
    ),
    "inspect": Tool(_with_messages, RecordMap(_columns("metadata.", "", reference=("target",)))),
    "openai-evals": Tool(_with_messages, RecordMap(_columns("item.", "", answer=("sample.output_text",)))),
}


def imported(
    tool: str, path: Path, rubric: Rubric, mapping: tuple[str, ...], source: Literal["authored", "human"]
) -> list[GoldenRow]:
    """The cases of another tool's file as golden rows, tagged ``imported``.

    Args:
        tool: one of :data:`TOOLS`.
        path: the tool's file.
        rubric: whose levels scores are mapped to.
        mapping: ``--map`` options; scores only come in through them.
        source: who gave the scores.

    Raises:
        CouldNotRun: the file or a record does not fit; the message says how to mend it.
    """
    if tool not in TOOLS:
        raise CouldNotRun(f"there is no importer for {tool}, only for: {', '.join(TOOLS)}.")
    how = replace(TOOLS[tool].mapping.changed(mapping), source=source, kind="imported")
    records = TOOLS[tool].records(read_items(path))
    if not records:
        raise CouldNotRun(f"{path.name} holds no {tool} cases.")
    rows = [how.row(record, f"{path.stem}-{place}", rubric) for place, record in enumerate(records, 1)]
    if len({row.id for row in rows}) < len(rows):
        raise CouldNotRun(f"{path.name}: two cases share an id. Name another column: --map id=COLUMN.")
    return [row.model_copy(update={"tags": ("imported", tool)}) for row in rows]
