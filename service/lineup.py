"""Who judges: the judge, or several, that the settings ask for, and the models they ask.

A judge is named ``kind`` or ``kind:model`` - ``readout:embedded``, ``single_call:openai/gpt-4o-mini``,
``decision:typesafe/jev-latest`` - and without a model it asks ``DEBRIEF_MODEL``, which also writes the commentary.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from typing import Literal

from service.backends import Misconfigured, guarded, guarded_decisions, open_backend, open_decisions
from service.grading.calibration import Calibrations
from service.grading.errors import ModelError
from service.grading.judgement import Judge, PromptedJudge
from service.grading.judges.calibrated import CalibratedJudge
from service.grading.judges.cascade import CascadeJudge
from service.grading.judges.decision import DecisionJudge
from service.grading.judges.panel import PanelJudge
from service.grading.judges.readout import ReadoutJudge
from service.grading.judges.restated import RestatedJudge
from service.grading.judges.single_call import SingleCallJudge
from service.grading.models import Capabilities, Tokens
from service.grading.prompt import Prompt
from service.llm.rehearsal import Rehearsal, RehearsedDecisions
from service.llm.retry import ResilientChat, ResilientDecisions
from service.ports import Library
from service.reviews import SecondOpinion
from service.settings import Settings
from service.telemetry import log

SECOND_SAMPLES = 3
"""Fresh samples behind the second grading of an appeal, where the judge samples."""


@dataclass(slots=True)
class Models:
    """The models of one process: each opened once when it is first named, all closed together.

    Attributes:
        main: ``DEBRIEF_MODEL``.
        alone: no other model may be opened, as in an evaluation, which asks one.
        rehearsing: stand-ins are opened that only count.
    """

    settings: Settings
    main: ResilientChat
    alone: bool = False
    rehearsing: bool = False
    _chats: dict[str, ResilientChat] = field(default_factory=dict)
    _deciders: dict[str, ResilientDecisions] = field(default_factory=dict)

    def chat(self, name: str) -> ResilientChat:
        """The chat model of a name.

        Raises:
            Misconfigured: it lacks its key, or no other model may be opened.
        """
        if name == self.settings.model:
            return self.main
        if name not in self._chats:
            self._only_if_more(name)
            backend = open_backend(self.settings, model=name)
            self._chats[name] = guarded(Rehearsal(backend) if self.rehearsing else backend, self.settings)
        return self._chats[name]

    def decider(self, name: str) -> ResilientDecisions:
        """The decision model of a name.

        Raises:
            Misconfigured: it is no decision model, lacks its address, or no other model may be opened.
        """
        if name not in self._deciders:
            self._only_if_more(name)
            backend = open_decisions(self.settings, name)
            asked = RehearsedDecisions(backend) if self.rehearsing else backend
            self._deciders[name] = guarded_decisions(asked, self.settings)
        return self._deciders[name]

    @property
    def healthy(self) -> bool:
        """Whether the last call to each model got any answer at all."""
        return all(model.healthy for model in self.all())

    @property
    def priced(self) -> bool:
        """Whether the price of every model is known."""
        return all(model.backend.cost_usd(Tokens(input=1, output=1)) is not None for model in self.all())

    def rehearsed(self) -> Models:
        """Stand-ins for the same models, which count what a grade would take and ask nobody."""
        main = guarded(Rehearsal(self.main.backend), self.settings)
        return Models(self.settings, main, self.alone, rehearsing=True)

    async def prepare(self) -> None:
        """Load what the first calls would otherwise wait for; what cannot be used is logged and counts as unhealthy."""
        for model in self.all():
            try:
                await model.backend.prepare()
            except ModelError as error:
                model.healthy = False
                log("model_not_ready", model=model.name, code=error.code, detail=error.detail)

    async def close(self) -> None:
        """Release everything."""
        for model in self.all():
            await model.backend.close()

    def all(self) -> tuple[ResilientChat | ResilientDecisions, ...]:
        """Every model that was named so far."""
        return (self.main, *self._chats.values(), *self._deciders.values())

    async def paused(self) -> None:
        """Return when no provider has asked to be left alone."""
        await asyncio.gather(*(model.pause.over() for model in self.all()))

    def _only_if_more(self, name: str) -> None:
        if self.alone:
            raise Misconfigured(f"only one model is asked here, {self.settings.model}, and the judge needs {name}")


def build_judge(settings: Settings, library: Library, models: Models) -> Judge:
    """The judge the settings ask for, calibrated where a calibration was fitted for exactly it.

    Raises:
        Misconfigured: an unknown prompt, a judge its model cannot serve, or too few judges for a panel or a cascade.
    """
    if settings.judge == "panel":
        return PanelJudge(_several(settings, library, models, at_least=2))
    if settings.judge == "cascade":
        cheap, strong = _several(settings, library, models, at_least=2, at_most=2)
        _check_cheap(cheap, settings)
        return CascadeJudge(cheap, strong, settings.judges.escalate_below)
    return _single(settings.judge, settings, library, models)


def second_judge(settings: Settings, library: Library, models: Models) -> tuple[Judge, SecondOpinion]:
    """Who decides again on appeal, and how that differs: another model if one is configured.

    Else the same line-up: fresh samples of a judge that asks once for all, the case in other words for the others.

    Raises:
        Misconfigured: the other model cannot be used.
    """
    if settings.appeal_model is not None:
        return _single(f"auto:{settings.appeal_model}", settings, library, models), "other_model"
    if settings.judge in ("panel", "cascade"):
        return RestatedJudge(build_judge(settings, library, models)), "restated"
    kind, _, model = settings.judge.partition(":")
    judge = _raw(kind, model or settings.model, settings, library, models)
    if isinstance(judge, SingleCallJudge):
        again = replace(judge, samples=SECOND_SAMPLES, first_seed=judge.samples)
        return _calibrated(again, library), "fresh_samples"
    return RestatedJudge(_calibrated(judge, library)), "restated"


def _several(
    settings: Settings, library: Library, models: Models, *, at_least: int, at_most: int = 9
) -> tuple[Judge, ...]:
    members = settings.judges.members
    if not at_least <= len(members) <= at_most:
        wanted = f"{at_least}" if at_least == at_most else f"{at_least} to {at_most}"
        raise Misconfigured(
            f"a {settings.judge} is made of {wanted} judges, and {len(members)} are named: "
            'set DEBRIEF_JUDGES__MEMBERS, e.g. \'["readout:embedded", "single_call:openai/gpt-4o-mini"]\''
        )
    judges = tuple(_single(member, settings, library, models) for member in members)
    if len({(judge.name, judge.model) for judge in judges}) < len(judges):
        raise Misconfigured("two members of DEBRIEF_JUDGES__MEMBERS are the same judge on the same model")
    return judges


def _check_cheap(judge: Judge, settings: Settings) -> None:
    if judge.name == "single_call" and settings.samples == 1:
        raise Misconfigured(
            "the first judge of a cascade has to say how sure it is: single_call does with DEBRIEF_SAMPLES=3 or more, "
            "readout and decision always"
        )


def _single(name: str, settings: Settings, library: Library, models: Models) -> Judge:
    kind, _, model = name.partition(":")
    return _calibrated(_raw(kind, model or settings.model, settings, library, models), library)


def _calibrated(judge: PromptedJudge, library: Library) -> Judge:
    usable = library.calibrations().of_judge(judge.name, judge.model, judge.prompt.sha256)
    return CalibratedJudge(judge, Calibrations(usable)) if usable else judge


def _raw(kind: str, model: str, settings: Settings, library: Library, models: Models) -> PromptedJudge:
    if kind == "decision":
        return DecisionJudge(models.decider(model), named_prompt(library, settings.prompts.decision))
    chat = models.chat(model)
    if kind == "auto":
        kind = fitting_judge(chat.capabilities)
    if kind == "single_call":
        prompt = named_prompt(library, settings.prompts.single_call)
        return SingleCallJudge(chat, prompt, settings.samples, examples=library.examples())
    if not chat.capabilities.top_logprobs:
        raise Misconfigured(
            f"the readout judge needs a model that reports log-probabilities, and {chat.name} does not: "
            "set DEBRIEF_JUDGE=single_call or leave it out"
        )
    return ReadoutJudge(chat, named_prompt(library, settings.prompts.readout))


def in_words(settings: Settings, capabilities: Capabilities) -> str:
    """The judge as ``debrief models`` shows it, with members and threshold."""
    members = settings.judges.members
    if settings.judge == "auto":
        return f"{fitting_judge(capabilities)} (chosen for this model)"
    if settings.judge == "panel":
        return f"panel of {', '.join(members)}"
    if settings.judge == "cascade":
        below = settings.judges.escalate_below
        threshold = "its calibration's threshold, or 0.6" if below is None else f"{below:g}"
        return f"{members[0]}, then {members[1]} where confidence is below {threshold}"
    return settings.judge


def fitting_judge(capabilities: Capabilities) -> Literal["readout", "single_call"]:
    """The judge for a model when none is named: readout for a small model that runs here, else one call for all."""
    return "readout" if capabilities.free and capabilities.top_logprobs else "single_call"


def asks_once(settings: Settings, capabilities: Capabilities) -> bool:
    """Whether one call to ``DEBRIEF_MODEL`` is all that is asked about an answer, as a provider's batch needs it."""
    judge = fitting_judge(capabilities) if settings.judge == "auto" else settings.judge
    return judge == "single_call" and settings.samples == 1


def named_prompt(library: Library, reference: str) -> Prompt:
    """A prompt by ``id`` or ``id@version``.

    Raises:
        Misconfigured: there is none.
    """
    prompt = library.prompt(reference)
    if prompt is None:
        raise Misconfigured(f"there is no prompt called {reference}: look into prompts/")
    return prompt
