"""Checking content files for their authors: rubrics, question bank, context notes; each finding with file and line."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml

from service.grading.errors import GradingError
from service.grading.lint import Finding, lint
from service.grading.question import Topic
from service.grading.rubric import DEFAULT_RUBRIC
from service.library import load_context_note, load_topic, repeated_questions

Anchored = Callable[[str], Collection[tuple[str, int]]]


@dataclass(frozen=True, slots=True)
class Checked:
    """One file and what is to be mended in it."""

    path: Path
    findings: tuple[Finding, ...]

    @property
    def faulty(self) -> bool:
        """Whether it cannot be used as it is."""
        return any(finding.severity == "error" for finding in self.findings)


def check_content(paths: Iterable[Path], anchored: Anchored | None = None) -> list[Checked]:
    """Check rubric files, topics of the question bank and context notes, told apart by what they hold.

    Args:
        paths: YAML files.
        anchored: from a rubric id to the criteria and levels with an anchor answer; asked for the default rubric.
    """
    topics: dict[Path, Topic] = {}
    checked = [_check(path, topics, anchored) for path in paths]
    if twice := repeated_questions(topics.values()):
        for index, item in enumerate(checked):
            mine = {question.id for question in topics[item.path].questions} if item.path in topics else set()
            shared = sorted(mine.intersection(twice))
            if shared:
                finding = _plain(f"questions with an id that is used twice: {', '.join(shared)}")
                checked[index] = replace(item, findings=(*item.findings, finding))
    return checked


def _check(path: Path, topics: dict[Path, Topic], anchored: Anchored | None) -> Checked:
    try:
        text = path.read_text(encoding="utf-8")
        data = yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        return Checked(path, (replace(_plain("is not valid YAML"), line=mark.line + 1 if mark else None),))
    except (OSError, UnicodeDecodeError):
        return Checked(path, (_plain("cannot be read as UTF-8 text"),))
    except ValueError:  # a date that does not exist, for one
        return Checked(path, (_plain("holds a value that YAML cannot read"),))
    try:
        if isinstance(data, dict) and "questions" in data:
            topics[path] = load_topic(path)
            return Checked(path, ())
        if isinstance(data, dict) and "kind" in data:
            load_context_note(path)
            return Checked(path, ())
    except GradingError as error:
        message = str(error).removeprefix(f"{path}: ")
        return Checked(path, tuple(_plain(part) for part in message.split("; ")))
    wanted = anchored if isinstance(data, dict) and data.get("id") == DEFAULT_RUBRIC else None
    findings = lint(data, wanted(DEFAULT_RUBRIC) if wanted else None)
    root = yaml.compose(text)
    return Checked(path, tuple(replace(finding, line=_line(root, finding.path)) for finding in findings))


def _plain(what: str) -> Finding:
    why, mend = "the file cannot be used as it is", "Correct the place named; CONTRIBUTING.md says how files are built."
    return Finding("content", "error", (), what, why, mend)


def _line(root: Any, path: tuple[str | int, ...]) -> int:
    """The line of a path, counted from 1; of the nearest part that is there."""
    node = root
    line = node.start_mark.line if node is not None else 0
    for part in path:
        step = _step(node, part)
        if step is None:
            break
        line, node = step
    return int(line) + 1


def _step(node: Any, part: str | int) -> tuple[int, Any] | None:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if key.value == part:
                return key.start_mark.line, value
    if isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
        return node.value[part].start_mark.line, node.value[part]
    return None
