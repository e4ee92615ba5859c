"""Level sets: fitted by split conformal prediction, so that the true level is among those named as often as promised.

What is fitted is one number: how many spreads of a distribution the set reaches around the score (normalised conformal
regression: Papadopoulos et al., 2002; Boström, crepes). That answers of one rubric are exchangeable is assumed; answers
to one question resemble one another, so the coverage reported is of questions the width was fitted without.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import numpy as np
from crepes import ConformalRegressor
from pydantic import BaseModel, ConfigDict
from sklearn.model_selection import GroupKFold

from evals.stats.number import Number
from evals.stats.observations import Observation
from evals.stats.outcomes import Outcome, mean_of
from evals.stats.resample import coded
from service.grading.calibration import LevelSetRule, spread_of
from service.grading.levels import LevelDistribution

FOLDS = 5
DIGITS = 5


class LevelSetFit(BaseModel):
    """A rule, and how it did on questions it was fitted without: share of true levels in the sets, levels in a set."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    rule: LevelSetRule
    covered: Number
    size: Number


def fit_level_sets(observations: Sequence[Observation], coverage: float) -> LevelSetFit | None:
    """The rule for one criterion; None where there are too few answers to promise the coverage.

    Args:
        observations: with the distributions the service will show; held out where a map was fitted on them.
        coverage: 0 to 1, the promise.
    """
    rule = _rule(observations, coverage)
    if rule is None:
        return None
    covered, sizes = [], []
    for one, level_set in zip(observations, _held_out(observations, coverage), strict=True):
        if level_set is not None:
            covered.append(_outcome("covered", one, float(one.label in level_set)))
            sizes.append(_outcome("size", one, float(len(level_set))))
    return LevelSetFit(rule=rule, covered=mean_of(covered), size=mean_of(sizes))


def _rule(observations: Sequence[Observation], coverage: float) -> LevelSetRule | None:
    levels = [_levels(o) for o in observations]
    off = np.array([o.label - d.expected for o, d in zip(observations, levels, strict=True)])
    fitted = ConformalRegressor()
    fitted.fit(residuals=off, sigmas=np.array([spread_of(d) for d in levels]))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # says that there are too few, as the infinite width does
        interval = fitted.predict_int(np.zeros(1), sigmas=np.ones(1), confidence=coverage)
    width = float(interval[0, 1])
    if not np.isfinite(width):
        return None
    return LevelSetRule(coverage=coverage, width=float(np.ceil(width * 10**DIGITS) / 10**DIGITS))


def _held_out(observations: Sequence[Observation], coverage: float) -> list[tuple[int, ...] | None]:
    """Each answer's set by a width that was fitted without its question; None where too few were left."""
    questions, clusters = coded([o.question for o in observations])
    result: list[tuple[int, ...] | None] = [None] * len(observations)
    if clusters < 2:
        return result
    for train, test in GroupKFold(min(FOLDS, clusters)).split(questions, groups=questions):
        rule = _rule([observations[i] for i in train], coverage)
        for place in test if rule else ():
            result[place] = rule.apply(_levels(observations[place])) if rule else None
    return result


def _levels(observation: Observation) -> LevelDistribution:
    return LevelDistribution.from_weights(observation.distribution)


def _outcome(name: str, of: Observation, value: float) -> Outcome:
    return Outcome(name, of.criterion, of.row, of.question, value)
