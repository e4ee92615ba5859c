"""Agreement with the labels: known values, missing ones with reasons, and the weighted forms of the bootstrap."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from sklearn.metrics import cohen_kappa_score

from evals.stats import agreement
from evals.stats.number import Number, missing
from evals.stats.observations import Observation, observed
from evals.stats.outcomes import item_outcomes, mean_of, of_metric
from tests.evals.makers import result, row


def seen(label: int, score: float, *, level: int | None = None, question: str = "q", length: int = 10) -> Observation:
    """An observation of one criterion."""
    return Observation(
        row=f"{question}-{label}-{score}",
        question=question,
        criterion="clarity",
        label=label,
        truth=float(label),
        score=score,
        level=round(score) if level is None else level,
        distribution=(),
        confidence=None,
        length=length,
    )


FOUR = [seen(1, 2.0, question="a"), seen(2, 2.0, question="b"), seen(3, 3.0, question="c"), seen(4, 3.0, question="d")]


def test_errors_are_what_a_hand_computes() -> None:
    """Errors +1, 0, 0, -1: mean error one half, no bias, root of one half, half the levels exact, all adjacent."""
    items = item_outcomes(FOUR)

    values = {name: mean_of(of_metric(items, name)).value for name in ("mae", "bias", "exact", "adjacent")}

    assert values == {"mae": 0.5, "bias": 0.0, "exact": 0.5, "adjacent": 1.0}
    assert agreement.root_mean_square(FOUR).value == pytest.approx(np.sqrt(0.5))


def test_quadratic_kappa_is_what_a_hand_computes() -> None:
    """Labels 1 2 3 4 shown as 2 2 3 3.

    Observed disagreement: 1 + 0 + 0 + 1 = 2. By chance: every label against every level, over four:
    (1+1+4+4 + 0+0+1+1 + 1+1+0+0 + 4+4+1+1) / 4 = 6. Kappa: 1 - 2/6.
    """
    assert agreement.quadratic_kappa(FOUR, 5).value == pytest.approx(1 - 2 / 6)


def test_correlations_are_what_a_hand_computes() -> None:
    """Deviations -1.5 -.5 .5 1.5 and -.5 -.5 .5 .5: r = 2 / sqrt(5 * 1); four of six pairs concordant, two tied."""
    assert agreement.pearson(FOUR).value == pytest.approx(2 / np.sqrt(5))
    assert agreement.kendall(FOUR).value == pytest.approx(4 / np.sqrt(6 * 4))
    assert agreement.spearman(FOUR).value == pytest.approx(2 / np.sqrt(5))


def test_length_sensitivity_is_found_where_only_length_decides_and_not_where_only_the_label_does() -> None:
    """At equal label the longer answer scores higher: near 1. With scores from labels and chance: near 0."""
    rng = np.random.default_rng(1)
    verbose, fair = [], []
    for i in range(200):
        label, length = int(rng.integers(1, 6)), int(rng.integers(10, 200))
        verbose.append(seen(label, 1 + length / 100, question=f"q{i}", length=length, level=2))
        fair.append(seen(label, float(np.clip(label + rng.normal(), 1, 5)), question=f"q{i}", length=length, level=2))

    assert (agreement.length_sensitivity(verbose).value or 0) > 0.95
    assert abs(agreement.length_sensitivity(fair).value or 1) < 0.15


@pytest.mark.parametrize(
    ("observations", "reason"),
    [
        ([], "no such items"),
        (FOUR[:2], "fewer than 3 scored items"),
        ([seen(2, 1.0), seen(2, 2.0), seen(2, 3.0)], "every label is the same"),
        ([seen(1, 2.0), seen(2, 2.0), seen(3, 2.0)], "every score is the same"),
    ],
    ids=["none", "too few", "constant labels", "constant scores"],
)
def test_what_cannot_be_computed_is_none_with_a_reason(observations: list[Observation], reason: str) -> None:
    """Never 0, never NaN."""
    number = agreement.spearman(observations)

    assert number.value is None
    assert reason in (number.why or "")
    assert number.n == len(observations)


def test_a_number_is_a_value_or_a_reason_and_never_nan() -> None:
    """Both, neither and NaN are refused."""
    for value, why in ((None, None), (1.0, "because"), (float("nan"), None)):
        with pytest.raises(ValueError, match=r"either a value or a reason|finite"):
            Number(value=value, n=1, why=why)
    assert missing("no items").n == 0


def test_few_questions_get_no_interval() -> None:
    """Forty answers to four questions are four questions."""
    assert agreement.pearson(FOUR * 10).low is None


def test_the_interval_widens_when_answers_to_a_question_resemble_one_another() -> None:
    """Ten questions with ten equal errors each are ten values; a hundred questions are a hundred."""
    few = [seen(3, 3 + (i % 10) / 10, question=str(i % 10)) for i in range(100)]
    many = [seen(3, 3 + (i % 10) / 10, question=str(i)) for i in range(100)]

    narrow, wide = (mean_of(of_metric(item_outcomes(items), "mae")).half_width for items in (many, few))

    assert narrow is not None
    assert wide is not None
    assert wide > 2 * narrow


ITEMS = st.lists(
    st.tuples(st.integers(1, 5), st.integers(1, 5), st.integers(0, 3)), min_size=4, max_size=25
)  # label, level, how often drawn


@given(ITEMS)
def test_weighted_forms_equal_the_libraries_on_repeated_items(items: list[tuple[int, int, int]]) -> None:
    """A round of the bootstrap that draws an item three times is the library's value with the item three times."""
    label, level, weight = (np.array(column) for column in zip(*items, strict=True))
    x, y = np.repeat(label, weight).astype(float), np.repeat(level, weight).astype(float)
    if len(x) < 3 or np.ptp(x) == 0 or np.ptp(y) == 0:
        return
    weights, label_f, level_f = weight[None, :].astype(float), label.astype(float), level.astype(float)

    assert agreement.correlation_draws(label_f, level_f, weights)[0] == pytest.approx(stats.pearsonr(x, y).statistic)
    assert agreement.spearman_draws(label_f, level_f, weights)[0] == pytest.approx(stats.spearmanr(x, y).statistic)
    kappa = cohen_kappa_score(x.astype(int), y.astype(int), weights="quadratic", labels=[1, 2, 3, 4, 5])
    assert agreement.kappa_draws(label, level, 5, weights)[0] == pytest.approx(kappa)


def test_a_failed_item_is_left_out_and_never_averaged_in() -> None:
    """One answer graded, one broken off, one without a level: one observation."""
    results = [
        result(row("a", {"clarity": 4}), {"clarity": 3.5}),
        result(row("b", {"clarity": 1}), None),
        result(row("c", {"clarity": 1}), {"clarity": None}),
    ]

    assert [(o.row, o.label, o.score) for o in observed(results)] == [("a", 4, 3.5)]


def test_a_label_for_the_overall_is_compared_with_the_overall_score() -> None:
    """Public sets often have one score for everything."""
    (found,) = observed([result(row("a", {"overall": 4}), {"clarity": 3.0, "correctness": 4.0})])

    assert (found.criterion, found.score, found.level) == ("overall", 3.5, 4)
