"""Prompts as data: a versioned file with strict front matter and named sections, rendered in a sandbox.

A prompt file is ``prompts/<id>/<version>.md``: YAML front matter, then sections that start with a line
``<!-- section: name -->``. A section is one Jinja2 template, or several chat turns that each start with a line
``<!-- turn: role -->`` (worked examples). An unknown variable is an error when the file is checked, a missing
one when it is rendered. Submitted text is only ever a value: never a template, never a turn.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Annotated, Any, cast

from jinja2 import StrictUndefined, Template, TemplateError, meta
from jinja2.sandbox import ImmutableSandboxedEnvironment
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from service.grading.errors import InvalidPrompt, faults_of
from service.grading.grade import ArtefactRef
from service.grading.models import Message, Role
from service.grading.rubric import Rubric, Slug


class PromptKind(StrEnum):
    """Who uses a prompt; decides which sections and variables it has."""

    READOUT = "readout"
    SINGLE_CALL = "single_call"
    DECISION = "decision"
    COACH = "coach"


_CASE = frozenset(
    {
        "rubric",
        "question",
        "reference",
        "key_points",
        "points",
        "misconceptions",
        "context",
        "notes",
        "answer",
        "nonce",
        "language",
    }
)
_REPAIR = frozenset({"problem"})

SECTIONS: Mapping[PromptKind, Mapping[str, frozenset[str]]] = {
    PromptKind.READOUT: {
        "system": frozenset({"rubric"}),
        "case": _CASE,
        "level": frozenset({"criterion", "labels", "context", "notes", "reference"}),
        "claim": frozenset({"criterion", "reference"}),
        "restate": frozenset({"question", "answer"}),
        "verify": frozenset({"question", "reference", "claim"}),
        "key_point": frozenset({"point"}),
        "misconception": frozenset({"statement"}),
        "sign": frozenset({"sign"}),
    },
    PromptKind.SINGLE_CALL: {"system": frozenset({"rubric"}), "case": _CASE | {"examples"}, "repair": _REPAIR},
    PromptKind.DECISION: {
        "case": _CASE,
        "criterion": frozenset({"criterion", "context", "notes", "reference"}),
        "key_point": frozenset({"point"}),
        "misconception": frozenset({"statement"}),
    },
    PromptKind.COACH: {
        "system": frozenset({"rubric"}),
        "case": _CASE,
        "coach": frozenset({"case", "rubric", "decided", "context", "notes", "language", "reference"}),
        "repair": _REPAIR,
    },
}
"""For each kind the sections it may have and the variables each section may use."""

OPTIONAL = frozenset({"claim", "restate", "verify", "misconception", "sign"})
"""Sections a prompt may leave out. A readout prompt checks facts in one of three ways: it asks about the claim directly
(``claim``), restates it first (``restate`` and ``verify``), or checks each statement (``verify`` alone)."""

KNOWN_SYSTEMS = 100

_MARKER = re.compile(r"^<!-- section: ([a-z_]+) -->[ \t]*$", re.MULTILINE)
_TURN = re.compile(r"^<!-- turn: (system|user|assistant) -->[ \t]*$", re.MULTILINE)
_ENVIRONMENT = ImmutableSandboxedEnvironment(
    undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, autoescape=False
)


class FrontMatter(BaseModel):
    """The head of a prompt file. ``parameters`` are numbers the judge uses, versioned with the wording."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: Slug
    version: Annotated[str, Field(pattern=r"^\d+$")]
    kind: PromptKind
    description: Annotated[str, Field(min_length=1, max_length=500)]
    parameters: Mapping[str, float] = {}


@dataclass(frozen=True, slots=True)
class Turn:
    """One chat turn of a section."""

    role: Role
    template: Template


@dataclass(frozen=True, slots=True)
class Prompt:
    """A loaded prompt. Build it with :func:`parse_prompt`."""

    head: FrontMatter
    sha256: str
    sections: Mapping[str, tuple[Turn, ...]]
    _systems: dict[str, str] = field(default_factory=dict, compare=False, repr=False)

    @property
    def name(self) -> str:
        """``id@version``."""
        return f"{self.head.id}@{self.head.version}"

    @property
    def ref(self) -> ArtefactRef:
        """Id, version and hash, as receipts name it."""
        return ArtefactRef(id=self.head.id, version=self.head.version, sha256=self.sha256)

    def has(self, section: str) -> bool:
        """Whether the prompt has an optional section."""
        return section in self.sections

    def render(self, section: str, **variables: Any) -> str:
        """The text of a section, its variables filled in.

        Raises:
            InvalidPrompt: an unknown section, or a variable without a value.
        """
        return "\n".join(message.content for message in self.messages(section, **variables))

    def system(self, rubric: Rubric) -> str:
        """The ``system`` section, which depends on the rubric alone; rendered once for each."""
        known = self._systems.get(rubric.sha256)
        if known is None:
            known = self.render("system", rubric=rubric)
            if len(self._systems) < KNOWN_SYSTEMS:
                self._systems[rubric.sha256] = known
        return known

    def messages(self, section: str, **variables: Any) -> tuple[Message, ...]:
        """The turns of a section as chat messages, their variables filled in.

        Raises:
            InvalidPrompt: an unknown section, or a variable without a value.
        """
        if section not in self.sections:
            raise InvalidPrompt(f"{self.name} has no section {section}")
        try:
            return tuple(Message(t.role, t.template.render(variables).strip()) for t in self.sections[section])
        except TemplateError as error:
            raise InvalidPrompt(f"{self.name}, section {section}: {error.message}") from None

    def parameter(self, name: str, default: float) -> float:
        """A number from the front matter."""
        return self.head.parameters.get(name, default)


def parse_prompt(front_matter: Any, body: str, sha256: str) -> Prompt:
    """A prompt from a file's parsed front matter and its body.

    Raises:
        InvalidPrompt: with every problem found: unknown keys, missing or unknown sections and variables.
    """
    try:
        head = FrontMatter.model_validate(front_matter)
    except ValidationError as error:
        raise InvalidPrompt(faults_of(error)) from None
    sources = split_sections(body)
    if problems := _section_problems(head.kind, sources):
        raise InvalidPrompt(f"{head.id}@{head.version}: " + "; ".join(problems))
    return Prompt(head, sha256, {name: _turns(text) for name, text in sources.items()})


def split_sections(body: str) -> dict[str, str]:
    """The sections of a prompt body by name, in file order."""
    parts = _MARKER.split(body)
    return {name: text.strip("\n") for name, text in zip(parts[1::2], parts[2::2], strict=True)}


def _turns(text: str) -> tuple[Turn, ...]:
    first, *rest = _TURN.split(text)
    turns: list[tuple[Role, str]] = [("user", first)] if first.strip() or not rest else []
    turns += [(cast("Role", role), part) for role, part in zip(rest[::2], rest[1::2], strict=True)]
    return tuple(Turn(role, _ENVIRONMENT.from_string(part.strip("\n"))) for role, part in turns)


def _section_problems(kind: PromptKind, sources: Mapping[str, str]) -> list[str]:
    wanted = SECTIONS[kind]
    problems = [f"section {name} is missing" for name in wanted if name not in sources and name not in OPTIONAL]
    for name, text in sources.items():
        if name not in wanted:
            problems.append(f"section {name} is unknown for a {kind} prompt")
            continue
        try:
            used = meta.find_undeclared_variables(_ENVIRONMENT.parse(text))
        except TemplateError as error:
            problems.append(f"section {name}: {error.message}")
            continue
        problems += [f"section {name}: unknown variable {variable}" for variable in sorted(used - wanted[name])]
    if "restate" in sources and "verify" not in sources:
        problems.append("restate only works together with verify")
    if "case" in sources and "answer" not in sources["case"]:
        problems.append("section case never shows the answer")
    return problems
