"""Calibration: fits maps from raw to true levels for one judge, model, prompt and rubric, and says what they change.

All figures after calibration are held out: each answer's map was fitted without its question. Calibration moves levels
to where they belong and makes confidence honest; it does not order answers better, and the report shows that.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from pydantic import BaseModel, ConfigDict

from evals.errors import CouldNotRun
from evals.finished import FinishedRun
from evals.fitting import KINDS, choose, columns_of, held_out, ranked_scores
from evals.level_sets import LevelSetFit, fit_level_sets
from evals.results import Result, criteria_of
from evals.stats import agreement
from evals.stats.number import Number
from evals.stats.observations import Observation, observed, plain
from evals.stats.outcomes import Outcome, item_outcomes, mean_of, of_metric
from evals.stats.reliability import Bin, calibration_error, reliability
from evals.stats.review import ReviewPoint, review_curve
from evals.stats.summary import Numbers, labelled
from evals.suites import focused
from service.grading.calibration import LevelMap, LevelSetRule, ReviewRule
from service.grading.grade import Receipt
from service.grading.levels import LevelDistribution
from service.ports import Library

MIN_ANSWERS = 30
MIN_QUESTIONS = 5
BUDGET = 0.1
COVERAGE = 0.9
ALONE = "readout"
"""The judge that asks about each criterion by itself."""


class CannotCalibrate(CouldNotRun):
    """The run is not fit for fitting; the message says why and what to do."""


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Use(_Value):
    """What a calibration is for: it applies to exactly this."""

    judge: str
    model: str
    prompt: str
    prompt_sha256: str
    rubric: str
    rubric_sha256: str


class CriterionFit(_Value):
    """What fitting found for one criterion.

    Attributes:
        kind: the kind of map chosen; ``raw`` where none helps.
        scores: held-out ranked probability score by kind, lower is better.
        before, after: the same numbers raw, and held out after the chosen map.
        why: why there is no map.
        level_set: for the distributions as the service will show them.
    """

    criterion: str
    n: int
    questions: int
    kind: str
    level_map: LevelMap | None
    scores: dict[str, float]
    before: Numbers
    after: Numbers
    reliability_before: tuple[Bin, ...]
    reliability_after: tuple[Bin, ...]
    why: str | None
    level_set: LevelSetFit | None = None


class CalibrationReport(_Value):
    """All that fitting found. ``left_out`` says what was not used, in words.

    Attributes:
        review: what people save readers from at the usual budgets, none first.
        chosen: the same at the operator's own budget.
    """

    use: Use
    criteria: tuple[CriterionFit, ...]
    review: tuple[ReviewPoint, ...]
    chosen: ReviewPoint | None
    left_out: tuple[str, ...]

    @property
    def maps(self) -> dict[str, LevelMap]:
        """The maps worth having, by criterion."""
        return {fit.criterion: fit.level_map for fit in self.criteria if fit.level_map is not None}

    @property
    def level_sets(self) -> dict[str, LevelSetRule]:
        """The rules for level sets, by criterion."""
        return {fit.criterion: fit.level_set.rule for fit in self.criteria if fit.level_set is not None}

    @property
    def rule(self) -> ReviewRule | None:
        """When to ask a person; None where that saves nothing: the judge does not know when it is wrong."""
        if self.chosen is None or self.chosen.right <= self.review[0].right:
            return None
        return ReviewRule(budget=self.chosen.budget, below=self.chosen.threshold)


def fit_run(
    run: FinishedRun,
    variant: str | None = None,
    library: Library | None = None,
    *,
    coverage: float = COVERAGE,
    budget: float = BUDGET,
) -> CalibrationReport:
    """Fit one variant of a run.

    Args:
        run: finished.
        variant: its name; the last unless named.
        library: holds the rubrics the service grades with, so that the calibration is for one of them.
        coverage: how often the true level is to be in the level set.
        budget: the share of answers that people look at.

    Raises:
        CannotCalibrate: calibrated already, several rubrics or prompts in one run, nothing labelled, or a rubric the
            service does not grade with.
    """
    chosen = plain(run.results, variant or run.variants[-1])
    results, left_out = _usable(chosen)
    use = _use(results)
    if library is not None:
        use = served(use, set(criteria_of(results)), library)
    found = [o for o in observed(results) if o.distribution]
    fits, after = [], []
    for criterion in labelled(results):
        own = [o for o in found if o.criterion == criterion]
        fit, moved = _fit(criterion, own, coverage)
        fits.append(fit)
        after += moved
    own_budget = review_curve(after, (budget,))
    return CalibrationReport(
        use=use,
        criteria=tuple(fits),
        review=review_curve(after),
        chosen=own_budget[0] if own_budget else None,
        left_out=left_out,
    )


def _usable(results: Sequence[Result]) -> tuple[list[Result], tuple[str, ...]]:
    """Answers a judge decided, of the development split; the test split is for reporting."""
    judged = [r for r in results if r.grade and not r.grade.receipt.judge.startswith("rule:")]
    dev = [r for r in judged if r.row.split == "dev"]
    if not dev:
        raise CannotCalibrate("the run holds no graded answers of the dev split: fit on dev, report on test")
    left = {"settled by rule or failed": len(results) - len(judged), "of the test split": len(judged) - len(dev)}
    return dev, tuple(f"{n} {what}" for what, n in left.items() if n)


def _use(results: Sequence[Result]) -> Use:
    uses = {_use_of(result.grade.receipt) for result in results if result.grade}
    if any(result.grade and result.grade.receipt.calibration for result in results):
        raise CannotCalibrate(
            "these grades are calibrated already. Move the calibration file away and run again; the replies are stored."
        )
    if len(uses) > 1:
        raise CannotCalibrate("the run mixes rubrics, prompts or models: fit on a run with one of each")
    judge, model, prompt, prompt_sha256, rubric, rubric_sha256 = uses.pop()
    return Use(
        judge=judge,
        model=model,
        prompt=prompt,
        prompt_sha256=prompt_sha256,
        rubric=rubric,
        rubric_sha256=rubric_sha256,
    )


def _use_of(receipt: Receipt) -> tuple[str, str, str, str, str, str]:
    model = next((ref.requested for ref in receipt.models if ref.role == "judge"), "unknown")
    prompt, rubric = receipt.prompt, receipt.rubric
    name, sha256 = (f"{prompt.id}@{prompt.version}", prompt.sha256) if prompt else ("none", "")
    return receipt.judge, model, name, sha256, f"{rubric.id}@{rubric.version}", rubric.sha256


def served(use: Use, criteria: set[str], library: Library) -> Use:
    """The use with the rubric the service grades with, where the run's was cut down to the criteria with labels.

    A judge that asks about each criterion by itself decides the same under both. A rubric the library does not hold is
    taken to be somebody's own and left as it is.

    Raises:
        CannotCalibrate: the judge sees the whole rubric, or the rubric has changed since the run.
    """
    full = library.rubric(use.rubric)
    ours = library.rubric(use.rubric.partition("@")[0]) is not None
    if not ours or (full is not None and full.sha256 == use.rubric_sha256):
        return use
    cut = full and focused(full, criteria)
    if full is None or cut is None or cut.sha256 != use.rubric_sha256:
        raise CannotCalibrate(f"{use.rubric} has changed since the run. Run again: replies are stored.")
    prompt = library.prompt(use.prompt)
    if use.judge != ALONE or prompt is None or prompt.system(full) != prompt.system(cut):
        raise CannotCalibrate(
            f"the run left out criteria without labels, and the judge {use.judge} shows a model the whole rubric, "
            "so that the service would not decide alike. Run again with --all-criteria."
        )
    return use.model_copy(update={"rubric_sha256": full.sha256})


def _fit(criterion: str, own: list[Observation], coverage: float) -> tuple[CriterionFit, list[Observation]]:
    """The fit, and the observations as the chosen map, held out, would leave them."""
    why, scores, kind, after = _too_few(own) or _no_skill(own), {}, "raw", own
    if why is None:
        kept = {name: held_out(own, fit) for name, fit in KINDS.items()}
        each = {name: ranked_scores(own, distributions) for name, distributions in kept.items()}
        scores = {name: round(float(values.mean()), 4) for name, values in each.items()}
        kind = choose(each, [o.question for o in own])
        after = [_moved(o, distribution) for o, distribution in zip(own, kept[kind], strict=True)]
        why = "no map does better on questions it has not seen" if kind == "raw" else None
    fit = KINDS[kind]
    return CriterionFit(
        criterion=criterion,
        n=len(own),
        questions=len({o.question for o in own}),
        kind=kind,
        level_map=fit(*columns_of(own)) if fit else None,
        scores=scores,
        before=_numbers(own),
        after=_numbers(after),
        reliability_before=reliability(own),
        reliability_after=reliability(after),
        why=why,
        level_set=None if _too_few(own) else fit_level_sets(after, coverage),
    ), after


def _too_few(own: Sequence[Observation]) -> str | None:
    questions, labels = {o.question for o in own}, {o.label for o in own}
    if len(own) < MIN_ANSWERS or len(questions) < MIN_QUESTIONS:
        return f"{len(own)} answers to {len(questions)} questions; {MIN_ANSWERS} to {MIN_QUESTIONS} are needed"
    return "every label is the same level" if len(labels) == 1 else None


def _no_skill(own: Sequence[Observation]) -> str | None:
    """A map can only teach such a judge to say the average level to everyone, which looks like a smaller error."""
    order = agreement.spearman(own)
    if order.value is not None and order.low is not None and order.low > 0:
        return None
    found = "cannot be measured" if order.value is None else f"is {order.value:.2f}"
    return f"the judge does not order these answers (Spearman {found}): a map would give them all the same level"


def _moved(before: Observation, after: LevelDistribution) -> Observation:
    """The doubt that dropped quotes cast stays; only the probability under it changes."""
    shown = before.distribution[before.level - 1] / sum(before.distribution)
    confidence = after.probability_of(after.median)
    if before.confidence is not None and shown > 0:
        confidence *= min(before.confidence / shown, 1.0)
    return replace(
        before,
        score=after.expected,
        level=after.median,
        distribution=after.probabilities,
        confidence=min(confidence, 1.0),
    )


def _numbers(own: Sequence[Observation]) -> Numbers:
    items = item_outcomes(own)
    levels = len(own[0].distribution) if own else 2
    numbers: dict[str, Number] = {name: mean_of(of_metric(items, name)) for name in ("mae", "bias", "exact")}
    return numbers | {
        "rmse": agreement.root_mean_square(own),
        "qwk": agreement.quadratic_kappa(own, levels),
        "pearson": agreement.pearson(own),
        "spearman": agreement.spearman(own),
        "ece": calibration_error(own),
        "rps": mean_of(_ranked(own)),
    }


def _ranked(own: Sequence[Observation]) -> list[Outcome]:
    if not own:
        return []
    scores = ranked_scores(own, [LevelDistribution.from_weights(o.distribution) for o in own])
    return [Outcome("rps", o.criterion, o.row, o.question, float(s)) for o, s in zip(own, scores, strict=True)]
