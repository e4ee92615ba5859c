"""How the commentary is measured: by what the grade itself counted, and against what teachers wrote."""

from __future__ import annotations

import json

import pytest

from evals.adapters.public import PUBLIC_SETS
from evals.results import Result
from evals.stats.coaching import checked_outcomes, feedback_outcomes
from evals.stats.outcomes import mean_of, of_metric
from evals.stats.summary import summarise
from evals.suites import Suite
from service.grading.grade import Checks, CommentaryStatus, Evidence, Improvement
from service.grading.hashing import content_hash
from service.library import FileLibrary
from tests.evals.makers import BASE, grade, result, row, scored

QUESTION = "What do UDP headers lack?"


def commented(name: str, checks: Checks | None) -> Result:
    """An answer whose commentary was checked."""
    made = grade([scored("clarity", 3.0)])
    status = CommentaryStatus(status="written" if checks else "omitted", checks=checks)
    return result(row(name, {"clarity": 3}), None).model_copy(
        update={"grade": made.model_copy(update={"commentary": status})}
    )


def taught(feedback: str | None, label: int, advice: str, comment: str = "") -> Result:
    """An answer with a teacher's feedback and the coach's."""
    gap = Evidence(quote="Because", start=0, end=7, match="verified", sign="gap", comment=comment)
    praise = gap.model_copy(update={"sign": "strength", "comment": "sequence acknowledgement checksum"})
    part = scored("correctness", 3.0, rationale="R.", evidence=(gap, praise)).model_copy(
        update={"improvements": (Improvement(what=advice, why="sequence", try_this=""),) if advice else ()}
    )
    made = grade([part]).model_copy(update={"commentary": CommentaryStatus(status="written", checks=Checks(remarks=2))})
    golden = row("t", {"correctness": label}, question=QUESTION).model_copy(update={"feedback": feedback})
    return result(golden, None).model_copy(update={"grade": made})


def value(results: list[Result], metric: str) -> float | None:
    """The mean of a metric."""
    return mean_of(of_metric([*checked_outcomes(results), *feedback_outcomes(results)], metric)).value


def test_dropped_quotes_and_remarks_are_counted_from_the_grade() -> None:
    """Over all quotes and remarks, whichever answer they were on; without commentary there is nothing to count."""
    results = [
        commented("a", Checks(quotes=6, quotes_dropped=1, remarks=3, remarks_dropped=0)),
        commented("b", Checks(quotes=2, quotes_dropped=1, remarks=1, remarks_dropped=1)),
        commented("c", None),
    ]

    assert value(results, "quotes_unsupported") == pytest.approx(2 / 8)
    assert value(results, "contradictions") == pytest.approx(1 / 4)
    assert value([commented("c", None)], "contradictions") is None


def test_a_lowered_confidence_alone_is_no_unsupported_quote() -> None:
    """Disagreement in a panel lowers it, too."""
    made = grade([scored("clarity", 3.0, confidence=0.1, rationale="R.")])

    assert checked_outcomes([result(row("a", {}), None).model_copy(update={"grade": made})]) == []


@pytest.mark.parametrize(
    ("advice", "comment", "recall", "f1"),
    [
        pytest.param("Name sequence numbers and checksums", "", 1.0, 1.0, id="the same in other forms"),
        pytest.param("Name sequence numbers", "the checksum", 1.0, 1.0, id="gaps count, too"),
        pytest.param("Name the sequence", "", 1 / 3, 0.5, id="part of it"),
        pytest.param("Say who sends it", "", 0.0, 0.0, id="something else"),
        pytest.param("", "", 0.0, 0.0, id="no gap found"),
        pytest.param("UDP headers lack it", "", 0.0, 0.0, id="the question's own words"),
    ],
)
def test_the_coach_s_gaps_are_held_against_the_teacher_s_words(
    advice: str, comment: str, recall: float, f1: float
) -> None:
    """Praise and reasons are no gaps, and the question's words are nobody's merit."""
    results = [taught("UDP headers lack the sequence number and a checksum.", 3, advice, comment)]

    assert value(results, "feedback_recall") == pytest.approx(recall)
    assert value(results, "feedback_f1") == pytest.approx(f1)


@pytest.mark.parametrize(
    ("feedback", "label"),
    [
        pytest.param("All correct.", 5, id="full marks"),
        pytest.param(None, 3, id="no feedback"),
        pytest.param("UDP headers!", 3, id="nothing but the question's words"),
    ],
)
def test_where_a_teacher_names_no_gap_there_is_nothing_to_find(feedback: str | None, label: int) -> None:
    """It counts neither for nor against."""
    assert feedback_outcomes([taught(feedback, label, "Name sequence numbers")]) == []


def test_the_numbers_stand_in_the_summary() -> None:
    """Under safety what has to be low, under coaching what has to be high."""
    answer = taught("It lacks the sequence number.", 3, "Name the sequence number").model_copy(update={"variant": BASE})

    summary = summarise([answer], BASE)

    assert summary.safety["contradictions"].value == 0.0
    assert summary.coaching["feedback_recall"].value == 1.0
    assert "coaching.feedback_f1" in summary.flat()


def test_a_teacher_s_feedback_is_read_from_public_sets_and_stays_out_of_what_is_graded(library: FileLibrary) -> None:
    """It is a label, not material."""
    rubric = library.rubric("ds-interview")
    assert rubric is not None
    record = {"id": "1", "question": "Q?", "answer": "A.", "score": "0.5", "max_score": "1", "feedback": "Too short."}

    golden = PUBLIC_SETS["saf"].mapping.row(record, "here", rubric)

    assert golden.feedback == "Too short."
    assert "Too short." not in json.dumps(golden.submission().digest()) + repr(golden.submission())


def test_rows_without_feedback_keep_the_hash_they_had() -> None:
    """Baselines name it; what a teacher wrote changes what is measured."""
    plain = row("a", {"clarity": 3})
    taught_row = plain.model_copy(update={"feedback": "Too short."})
    before = [plain.model_dump(mode="json", exclude={"feedback"})]

    assert Suite("s", (plain,), {}).sha256 == content_hash(before)
    assert Suite("s", (taught_row,), {}).sha256 != content_hash(before)
