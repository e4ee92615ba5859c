"""Files of any shape as flat records: every value a text, nested names joined with dots (``meta.qid``)."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from evals.errors import CouldNotRun

Record = dict[str, str]

_DELIMITERS = {".csv": ",", ".tsv": "\t"}
_ONE_DOCUMENT = (".json", ".yaml", ".yml")
_MAX_CELL = 1_000_000


def read_items(path: Path) -> list[Any]:
    """The items of a JSON-lines, JSON, YAML, CSV or TSV file as they are.

    A JSON or YAML document that is an object stays one item.

    Raises:
        CouldNotRun: no such file, an unknown ending, or content that cannot be read, with the line.
    """
    if not path.is_file():
        raise CouldNotRun(f"there is no file {path}. Give the path of the downloaded data.")
    suffix = path.suffix.lower()
    if suffix == ".jsonl":
        return list(_json_lines(path))
    if suffix in _ONE_DOCUMENT:
        document = _document(path)
        return document if isinstance(document, list) else [document]
    if suffix in _DELIMITERS:
        return list(_table(path, _DELIMITERS[suffix]))
    raise CouldNotRun(f"{path.name}: only .jsonl, .json, .yaml, .csv and .tsv files can be read.")


def text_of(path: Path) -> str:
    """A file's text: UTF-8, else Windows-1252, which older public sets are written in."""
    data = path.read_bytes()
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("cp1252", errors="replace")


def _json_lines(path: Path) -> Iterator[Any]:
    for number, line in enumerate(text_of(path).split("\n"), 1):
        if line.strip():
            try:
                yield json.loads(line)
            except ValueError:
                raise CouldNotRun(f"{path.name}, line {number}: is not JSON.") from None


def _document(path: Path) -> Any:
    try:
        return json.loads(text_of(path)) if path.suffix.lower() == ".json" else yaml.safe_load(text_of(path))
    except (ValueError, yaml.YAMLError):
        raise CouldNotRun(f"{path.name}: is not valid {path.suffix[1:].upper()}.") from None


def _table(path: Path, delimiter: str) -> Iterator[Any]:
    csv.field_size_limit(_MAX_CELL)
    try:
        yield from csv.DictReader(io.StringIO(text_of(path), newline=""), delimiter=delimiter, restkey="_more")
    except csv.Error as error:
        raise CouldNotRun(f"{path.name}: cannot be read as a table ({error}).") from None


def flat(item: Any, prefix: str = "") -> Record:
    """An item as a flat record. Nothing (null) leaves no entry; a list of texts is joined by lines."""
    if isinstance(item, Mapping):
        return _merged(flat(value, f"{prefix}.{name}" if prefix else str(name)) for name, value in item.items())
    if isinstance(item, list) and all(isinstance(part, str) for part in item):
        return {prefix: "\n".join(item)} if item else {}
    if isinstance(item, list):
        return _merged(flat(part, f"{prefix}.{place}" if prefix else str(place)) for place, part in enumerate(item))
    return {} if item is None else {prefix or "value": _text(item)}


def _merged(records: Iterable[Record]) -> Record:
    return {name: text for record in records for name, text in record.items()}


def _text(value: Any) -> str:
    return json.dumps(value) if isinstance(value, bool) else str(value)
