"""Reads ``prompts/``, ``rubrics/`` (with question bank and context notes), ``calibrations/`` and graded examples.

The content lies beside the package in a checkout and inside it in a built wheel.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import yaml

from service.grading.calibration import Calibration, Calibrations, parse_calibration
from service.grading.context_notes import AudienceNote, ContextNotes, IndustryNote, parse_context_note
from service.grading.errors import (
    GradingError,
    InvalidCalibration,
    InvalidContextNote,
    InvalidExample,
    InvalidPrompt,
    InvalidQuestion,
    InvalidRubric,
)
from service.grading.examples import Example, Examples, parse_example
from service.grading.prompt import Prompt, parse_prompt
from service.grading.question import Question, Topic, parse_topic
from service.grading.rubric import Rubric, parse_rubric

T = TypeVar("T")

QUESTIONS = "questions"
CONTEXT = "context"
CALIBRATIONS = "calibrations"
EXAMPLES = "examples"
GOLDEN = Path("evals", "golden")
_FENCE = "---\n"


class FileLibrary:
    """All rubrics and prompts of one content directory, loaded and checked at once.

    Args:
        content_dir: holds ``prompts/<id>/<version>.md``, ``rubrics/*.yaml``, ``rubrics/questions/*.yaml``,
            ``rubrics/context/*.yaml`` and perhaps ``calibrations/*.json`` and ``examples/*.jsonl``; None takes the
            product's own.

    Raises:
        InvalidRubric, InvalidPrompt, InvalidQuestion, InvalidContextNote, InvalidCalibration, InvalidExample: naming
            the file and what is wrong with it.
    """

    def __init__(self, content_dir: Path | None = None) -> None:
        root = content_dir or default_content_dir()
        self._rubrics = _indexed((r.id, _version_key(r.version), r.version, r) for r in load_rubrics(root / "rubrics"))
        self._prompts = _indexed(
            (p.head.id, _version_key(p.head.version), p.head.version, p) for p in load_prompts(root / "prompts")
        )
        self._topics = load_topics(root / "rubrics" / QUESTIONS)
        self._questions = {question.id: question for topic in self._topics for question in topic.questions}
        self._notes = load_context_notes(root / "rubrics" / CONTEXT)
        self._calibrations = Calibrations(load_calibrations(root / CALIBRATIONS))
        self._examples = Examples(load_examples(examples_dir(root)))
        if missing := {q.stage.rubric for q in self._questions.values()} - self._rubrics.keys():
            raise InvalidQuestion(f"the question bank needs rubrics that are not there: {', '.join(sorted(missing))}")

    def rubric(self, reference: str) -> Rubric | None:
        """A rubric by ``id`` (its newest version) or ``id@version``."""
        return self._rubrics.get(reference)

    def rubrics(self) -> tuple[Rubric, ...]:
        """The newest version of every rubric, by id."""
        return tuple(rubric for name, rubric in sorted(self._rubrics.items()) if "@" not in name)

    def prompt(self, reference: str) -> Prompt | None:
        """A prompt by ``id`` (its newest version) or ``id@version``."""
        return self._prompts.get(reference)

    def topics(self) -> tuple[Topic, ...]:
        """The question bank, topic by topic, in the order of the files' names."""
        return self._topics

    def question(self, question_id: str) -> Question | None:
        """A question of the bank."""
        return self._questions.get(question_id)

    def calibrations(self) -> Calibrations:
        """The calibrations judges may use; none are shipped."""
        return self._calibrations

    def examples(self) -> Examples:
        """The graded answers judges may be shown."""
        return self._examples

    def context_notes(self) -> ContextNotes:
        """What a grade's context can pull into the prompts."""
        return self._notes


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
    return _loaded(path, parse_rubric, InvalidRubric)


def load_topics(folder: Path) -> tuple[Topic, ...]:
    """Every topic of a question bank; ids are unique over all of them.

    Raises:
        InvalidQuestion: naming the file.
    """
    topics = tuple(load_topic(path) for path in sorted(folder.glob("*.yaml")))
    if twice := repeated_questions(topics):
        raise InvalidQuestion(f"{folder}: two questions share an id: {', '.join(twice)}")
    return topics


def repeated_questions(topics: Iterable[Topic]) -> list[str]:
    """The question ids that occur more than once."""
    counts = Counter(question.id for topic in topics for question in topic.questions)
    return sorted(name for name, count in counts.items() if count > 1)


def load_topic(path: Path) -> Topic:
    """One file of the question bank.

    Raises:
        InvalidQuestion: naming the file.
    """
    return _loaded(path, parse_topic, InvalidQuestion)


def load_context_notes(folder: Path) -> ContextNotes:
    """Every context note of a folder.

    Raises:
        InvalidContextNote: naming the file.
    """
    return ContextNotes(load_context_note(path) for path in sorted(folder.glob("*.yaml")))


def load_context_note(path: Path) -> IndustryNote | AudienceNote:
    """One context note.

    Raises:
        InvalidContextNote: naming the file.
    """
    return _loaded(path, parse_context_note, InvalidContextNote)


def load_calibrations(folder: Path) -> list[Calibration]:
    """Every calibration of a folder, which need not exist.

    Raises:
        InvalidCalibration: naming the file.
    """
    return [_loaded(path, parse_calibration, InvalidCalibration) for path in sorted(folder.glob("*.json"))]


def examples_dir(root: Path) -> Path:
    """Where the graded answers of a content directory lie: ``examples/``, else, in a checkout, the golden answers."""
    own = root / EXAMPLES
    return own if own.is_dir() else root / GOLDEN


def load_examples(folder: Path) -> list[Example]:
    """Every golden answer of a folder, which need not exist; which of them may be shown is not decided here.

    Raises:
        InvalidExample: naming the file and line.
    """
    return [example for path in sorted(folder.glob("*.jsonl")) for example in _examples_of(path)]


def _examples_of(path: Path) -> Iterator[Example]:
    for number, line in enumerate(path.read_text(encoding="utf-8").split("\n"), 1):
        if not line.strip():
            continue
        try:
            yield parse_example(json.loads(line))
        except (InvalidExample, ValueError) as error:
            why = str(error) if isinstance(error, InvalidExample) else "is not valid JSON"
            raise InvalidExample(f"{path}, line {number}: {why}") from None


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


def _loaded(path: Path, parse: Callable[[Any], T], kind: type[GradingError]) -> T:
    data = _yaml(path.read_text(encoding="utf-8"), path, kind)
    try:
        return parse(data)
    except kind as error:
        raise kind(f"{path}: {error}") from None


def _yaml(text: str, path: Path, kind: type[GradingError]) -> Any:
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        place = getattr(error, "problem_mark", None)
        line = f", line {place.line + 1}" if place else ""
        raise kind(f"{path}{line}: is not valid YAML") from None
    except ValueError:
        raise kind(f"{path}: holds a value that YAML cannot read, such as a date that does not exist") from None


def _version_key(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))


def _indexed(items: Iterable[tuple[str, tuple[int, ...], str, T]]) -> dict[str, T]:
    index: dict[str, T] = {}
    for name, _key, version, item in sorted(items, key=lambda entry: entry[:2]):
        index[name] = item
        index[f"{name}@{version}"] = item
    return index
