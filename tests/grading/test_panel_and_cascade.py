"""Judges made of others: the mean of a panel, and the second opinion of a cascade."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.grading.confidence import confidence
from service.grading.grade import Coverage, KeyPoint, Misconception, Reason
from service.grading.judgement import Case, Decided, Decision, Draft, Judgement, Observer, Undecided
from service.grading.judges.cascade import CascadeJudge
from service.grading.judges.panel import PanelJudge
from service.grading.levels import LevelDistribution
from service.grading.models import CallBudget, CallRecord, ModelName, Tokens
from service.grading.rubric import Rubric
from service.grading.submission import Submission

pytestmark = pytest.mark.anyio
SUBMISSION = Submission("Why split?", "To see.", key_points=("Unseen data",), misconceptions=("It is faster",))
DOWN = Reason(code="model_unavailable", detail="down", retryable=True, retry_after=7.0)
Given = Sequence[float] | Reason


@dataclass
class Fixed:
    """A judge whose decisions are given; counts how often it was asked."""

    label: str
    facts: Given
    form: Given = (0.0, 1.0, 0.0)
    covered: Coverage = "covered"
    voiced: bool = False
    sampled_once: bool = False
    cost_usd: float | None = 0.0
    review_below: float | None = None
    asked: int = 0
    prompt: None = None
    heard: list[Decision] = field(default_factory=list)

    @property
    def name(self) -> str:
        """All the same kind."""
        return "single_call"

    @property
    def model(self) -> ModelName:
        """The label."""
        return ModelName(self.label)

    def version(self) -> dict[str, object]:
        """The label."""
        return {"judge": self.label}

    async def decide(self, case: Case, budget: CallBudget, observe: Observer) -> Judgement:
        """What was given."""
        self.asked += 1
        budget.records.append(CallRecord("judge", self.label, None, "ok", Tokens(), self.cost_usd, 0.1))
        decisions = (self._decision("facts", self.facts), self._decision("form", self.form))
        for decision in decisions:
            observe(decision)
        return Judgement(
            decisions=decisions,
            key_points=(KeyPoint(point="Unseen data", covered=self.covered),),
            misconceptions=(Misconception(misconception="It is faster", voiced="yes" if self.voiced else "no"),),
            draft=Draft(summary=self.label),
            review_below=self.review_below,
        )

    def _decision(self, criterion: str, given: Given) -> Decision:
        if isinstance(given, Reason):
            return Undecided(criterion=criterion, reason=given)
        return Decided(criterion=criterion, distribution=tuple(given), sampled_once=self.sampled_once)


async def decided(
    judge: PanelJudge | CascadeJudge, rubric: Rubric, budget: CallBudget | None = None
) -> tuple[Judgement, list[Decision]]:
    """The judgement, and what an observer heard."""
    heard: list[Decision] = []
    case = Case(submission=SUBMISSION, rubric=rubric, nonce="0123456789ab")
    return await judge.decide(case, budget or CallBudget(), heard.append), heard


async def test_a_panel_decides_by_the_mean_and_keeps_how_far_its_members_are_apart(two_criteria: Rubric) -> None:
    """Each member's own level is named beside it."""
    panel = PanelJudge((Fixed("a", (1.0, 0.0, 0.0)), Fixed("b", (0.0, 0.0, 1.0)), Fixed("c", (0.0, 1.0, 0.0))))

    judgement, heard = await decided(panel, two_criteria)

    facts, form = judgement.decisions
    assert isinstance(facts, Decided)
    assert isinstance(form, Decided)
    assert facts.distribution == pytest.approx((1 / 3, 1 / 3, 1 / 3))
    assert (facts.spread, form.spread) == (2.0, 0.0)
    assert facts.probes == {"member_1": 1.0, "member_2": 3.0, "member_3": 2.0}
    assert [(m.model, m.part, m.expected["facts"]) for m in judgement.members] == [
        ("a", "counted", 1.0),
        ("b", "counted", 3.0),
        ("c", "counted", 2.0),
    ]
    assert heard == list(judgement.decisions)
    assert judgement.settled
    assert judgement.draft is None, "no member's commentary explains the panel's levels"


async def test_a_member_that_fails_is_left_out_and_named(two_criteria: Rubric) -> None:
    """The grade stands on the others and is not reused as if all had spoken."""
    panel = PanelJudge((Fixed("a", (0.0, 0.0, 1.0)), Fixed("b", DOWN, DOWN), Fixed("c", (0.0, 1.0, 0.0))))

    judgement, _ = await decided(panel, two_criteria)

    assert judgement.decided()["facts"].probabilities == pytest.approx((0, 0.5, 0.5))
    assert [(m.part, m.reason and m.reason.code) for m in judgement.members] == [
        ("counted", None),
        ("left_out", "model_unavailable"),
        ("counted", None),
    ]
    assert not judgement.settled


async def test_fewer_than_a_quorum_decide_nothing(two_criteria: Rubric) -> None:
    """One judge alone is no panel; whoever waits is told how long the one that failed wants."""
    panel = PanelJudge((Fixed("a", (0.0, 0.0, 1.0)), Fixed("b", DOWN)))

    judgement, _ = await decided(panel, two_criteria)

    facts, form = judgement.decisions
    assert isinstance(facts, Undecided)
    assert (facts.reason.code, facts.reason.retryable, facts.reason.retry_after) == ("panel_without_quorum", True, 7.0)
    assert "1 of 2" in facts.reason.detail
    assert isinstance(form, Decided)


@pytest.mark.parametrize(("members", "quorum"), [(2, 2), (3, 2), (4, 3), (5, 3)])
def test_a_quorum_is_more_than_half_and_two_at_least(members: int, quorum: int) -> None:
    """So that no two quorums of one panel could disagree without a common member."""
    assert PanelJudge(tuple(Fixed(str(n), (1.0, 0.0, 0.0)) for n in range(members))).quorum == quorum


@pytest.mark.parametrize(
    ("heard", "together"),
    [
        (("covered", "covered", "missing"), "covered"),
        (("covered", "missing"), "missing"),
        (("covered", "partly", "missing"), "partly"),
        (("unknown", "covered"), "covered"),
        (("unknown", "unknown"), "unknown"),
    ],
)
async def test_a_panel_hears_a_point_as_its_middle_member_does(
    two_criteria: Rubric, heard: tuple[Coverage, ...], together: Coverage
) -> None:
    """Of two that disagree, the one that heard less."""
    panel = PanelJudge(tuple(Fixed(str(n), (0.0, 0.0, 1.0), covered=c) for n, c in enumerate(heard)))

    judgement, _ = await decided(panel, two_criteria)

    assert [point.covered for point in judgement.key_points] == [together]


async def test_points_of_a_reference_that_no_member_listened_for_are_not_reported(two_criteria: Rubric) -> None:
    """Unknown would look as if it could not be told."""
    panel = PanelJudge((Fixed("a", (0.0, 0.0, 1.0)), Fixed("b", (0.0, 0.0, 1.0))))
    marked = Submission("Why?", "To see.", reference="1 mark for the first; 2 marks for the second")

    judgement = await panel.decide(
        Case(submission=marked, rubric=two_criteria, nonce="0123456789ab"), CallBudget(), lambda _: None
    )

    assert judgement.key_points == ()


@pytest.mark.parametrize(("yes", "no", "voiced"), [(2, 1, "yes"), (1, 1, "no"), (0, 2, "no")])
async def test_a_misconception_is_voiced_when_most_hear_it(
    two_criteria: Rubric, yes: int, no: int, voiced: str
) -> None:
    """A single ear is not enough."""
    members = [Fixed(f"y{n}", (0.0, 0.0, 1.0), voiced=True) for n in range(yes)]
    members += [Fixed(f"n{n}", (0.0, 0.0, 1.0)) for n in range(no)]

    judgement, _ = await decided(PanelJudge(tuple(members)), two_criteria)

    assert judgement.misconceptions[0].voiced == voiced


SURE, UNSURE = (0.02, 0.03, 0.95), (0.3, 0.4, 0.3)


async def test_a_cascade_lets_the_cheap_judge_decide_what_it_is_sure_of(two_criteria: Rubric) -> None:
    """The strong one is named, not asked."""
    cheap, strong = Fixed("cheap", SURE), Fixed("strong", (1.0, 0.0, 0.0))

    judgement, heard = await decided(CascadeJudge(cheap, strong, 0.6), two_criteria)

    assert strong.asked == 0
    assert judgement.decided()["facts"].probabilities == SURE
    assert [(m.model, m.part) for m in judgement.members] == [("cheap", "counted"), ("strong", "not_asked")]
    assert judgement.escalation is not None
    assert (judgement.escalation.escalated, judgement.escalation.confidence) == (False, 0.95)
    assert heard == list(judgement.decisions)
    assert judgement.settled


@pytest.mark.parametrize(
    ("cheap", "confidence_of"),
    [
        pytest.param(Fixed("cheap", UNSURE), 0.4, id="one criterion below the threshold"),
        pytest.param(Fixed("cheap", SURE, sampled_once=True), None, id="no confidence"),
        pytest.param(Fixed("cheap", SURE, DOWN), None, id="a criterion undecided"),
        pytest.param(Fixed("cheap", DOWN, DOWN), None, id="all undecided"),
    ],
)
async def test_a_cascade_goes_on_with_the_whole_answer(
    two_criteria: Rubric, cheap: Fixed, confidence_of: float | None
) -> None:
    """Every criterion is the strong judge's, one scale for one grade; nobody hears of the levels it replaced."""
    strong = Fixed("strong", (1.0, 0.0, 0.0), cost_usd=0.03)

    judgement, heard = await decided(CascadeJudge(cheap, strong, 0.6), two_criteria)

    assert judgement.decided()["facts"].probabilities == (1.0, 0.0, 0.0)
    assert heard == list(judgement.decisions)
    assert judgement.draft == Draft(summary="strong")
    assert [(m.model, m.part) for m in judgement.members] == [("cheap", "left_out"), ("strong", "counted")]
    assert judgement.escalation is not None
    assert judgement.escalation.escalated
    assert judgement.escalation.confidence == confidence_of
    assert judgement.escalation.strong_cost_usd == 0.03
    assert judgement.settled


@pytest.mark.parametrize(("given", "calibrated", "used"), [(0.9, 0.3, 0.9), (None, 0.3, 0.3), (None, None, 0.6)])
async def test_the_threshold_is_the_operator_s_or_the_calibration_s_or_a_guess(
    two_criteria: Rubric, given: float | None, calibrated: float | None, used: float
) -> None:
    """In this order; the receipt names it."""
    cheap = Fixed("cheap", (0.2, 0.3, 0.5), review_below=calibrated)

    judgement, _ = await decided(CascadeJudge(cheap, Fixed("strong", SURE), given), two_criteria)

    assert judgement.escalation is not None
    assert judgement.escalation.threshold == used
    assert judgement.escalation.escalated == (used > 0.5)


async def test_findings_that_contradict_the_level_make_a_cheap_judge_unsure(two_criteria: Rubric) -> None:
    """A top level beside a voiced misconception."""
    cheap = Fixed("cheap", SURE, voiced=True)

    judgement, _ = await decided(CascadeJudge(cheap, Fixed("strong", SURE), 0.6), two_criteria)

    assert judgement.escalation is not None
    assert judgement.escalation.escalated


async def test_a_strong_judge_that_fails_is_not_replaced_by_the_one_that_was_unsure(two_criteria: Rubric) -> None:
    """A failure is never a grade; the retry may find it up again."""
    judgement, _ = await decided(CascadeJudge(Fixed("cheap", UNSURE), Fixed("strong", DOWN, DOWN), 0.6), two_criteria)

    assert [d.reason.code for d in judgement.decisions if isinstance(d, Undecided)] == ["model_unavailable"] * 2
    assert not judgement.settled


def test_versions_name_everything_that_can_change_a_judgement() -> None:
    """Another member, order or threshold: another judgement."""
    a, b = Fixed("a", SURE), Fixed("b", SURE)
    versions = [
        PanelJudge((a, b)).version(),
        PanelJudge((b, a)).version(),
        CascadeJudge(a, b, 0.6).version(),
        CascadeJudge(a, b, 0.7).version(),
        CascadeJudge(b, a, 0.6).version(),
    ]

    assert len({str(version) for version in versions}) == len(versions)


LEVELS = st.lists(st.floats(0.01, 1), min_size=2, max_size=10).map(LevelDistribution.from_weights)


@given(LEVELS, st.floats(0, 1), st.floats(0, 1))
def test_the_further_judges_are_apart_the_less_sure_they_are(
    levels: LevelDistribution, one: float, other: float
) -> None:
    """Not at all at opposite ends."""
    scale = levels.levels - 1
    near, far = sorted((one * scale, other * scale))
    apart = [confidence(levels, sampled_once=False, spread=spread) for spread in (None, 0.0, near, far, scale)]

    assert apart[0] == apart[1]
    assert apart[1] is not None
    assert apart[2] is not None
    assert apart[3] is not None
    assert apart[1] >= apart[2] >= apart[3]
    assert apart[4] == 0.0
