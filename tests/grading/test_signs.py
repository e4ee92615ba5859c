"""Signs: a level from what can be seen in an answer, asked one thing at a time."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.grading.judgement import Case, Judgement
from service.grading.judges.readout import ReadoutJudge
from service.grading.judges.signs import Seen, reading_grade
from service.grading.models import CallBudget, ChatReply, ChatRequest
from service.grading.prompt import Prompt
from service.grading.rubric import Rubric, parse_rubric
from service.grading.submission import Submission
from service.library import FileLibrary
from service.llm.retry import ResilientChat, RetryPolicy
from service.llm.scripted import RepliesInOrder
from tests.grading.helpers import rubric_data


def prompt(library: FileLibrary) -> Prompt:
    """The newest readout prompt."""
    found = library.prompt("judge-readout")
    assert found is not None
    return found


NEWEST = prompt(FileLibrary())
PLAIN = "We split the data. One part trains the model. The other part tests it. " * 4
WINDING = (
    "Notwithstanding considerable methodological heterogeneity, generalisation performance characteristics, "
    "estimated through systematically partitioned observational subsets, characteristically necessitate "
    "regularisation considerations, hyperparameter optimisation, and representativeness verification procedures. "
) * 2


def with_signs(*signs: str, readability: bool = False) -> Rubric:
    """The small rubric, its criterion `form` with signs."""
    data = rubric_data()
    criteria = data["criteria"]
    assert isinstance(criteria, list)
    criteria[1] = {**criteria[1], "signs": list(signs), "readability": readability}
    return parse_rubric(data)


class Seeing(RepliesInOrder):
    """A model that says yes where the question holds one of these words, and level 2 where a level is asked for."""

    def __init__(self, *words: str) -> None:
        super().__init__([ChatReply("", first_token=(("2", 0.0),))])
        self._words = words

    async def complete(self, request: ChatRequest, seconds: float) -> ChatReply:
        """Yes with .9 or .1, or level 2."""
        self.requests.append(request)
        asked = request.messages[-1].content.rpartition("</answer")[2]
        if "Yes or No" not in asked:
            return ChatReply("", first_token=(("2", 0.0),))
        yes = 0.9 if any(word in asked for word in self._words) else 0.1
        return ChatReply("", first_token=(("Yes", math.log(yes)), ("No", math.log(1 - yes))))


async def judged(library: FileLibrary, rubric: Rubric, model: RepliesInOrder, answer: str = "It is so.") -> Judgement:
    """What the readout judge makes of an answer without a reference."""
    judge = ReadoutJudge(ResilientChat(model, RetryPolicy(base_wait=0.0, concurrency=1)), prompt(library))
    case = Case(submission=Submission("Why?", answer), rubric=rubric, nonce="0123456789ab")
    return await judge.decide(case, CallBudget(), lambda _: None)


@pytest.mark.anyio
async def test_each_sign_is_asked_by_itself_and_in_place_of_the_level(library: FileLibrary) -> None:
    """The level's descriptors never reach the model for such a criterion."""
    rubric, model = with_signs("Is there a case?", "Is there an end?"), Seeing()

    await judged(library, rubric, model)

    asked = [request.messages[-1].content.rpartition("</answer")[2] for request in model.requests]
    assert [text for text in asked if "Is there a case?" in text and "Is there an end?" in text] == []
    assert sum("Is there a case?" in text or "Is there an end?" in text for text in asked) == 2
    assert not any("Its form is low." in text for text in asked)


@pytest.mark.anyio
async def test_every_sign_that_is_seen_raises_the_level(library: FileLibrary) -> None:
    """None, one and both."""
    rubric = with_signs("Is there a case?", "Is there an end?")

    levels = [
        (await judged(library, rubric, Seeing(*words))).decided()["form"].expected
        for words in ((), ("case",), ("case", "end"))
    ]

    assert levels == sorted(levels)
    assert levels[2] - levels[0] > 1


@pytest.mark.anyio
async def test_the_receipt_can_show_what_was_seen(library: FileLibrary) -> None:
    """One number for each sign and one for all."""
    judgement = await judged(library, with_signs("Is there a case?", readability=True), Seeing("case"), PLAIN)

    probes = judgement.decisions[1].model_dump()["probes"]
    assert set(probes) == {"sign_1", "reading_grade", "seen"}
    assert probes["sign_1"] == pytest.approx(math.log(9), abs=1e-3)


@pytest.mark.anyio
async def test_prose_that_reads_easily_stands_higher(library: FileLibrary) -> None:
    """With the same signs seen, long words and winding sentences lower the level."""
    rubric = with_signs("Is there a case?", readability=True)

    plain, winding = [
        (await judged(library, rubric, Seeing("case"), answer)).decided()["form"].expected
        for answer in (PLAIN, WINDING)
    ]

    assert plain > winding + 0.5


@pytest.mark.anyio
async def test_readability_is_left_out_where_it_cannot_be_measured(library: FileLibrary) -> None:
    """A short answer has no index; its signs decide alone."""
    assert reading_grade("Too short to say.") is None

    judgement = await judged(library, with_signs("Is there a case?", readability=True), Seeing("case"), "Too short.")

    assert "reading_grade" not in judgement.decisions[1].model_dump()["probes"]


@pytest.mark.anyio
async def test_a_prompt_without_the_question_for_signs_asks_for_the_level(library: FileLibrary) -> None:
    """Older prompts grade the same rubric as they always did."""
    older = library.prompt("judge-readout@4")
    assert older is not None
    model = Seeing()
    judge = ReadoutJudge(ResilientChat(model, RetryPolicy(base_wait=0.0, concurrency=1)), older)
    case = Case(submission=Submission("Why?", "It is so."), rubric=with_signs("Is there a case?"), nonce="0123456789ab")

    judgement = await judge.decide(case, CallBudget(), lambda _: None)

    assert judgement.decided()["form"].probabilities == (0.0, 1.0, 0.0)


def test_a_rubric_without_signs_keeps_the_hash_it_had() -> None:
    """Its published versions and stored judgements stay valid."""
    assert parse_rubric(rubric_data()).sha256 != with_signs("Is there a case?").sha256
    assert with_signs().sha256 == parse_rubric(rubric_data()).sha256


@given(odds=st.lists(st.floats(-9, 9), min_size=1, max_size=6), more=st.floats(0.1, 5), at=st.integers(0, 5))
def test_surer_signs_never_lower_the_place(odds: list[float], more: float, at: int) -> None:
    """Whatever the other signs say."""
    higher = [value + more * (index == at % len(odds)) for index, value in enumerate(odds)]

    assert Seen(tuple(higher)).place("form", NEWEST) > Seen(tuple(odds)).place("form", NEWEST)
