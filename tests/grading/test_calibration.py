"""Calibrated levels: still a distribution, still monotone, used only where they were fitted, named in the receipt."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.bootstrap import build_grader, retry_policy
from service.grading.calibration import (
    Calibration,
    Calibrations,
    IsotonicMap,
    Knots,
    LevelSetRule,
    OrdinalMap,
    calibrated,
    parse_calibration,
)
from service.grading.errors import InvalidCalibration
from service.grading.grade import Grade, GradeStatus, ScoredCriterion
from service.grading.judgement import Decision
from service.grading.levels import LevelDistribution
from service.grading.models import CallBudget
from service.grading.rubric import Rubric
from service.grading.submission import Submission
from service.library import FileLibrary, default_content_dir
from service.llm.retry import ResilientChat
from service.llm.scripted import echo
from tests.conftest import make_settings

pytestmark = pytest.mark.anyio

DISTRIBUTIONS = st.lists(st.floats(0, 1), min_size=5, max_size=5).filter(lambda w: sum(w) > 0.01)
SHIFTS = st.lists(st.floats(-6, 6), min_size=4, max_size=4)


def ordinal(scale: float, *shifts: float) -> OrdinalMap:
    """A map for five levels."""
    return OrdinalMap(scale=scale, shifts=shifts or (0.0,) * 4)


@given(DISTRIBUTIONS, st.floats(0.1, 5), SHIFTS)
def test_a_map_always_gives_a_distribution(weights: list[float], scale: float, shifts: list[float]) -> None:
    """Even where the steps' shifts would cross."""
    after = calibrated(LevelDistribution.from_weights(weights), OrdinalMap(scale=scale, shifts=tuple(shifts)))

    assert after.levels == 5
    assert 1 <= after.expected <= 5


@given(DISTRIBUTIONS, st.integers(0, 3), st.floats(0, 1), st.floats(0.2, 3), SHIFTS)
def test_an_answer_that_is_better_at_every_level_stays_at_least_as_good(
    weights: list[float], place: int, share: float, scale: float, shifts: list[float]
) -> None:
    """Probability moved up one level never lowers the calibrated score."""
    lower = LevelDistribution.from_weights(weights).probabilities
    moved = lower[place] * share
    upper = [p - moved if i == place else p + moved if i == place + 1 else p for i, p in enumerate(lower)]
    level_map = OrdinalMap(scale=scale, shifts=tuple(shifts))

    worse, better = (calibrated(LevelDistribution.from_weights(w), level_map) for w in (lower, upper))

    assert better.expected >= worse.expected - 1e-9
    assert better.median >= worse.median


def test_scale_one_and_no_shift_change_nothing() -> None:
    """But for probabilities of 0, which become a thousandth."""
    raw = LevelDistribution((0.1, 0.2, 0.4, 0.2, 0.1))

    assert calibrated(raw, ordinal(1.0)).probabilities == pytest.approx(raw.probabilities)


def test_a_larger_scale_spreads_compressed_scores() -> None:
    """P(<=1..4) = .4 .6 .8 .9, log-odds doubled: odds squared; 4/13, 9/13, 16/17, 81/82."""
    after = calibrated(LevelDistribution((0.4, 0.2, 0.2, 0.1, 0.1)), ordinal(2.0))

    cumulative = [4 / 13, 9 / 13, 16 / 17, 81 / 82]
    assert after.expected == pytest.approx(5 - sum(cumulative))


def test_a_line_is_followed_between_its_points_and_flat_outside() -> None:
    """Halfway between two points is halfway up."""
    line = Knots(x=(0.2, 0.6), y=(0.0, 1.0))

    assert [line.at(x) for x in (0.0, 0.2, 0.4, 0.6, 0.9)] == pytest.approx([0, 0, 0.5, 1, 1])


def test_a_map_for_another_number_of_levels_is_refused() -> None:
    """Three levels are not five."""
    with pytest.raises(ValueError, match="for 3 levels"):
        calibrated(LevelDistribution((0.2,) * 5), OrdinalMap(scale=1.0, shifts=(0.0, 0.0)))


@pytest.mark.parametrize(
    ("x", "y"),
    [((0.1, 0.1), (0.0, 1.0)), ((0.1, 0.2), (1.0, 0.0)), ((0.1,), (0.1, 0.2)), ((0.1, 2.0), (0.0, 1.0))],
    ids=["x twice", "falling", "uneven", "no probability"],
)
def test_a_line_that_is_none_is_refused(x: tuple[float, ...], y: tuple[float, ...]) -> None:
    """A file by hand may hold anything."""
    with pytest.raises(ValueError, match=r"as many|rise|between"):
        Knots(x=x, y=y)


def calibration(library: FileLibrary, **changes: object) -> dict[str, object]:
    """A calibration, as JSON, for the echo model under the newest readout prompt; correctness only."""
    prompt, rubric = library.prompt("judge-readout"), library.rubric("ds-interview")
    assert prompt is not None
    assert rubric is not None
    return {
        "id": "echo",
        "version": "1",
        "judge": "readout",
        "model": "scripted/echo",
        "prompt_sha256": prompt.sha256,
        "rubric_sha256": rubric.sha256,
        "maps": {"correctness": {"kind": "ordinal", "scale": 1.0, "shifts": [-3.0] * 4}},
        "fitted": {"suite": "dev", "date": "2026-11-25", "answers": 40, "questions": 10},
        **changes,
    }


async def grade_with(tmp_path: Path, *files: dict[str, object], told: list[Decision] | None = None) -> Grade:
    """An answer graded by the production grader, its content directory holding these calibrations."""
    content = tmp_path / "content"
    content.mkdir()
    for name in ("prompts", "rubrics"):
        (content / name).symlink_to(default_content_dir() / name)
    (content / "calibrations").mkdir()
    for number, data in enumerate(files):
        (content / "calibrations" / f"{number}.json").write_text(json.dumps(data), encoding="utf-8")
    settings, library = make_settings(tmp_path), FileLibrary(content)
    grader = build_grader(settings, library, ResilientChat(echo(), retry_policy(settings)))
    rubric = library.rubric("ds-interview")
    assert rubric is not None
    submission = Submission("What is a p-value?", "It is how surprising the data are if nothing changed.")
    observe = told.append if told is not None else (lambda _: None)
    return await grader.grade(submission, rubric, CallBudget(), explain=False, observe=observe)


def scores(grade: Grade) -> dict[str, float]:
    """Scores by criterion."""
    return {part.id: part.score for part in grade.criteria if isinstance(part, ScoredCriterion)}


async def test_a_fitting_calibration_moves_its_criterion_and_is_named_in_the_receipt(
    tmp_path: Path, library: FileLibrary
) -> None:
    """Score, level and confidence follow the calibrated distribution; other criteria stay raw."""
    (tmp_path / "raw").mkdir()
    (tmp_path / "new").mkdir()
    raw = await grade_with(tmp_path / "raw")
    told: list[Decision] = []

    moved = await grade_with(tmp_path / "new", calibration(library), told=told)

    assert raw.receipt.calibration is None
    assert moved.receipt.calibration == "echo@1"
    assert scores(moved)["correctness"] > scores(raw)["correctness"] + 0.5
    assert scores(moved)["clarity"] == scores(raw)["clarity"]
    first = moved.criteria[0]
    assert isinstance(first, ScoredCriterion)
    assert first.confidence == pytest.approx(first.distribution[first.level - 1], abs=0.01)
    assert told[0].kind == "decided"
    assert told[0].levels.expected == pytest.approx(first.score, abs=0.01)
    assert told[0].probes["uncalibrated"] == pytest.approx(scores(raw)["correctness"], abs=0.01)


@pytest.mark.parametrize("part", ["judge", "model", "prompt_sha256", "rubric_sha256"])
async def test_a_calibration_for_anything_else_is_not_used(tmp_path: Path, library: FileLibrary, part: str) -> None:
    """One letter of one hash is enough."""
    grade = await grade_with(tmp_path, calibration(library, **{part: "another"}))

    assert grade.receipt.calibration is None


async def test_of_several_versions_the_newest_is_used(tmp_path: Path, library: FileLibrary) -> None:
    """Ten comes after nine."""
    grade = await grade_with(tmp_path, calibration(library, version="10"), calibration(library, version="9"))

    assert grade.receipt.calibration == "echo@10"


def test_other_maps_make_another_judge_version_and_none_leave_it_alone(tmp_path: Path, library: FileLibrary) -> None:
    """Stored judgements are reused by version, so a new calibration must not meet old judgements."""
    settings = make_settings(tmp_path)
    versions: list[dict[str, object]] = []
    other: dict[str, object] = {"maps": {"clarity": {"kind": "ordinal", "scale": 2.0, "shifts": [0.0] * 4}}}
    for changes in ({}, other):
        made = parse_calibration(calibration(library, **changes))
        given = _Library(Calibrations([made]))
        chat = ResilientChat(echo(), retry_policy(settings))
        versions.append(build_grader(settings, given, chat).judge.version())
    plain = build_grader(settings, library, ResilientChat(echo(), retry_policy(settings))).judge.version()

    assert versions[0] != versions[1]
    assert "calibrations" not in plain


class _Library(FileLibrary):
    """The product's library with calibrations."""

    def __init__(self, calibrations: Calibrations) -> None:
        super().__init__()
        self._given = calibrations

    def calibrations(self) -> Calibrations:
        """The given ones."""
        return self._given


@pytest.mark.parametrize(
    ("changes", "place"),
    [
        ({"maps": {}}, "neither maps nor level sets"),
        ({"level_sets": {"clarity": {"coverage": 1.0, "width": 1.0}}}, "level_sets.clarity.coverage"),
        ({"review": {"budget": 0.1, "below": 1.5}}, "review.below"),
        ({"maps": {"clarity": {"kind": "ordinal", "scale": 0, "shifts": [0.0]}}}, "maps.clarity.ordinal.scale"),
        ({"surprise": 1}, "surprise"),
        ({"version": "1.0"}, "version"),
    ],
    ids=["nothing", "certainty", "above 1", "scale 0", "unknown member", "no number"],
)
def test_a_file_that_cannot_be_used_names_the_place(
    library: FileLibrary, changes: dict[str, object], place: str
) -> None:
    """All checked when it is loaded, before any answer is graded."""
    with pytest.raises(InvalidCalibration, match=place):
        parse_calibration(calibration(library, **changes))


def test_the_hash_of_a_calibration_leaves_its_report_out(library: FileLibrary) -> None:
    """What people read about it does not change a grade."""
    plain, told = (parse_calibration(calibration(library, report=report)) for report in ({}, {"note": "fine"}))

    assert isinstance(plain, Calibration)
    assert plain.sha256 == told.sha256


def test_isotonic_maps_follow_each_step_on_its_own(rubric: Rubric) -> None:
    """P(<= 1) halves, the other steps stay."""
    same = Knots(x=(0.0, 1.0), y=(0.0, 1.0))
    halved = Knots(x=(0.0, 1.0), y=(0.0, 0.5))

    after = calibrated(LevelDistribution((0.4, 0.1, 0.2, 0.2, 0.1)), IsotonicMap(lines=(halved, same, same, same)))

    assert after.probabilities == pytest.approx((0.2, 0.3, 0.2, 0.2, 0.1))
    assert rubric.levels == after.levels


@given(DISTRIBUTIONS, st.floats(0, 4))
def test_a_level_set_is_a_run_of_levels_with_the_one_shown_among_them(weights: list[float], width: float) -> None:
    """Never empty, never with a gap, never off the scale; a wider rule never names fewer."""
    levels = LevelDistribution.from_weights(weights)

    found = LevelSetRule(coverage=0.9, width=width).apply(levels)
    wider = LevelSetRule(coverage=0.9, width=width + 0.5).apply(levels)

    assert found == tuple(range(found[0], found[-1] + 1))
    assert 1 <= found[0] <= levels.median <= found[-1] <= 5
    assert set(found) <= set(wider)


async def test_level_sets_are_shown_where_a_calibration_has_a_rule(tmp_path: Path, library: FileLibrary) -> None:
    """Around the calibrated level; null for the other criteria and without calibration."""
    (tmp_path / "raw").mkdir()
    (tmp_path / "new").mkdir()
    rule = {"level_sets": {"correctness": {"coverage": 0.9, "width": 1.0}}}

    raw = await grade_with(tmp_path / "raw")
    new = await grade_with(tmp_path / "new", calibration(library, **rule))

    assert {part.level_set for part in raw.criteria} == {None}
    shown = {part.id: part.level_set for part in new.criteria}
    first = new.criteria[0]
    assert isinstance(first, ScoredCriterion)
    found = shown.pop("correctness")
    assert found is not None
    assert first.level in found
    assert set(shown.values()) == {None}


@pytest.mark.parametrize(("below", "asked"), [(1.0, 4), (0.0, 0), (None, 0)], ids=["all", "none", "no rule"])
async def test_criteria_below_the_operator_s_threshold_go_to_a_person(
    tmp_path: Path, library: FileLibrary, below: float | None, asked: int
) -> None:
    """Only once a calibration says so; every unsure criterion is named."""
    rule = None if below is None else {"budget": 0.1, "below": below}

    grade = await grade_with(tmp_path, calibration(library, review=rule))

    assert len(grade.review.reasons) == asked
    assert all(reason.startswith("low_confidence:") for reason in grade.review.reasons)
    assert (grade.status is GradeStatus.NEEDS_REVIEW) == bool(asked)
