"""Paired comparison: what makes a verdict, what withholds it, and what is listed."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from evals.compare import Comparison, compare
from evals.flips import flips, turned
from evals.results import Result
from evals.stats.noise import noise
from evals.stats.observations import POOLED
from evals.stats.paired import Paired, chance, detectable, difference_interval, holm
from tests.evals.makers import BASE, OTHER, result, row


def answers(n: int, shift: float, *, variant: str, seed: int = 0, repeat: int = 0, jitter: float = 0.3) -> list[Result]:
    """N questions with one answer each; every score lies ``shift`` plus some jitter above the true level of 2."""
    rng = np.random.default_rng(seed)
    return [
        result(
            row(f"r{i}", {"correctness": 2, "clarity": 2}, question=f"Question {i}?"),
            {c: float(np.clip(2 + shift + rng.normal(0, jitter), 1, 5)) for c in ("correctness", "clarity")},
            variant=variant,
            repeat=repeat,
        )
        for i in range(n)
    ]


def verdicts(comparison: Comparison) -> dict[str, str]:
    """The verdict by criterion."""
    return {v.criterion: v.verdict for v in (*comparison.criteria, comparison.overall)}


def test_a_clear_gain_is_better_and_its_reverse_is_worse() -> None:
    """Errors fall from 1.5 to 0.2 levels on 20 questions."""
    far, near = (answers(20, shift, variant=v, seed=i) for i, (shift, v) in enumerate([(1.5, BASE), (0.1, OTHER)]))

    forward, backward = compare(far + near, BASE, OTHER), compare(far + near, OTHER, BASE)

    assert set(verdicts(forward).values()) == {"better"}
    assert set(verdicts(backward).values()) == {"worse"}
    assert backward.regressed
    assert not forward.regressed
    assert forward.overall.parts[0].difference == pytest.approx(-backward.overall.parts[0].difference)


def test_the_same_quality_cannot_be_told_and_the_reason_names_what_would_show() -> None:
    """Two draws of the same judge."""
    same = compare(answers(20, 1.0, variant=BASE, seed=1) + answers(20, 1.0, variant=OTHER, seed=2), BASE, OTHER)

    assert set(verdicts(same).values()) == {"cannot tell"}
    assert "may be chance" in same.overall.why
    assert "would show at this size" in same.overall.why
    assert same.overall.parts[0].detectable is not None


def test_identical_variants_say_that_no_item_moved() -> None:
    """Not a p-value of nothing."""
    plain = answers(20, 1.0, variant=BASE)
    copies = [r.model_copy(update={"variant": OTHER}) for r in plain]

    same = compare(plain + copies, BASE, OTHER)

    assert same.overall.parts[0].p == 1.0
    assert "no item moved" in same.overall.why


def test_few_questions_cannot_tell_however_large_the_difference() -> None:
    """Four questions give p = 1/8 at best, and no test that cannot speak takes part in Holm's correction."""
    few = compare(answers(4, 2.0, variant=BASE, jitter=0.0) + answers(4, 0.0, variant=OTHER, jitter=0.0), BASE, OTHER)

    assert few.overall.verdict == "cannot tell"
    assert few.overall.parts[0].p == pytest.approx(1 / 8)
    assert few.overall.why.endswith("too few questions, 4 of at least 6 (n 8)")


def test_a_difference_within_the_noise_floor_is_no_verdict() -> None:
    """The base itself moved by .5 when asked again, so a change of .3 says nothing, however certain."""
    base = answers(30, 1.0, variant=BASE, jitter=0.01)
    again = answers(30, 1.5, variant=BASE, jitter=0.01, repeat=1)
    other = answers(30, 0.7, variant=OTHER, jitter=0.01)

    quiet, noisy = compare(base + other, BASE, OTHER), compare(base + again + other, BASE, OTHER)

    assert quiet.overall.verdict == "better"
    assert "noise floor not measured" in quiet.overall.why
    assert noisy.overall.verdict == "cannot tell"
    assert "within the noise floor of 0.50" in noisy.overall.why


def test_error_and_order_that_disagree_withhold_the_verdict() -> None:
    """The other variant is nearer to the labels but turns every ladder round."""
    results = []
    for i in range(12):
        for level, before, after in ((2, 4.0, 2.6), (3, 5.0, 2.5)):
            golden = row(f"l{i}-{level}", {"clarity": level}, tags=("ladder",), group=f"l{i}", question=f"Q{i}?")
            results += [result(golden, {"clarity": before}), result(golden, {"clarity": after}, variant=OTHER)]

    (clarity,) = compare(results, BASE, OTHER).criteria

    assert clarity.verdict == "cannot tell"
    assert clarity.why.startswith("error and order disagree")


def test_only_items_scored_by_both_are_compared() -> None:
    """A failure is neither an error of 0 nor one of 4."""
    base, other = answers(20, 1.0, variant=BASE), answers(20, 0.0, variant=OTHER)
    other[0] = result(other[0].row, None, variant=OTHER)

    assert compare(base + other, BASE, OTHER).criteria[0].parts[0].n == 19


def test_the_permutation_test_is_exact_with_few_questions_and_takes_questions_whole() -> None:
    """Six questions that all moved the same way: 2 of 64 swaps are as extreme, with one answer each or ten."""
    for copies in (1, 10):
        questions = [str(i) for i in range(6) for _ in range(copies)]
        pairs = Paired(np.zeros(6 * copies), np.ones(6 * copies), questions)
        assert chance(pairs) == pytest.approx(2 / 64)


def test_holm_is_what_a_hand_computes() -> None:
    """.01 * 3, .02 * 2, .5 * 1."""
    assert holm([0.02, 0.5, 0.01]) == pytest.approx([0.04, 0.5, 0.03])
    assert holm([]) == []


def test_the_detectable_effect_is_about_the_textbook_one() -> None:
    """Differences with standard deviation 1 on 100 questions: (1.96 + 0.84) / 10."""
    differences = np.random.default_rng(3).normal(0, 1, 100)
    differences = (differences - differences.mean()) / differences.std()
    pairs = Paired(np.zeros(100), differences, [str(i) for i in range(100)])

    expected = (stats.norm.ppf(0.975) + stats.norm.ppf(0.8)) / 10
    assert detectable(pairs, tests=1) == pytest.approx(expected, rel=0.1)
    low, high = difference_interval(pairs)
    assert low == pytest.approx(-0.196, abs=0.04)
    assert high == pytest.approx(0.196, abs=0.04)


def test_noise_counts_level_changes_and_names_perturbations() -> None:
    """One of two criteria moved a level in the repeat."""
    golden = row("a", {"clarity": 3})
    plain = result(golden, {"clarity": 3.0, "correctness": 2.0})
    again = result(golden, {"clarity": 4.0, "correctness": 2.0}, repeat=1)

    measured = noise([plain, again.model_copy(update={"perturbation": "level-form"})], BASE)

    assert (measured.repeats, measured.perturbations, measured.compared) == (1, ("level-form",), 2)
    assert (measured.level_changes, measured.score_change) == (0.5, 0.5)
    floor = measured.floor(POOLED, "mae")
    assert floor is not None
    assert (floor.largest, floor.n) == (1.0, 1)


def test_without_repeats_the_noise_is_unknown_not_zero() -> None:
    """No floor at all."""
    measured = noise([result(row("a", {"clarity": 3}), {"clarity": 3.0})], BASE)

    assert (measured.repeats, measured.level_changes, measured.floors) == (0, None, ())


def test_flips_show_both_rationales_and_which_way_they_went() -> None:
    """From 2 to 4 with a true level of 4; the criterion that stayed is not listed."""
    golden = row("a", {"clarity": 4})
    before = result(golden, {"clarity": 2.0, "correctness": 3.0}, rationale="Terms go unexplained.")
    after = result(golden, {"clarity": 4.0, "correctness": 3.2}, variant=OTHER, rationale="Clear steps.")

    (flip,) = flips([before, after], BASE, OTHER)

    assert (flip.row, flip.criterion, flip.label, flip.before, flip.after, flip.toward) == (
        "a",
        "clarity",
        4,
        2,
        4,
        "nearer",
    )
    assert (flip.rationale_before, flip.rationale_after) == ("Terms go unexplained.", "Clear steps.")


def test_pairs_whose_order_turned_are_listed_losses_first() -> None:
    """One twin lost, one won."""
    results = []
    for name, base_scores, other_scores in (("won", (4.0, 2.0), (2.0, 4.0)), ("lost", (2.0, 4.0), (4.0, 2.0))):
        for side, tag in enumerate(("fluent-wrong", "terse-right")):
            golden = row(f"{name}-{tag}", {"correctness": 1 + 4 * side}, tags=("twin", tag), group=name)
            results.append(result(golden, {"correctness": base_scores[side]}))
            results.append(result(golden, {"correctness": other_scores[side]}, variant=OTHER))

    pairs = turned(results, BASE, OTHER)

    assert [(pair.before, pair.after) for pair in pairs] == [(1.0, 0.0), (0.0, 1.0)]
    assert "lost" in pairs[0].unit
