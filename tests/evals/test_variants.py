"""What is compared."""

from __future__ import annotations

from pathlib import Path

import pytest

from evals.errors import CouldNotRun
from evals.variants import Variant, variants_of
from service.library import FileLibrary
from service.llm.scripted import CAPABLE
from service.settings import JudgeSettings
from tests.evals.helpers import eval_settings


def made(
    tmp_path: Path, library: FileLibrary, *names: str, explain: bool = False, samples: int = 1, judge: str = "auto"
) -> tuple[Variant, ...]:
    """Variants for the echo model."""
    return variants_of(names, eval_settings(tmp_path, samples=samples, judge=judge), CAPABLE, library, explain=explain)


def test_by_default_the_two_newest_versions_of_the_judge_s_prompt_are_compared(
    tmp_path: Path, library: FileLibrary
) -> None:
    """The older one is the base."""
    newest = library.prompt("judge-readout")
    assert newest is not None

    names = [variant.name for variant in made(tmp_path, library)]

    assert names == [f"judge-readout@{int(newest.head.version) - 1}", newest.name]


def test_a_prompt_brings_its_judge(tmp_path: Path, library: FileLibrary) -> None:
    """And everything else stays as configured, but for the fixed secret."""
    readout, single = made(tmp_path, library, "judge-readout@1", "judge-single-call")

    assert (readout.judge, single.judge) == ("readout", "single_call")
    assert readout.settings.prompts.readout == "judge-readout@1"
    assert readout.settings.prompts.coach == single.settings.prompts.coach == "coach"
    assert readout.settings.secret == single.settings.secret


def test_only_a_judge_that_samples_can_simply_be_asked_again(tmp_path: Path, library: FileLibrary) -> None:
    """The others give the same again."""
    readout, single = made(tmp_path, library, "judge-readout", "judge-single-call", samples=3)

    assert (readout.deterministic, single.deterministic) == (True, False)


@pytest.mark.parametrize(
    ("names", "judge", "says"),
    [
        pytest.param(["judge-readout@99"], "auto", "no prompt called judge-readout@99", id="unknown"),
        pytest.param(["judge-readout", "judge-readout@5"], "auto", "named twice", id="twice"),
        pytest.param(["coach"], "auto", "--explain", id="coach without commentary"),
        pytest.param(["judge-readout"], "single_call", "Leave --judge single_call out", id="other judge"),
    ],
)
def test_what_cannot_be_compared_is_refused_with_advice(
    tmp_path: Path, library: FileLibrary, names: list[str], judge: str, says: str
) -> None:
    """Before anything is graded."""
    with pytest.raises(CouldNotRun, match=says):
        made(tmp_path, library, *names, judge=judge)


def test_coach_prompts_are_compared_with_the_configured_judge(tmp_path: Path, library: FileLibrary) -> None:
    """Their levels are the same; what they say is not."""
    old, new = made(tmp_path, library, "coach@2", "coach@3", explain=True)

    assert (old.settings.prompts.coach, new.settings.prompts.coach) == ("coach@2", "coach@3")
    assert old.judge == new.judge == "readout"


@pytest.mark.parametrize("judge", ["panel", "cascade"])
def test_a_member_s_prompt_is_compared_within_its_line_up(tmp_path: Path, library: FileLibrary, judge: str) -> None:
    """The other members stay as they are."""
    members = JudgeSettings(members=("readout", "single_call"))
    settings = eval_settings(tmp_path, judge=judge, judges=members)

    by_default = variants_of((), settings, CAPABLE, library, explain=False)
    old, new = variants_of(("judge-single-call@3", "judge-single-call@5"), settings, CAPABLE, library, explain=False)

    assert {variant.prompt.head.id for variant in by_default} == {"judge-readout"}
    assert (old.judge, new.judge) == (judge, judge)
    assert (old.settings.prompts.single_call, new.settings.prompts.single_call) == (
        "judge-single-call@3",
        "judge-single-call@5",
    )
    assert old.settings.prompts.readout == "judge-readout"


def test_a_line_up_without_the_prompt_s_judge_or_any_member_is_refused(tmp_path: Path, library: FileLibrary) -> None:
    """With advice."""
    alone = eval_settings(tmp_path, judge="panel")
    readouts = eval_settings(tmp_path, judge="panel", judges=JudgeSettings(members=("readout", "decision")))

    with pytest.raises(CouldNotRun, match="DEBRIEF_JUDGES__MEMBERS"):
        variants_of((), alone, CAPABLE, library, explain=False)
    with pytest.raises(CouldNotRun, match="Leave --judge panel out"):
        variants_of(("judge-single-call@3",), readouts, CAPABLE, library, explain=False)
