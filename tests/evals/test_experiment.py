"""The runner, on the production grader."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from pydantic import SecretStr

from evals.errors import CouldNotRun
from evals.experiment import Experiment, Outcome, Tally, jobs_of
from evals.golden import GoldenRow
from evals.replies import ModelCard, ReplyStore
from evals.results import Result
from evals.suites import Suite
from evals.variants import SECRET, variants_of
from service.bootstrap import build_grader
from service.grading.errors import ModelMisconfigured, ModelUnavailable
from service.grading.grade import GradeStatus
from service.grading.models import CallBudget, ChatReply
from service.grading.rubric import Rubric
from service.library import FileLibrary
from service.llm.backend import ChatBackend
from service.llm.retry import ResilientChat
from service.llm.scripted import CAPABLE, RepliesInOrder, echo
from service.settings import PromptSettings
from tests.evals.helpers import Priced, eval_settings, row

pytestmark = pytest.mark.anyio

CARD = ModelCard(name="scripted/echo", identity="scripted/echo", capabilities=CAPABLE)
ROWS = (row("one"), row("two", answer="Something else altogether, said in one sentence."))
BLANK = row("blank", answer="", tags=["gate"])


class Bench:
    """Everything an experiment needs, and what it graded."""

    def __init__(self, tmp_path: Path, library: FileLibrary, rubric: Rubric) -> None:
        self.settings = eval_settings(tmp_path)
        self.library = library
        self.rubric = rubric
        self.store = ReplyStore()
        self.results: list[Result] = []
        self.opened = 0
        self.tally = Tally()

    async def run(
        self,
        backend: ChatBackend | None,
        rows: Sequence[GoldenRow] = ROWS,
        prompts: Sequence[str] = ("judge-readout@3",),
        repeats: int = 0,
        budget_usd: float | None = None,
        **settings: object,
    ) -> Outcome:
        """One experiment; None replays."""

        async def open_model() -> ChatBackend:
            self.opened += 1
            assert backend is not None
            return backend

        def keep(result: Result, _tally: Tally) -> None:
            self.results.append(result)

        configured = self.settings.model_copy(update=settings)
        variants = variants_of(prompts, configured, CAPABLE, self.library, explain=False)
        suite = Suite("rows", tuple(rows), {"ds-interview": self.rubric})
        self.results, self.tally = [], Tally()
        experiment = Experiment(
            suite,
            self.library,
            self.store,
            CARD,
            keep,
            open_model if backend else None,
            budget_usd=budget_usd,
            tally=self.tally,
        )
        return await experiment.run(jobs_of(suite.rows, variants, repeats))


@pytest.fixture
def bench(tmp_path: Path, library: FileLibrary, rubric: Rubric) -> Bench:
    """An experiment to be."""
    return Bench(tmp_path, library, rubric)


async def test_a_result_is_the_production_grade(bench: Bench) -> None:
    """The same object that the service makes, scores and receipt alike."""
    pinned = PromptSettings(readout="judge-readout@3")
    settings = bench.settings.model_copy(update={"secret": SecretStr(SECRET), "prompts": pinned})
    grader = build_grader(settings, bench.library, ResilientChat(echo()))

    await bench.run(echo())

    expected = await grader.grade(ROWS[0].submission(), bench.rubric, CallBudget(), explain=False)
    assert bench.results[0].grade == expected
    assert bench.results[0].usage.model_calls == 6
    assert bench.results[0].usage.cache == "miss"


async def test_a_result_keeps_what_the_side_questions_said(bench: Bench) -> None:
    """Weights are fitted on it; a receipt of the service shows the same numbers."""
    await bench.run(echo(), rows=[ROWS[0], BLANK], prompts=["judge-readout@5"])

    asked, settled = bench.results
    assert set(asked.probes["correctness"]) == {"right", "statement_1"}
    assert "sign_1" in asked.probes["storytelling"]
    assert settled.probes == {}


async def test_what_the_store_holds_never_opens_a_model(bench: Bench) -> None:
    """The second run is free, and says so."""
    await bench.run(echo())
    first = [result.grade for result in bench.results]

    await bench.run(echo())

    assert bench.opened == 1
    assert [result.grade for result in bench.results] == first
    assert {(result.usage.model_calls, result.usage.cache) for result in bench.results} == {(0, "hit")}
    assert bench.tally.replayed == bench.tally.in_full["judge-readout@3"].calls == 12
    assert bench.tally.spent.calls == 0


async def test_a_replay_after_a_change_names_the_items_and_the_way_out(bench: Bench) -> None:
    """Another prompt has other requests, so nothing old is taken for it."""
    await bench.run(echo(), prompts=["judge-readout@3"])

    with pytest.raises(CouldNotRun, match=r"one with judge-readout@1; two with judge-readout@1\..*make eval-record"):
        await bench.run(None, prompts=["judge-readout@1"])

    assert [result.grade for result in bench.results] == [None, None]


async def test_a_blank_answer_needs_no_record(bench: Bench) -> None:
    """A rule settles it."""
    await bench.run(None, rows=[BLANK])

    grade = bench.results[0].grade
    assert grade is not None
    assert grade.receipt.judge == "rule:blank"
    assert bench.results[0].score("correctness") == 1


async def test_an_item_whose_model_is_down_is_failed_and_the_others_go_on(bench: Bench) -> None:
    """It has no grade that could be averaged in."""
    down = RepliesInOrder([ModelUnavailable("the model is down", retry_after=99)])

    outcome = await bench.run(down, rows=[*ROWS, BLANK])

    assert outcome == "done"
    assert [result.grade is None for result in bench.results] == [True, True, False]
    assert bench.results[0].error == "correctness: model_unavailable: the model is down"
    assert bench.results[0].usage.model_calls > 0


async def test_replies_that_cannot_be_read_are_the_prompt_s_fault_and_stay_a_grade(bench: Bench) -> None:
    """They count as unscored, which is something to compare."""
    await bench.run(RepliesInOrder([ChatReply("no level at all")]), rows=[ROWS[0]])

    grade = bench.results[0].grade
    assert grade is not None
    assert grade.status is GradeStatus.UNGRADED
    assert bench.results[0].error is None


async def test_a_model_that_is_set_up_wrong_ends_the_run_at_once(bench: Bench) -> None:
    """Every other answer would fail the same way."""
    wrong = RepliesInOrder([ModelMisconfigured("the key is wrong")])

    with pytest.raises(CouldNotRun, match="the key is wrong"):
        await bench.run(wrong)

    assert bench.results == []


async def test_the_budget_ends_a_run_before_it_is_overspent(bench: Bench) -> None:
    """What is done stays."""
    rows = [row(f"row-{n}", answer=f"An answer of its own, number {n}.") for n in range(5)]

    outcome = await bench.run(Priced(), rows=rows, budget_usd=1.5)

    assert outcome == "over_budget"
    assert len(bench.results) == 2
    assert bench.tally.spent.cost_usd == pytest.approx(1.1)


async def test_repeats_of_a_deterministic_judge_are_perturbed(bench: Bench) -> None:
    """And the plain run is not."""
    await bench.run(echo(), rows=[ROWS[0]], repeats=2)

    assert [(r.repeat, r.perturbation) for r in bench.results] == [(0, None), (1, "question-space"), (2, "level-form")]
    assert all(result.row == ROWS[0] for result in bench.results)


async def test_repeats_of_a_sampling_judge_are_fresh_samples(bench: Bench) -> None:
    """Of the same words, under other seeds."""
    await bench.run(echo(), rows=[ROWS[0]], prompts=["judge-single-call"], repeats=1, samples=3)

    assert [result.perturbation for result in bench.results] == [None, None]
    assert [result.usage.model_calls for result in bench.results] == [3, 3]


async def test_the_variants_of_a_row_are_graded_together(bench: Bench) -> None:
    """A run that stops early is still a paired comparison."""
    await bench.run(echo(), prompts=["judge-readout@1", "judge-readout@2"])

    assert [(result.row.id, result.variant[-1]) for result in bench.results] == [
        ("one", "1"),
        ("one", "2"),
        ("two", "1"),
        ("two", "2"),
    ]
