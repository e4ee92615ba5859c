"""Which judges the settings stand for, and which models they ask."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from service.bootstrap import Misconfigured, build_grader, estimator, open_backend, pace
from service.grading.judges.cascade import CascadeJudge
from service.grading.judges.decision import DecisionJudge
from service.grading.judges.panel import PanelJudge
from service.grading.judges.readout import ReadoutJudge
from service.grading.judges.single_call import SingleCallJudge
from service.grading.submission import Submission
from service.library import FileLibrary
from service.lineup import Models, in_words
from service.llm.litellm_decisions import LiteLLMDecisions
from service.llm.openai_chat import OpenAIChat
from service.llm.retry import ResilientChat
from service.llm.scripted import CAPABLE
from service.llm.scripted_decisions import EchoDecisions
from service.records import GradeRequest
from service.settings import JudgeSettings, Settings
from tests.conftest import make_settings


def opened(settings: Settings, library: FileLibrary) -> tuple[object, Models]:
    """The judge of the settings and the models it asks."""
    main = ResilientChat(open_backend(settings))
    models = Models(settings, main)
    return build_grader(settings, library, main, models).judge, models


def test_a_judge_may_name_its_model_and_the_other_writes_the_commentary(tmp_path: Path, library: FileLibrary) -> None:
    """Without one it asks the configured model."""
    named = make_settings(tmp_path, judge="single_call:scripted/obedient")
    plain = make_settings(tmp_path, judge="single_call")

    judge, _ = opened(named, library)
    other, models = opened(plain, library)

    assert isinstance(judge, SingleCallJudge)
    assert judge.model == "scripted/obedient"
    assert isinstance(other, SingleCallJudge)
    assert other.chat is models.main


def test_a_panel_is_made_of_its_members(tmp_path: Path, library: FileLibrary) -> None:
    """Each model is opened once, however many judges ask it."""
    members = ("readout", "single_call", "single_call:scripted/obedient", "decision:scripted/echo")
    settings = make_settings(tmp_path, judge="panel", judges=JudgeSettings(members=members))

    judge, models = opened(settings, library)

    assert isinstance(judge, PanelJudge)
    assert [type(m) for m in judge.members] == [ReadoutJudge, SingleCallJudge, SingleCallJudge, DecisionJudge]
    assert judge.model == "scripted/echo + scripted/echo + scripted/obedient + scripted/echo"
    assert models.chat("scripted/obedient") is models.chat("scripted/obedient")
    assert isinstance(models.decider("scripted/echo").backend, EchoDecisions)


def test_a_cascade_goes_from_its_first_judge_to_its_second(tmp_path: Path, library: FileLibrary) -> None:
    """With the threshold that is set."""
    judges = JudgeSettings(members=("readout", "single_call:openai/gpt-4o"), escalate_below=0.7)
    settings = make_settings(tmp_path, judge="cascade", judges=judges, openai_api_key="k")

    judge, _ = opened(settings, library)

    assert isinstance(judge, CascadeJudge)
    assert (judge.cheap.name, judge.strong.model, judge.threshold) == ("readout", "openai/gpt-4o", 0.7)
    assert in_words(settings, CAPABLE) == "readout, then single_call:openai/gpt-4o where confidence is below 0.7"


@pytest.mark.parametrize(
    ("judge", "members", "advice"),
    [
        pytest.param("panel", (), "DEBRIEF_JUDGES__MEMBERS", id="a panel of none"),
        pytest.param("panel", ("readout",), "2 to 9", id="a panel of one"),
        pytest.param("panel", ("readout", "readout:scripted/echo"), "same judge", id="one judge twice"),
        pytest.param("cascade", ("readout", "single_call", "decision:scripted/echo"), "2 judges", id="three steps"),
        pytest.param("cascade", ("single_call", "readout"), "DEBRIEF_SAMPLES", id="a cheap judge without confidence"),
        pytest.param("decision:embedded", (), "no decision model", id="a chat model asked to decide"),
        pytest.param("decision:hosted_vllm/openjev", (), "DEBRIEF_JUDGES__ENDPOINTS", id="no address"),
        pytest.param("readout:anthropic/claude-sonnet-4-5", (), "log-probabilities", id="no probabilities"),
        pytest.param("single_call:openai/gpt-4o", (), "OPENAI_API_KEY", id="no key"),
    ],
)
def test_judges_that_cannot_work_are_refused_with_advice(
    tmp_path: Path, library: FileLibrary, judge: str, members: tuple[str, ...], advice: str
) -> None:
    """At start, not at the first answer."""
    settings = make_settings(tmp_path, judge=judge, judges=JudgeSettings(members=members))

    with pytest.raises(Misconfigured, match=advice):
        opened(settings, library)


@pytest.mark.parametrize("judge", ["oracle", "panel:x", "auto:x", "readout:", "single_call:a b", ""])
def test_a_name_that_is_no_judge_is_refused(tmp_path: Path, judge: str) -> None:
    """When the settings are read."""
    with pytest.raises(ValidationError):
        make_settings(tmp_path, judge=judge)


def test_judges_are_configured_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """As a person would write them."""
    monkeypatch.setenv("DEBRIEF_JUDGE", "cascade")
    monkeypatch.setenv("DEBRIEF_JUDGES__MEMBERS", '["readout:embedded", "decision:hosted_vllm/openjev"]')
    monkeypatch.setenv("DEBRIEF_JUDGES__ESCALATE_BELOW", "0.55")
    monkeypatch.setenv("DEBRIEF_JUDGES__ENDPOINTS", '{"hosted_vllm/openjev": "http://10.0.0.5:8080"}')

    settings = Settings()

    assert settings.judges.members == ("readout:embedded", "decision:hosted_vllm/openjev")
    assert settings.judges.escalate_below == 0.55
    assert settings.judges.endpoints == {"hosted_vllm/openjev": "http://10.0.0.5:8080"}


def test_an_embedded_member_makes_the_pace(tmp_path: Path) -> None:
    """One grade at a time and long enough, whoever writes the commentary."""
    members = JudgeSettings(members=("readout:embedded", "single_call:openai/gpt-4o"))
    with_it = make_settings(tmp_path, model="openai/gpt-4o", judge="panel", judges=members)
    without = make_settings(tmp_path, model="openai/gpt-4o")

    assert (pace(with_it).at_once, pace(with_it).grade_seconds) == (1, 180.0)
    assert pace(without).at_once > 1


def test_each_model_is_asked_where_the_operator_says(tmp_path: Path, library: FileLibrary) -> None:
    """The address and key of the configured model are not used for another."""
    judges = JudgeSettings(
        members=("single_call", "single_call:hosted_vllm/other", "decision:typesafe/jev-latest"),
        endpoints={"hosted_vllm/other": "http://other.test/v1"},
    )
    settings = make_settings(
        tmp_path,
        model="hosted_vllm/mine",
        model_base_url="http://mine.test/v1",
        model_api_key="k-mine",
        judge="panel",
        judges=judges,
    )

    _, models = opened(settings, library)

    mine, other = models.main.backend, models.chat("hosted_vllm/other").backend
    decider = models.decider("typesafe/jev-latest").backend
    assert isinstance(mine, OpenAIChat)
    assert isinstance(other, OpenAIChat)
    assert isinstance(decider, LiteLLMDecisions)
    assert (mine._base_url, mine._api_key) == ("http://mine.test/v1", "k-mine")
    assert (other._base_url, other._api_key) == ("http://other.test/v1", "none")
    assert (decider._api_base, decider._api_key) == (None, None)


def test_where_one_model_is_asked_no_other_is_opened(tmp_path: Path, library: FileLibrary) -> None:
    """As in an evaluation, whose replies are kept under that model's name."""
    settings = make_settings(tmp_path, judge="decision:typesafe/jev-latest")

    with pytest.raises(Misconfigured, match="only one model"):
        build_grader(settings, library, ResilientChat(open_backend(settings)))


def test_judges_of_one_model_go_without_another(tmp_path: Path, library: FileLibrary) -> None:
    """A panel of readout and one call on the same model is one model still."""
    settings = make_settings(tmp_path, judge="panel", judges=JudgeSettings(members=("readout", "single_call")))

    assert isinstance(build_grader(settings, library, ResilientChat(open_backend(settings))).judge, PanelJudge)


@pytest.mark.anyio
async def test_an_estimate_covers_every_member_and_a_cascade_that_always_goes_on(
    tmp_path: Path, library: FileLibrary
) -> None:
    """At most so much; nobody is asked for it."""
    members = ("decision:typesafe/jev-latest", "single_call:openai/gpt-4o-mini")
    settings = make_settings(
        tmp_path, judge="cascade", judges=JudgeSettings(members=members, escalate_below=0.01), openai_api_key="k"
    )
    _, models = opened(settings, library)
    rubric = library.rubric("ds-interview")
    assert rubric is not None
    request = GradeRequest(submission=Submission("Why?", "Because it is so."), rubric=rubric, detail="scores")

    estimate = await estimator(settings, library, models).of(request)
    decision_alone = await estimator(
        settings.model_copy(update={"judge": "decision:typesafe/jev-latest"}), library, models
    ).of(request)

    assert estimate.cost_usd is not None
    assert decision_alone.cost_usd is not None
    assert estimate.cost_usd > decision_alone.cost_usd > 0
    assert decision_alone.output_tokens == len(rubric.criteria)
    assert decision_alone.input_tokens > 100
