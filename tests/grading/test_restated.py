"""The same judge asked in other words."""

from __future__ import annotations

import pytest

from service.grading.judgement import Case, Decided, Decision, Judgement, Observer
from service.grading.judges.restated import RestatedJudge, restated
from service.grading.models import CallBudget, ModelName
from service.grading.prompt import Prompt
from service.grading.submission import Submission
from service.library import FileLibrary
from tests.grading.helpers import tiny_rubric

pytestmark = pytest.mark.anyio
CASE = Case(
    submission=Submission("Why split? Say it briefly.", "To see how it does on new data.", reference="R. S."),
    rubric=tiny_rubric(),
    nonce="0123456789ab",
    rubric_sha256="the whole rubric's",
)


class Remembering:
    """A judge that remembers what it was asked and says level 3 to the first criterion it sees, 1 to the others."""

    name = "remembering"
    model = ModelName("none")

    def __init__(self, prompt: Prompt) -> None:
        self.prompt = prompt
        self.asked: list[Case] = []

    def version(self) -> dict[str, object]:
        """Nothing else."""
        return {"judge": self.name}

    async def decide(self, case: Case, budget: CallBudget, observe: Observer) -> Judgement:
        """In the order of the rubric it was given."""
        self.asked.append(case)
        levels = [(0.0, 0.0, 1.0)] + [(1.0, 0.0, 0.0)] * (len(case.rubric.criteria) - 1)
        pairs = zip(case.rubric.criteria, levels, strict=True)
        return Judgement(decisions=tuple(Decided(criterion=c.id, distribution=d) for c, d in pairs))


def test_nothing_but_the_wording_of_question_and_rubric_changes() -> None:
    """Answer, reference, weights, meaning and order of levels stay; the question's words as well."""
    other = restated(CASE)

    assert other.submission.question != CASE.submission.question
    assert other.submission.question.split() == CASE.submission.question.split()
    assert (other.submission.answer, other.submission.reference) == (CASE.submission.answer, CASE.submission.reference)
    assert [criterion.id for criterion in other.rubric.criteria] == ["form", "facts"]
    assert (other.rubric_sha256, other.nonce) == (CASE.rubric_sha256, CASE.nonce)
    for criterion in other.rubric.criteria:
        before = CASE.rubric.criterion(criterion.id)
        assert criterion.weight == before.weight
        for one, two in zip(criterion.levels, before.levels, strict=True):
            assert one.label.lower() == two.label
            assert one.descriptor != two.descriptor
            assert one.descriptor.split() == two.descriptor.rstrip(".").split()


async def test_decisions_come_back_in_the_rubric_s_own_order(library: FileLibrary) -> None:
    """As does what an observer hears."""
    prompt = library.prompt("judge-readout")
    assert prompt is not None
    raw = Remembering(prompt)
    heard: list[Decision] = []

    judgement = await RestatedJudge(raw).decide(CASE, CallBudget(), heard.append)

    assert raw.asked == [restated(CASE)]
    assert [(d.criterion, d.levels.median) for d in judgement.decisions if isinstance(d, Decided)] == [
        ("facts", 1),
        ("form", 3),
    ]
    assert tuple(heard) == judgement.decisions
