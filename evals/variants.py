"""What is compared: prompts, each in the production grader with everything else as configured."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pydantic import SecretStr

from evals.errors import CouldNotRun
from service.bootstrap import coach_prompt, fitting_judge
from service.grading.models import Capabilities
from service.grading.prompt import Prompt, PromptKind
from service.ports import Library
from service.settings import Settings

SECRET = "the fences of evaluations are the same everywhere, so that replies can be replayed"  # noqa: S105 - public


@dataclass(frozen=True, slots=True)
class Variant:
    """One side of a comparison.

    Attributes:
        prompt: what differs.
        settings: the configured ones, with this prompt, the judge it belongs to and the fixed secret.
    """

    prompt: Prompt
    settings: Settings

    @property
    def name(self) -> str:
        """``id@version`` of the prompt."""
        return self.prompt.name

    @property
    def judge(self) -> str:
        """The judge that decides the levels."""
        return self.settings.judge

    @property
    def deterministic(self) -> bool:
        """Whether asking the same twice gives the same, so that only a changed wording tells the noise."""
        return self.settings.samples == 1 or self.settings.judge == "readout"


LINE_UPS = ("panel", "cascade")


def judge_of(settings: Settings, capabilities: Capabilities) -> str:
    """The judge in use."""
    return fitting_judge(capabilities) if settings.judge == "auto" else settings.judge


def kinds_of(settings: Settings, capabilities: Capabilities) -> tuple[str, ...]:
    """The kinds of judges in use: one, or those of a panel's or cascade's members.

    Raises:
        CouldNotRun: a panel or cascade without members.
    """
    judges = settings.judges.members if settings.judge in LINE_UPS else (judge_of(settings, capabilities),)
    if not judges:
        raise CouldNotRun(f"a {settings.judge} has no members. Set DEBRIEF_JUDGES__MEMBERS; docs/judges.md says how.")
    return tuple(judge.partition(":")[0] for judge in judges)


def variants_of(
    references: Sequence[str], settings: Settings, capabilities: Capabilities, library: Library, *, explain: bool
) -> tuple[Variant, ...]:
    """The variants named, else the two newest versions of the judge's prompt, the older one first.

    Raises:
        CouldNotRun: an unknown or repeated prompt, or one that does not go with the other options.
    """
    named = list(references) or newest_two(settings, capabilities, library)
    variants = tuple(_variant(_prompt(reference, library), settings, capabilities, explain) for reference in named)
    names = [variant.name for variant in variants]
    if twice := {name for name in names if names.count(name) > 1}:
        raise CouldNotRun(f"{', '.join(sorted(twice))} is named twice. Name each prompt once; --repeat grades again.")
    return variants


def newest_two(settings: Settings, capabilities: Capabilities, library: Library) -> list[str]:
    """The newest version of the configured judge's prompt and the one before it, older first."""
    configured: dict[str, str] = settings.prompts.model_dump()
    reference = configured[kinds_of(settings, capabilities)[0]]
    newest = _prompt(reference.partition("@")[0], library)
    numbers = range(int(newest.head.version) - 1, 0, -1)
    before = (f"{newest.head.id}@{number}" for number in numbers if library.prompt(f"{newest.head.id}@{number}"))
    return [*list(before)[:1], newest.name]


def _prompt(reference: str, library: Library) -> Prompt:
    found = library.prompt(reference)
    if found is None:
        raise CouldNotRun(f"there is no prompt called {reference}. Look into prompts/; write id or id@version.")
    return found


def _variant(prompt: Prompt, settings: Settings, capabilities: Capabilities, explain: bool) -> Variant:
    if prompt.head.kind is PromptKind.COACH:
        if not explain:
            raise CouldNotRun(f"{prompt.name} writes commentary, which is left out. Add --explain.")
        judge, prompts = judge_of(settings, capabilities), {"coach": prompt.name}
    else:
        kind = prompt.head.kind.value
        if settings.judge != "auto" and kind not in kinds_of(settings, capabilities):
            raise CouldNotRun(f"{prompt.name} is a prompt of the judge {kind}. Leave --judge {settings.judge} out.")
        judge, prompts = settings.judge if settings.judge in LINE_UPS else kind, {kind: prompt.name}
    pinned = settings.prompts.model_copy(update={"coach": coach_prompt(settings), **prompts})
    changes = {"judge": judge, "prompts": pinned, "secret": SecretStr(SECRET)}
    return Variant(prompt, settings.model_copy(update=changes))
