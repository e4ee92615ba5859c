"""The TypeScript client beside the API document its types are generated from; needs neither Node nor a network."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "clients" / "typescript"
DOCUMENT: dict[str, Any] = json.loads((ROOT / "service" / "api" / "openapi.json").read_text(encoding="utf-8"))
CLIENT = (FOLDER / "client.ts").read_text(encoding="utf-8")
QUICK_START = (FOLDER / "README.md").read_text(encoding="utf-8")


def members(schema: str) -> set[str]:
    """The members of one of the document's objects."""
    return set(DOCUMENT["components"]["schemas"][schema]["properties"])


def test_types_are_generated_from_the_document_of_this_repository() -> None:
    """At every build, so that there is no copy which could be old."""
    package = json.loads((FOLDER / "package.json").read_text(encoding="utf-8"))
    source = re.search(r"openapi-typescript (\S+)", package["scripts"]["generate"])

    assert source is not None
    assert (FOLDER / source[1]).resolve() == ROOT / "service" / "api" / "openapi.json"
    assert package["scripts"]["build"].startswith("npm run generate && ")
    assert not (FOLDER / "schema.ts").is_file() or "schema.ts" in (ROOT / ".gitignore").read_text(encoding="utf-8")


def test_every_type_the_client_names_is_in_the_document() -> None:
    """A renamed schema breaks the client here and not at somebody's build."""
    named = re.findall(r'components\["schemas"\]\["(\w+)"\]', CLIENT)

    assert named
    assert set(named) <= set(DOCUMENT["components"]["schemas"])


def test_the_quick_start_calls_what_there_is() -> None:
    """Its operations, the members it sends, and the members it reads."""
    calls = re.findall(r'\.(GET|POST|PUT|DELETE)\("([^"]+)"', QUICK_START)
    sent = re.search(r"body: \{ (.+?) \}", QUICK_START)
    read = re.findall(r"grade\.(\w+)", QUICK_START)

    assert calls
    assert all(method.lower() in DOCUMENT["paths"][path] for method, path in calls)
    assert sent is not None
    assert set(re.findall(r"(\w+):", sent[1])) <= members("GradeBody")
    assert read
    assert set(read) <= members("GradeDocument")
