"""Fitting: finds what was done to the levels, prefers doing nothing, tells the truth about ranking."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from scipy.special import expit

from evals.calibrate import CalibrationReport, CannotCalibrate, fit_run
from evals.calibration_file import write_calibration
from evals.finished import FinishedRun, read_run
from evals.fitting import choose, columns_of, fit_isotonic, fit_shift, fit_thresholds, held_out
from evals.level_sets import fit_level_sets
from evals.report.fits import review_sentence
from evals.results import Result
from evals.stats.observations import observed
from evals.stats.review import review_curve
from evals.suites import focused
from service.grading.levels import LevelDistribution
from service.library import FileLibrary, load_calibrations
from tests.evals.makers import BASE, result, row, usage, write_run

LEVELS = np.arange(1, 6)


def judged(n: int, *, scale: float, shift: float, seed: int = 0, questions: int = 40) -> list[Result]:
    """Answers whose true level is drawn from an honest judge's distribution, shown after its log-odds were damaged.

    A judge with ``scale`` 1 and ``shift`` 0 is honest; with .5 its scores are squeezed, with a negative shift lenient.
    """
    rng = np.random.default_rng(seed)
    found = []
    for i in range(n):
        odds = np.array([-2.0, -0.7, 0.7, 2.0]) * 1.5 - rng.normal(0, 2.5)
        honest = np.diff([0, *expit(odds), 1])
        label = int(rng.choice(LEVELS, p=honest / honest.sum()))
        shown = np.diff([0, *expit(scale * odds + shift), 1])
        golden = row(f"r{i}", {"correctness": label}, question=f"Question {i % questions}?")
        found.append(result(golden, {"correctness": tuple(shown / shown.sum())}))
    return found


def knowing_nothing(of: Result) -> Result:
    """The result of a judge that says the same of everything."""
    return result(of.row, {"correctness": (0.2, 0.2, 0.2, 0.2, 0.2)})


def fitted(folder: Path, results: list[Result]) -> CalibrationReport:
    """A run written, read and fitted."""
    return fit_run(read_run(write_run(folder, results)))


def test_the_fit_undoes_a_known_damage() -> None:
    """Squeezed to half and shifted by one: scale 2, shift 2 undo it."""
    observations = observed(judged(3_000, scale=0.5, shift=-1.0, questions=300))

    level_map = fit_shift(*columns_of(observations))

    assert level_map.scale == pytest.approx(2, rel=0.1)
    assert level_map.shifts == pytest.approx((2.0,) * 4, rel=0.15)


def test_a_squeezed_judge_gains_in_error_and_honesty_but_not_in_order(tmp_path: Path) -> None:
    """Held out: mean error, bias and calibration error fall, the rank correlation stays."""
    (fit,) = fitted(tmp_path, judged(400, scale=0.4, shift=-0.8)).criteria
    before, after = ({k: v.value or 0.0 for k, v in numbers.items()} for numbers in (fit.before, fit.after))

    assert fit.kind in ("shift", "thresholds")
    assert after["mae"] < before["mae"] - 0.1
    assert abs(after["bias"]) < 0.1 < abs(before["bias"])
    assert after["ece"] < before["ece"]
    assert after["rps"] < before["rps"]
    assert after["spearman"] == pytest.approx(before["spearman"], abs=0.02)


def test_an_honest_judge_is_left_alone(tmp_path: Path) -> None:
    """Nothing to gain: no map, and a reason; level sets and a review rule are of use all the same."""
    report = fitted(tmp_path / "run", judged(300, scale=1.0, shift=0.0))

    (fit,) = report.criteria
    assert (fit.kind, fit.level_map) == ("raw", None)
    assert fit.why == "no map does better on questions it has not seen"
    path = write_calibration(report, "dev", "2026-11-25", tmp_path / "out")
    assert path is not None
    (kept,) = load_calibrations(tmp_path / "out")
    assert (kept.maps, list(kept.level_sets)) == ({}, ["correctness"])
    assert kept.review is not None


def test_too_few_answers_are_not_fitted(tmp_path: Path) -> None:
    """The reason counts them; nothing is written."""
    report = fitted(tmp_path / "run", [knowing_nothing(r) for r in judged(20, scale=0.3, shift=1.0)])
    (fit,) = report.criteria

    assert (fit.level_map, fit.level_set, report.rule) == (None, None, None)
    assert write_calibration(report, "dev", "2026-11-25", tmp_path / "out") is None
    assert not (tmp_path / "out").exists()
    assert fit.why == "20 answers to 20 questions; 30 to 5 are needed"


def test_a_judge_without_skill_gets_no_map(tmp_path: Path) -> None:
    """Its error would fall, to that of giving everyone the average level; the reason says so."""
    results = judged(200, scale=1.0, shift=0.0)
    labels = np.random.default_rng(5).permutation([r.row.labels["correctness"].level for r in results])
    shuffled = [
        r.model_copy(update={"row": row(r.row.id, {"correctness": int(level)}, question=r.row.question)})
        for r, level in zip(results, labels, strict=True)
    ]

    (fit,) = fitted(tmp_path, shuffled).criteria

    assert fit.level_map is None
    assert "does not order these answers" in (fit.why or "")


def test_held_out_figures_never_see_the_answers_own_question() -> None:
    """One question's labels are turned round: what the map makes of that question does not change."""
    observations = observed(judged(100, scale=0.5, shift=0.0, questions=10))
    turned = [
        o
        if o.question != "Question 0?"
        else observed(
            [result(row(o.row, {"correctness": 6 - o.label}, question=o.question), {"correctness": o.distribution})]
        )[0]
        for o in observations
    ]

    for fit in (fit_shift, fit_thresholds, fit_isotonic):
        one, two = held_out(observations, fit), held_out(turned, fit)
        own = [i for i, o in enumerate(observations) if o.question == "Question 0?"]
        assert [one[i] for i in own] == [two[i] for i in own]


def test_the_simplest_kind_within_an_error_wins() -> None:
    """A gain of a thousandth on noisy answers buys no parameter; an even gain of a tenth does."""
    rng = np.random.default_rng(0)
    questions = [str(i) for i in range(50)]
    noisy = 1 + rng.normal(0, 0.3, 50)

    assert choose({"raw": noisy, "shift": noisy - 0.001 + rng.normal(0, 0.1, 50)}, questions) == "raw"
    assert choose({"raw": noisy, "shift": noisy - 0.1}, questions) == "shift"


def test_reviewing_the_least_sure_answers_removes_their_errors() -> None:
    """Two of twenty answers are unsure, and wrong by two levels: at a budget of 10 percent nothing wrong is left.

    The other 18 cannot be told apart, so a larger budget sends no more of them.
    """
    sure = [result(row(f"s{i}", {"clarity": 4}), {"clarity": (0, 0, 0, 1.0, 0)}) for i in range(18)]
    unsure = [result(row(f"u{i}", {"clarity": 5}), {"clarity": (0, 0.2, 0.6, 0.2, 0)}) for i in range(2)]

    none, _, tenth, fifth = review_curve(observed([*sure, *unsure]))

    assert (none.n, tenth.n, fifth.n) == (20, 18, 18)
    assert [none.error, none.right] == pytest.approx([0.2, 0.9])
    assert [tenth.error, tenth.right] == pytest.approx([0.0, 1.0])
    assert (none.threshold, tenth.threshold) == (0.6, 1.0)


def test_the_file_is_what_the_service_loads_and_a_second_fit_is_a_new_version(tmp_path: Path) -> None:
    """Maps, use and the held-out report."""
    report = fitted(tmp_path / "run", judged(400, scale=0.4, shift=-0.8))

    paths = [write_calibration(report, "dev", "2026-11-25", tmp_path / "out") for _ in range(2)]

    assert [path.name for path in paths if path] == [
        "ds-interview-1-1-0-judge-readout-1-embedded@1.json",
        "ds-interview-1-1-0-judge-readout-1-embedded@2.json",
    ]
    first = load_calibrations(tmp_path / "out")[0]
    assert first.fits == ("readout", "embedded", "p" * 64, "r" * 64)
    assert first.maps == report.maps
    kept = json.loads((paths[0] or tmp_path).read_text(encoding="utf-8"))["report"]
    assert kept["criteria"]["correctness"]["after_held_out"]["mae"] < kept["criteria"]["correctness"]["before"]["mae"]


def test_answers_settled_by_rule_and_the_test_split_are_left_out_and_said_to_be(tmp_path: Path) -> None:
    """Fit on dev, report on test."""
    results = judged(60, scale=0.4, shift=0.0)
    kept_back = results[0].row.model_copy(update={"id": "t", "split": "test"})
    blank = row("blank", {"correctness": 1}, tags=("gate", "blank"), answer="")
    results += [
        result(kept_back, {"correctness": 3.0}),
        result(blank, {"correctness": 1.0}, judge="rule:blank", spent=usage(0)),
    ]

    report = fitted(tmp_path, results)

    assert report.criteria[0].n == 60
    assert report.left_out == ("1 settled by rule or failed", "1 of the test split")


def test_calibrated_grades_are_not_calibrated_again(tmp_path: Path) -> None:
    """The message says how to get raw ones."""
    graded = judged(40, scale=1.0, shift=0.0)
    assert graded[0].grade is not None
    receipt = graded[0].grade.receipt.model_copy(update={"calibration": "old@1"})
    graded[0] = graded[0].model_copy(update={"grade": graded[0].grade.model_copy(update={"receipt": receipt})})

    with pytest.raises(CannotCalibrate, match="calibrated already"):
        fitted(tmp_path, graded)


def test_a_run_without_graded_dev_answers_says_so(tmp_path: Path) -> None:
    """Everything failed."""
    with pytest.raises(CannotCalibrate, match="no graded answers of the dev split"):
        fitted(tmp_path, [result(row("a", {"correctness": 3}), None, variant=BASE)])


@pytest.mark.parametrize("coverage", [0.8, 0.9])
@pytest.mark.parametrize(("scale", "shift"), [(1.0, 0.0), (0.4, -0.8)], ids=["honest", "damaged"])
def test_level_sets_hold_the_true_level_as_often_as_promised(
    tmp_path: Path, scale: float, shift: float, coverage: float
) -> None:
    """On answers the rule has not seen, over 60 draws of 100 answers each to fit on and 100 to try: 6,000 in all."""
    inside = []
    for seed in range(60):
        seen, new = (judged(100, scale=scale, shift=shift, seed=2 * seed + k, questions=100) for k in (0, 1))
        fit = fit_level_sets(observed(seen), coverage)
        assert fit is not None
        for o in observed(new):
            levels = LevelDistribution.from_weights(o.distribution)
            level_set = fit.rule.apply(levels)
            assert level_set == tuple(range(level_set[0], level_set[-1] + 1))
            assert levels.median in level_set
            inside.append(o.label in level_set)

    assert np.mean(inside) >= coverage - 0.015
    assert np.mean(inside) <= coverage + 0.08


def test_a_sharper_judge_needs_smaller_level_sets(tmp_path: Path) -> None:
    """The promise is kept by saying less, not by guessing."""
    honest = fit_level_sets(observed(judged(400, scale=1.0, shift=0.0)), 0.9)
    blind = fit_level_sets(observed([knowing_nothing(r) for r in judged(400, scale=1.0, shift=0.0)]), 0.9)

    assert honest is not None
    assert blind is not None
    assert (honest.size.value or 0) + 1 < (blind.size.value or 0)
    assert (honest.covered.value or 0) > 0.85
    assert (blind.covered.value or 0) > 0.85


def test_too_few_answers_promise_nothing() -> None:
    """Nine in ten cannot be promised from eight."""
    assert fit_level_sets(observed(judged(8, scale=1.0, shift=0.0)), 0.9) is None


def test_the_review_rule_sends_about_the_budget_to_people_and_says_what_it_brings(tmp_path: Path) -> None:
    """A rule only where fewer of the others' levels are wrong."""
    report = fitted(tmp_path / "run", judged(400, scale=1.0, shift=0.0))

    assert report.rule is not None
    assert report.chosen is not None
    assert 0.05 < 1 - report.chosen.n / 400 <= 0.1
    assert report.rule.budget == 0.1
    assert report.chosen.right > report.review[0].right
    assert f"from {report.review[0].error:.2f} to {report.chosen.error:.2f} levels" in review_sentence(report)


def test_a_judge_that_does_not_know_when_it_is_wrong_gets_no_review_rule(tmp_path: Path) -> None:
    """Its least sure answers are no worse than the others."""
    report = fitted(tmp_path / "run", [knowing_nothing(r) for r in judged(200, scale=1.0, shift=0.0)])

    assert report.rule is None
    assert "no rule" in review_sentence(report)


def cut_run(tmp_path: Path, library: FileLibrary, judge: str = "readout", *, changed: bool = False) -> FinishedRun:
    """A run whose rubric was cut down to correctness, as --labelled-only does."""
    rubric, prompt = library.rubric("ds-interview"), library.prompt("judge-readout")
    assert rubric is not None
    assert prompt is not None
    cut = focused(rubric, {"correctness"})
    folder = write_run(tmp_path / "run", judged(60, scale=0.4, shift=0.0))
    text = (folder / "results.jsonl").read_text(encoding="utf-8")
    text = text.replace("r" * 64, "0" * 64 if changed else cut.sha256).replace(
        '"judge":"readout"', f'"judge":"{judge}"'
    )
    text = text.replace("p" * 64, prompt.sha256).replace("1.1.0", rubric.version)
    text = text.replace('"id":"judge-readout","version":"1"', f'"id":"judge-readout","version":"{prompt.head.version}"')
    (folder / "results.jsonl").write_text(text, encoding="utf-8")
    return read_run(folder)


def test_a_calibration_fitted_on_labelled_criteria_alone_is_used_by_the_service(
    tmp_path: Path, library: FileLibrary
) -> None:
    """A readout asks about each criterion by itself, so the whole rubric's hash goes into the file."""
    rubric = library.rubric("ds-interview")
    assert rubric is not None

    report = fit_run(cut_run(tmp_path, library), library=library)

    assert report.use.rubric_sha256 == rubric.sha256


def test_a_judge_that_shows_the_whole_rubric_cannot_be_fitted_on_a_part_of_it(
    tmp_path: Path, library: FileLibrary
) -> None:
    """It would decide otherwise in the service; the message says how to run again."""
    with pytest.raises(CannotCalibrate, match="--all-criteria"):
        fit_run(cut_run(tmp_path, library, "single_call"), library=library)


def test_a_rubric_that_has_changed_since_the_run_is_refused(tmp_path: Path, library: FileLibrary) -> None:
    """The service would never use the file: other content, or another version of a rubric of ours."""
    with pytest.raises(CannotCalibrate, match="changed since the run"):
        fit_run(cut_run(tmp_path / "content", library, changed=True), library=library)
    with pytest.raises(CannotCalibrate, match="changed since the run"):
        fit_run(read_run(write_run(tmp_path / "version", judged(60, scale=0.4, shift=0.0))), library=library)
