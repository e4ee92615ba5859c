"""The decision judge: one request for the whole rubric, and what becomes of answers that cannot be used."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.grading.errors import ModelError, ModelMisconfigured
from service.grading.judgement import Case, Decided, Judgement, Undecided
from service.grading.judges.coverage import Said, observed
from service.grading.judges.decision import DecisionJudge
from service.grading.levels import LevelDistribution
from service.grading.models import CallBudget, DecisionReply, Scale, YesNo
from service.grading.parts import Point
from service.grading.rubric import Rubric
from service.grading.submission import Submission
from service.library import FileLibrary
from service.llm.retry import ResilientDecisions, RetryPolicy
from service.llm.scripted_decisions import DecisionsInOrder, EchoDecisions

pytestmark = pytest.mark.anyio
NOW = RetryPolicy(base_wait=0.0)
SUBMISSION = Submission(
    "Why split?",
    "To see how it does on new data.",
    reference="To estimate error on unseen data.",
    key_points=("Unseen data", "No tuning on the test set"),
    misconceptions=("Splitting makes the model faster",),
)
EVEN = (0.25, 0.5, 0.25)
GOOD = {
    "level_facts": (0.1, 0.2, 0.7),
    "level_form": EVEN,
    "point_1": (0.9,),
    "point_2": (0.2,),
    "misconception_1": (0.1,),
}


async def decided(
    library: FileLibrary,
    rubric: Rubric,
    replies: Sequence[DecisionReply | ModelError],
    submission: Submission = SUBMISSION,
) -> tuple[Judgement, DecisionsInOrder]:
    """What the judge makes of prepared replies."""
    prompt = library.prompt("judge-decision")
    assert prompt is not None
    model = DecisionsInOrder(replies)
    judge = DecisionJudge(ResilientDecisions(model, NOW), prompt)
    case = Case(submission=submission, rubric=rubric, nonce="0123456789ab")
    return await judge.decide(case, CallBudget(), lambda _: None), model


async def test_one_request_asks_for_everything(library: FileLibrary, two_criteria: Rubric) -> None:
    """A scale for each criterion with its own levels, a yes or no for each point and misconception."""
    _, model = await decided(library, two_criteria, [DecisionReply(GOOD)])

    (request,) = model.requests
    assert [question.name for question in request.questions] == list(GOOD)
    first, _, point, *_ = request.questions
    assert isinstance(first, Scale)
    assert [(level.label, level.description) for level in first.levels] == [
        ("low", "It is low."),
        ("middle", "It is middle."),
        ("high", "It is high."),
    ]
    assert isinstance(point, YesNo)
    assert '"Unseen data"' in point.instructions
    assert f"<answer-0123456789ab>\n{SUBMISSION.answer}\n</answer-0123456789ab>" in request.state


async def test_the_answer_reaches_no_question(library: FileLibrary, two_criteria: Rubric) -> None:
    """Instructions are ours; what a candidate wrote is only ever in the state."""
    _, model = await decided(library, two_criteria, [DecisionReply(GOOD)])

    assert not any(SUBMISSION.answer in question.instructions for question in model.requests[0].questions)


async def test_levels_points_and_misconceptions_are_read(library: FileLibrary, two_criteria: Rubric) -> None:
    """The form as given; the facts moved by what was heard, and both numbers kept."""
    judgement, _ = await decided(library, two_criteria, [DecisionReply(GOOD)])

    facts, form = judgement.decisions
    assert isinstance(facts, Decided)
    assert isinstance(form, Decided)
    assert form.distribution == EVEN
    assert facts.distribution != GOOD["level_facts"]
    assert facts.probes == {"level_alone": 2.6, "covered_share": 0.55, "misconception_voiced": 0.1}
    assert [point.covered for point in judgement.key_points] == ["covered", "missing"]
    assert [wrong.voiced for wrong in judgement.misconceptions] == ["no"]
    assert judgement.settled


async def test_a_voiced_misconception_lowers_the_facts_and_nothing_else(
    library: FileLibrary, two_criteria: Rubric
) -> None:
    """Polish must not buy correctness, and a wrong claim does not cost form."""
    clean, _ = await decided(library, two_criteria, [DecisionReply(GOOD)])
    wrong, _ = await decided(library, two_criteria, [DecisionReply({**GOOD, "misconception_1": (0.95,)})])

    before, after = clean.decided(), wrong.decided()
    assert after["facts"].expected < before["facts"].expected - 0.3
    assert after["form"] == before["form"]
    assert wrong.misconceptions[0].voiced == "yes"


async def test_marks_of_the_reference_weigh_its_points(library: FileLibrary, two_criteria: Rubric) -> None:
    """A reference with marks is asked for part by part when no key points are sent."""
    submission = Submission("Why?", "Because.", reference="6 points for the cause; 2 points for an example")
    answers = {**GOOD, "point_1": (1.0,), "point_2": (0.0,)}
    judgement, model = await decided(library, two_criteria, [DecisionReply(answers)], submission)

    assert [(p.point, p.covered, p.marks) for p in judgement.key_points] == [
        ("the cause", "covered", 6.0),
        ("an example", "missing", 2.0),
    ]
    facts = judgement.decisions[0]
    assert isinstance(facts, Decided)
    assert facts.probes["covered_share"] == 0.75
    assert "the cause" in model.requests[0].questions[2].instructions


@pytest.mark.parametrize(
    ("answer", "detail"),
    [
        pytest.param(None, "no answer", id="missing"),
        pytest.param((0.5, 0.5), "another number of levels", id="another length"),
        pytest.param((1.2, -0.1, -0.1), "between 0 and 1", id="out of range"),
        pytest.param((float("nan"), 0.5, 0.5), "between 0 and 1", id="no number"),
        pytest.param((0.1, 0.1, 0.1), "add up", id="does not add up"),
        pytest.param((0.0, 0.0, 0.0), "add up", id="nothing at all"),
    ],
)
async def test_an_unusable_answer_leaves_its_criterion_alone_without_a_level(
    library: FileLibrary, two_criteria: Rubric, answer: tuple[float, ...] | None, detail: str
) -> None:
    """The other stands, nothing is asked twice, and the judgement is not reused."""
    answers = {name: given for name, given in {**GOOD, "level_facts": answer}.items() if given is not None}
    judgement, model = await decided(library, two_criteria, [DecisionReply(answers)])

    facts, form = judgement.decisions
    assert isinstance(facts, Undecided)
    assert facts.reason.code == "model_reply_invalid"
    assert detail in facts.reason.detail
    assert isinstance(form, Decided)
    assert len(model.requests) == 1
    assert not judgement.settled


async def test_a_declined_criterion_says_so(library: FileLibrary, two_criteria: Rubric) -> None:
    """And asking again is not promised to help."""
    answers = {name: given for name, given in GOOD.items() if name != "level_facts"}
    judgement, _ = await decided(library, two_criteria, [DecisionReply(answers, frozenset({"level_facts"}))])

    facts = judgement.decisions[0]
    assert isinstance(facts, Undecided)
    assert (facts.reason.code, facts.reason.retryable) == ("model_refused", False)


@pytest.mark.parametrize("answer", [None, (), (0.5, 0.5), (1.5,), (float("inf"),)])
async def test_a_point_that_could_not_be_told_is_unknown_and_moves_nothing(
    library: FileLibrary, two_criteria: Rubric, answer: tuple[float, ...] | None
) -> None:
    """It is neither covered nor missing."""
    answers = {name: given for name, given in {**GOOD, "point_2": answer}.items() if given is not None}
    judgement, _ = await decided(library, two_criteria, [DecisionReply(answers)])

    facts = judgement.decisions[0]
    assert isinstance(facts, Decided)
    assert facts.probes["covered_share"] == 0.9
    assert judgement.key_points[1].covered == "unknown"


async def test_a_reply_that_decides_nothing_is_asked_for_again(library: FileLibrary, two_criteria: Rubric) -> None:
    """Twice at most, then every criterion carries the reason."""
    judgement, model = await decided(library, two_criteria, [DecisionReply({}), DecisionReply(GOOD)])
    given_up, asked = await decided(library, two_criteria, [DecisionReply({"point_1": (1.0,)})])

    assert judgement.settled
    assert len(model.requests) == 2
    assert len(asked.requests) == 3
    assert [d.reason.code for d in given_up.decisions if isinstance(d, Undecided)] == ["model_reply_invalid"] * 2


async def test_a_model_that_fails_decides_nothing_and_says_why(library: FileLibrary, two_criteria: Rubric) -> None:
    """Points are unknown then, not missing."""
    judgement, model = await decided(library, two_criteria, [ModelMisconfigured("no such model")])

    assert [d.reason.code for d in judgement.decisions if isinstance(d, Undecided)] == ["model_misconfigured"] * 2
    assert [point.covered for point in judgement.key_points] == ["unknown", "unknown"]
    assert len(model.requests) == 1


async def test_the_shipped_echo_answers_every_question(library: FileLibrary, rubric: Rubric) -> None:
    """So that a configuration can be tried without a key."""
    prompt = library.prompt("judge-decision")
    assert prompt is not None
    judge = DecisionJudge(ResilientDecisions(EchoDecisions()), prompt)

    judgement = await judge.decide(
        Case(submission=SUBMISSION, rubric=rubric, nonce="0123456789ab"), CallBudget(), lambda _: None
    )

    assert [levels.expected for levels in judgement.decided().values()] == pytest.approx([3.0] * 4, abs=0.8)
    assert judgement.settled


LEVELS = st.lists(st.floats(0.01, 1), min_size=2, max_size=10).map(LevelDistribution.from_weights)
CHANCE = st.floats(0, 1)


@given(LEVELS, CHANCE, CHANCE, st.floats(0, 4))
def test_the_surer_it_is_right_the_higher_the_level(
    levels: LevelDistribution, one: float, other: float, weight: float
) -> None:
    """And a weight of nothing changes nothing."""
    low, high = sorted((one, other))

    assert observed(levels, low, weight).expected <= observed(levels, high, weight).expected + 1e-9
    assert observed(levels, one, 0.0).probabilities == pytest.approx(levels.probabilities)


@given(st.lists(st.tuples(st.one_of(st.none(), CHANCE), st.floats(0.25, 20)), max_size=20))
def test_the_share_covered_lies_between_what_was_said_least_and_most(told: list[tuple[float | None, float]]) -> None:
    """Points that could not be told are left out of it."""
    points = [Point(f"p{n}", weight) for n, (_, weight) in enumerate(told)]
    known = [said for said, _ in told if said is not None]

    share = Said(tuple(said for said, _ in told)).covered_share(points)

    assert (share is None) == (not known)
    if share is not None:
        assert min(known) - 1e-9 <= share <= max(known) + 1e-9
