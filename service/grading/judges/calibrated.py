"""A judge whose raw levels pass through a calibration, where one was fitted for exactly this use."""

from __future__ import annotations

from dataclasses import dataclass

from service.grading.calibration import Calibration, Calibrations
from service.grading.judgement import Case, Decided, Decision, Judgement, Observer, PromptedJudge
from service.grading.models import CallBudget, ModelName
from service.grading.prompt import Prompt


@dataclass(frozen=True, slots=True)
class CalibratedJudge:
    """Another judge's decisions, calibrated; those of rubrics without a calibration are left as they are."""

    raw: PromptedJudge
    calibrations: Calibrations

    @property
    def name(self) -> str:
        """The raw judge's name."""
        return self.raw.name

    @property
    def model(self) -> ModelName:
        """The model that is asked."""
        return self.raw.model

    @property
    def prompt(self) -> Prompt:
        """The prompt in use."""
        return self.raw.prompt

    def version(self) -> dict[str, object]:
        """The raw judge's version, and the calibrations that can apply: other maps, other judgements."""
        usable = self.calibrations.of_judge(self.name, self.model, self.prompt.sha256)
        return {**self.raw.version(), "calibrations": [calibration.sha256 for calibration in usable]}

    async def decide(self, case: Case, budget: CallBudget, observe: Observer) -> Judgement:
        """Decide as the raw judge does; observers hear the calibrated levels."""
        fitting = self.calibrations.fitting(self.name, self.model, self.prompt.sha256, case.rubric_sha256)
        if fitting is None:
            return await self.raw.decide(case, budget, observe)
        judgement = await self.raw.decide(case, budget, lambda decision: observe(_calibrated(decision, fitting)))
        decisions = tuple(_calibrated(decision, fitting) for decision in judgement.decisions)
        below = fitting.review.below if fitting.review else None
        return judgement.model_copy(update={"decisions": decisions, "calibration": fitting.name, "review_below": below})


def _calibrated(decision: Decision, calibration: Calibration) -> Decision:
    if not isinstance(decision, Decided):
        return decision
    criterion, levels = decision.criterion, calibration.apply(decision.criterion, decision.levels)
    update: dict[str, object] = {"level_set": calibration.level_set(criterion, levels)}
    if criterion in calibration.maps:
        raw = {"uncalibrated": round(decision.levels.expected, 4)}
        update |= {"distribution": levels.probabilities, "probes": decision.probes | raw, "sampled_once": False}
    return Decided.model_validate(decision.model_dump() | update)
