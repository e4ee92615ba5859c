"""Reads ``prompts/`` and ``rubrics/`` into validated, content-hashed objects.

The content lies beside the package in a checkout and inside it in a built wheel.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any, TypeVar

import yaml

from service.grading.errors import GradingError, InvalidPrompt, InvalidRubric
from service.grading.prompt import Prompt, parse_prompt
from service.grading.rubric import Rubric, parse_rubric

T = TypeVar("T")

_FENCE = "---\n"


class FileLibrary:
    """All rubrics and prompts of one content directory, loaded and checked at once.

    Args:
        content_dir: holds ``prompts/<id>/<version>.md`` and ``rubrics/*.yaml``; None takes the product's own.

    Raises:
        InvalidRubric, InvalidPrompt: naming the file and what is wrong with it.
    """

    def __init__(self, content_dir: Path | None = None) -> None:
        root = content_dir or default_content_dir()
        self._rubrics = _indexed((r.id, _version_key(r.version), r.version, r) for r in load_rubrics(root / "rubrics"))
        self._prompts = _indexed(
            (p.head.id, _version_key(p.head.version), p.head.version, p) for p in load_prompts(root / "prompts")
        )

    def rubric(self, reference: str) -> Rubric | None:
        """A rubric by ``id`` (its newest version) or ``id@version``."""
        return self._rubrics.get(reference)

    def rubrics(self) -> tuple[Rubric, ...]:
        """The newest version of every rubric, by id."""
        return tuple(rubric for name, rubric in sorted(self._rubrics.items()) if "@" not in name)

    def prompt(self, reference: str) -> Prompt | None:
        """A prompt by ``id`` (its newest version) or ``id@version``."""
        return self._prompts.get(reference)


def default_content_dir() -> Path:
    """Where the product's own content lies: in the wheel, else in the checkout."""
    package = Path(__file__).parent
    packed = package / "content"
    return packed if packed.is_dir() else package.parent


def load_rubrics(folder: Path) -> list[Rubric]:
    """Every rubric of a folder.

    Raises:
        InvalidRubric: naming the file.
    """
    return [load_rubric(path) for path in sorted(folder.glob("*.yaml"))]


def load_rubric(path: Path) -> Rubric:
    """One rubric file.

    Raises:
        InvalidRubric: naming the file.
    """
    try:
        return parse_rubric(_yaml(path.read_text(encoding="utf-8"), path, InvalidRubric))
    except InvalidRubric as error:
        raise InvalidRubric(f"{path}: {error}") from None


def load_prompts(folder: Path) -> list[Prompt]:
    """Every prompt of a folder.

    Raises:
        InvalidPrompt: naming the file; also when its name is not ``<id>/<version>.md``.
    """
    return [load_prompt(path) for path in sorted(folder.glob("*/*.md"))]


def load_prompt(path: Path) -> Prompt:
    """One prompt file.

    Raises:
        InvalidPrompt: naming the file.
    """
    text = path.read_text(encoding="utf-8")
    if not text.startswith(_FENCE) or _FENCE not in text[len(_FENCE) :]:
        raise InvalidPrompt(f"{path}: has no YAML front matter between two --- lines")
    head, _, body = text[len(_FENCE) :].partition(_FENCE)
    try:
        prompt = parse_prompt(_yaml(head, path, InvalidPrompt), body, hashlib.sha256(text.encode()).hexdigest())
    except InvalidPrompt as error:
        raise InvalidPrompt(f"{path}: {error}") from None
    if (path.parent.name, path.stem) != (prompt.head.id, prompt.head.version):
        raise InvalidPrompt(f"{path}: should lie at {prompt.head.id}/{prompt.head.version}.md")
    return prompt


def _yaml(text: str, path: Path, kind: type[GradingError]) -> Any:
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        place = getattr(error, "problem_mark", None)
        line = f", line {place.line + 1}" if place else ""
        raise kind(f"{path}{line}: is not valid YAML") from None


def _version_key(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))


def _indexed(items: Iterable[tuple[str, tuple[int, ...], str, T]]) -> dict[str, T]:
    index: dict[str, T] = {}
    for name, _key, version, item in sorted(items, key=lambda entry: entry[:2]):
        index[name] = item
        index[f"{name}@{version}"] = item
    return index
