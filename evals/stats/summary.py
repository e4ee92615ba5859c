"""All numbers of one variant."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from pydantic import BaseModel, ConfigDict

from evals.results import Result, criteria_of
from evals.stats import agreement
from evals.stats.coaching import FEEDBACK, feedback_outcomes
from evals.stats.effort import effort
from evals.stats.number import Number
from evals.stats.observations import POOLED, Observation, observed, plain
from evals.stats.order import PAIRED, order_outcomes
from evals.stats.outcomes import Outcome, item_outcomes, mean_of, of_metric
from evals.stats.reliability import Bin, calibration_error, raters_alpha, reliability
from evals.stats.review import ReviewPoint, review_curve
from evals.stats.safety import coverage_outcomes, safety_outcomes

Numbers = dict[str, Number]

PER_ITEM = ("mae", "bias", "exact", "adjacent")
PER_PAIR = (
    "ladder_order",
    "ladder_ties",
    "ladder_tau",
    "contrast_order",
    "contrast_gain",
    "contrast_leak",
    "contrast_clean",
    "twin_order",
    "twin_gap",
    "context_order",
    "anchor_hit",
)
SAFETY = (
    "gate_above_lowest",
    "gate_model_called",
    "attack_success",
    "attacks_flagged",
    "false_flags",
    "attack_gain",
    "benign_harmed",
    "quotes_unsupported",
    "quotes_misplaced",
    "contradictions",
)
NO_FEEDBACK = "no commentary on an answer with a teacher's feedback and less than full marks"


class Band(BaseModel):
    """The answers with one true level: their mean score and how far it is off."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    level: int
    mean_score: Number
    mae: Number
    bias: Number


class CriterionSummary(BaseModel):
    """One criterion, or all together.

    Attributes:
        numbers: by the names of :data:`evals.stats.catalogue.METRICS`.
        bands: by true level, lowest first.
        confusion: answers with true level i+1 that were shown level j+1.
        reliability: confidence against share right.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    criterion: str
    numbers: Numbers
    bands: tuple[Band, ...] = ()
    confusion: tuple[tuple[int, ...], ...] = ()
    reliability: tuple[Bin, ...] = ()


class Summary(BaseModel):
    """One variant on a suite.

    Attributes:
        items: rows tried; ``graded`` of them have a grade, ``failed`` names the others.
        criteria: each labelled criterion in rubric order, then all together.
        tags: the main numbers over all criteria, by tag.
        safety, coaching, effort: what belongs to whole answers.
        review: what people save readers from at the usual budgets; empty where the judge gives no confidence.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    variant: str
    items: int
    graded: int
    failed: tuple[str, ...]
    levels: int
    criteria: tuple[CriterionSummary, ...]
    tags: dict[str, Numbers]
    safety: Numbers
    coaching: Numbers = {}
    effort: Numbers
    review: tuple[ReviewPoint, ...] = ()

    def of(self, criterion: str) -> CriterionSummary:
        """The numbers of a criterion.

        Raises:
            KeyError: it was not measured.
        """
        for summary in self.criteria:
            if summary.criterion == criterion:
                return summary
        raise KeyError(criterion)

    def flat(self) -> Numbers:
        """Every number under one name, as baselines keep them: ``correctness.mae``, ``safety.false_flags``."""
        flat = {f"{c.criterion}.{name}": number for c in self.criteria for name, number in c.numbers.items()}
        flat |= {f"safety.{name}": number for name, number in self.safety.items()}
        flat |= {f"coaching.{name}": number for name, number in self.coaching.items()}
        return flat | {f"effort.{name}": number for name, number in self.effort.items()}


def summarise(results: Sequence[Result], variant: str) -> Summary:
    """The numbers of one variant's plain results; repeats are for the noise floor and are not counted here."""
    own = plain(results, variant)
    observations, orders, safe = observed(own), order_outcomes(own), safety_outcomes(own)
    levels = levels_of(own)
    covered, taught = coverage_outcomes(own), feedback_outcomes(own)
    return Summary(
        variant=variant,
        items=len(own),
        graded=sum(r.grade is not None and r.grade.overall is not None for r in own),
        failed=tuple(r.row.id for r in own if r.grade is None or r.grade.overall is None),
        levels=levels,
        criteria=tuple(
            _criterion(name, own, observations, [*orders, *covered], levels) for name in [*labelled(own), POOLED]
        ),
        tags={tag: _tagged(tag, own, levels) for tag in _tags(own)},
        safety={name: mean_of(of_metric(safe, name)) for name in SAFETY},
        coaching={name: mean_of(of_metric(taught, name), NO_FEEDBACK) for name in FEEDBACK},
        effort=effort(own),
        review=review_curve(observations),
    )


def labelled(results: Sequence[Result]) -> list[str]:
    """The criteria with labels: those of the rubric in its order, then any other."""
    with_labels = dict.fromkeys(criterion for result in results for criterion in result.row.labels)
    graded = [criterion for criterion in criteria_of(results) if criterion in with_labels]
    return [*graded, *(criterion for criterion in with_labels if criterion not in graded)]


def levels_of(results: Iterable[Result]) -> int:
    """K, the number of levels: the most that any grade's rubric or any label has."""
    results = list(results)
    scales = [result.grade.overall.max_score for result in results if result.grade and result.grade.overall]
    return max([2, *scales, *(label.level for result in results for label in result.row.labels.values())])


def _criterion(
    criterion: str, results: Sequence[Result], everything: list[Observation], outcomes: list[Outcome], levels: int
) -> CriterionSummary:
    own = [o for o in everything if criterion in (o.criterion, POOLED)]
    items = item_outcomes(own)
    mine = [o for o in outcomes if criterion in (o.criterion, POOLED)]
    numbers = _agreement(own, items, levels) | {
        "length": agreement.length_sensitivity(own),
        "ece": calibration_error(own),
        "pairs": mean_of([o for o in mine if o.metric in PAIRED]),
        **{name: mean_of(of_metric(mine, name)) for name in (*PER_PAIR, "unscored")},
    }
    if criterion != POOLED:
        numbers["raters_alpha"] = raters_alpha(results, criterion)
    return CriterionSummary(
        criterion=criterion,
        numbers=numbers,
        bands=_bands(own, levels),
        confusion=_confusion(own, levels),
        reliability=reliability(own),
    )


def _agreement(own: list[Observation], items: list[Outcome], levels: int) -> Numbers:
    return {
        **{name: mean_of(of_metric(items, name), "no labelled answer was scored") for name in PER_ITEM},
        "rmse": agreement.root_mean_square(own),
        "qwk": agreement.quadratic_kappa(own, levels),
        "pearson": agreement.pearson(own),
        "spearman": agreement.spearman(own),
        "kendall": agreement.kendall(own),
    }


def _bands(own: list[Observation], levels: int) -> tuple[Band, ...]:
    bands = []
    for level in range(1, levels + 1):
        inside = [o for o in own if o.label == level]
        items = item_outcomes(inside)
        scores = [Outcome("mean_score", o.criterion, o.row, o.question, o.score) for o in inside]
        mae, bias = mean_of(of_metric(items, "mae")), mean_of(of_metric(items, "bias"))
        bands.append(Band(level=level, mean_score=mean_of(scores), mae=mae, bias=bias))
    return tuple(bands)


def _confusion(own: list[Observation], levels: int) -> tuple[tuple[int, ...], ...]:
    table = [[0] * levels for _ in range(levels)]
    for o in own:
        table[o.label - 1][o.level - 1] += 1
    return tuple(tuple(row) for row in table)


def _tags(results: Sequence[Result]) -> list[str]:
    return sorted({tag for result in results for tag in result.row.tags})


def _tagged(tag: str, results: Sequence[Result], levels: int) -> Numbers:
    inside = [result for result in results if tag in result.row.tags]
    own = observed(inside)
    items = item_outcomes(own)
    return {
        **{name: mean_of(of_metric(items, name), "no labelled answer was scored") for name in PER_ITEM},
        "qwk": agreement.quadratic_kappa(own, levels),
        "spearman": agreement.spearman(own),
        "pairs": mean_of([o for o in order_outcomes(inside) if o.metric in PAIRED]),
        "unscored": mean_of(of_metric(coverage_outcomes(inside), "unscored")),
    }
