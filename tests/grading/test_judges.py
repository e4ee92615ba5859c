"""How a level is decided: one call for all, or read off the first token."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.grading.errors import ModelError, ModelMisconfigured, ModelUnavailable
from service.grading.judgement import Case, Decided, Judgement, Undecided
from service.grading.judges.facts import MAX_STATEMENTS, statements
from service.grading.judges.readout import ReadoutJudge, label_weights, tilt
from service.grading.judges.single_call import SingleCallJudge
from service.grading.levels import LevelDistribution
from service.grading.models import CallBudget, ChatReply, ChatRequest
from service.grading.rubric import Rubric
from service.grading.submission import Submission
from service.library import FileLibrary
from service.llm.retry import ResilientChat, RetryPolicy
from service.llm.scripted import RepliesInOrder

pytestmark = pytest.mark.anyio
NOW = RetryPolicy(base_wait=0.0)
SUBMISSION = Submission("Why split?", "To see how it does on new data.", reference="To estimate error on unseen data.")


def case(rubric: Rubric, submission: Submission = SUBMISSION) -> Case:
    """The submission before a judge."""
    return Case(submission=submission, rubric=rubric, nonce="0123456789ab")


def graded(facts: object, form: object = 2, points: Sequence[str] = ()) -> ChatReply:
    """A single-call reply with these levels."""
    remarks = {"evidence": [], "rationale": "R.", "improvements": []}
    criteria = {"facts": {**remarks, "level": facts}, "form": {**remarks, "level": form}}
    return ChatReply(json.dumps({"criteria": criteria, "key_points": list(points), "summary": "S."}))


def token(**weights: float) -> ChatReply:
    """A reply whose first token has these alternatives; digits are written as d1, d2, ..."""
    alternatives = [(name.removeprefix("d"), math.log(weight)) for name, weight in weights.items()]
    return ChatReply("", first_token=tuple(alternatives))


async def single(
    library: FileLibrary, rubric: Rubric, replies: Sequence[ChatReply | ModelError], samples: int = 1
) -> tuple[Judgement, RepliesInOrder]:
    """What a single-call judge makes of prepared replies."""
    model = RepliesInOrder(replies)
    prompt = library.prompt("judge-single-call")
    assert prompt is not None
    judge = SingleCallJudge(ResilientChat(model, NOW), prompt, samples)
    return await judge.decide(case(rubric), CallBudget(), lambda _: None), model


async def test_one_call_decides_every_criterion_and_claims_no_certainty(
    library: FileLibrary, two_criteria: Rubric
) -> None:
    """A single sample is a point."""
    judgement, model = await single(library, two_criteria, [graded(3, 1)])

    facts, form = judgement.decisions
    assert isinstance(facts, Decided)
    assert isinstance(form, Decided)
    assert (facts.distribution, form.distribution) == ((0.0, 0.0, 1.0), (1.0, 0.0, 0.0))
    assert facts.sampled_once
    assert len(model.requests) == 1
    assert judgement.draft is not None


async def test_samples_become_the_share_at_each_level(library: FileLibrary, two_criteria: Rubric) -> None:
    """Levels 1, 3, 3 of three samples."""
    judgement, model = await single(library, two_criteria, [graded(1), graded(3), graded(3)], samples=3)

    facts = judgement.decisions[0]
    assert isinstance(facts, Decided)
    assert facts.distribution == pytest.approx((1 / 3, 0, 2 / 3))
    assert not facts.sampled_once
    assert {request.seed for request in model.requests} == {0, 1, 2}


async def test_a_level_off_the_scale_is_asked_for_once_more(library: FileLibrary, two_criteria: Rubric) -> None:
    """The repair names the criterion."""
    judgement, model = await single(library, two_criteria, [graded(7), graded(2)])

    assert judgement.settled
    repair = model.requests[1].messages[-1].content
    assert "facts" in repair
    assert "form" not in repair


async def test_a_criterion_without_a_level_stays_undecided_and_the_others_stand(
    library: FileLibrary, two_criteria: Rubric
) -> None:
    """After three attempts."""
    judgement, model = await single(library, two_criteria, [graded("none")])

    facts, form = judgement.decisions
    assert isinstance(facts, Undecided)
    assert facts.reason.code == "model_reply_invalid"
    assert isinstance(form, Decided)
    assert len(model.requests) == 3


async def test_a_model_that_fails_decides_nothing_and_says_why(library: FileLibrary, two_criteria: Rubric) -> None:
    """The reason is a value; nothing is raised."""
    judgement, _ = await single(library, two_criteria, [ModelMisconfigured("no such model")])

    reasons = [decision.reason for decision in judgement.decisions if isinstance(decision, Undecided)]
    assert [(reason.code, reason.retryable) for reason in reasons] == [("model_misconfigured", False)] * 2
    assert not judgement.settled


async def test_the_unchanging_part_comes_first_and_the_answer_only_in_the_user_message(
    library: FileLibrary, rubric: Rubric
) -> None:
    """So that providers can cache the prefix, and the answer has no authority."""
    prompt = library.prompt("judge-single-call")
    assert prompt is not None
    model = RepliesInOrder([graded(1)])
    judge = SingleCallJudge(ResilientChat(model, NOW), prompt)
    other = Submission("Why?", "Another answer altogether.")

    await judge.decide(case(rubric), CallBudget(), lambda _: None)
    await judge.decide(case(rubric, other), CallBudget(), lambda _: None)

    first, second = model.requests[0].messages, model.requests[-1].messages
    assert first[0].role == "system"
    assert first[0].content == second[0].content
    assert SUBMISSION.answer not in first[0].content
    assert SUBMISSION.answer in first[1].content


async def test_points_and_misconceptions_are_found_out_before_the_levels(
    library: FileLibrary, two_criteria: Rubric
) -> None:
    """With the words that cover a point; in the one call."""
    prompt = library.prompt("judge-single-call")
    assert prompt is not None
    data = json.loads(graded(2).text)
    data["key_points"] = [{"quote": "on new data", "covered": "covered"}, {"quote": "", "covered": "maybe"}]
    data["misconceptions"] = ["yes", "perhaps"]
    model = RepliesInOrder([ChatReply(json.dumps(data))])
    submission = Submission(
        "Why split?",
        "To see how it does on new data.",
        key_points=("Names new data", "Names leakage"),
        misconceptions=("Splitting is faster", "Splitting is free"),
    )

    judgement = await SingleCallJudge(ResilientChat(model, NOW), prompt).decide(
        case(two_criteria, submission), CallBudget(), lambda _: None
    )

    (request,) = model.requests
    assert request.schema is not None
    asked = list(request.schema["properties"])
    assert asked.index("key_points") < asked.index("misconceptions") < asked.index("criteria")
    assert "- Names leakage" in request.messages[1].content
    assert "- Splitting is free" in request.messages[1].content
    assert [point.covered for point in judgement.key_points] == ["covered", "unknown"]
    assert [wrong.voiced for wrong in judgement.misconceptions] == ["yes", "unknown"]
    assert judgement.draft is not None
    assert judgement.draft.points == ("on new data", "")


async def test_a_reference_with_marks_becomes_points_with_weights(library: FileLibrary, two_criteria: Rubric) -> None:
    """When the request names none; the model is told what each is worth."""
    prompt = library.prompt("judge-single-call")
    assert prompt is not None
    model = RepliesInOrder([graded(2, points=["covered", "missing"])])
    judge = SingleCallJudge(ResilientChat(model, NOW), prompt)
    marked = Submission("Why?", "Because of new data.", "2 points for unseen data; 1 point for leakage")
    named = Submission("Why?", "Because of new data.", marked.reference, key_points=("Names data",))

    judgement = await judge.decide(case(two_criteria, marked), CallBudget(), lambda _: None)
    other = await judge.decide(case(two_criteria, named), CallBudget(), lambda _: None)

    assert [(p.point, p.covered, p.marks) for p in judgement.key_points] == [
        ("unseen data", "covered", 2.0),
        ("leakage", "missing", 1.0),
    ]
    assert "- unseen data (2 marks)\n- leakage (1 mark)" in model.requests[0].messages[1].content
    assert [(p.point, p.marks) for p in other.key_points] == [("Names data", None)]


async def test_an_older_prompt_asks_for_coverage_as_it_always_did(library: FileLibrary, two_criteria: Rubric) -> None:
    """So that its results can be repeated."""
    prompt = library.prompt("judge-single-call@3")
    assert prompt is not None
    model = RepliesInOrder([graded(2, points=["covered"])])
    submission = Submission("Why?", "Because.", "1 point for a; 2 points for b", ("Says why",), ("It is free",))

    judgement = await SingleCallJudge(ResilientChat(model, NOW), prompt).decide(
        case(two_criteria, submission), CallBudget(), lambda _: None
    )

    assert model.requests[0].schema is not None
    assert model.requests[0].schema["properties"]["key_points"]["items"]["type"] == "string"
    assert "misconceptions" not in model.requests[0].schema["properties"]
    assert [point.covered for point in judgement.key_points] == ["covered"]
    assert judgement.misconceptions == ()


async def readout(
    library: FileLibrary, rubric: Rubric, replies: Sequence[ChatReply | ModelError], submission: Submission = SUBMISSION
) -> tuple[Judgement, RepliesInOrder]:
    """What the readout judge (its first prompt) makes of prepared replies, in the order asked."""
    model = RepliesInOrder(replies)
    prompt = library.prompt("judge-readout@1")
    assert prompt is not None
    judge = ReadoutJudge(ResilientChat(model, RetryPolicy(base_wait=0.0, concurrency=1)), prompt)
    return await judge.decide(case(rubric, submission), CallBudget(), lambda _: None), model


async def test_probabilities_are_read_off_the_level_tokens_alone(library: FileLibrary, two_criteria: Rubric) -> None:
    """Other tokens are left out and the rest normalised; no text is generated."""
    claim, form = token(Yes=0.5, No=0.5), token(d1=0.2, d3=0.2, The=0.6)

    judgement, model = await readout(library, two_criteria, [token(d1=0.3, d2=0.3, x=0.4), claim, form])

    decided = judgement.decisions[1]
    assert isinstance(decided, Decided)
    assert decided.distribution == pytest.approx((0.5, 0.0, 0.5))
    assert {request.max_tokens for request in model.requests} == {1}


async def test_a_wrong_central_claim_lowers_a_factual_criterion(library: FileLibrary, two_criteria: Rubric) -> None:
    """The same level readout, two opposite answers to the claim question."""
    levels, form = token(d1=0.3, d2=0.3, d3=0.4), token(d2=1.0)

    wrong, _ = await readout(library, two_criteria, [levels, token(Yes=0.1, No=0.9), form])
    right, _ = await readout(library, two_criteria, [levels, token(Yes=0.9, No=0.1), form])

    assert wrong.decided()["facts"].expected < right.decided()["facts"].expected - 0.5
    assert wrong.decided()["form"] == right.decided()["form"]


async def test_all_questions_about_an_answer_share_their_beginning(library: FileLibrary, two_criteria: Rubric) -> None:
    """System and case first, the question last: one cached prefix."""
    _, model = await readout(library, two_criteria, [token(d1=0.5, d2=0.5, Yes=0.5, No=0.5)])

    users = [request.messages[1].content for request in model.requests]
    shared = users[0][: users[0].index("</answer-0123456789ab>")]
    assert len(users) == 3
    assert all(user.startswith(shared) for user in users)


async def test_an_older_prompt_restates_the_claim_without_the_reference_and_checks_only_the_restatement(
    library: FileLibrary, two_criteria: Rubric
) -> None:
    """So that neither polish nor the reference's words reach the verdict."""
    prompt = library.prompt("judge-readout@2")
    assert prompt is not None
    replies = [token(d1=0.5, d2=0.5), ChatReply("Splitting shows error on new data.\nMore."), token(Yes=0.5, No=0.5)]
    model = RepliesInOrder([*replies, token(d2=1.0)])
    judge = ReadoutJudge(ResilientChat(model, RetryPolicy(base_wait=0.0, concurrency=1)), prompt)

    await judge.decide(case(two_criteria), CallBudget(), lambda _: None)

    restate, verify = (" ".join(m.content for m in model.requests[i].messages) for i in (1, 2))
    assert SUBMISSION.answer in restate
    assert str(SUBMISSION.reference) not in restate
    assert SUBMISSION.answer not in verify
    assert "Statement: Splitting shows error on new data.\nDoes" in verify
    assert str(SUBMISSION.reference) in verify


class Listening(RepliesInOrder):
    """A model that answers by what it is asked: yes to statements with these words, no to others, level 2 else."""

    def __init__(self, *true: str) -> None:
        super().__init__([token(d2=1.0)])
        self._true = true

    async def complete(self, request: ChatRequest, seconds: float) -> ChatReply:
        """Yes or no to the last lines of the last message."""
        self.requests.append(request)
        asked = request.messages[-1].content.rpartition("Statement: ")[2].rpartition("</answer")[2]
        if "Yes or No" not in asked:
            return token(d2=1.0)
        yes = any(word in asked for word in self._true)
        return token(Yes=0.9, No=0.1) if yes else token(Yes=0.1, No=0.9)


async def by_facts(
    library: FileLibrary,
    rubric: Rubric,
    model: RepliesInOrder,
    submission: Submission,
    prompt_id: str = "judge-readout@4",
) -> Judgement:
    """What the readout judge makes of a submission."""
    prompt = library.prompt(prompt_id)
    assert prompt is not None
    judge = ReadoutJudge(ResilientChat(model, RetryPolicy(base_wait=0.0, concurrency=1)), prompt)
    return await judge.decide(case(rubric, submission), CallBudget(), lambda _: None)


MIXED = Submission(
    "Why split?",
    "We split to see new data. The moon is made of cheese.",
    "Splitting estimates the error on unseen data.",
    key_points=("names unseen data", "names leakage"),
    misconceptions=("splitting raises accuracy", "the moon is cheese"),
)


async def test_each_statement_is_held_against_the_reference_without_the_rest_of_the_answer(
    library: FileLibrary, two_criteria: Rubric
) -> None:
    """So that polish around it cannot reach the verdict; and the answer is read without the reference."""
    model = Listening("new data")

    await by_facts(library, two_criteria, model, MIXED)

    checks = [r.messages[-1].content for r in model.requests if r.family == "verify"]
    assert [text.partition("Statement: ")[2].partition("\n")[0] for text in checks] == [
        "We split to see new data.",
        "The moon is made of cheese.",
    ]
    assert all(str(MIXED.reference) in text for text in checks)
    others = [r.messages[-1].content for r in model.requests if r.family != "verify"]
    assert others
    assert not any(str(MIXED.reference) in text for text in others)


MARKED = Submission(
    "Why split?",
    "We split to see new data.",
    "3 points for naming unseen data; 1 point for naming leakage",
)


async def test_parts_that_a_reference_gives_marks_for_are_listened_for_and_count_by_their_marks(
    library: FileLibrary, two_criteria: Rubric
) -> None:
    """Saying what three points are given for is worth more than saying what one is given for."""
    right = []
    for heard in ("unseen data", "leakage"):
        judgement = await by_facts(library, two_criteria, Listening(heard), MARKED, "judge-readout@5")
        assert [(p.point, p.marks) for p in judgement.key_points] == [
            ("naming unseen data", 3.0),
            ("naming leakage", 1.0),
        ]
        right.append(judgement.decided()["facts"].expected)

    assert right[0] > right[1]


async def test_key_points_sent_go_before_a_reference_s_marks(library: FileLibrary, two_criteria: Rubric) -> None:
    """Whoever names points means these."""
    both = replace(MARKED, key_points=("names unseen data",))

    judgement = await by_facts(library, two_criteria, Listening("new data"), both, "judge-readout@5")

    assert [(p.point, p.marks) for p in judgement.key_points] == [("names unseen data", None)]


async def test_facts_are_asked_once_however_many_criteria_go_by_them(
    library: FileLibrary, two_criteria: Rubric
) -> None:
    """A rubric with two factual criteria costs no second round, and both get what was found."""
    facts, form = two_criteria.criteria
    both = two_criteria.model_copy(update={"criteria": (facts, form.model_copy(update={"factual": True}))})
    model = Listening("new data")

    judgement = await by_facts(library, both, model, MIXED)

    checks = [r.messages[-1].content for r in model.requests if r.family == "verify"]
    assert len(checks) == len(set(checks)) == 2
    probes = [decision.probes for decision in judgement.decisions if isinstance(decision, Decided)]
    assert probes[0] == probes[1]
    assert "statement_2" in probes[0]


async def test_what_is_true_and_said_raises_a_factual_criterion_and_what_is_false_lowers_it(
    library: FileLibrary, two_criteria: Rubric
) -> None:
    """Statements, key points and misconceptions each move it their way; the other criterion stays."""
    levels = []
    for true in (("cheese", "raises"), ("new data",), ("new data", "names unseen"), ("new data", "names", "made of")):
        judgement = await by_facts(library, two_criteria, Listening(*true), MIXED)
        levels.append(judgement.decided()["facts"].expected)
        assert judgement.decided()["form"].probabilities == (0.0, 1.0, 0.0)

    assert levels == sorted(levels)
    assert levels[0] < 1.5
    assert levels[-1] > 2.5


async def test_the_learner_is_told_which_points_and_misconceptions_were_heard(
    library: FileLibrary, two_criteria: Rubric
) -> None:
    """In the order they were sent."""
    judgement = await by_facts(library, two_criteria, Listening("names unseen", "moon is cheese"), MIXED)

    assert [point.covered for point in judgement.key_points] == ["covered", "missing"]
    assert [wrong.voiced for wrong in judgement.misconceptions] == ["no", "yes"]


async def test_without_a_reference_the_judge_is_less_sure(library: FileLibrary, two_criteria: Rubric) -> None:
    """The model then has nothing but what it knows itself."""
    alone = Submission(MIXED.question, MIXED.answer)
    with_it = Submission(MIXED.question, MIXED.answer, MIXED.reference)

    sure, unsure = [
        (await by_facts(library, two_criteria, Listening("new data"), sent)).decided()["facts"]
        for sent in (with_it, alone)
    ]

    assert max(unsure.probabilities) < max(sure.probabilities)


async def test_a_statement_that_cannot_be_checked_leaves_the_factual_criterion_undecided(
    library: FileLibrary, two_criteria: Rubric
) -> None:
    """Half of the evidence is no grade; the other criterion stands."""

    class Failing(Listening):
        async def complete(self, request: ChatRequest, seconds: float) -> ChatReply:
            if request.family == "verify" and "Statement: The moon" in request.messages[-1].content:
                raise ModelMisconfigured("gone")
            return await super().complete(request, seconds)

    judgement = await by_facts(library, two_criteria, Failing("new data"), Submission(MIXED.question, MIXED.answer))

    assert [type(decision) for decision in judgement.decisions] == [Undecided, Decided]


async def test_a_key_point_the_model_could_not_be_asked_about_leaves_the_factual_criterion_undecided(
    library: FileLibrary, two_criteria: Rubric
) -> None:
    """Deciding without it would give another level, and keep it for good."""

    class Failing(Listening):
        async def complete(self, request: ChatRequest, seconds: float) -> ChatReply:
            if "names leakage" in request.messages[-1].content:
                raise ModelMisconfigured("gone")
            return await super().complete(request, seconds)

    judgement = await by_facts(library, two_criteria, Failing("new data"), MIXED)

    assert [type(decision) for decision in judgement.decisions] == [Undecided, Decided]
    assert [point.covered for point in judgement.key_points] == ["missing", "unknown"]
    assert not judgement.settled


def test_of_a_long_answer_the_first_and_the_last_statement_are_checked() -> None:
    """The code comes last."""
    found = statements("This is a sentence here. " * 40 + "\nSELECT MAX(s)\nFROM e;")

    assert len(found) == MAX_STATEMENTS
    assert found[-1] == "SELECT MAX(s)\nFROM e;"


@given(st.text(max_size=400))
def test_an_answer_always_has_a_statement_and_never_too_many(answer: str) -> None:
    """Whatever its punctuation and script."""
    found = statements(answer)

    assert 1 <= len(found) <= MAX_STATEMENTS


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ("One is true. Is two? Yes.", ["One is true."]),
        ("Yes.", ["Yes."]),
        ("It is 0.5 here. And that is all", ["It is 0.5 here.", "And that is all"]),
        ("I pick the top row.\nSELECT MAX(s)\nFROM e;", ["I pick the top row.", "SELECT MAX(s)\nFROM e;"]),
        ("中位数不受异常值影响。平均数会受影响。", ["中位数不受异常值影响。", "平均数会受影响。"]),
    ],
)
def test_statements_are_sentences_and_code_is_one_of_them(answer: str, expected: list[str]) -> None:
    """Fragments are left out where there is more."""
    assert statements(answer) == expected


async def test_key_points_are_reported_one_by_one(library: FileLibrary, two_criteria: Rubric) -> None:
    """Covered, partly, missing, and unknown where the model failed."""
    submission = Submission("Why split?", "To see new data.", key_points=("a", "b", "c", "d"))
    levels = [token(d1=0.5, d2=0.5), token(Yes=0.5, No=0.5), token(d2=1.0)]
    points = [token(Yes=0.9, No=0.1), token(Yes=0.5, No=0.5), token(Yes=0.1, No=0.9)]
    gone = ModelMisconfigured("gone")

    judgement, _ = await readout(library, two_criteria, (*levels, *points, gone), submission)

    assert [point.covered for point in judgement.key_points] == ["covered", "partly", "missing", "unknown"]


async def test_a_criterion_whose_labels_are_not_among_the_alternatives_is_undecided(
    library: FileLibrary, two_criteria: Rubric
) -> None:
    """Noise is not a level."""
    judgement, _ = await readout(library, two_criteria, [token(The=1.0)])

    assert [type(decision) for decision in judgement.decisions] == [Undecided, Undecided]


async def test_one_failing_criterion_leaves_the_others(library: FileLibrary, two_criteria: Rubric) -> None:
    """Unscored is a value of one criterion."""
    replies: list[ChatReply | ModelError] = [ModelUnavailable("down")] * 3
    replies.append(token(d2=1.0))

    judgement, _ = await readout(library, two_criteria, replies)

    assert [type(decision) for decision in judgement.decisions] == [Undecided, Decided]


def test_spellings_of_a_label_are_added_up() -> None:
    """With a space before it or in another case."""
    alternatives = [("Yes", math.log(0.2)), (" yes", math.log(0.3)), ("No", math.log(0.1)), ("Y", math.log(0.4))]

    assert label_weights(alternatives, ("Yes", "No")) == pytest.approx([0.5, 0.1])


@given(
    levels=st.lists(st.floats(0.01, 1), min_size=2, max_size=10).map(LevelDistribution.from_weights),
    right=st.floats(0, 1),
    more=st.floats(0, 1),
    weight=st.floats(0, 4),
)
def test_the_surer_the_claim_is_right_the_higher_the_level(
    levels: LevelDistribution, right: float, more: float, weight: float
) -> None:
    """Monotone, always a distribution, and without weight no change."""
    low, high = sorted((right, more))

    assert tilt(levels, low, weight).expected <= tilt(levels, high, weight).expected + 1e-9
    assert tilt(levels, right, 0.0).probabilities == pytest.approx(levels.probabilities)
