"""How good is the commentary? Quotes that are not there, remarks that contradict, and the gaps a teacher saw."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from evals.results import Result
from evals.stats.observations import question_of
from evals.stats.outcomes import Outcome
from service.grading.consistency import absent, content_words
from service.grading.grade import Checks, ScoredCriterion

FEEDBACK = ("feedback_recall", "feedback_f1")


def checked_outcomes(results: Iterable[Result]) -> list[Outcome]:
    """One for each quote and each remark a model offered, drafts that were sent back included: 1 where it was dropped.

    From the counts of the grade itself. Commentary by rule, and of runs without any, has none.
    """
    found: list[Outcome] = []
    for result in results:
        if (checks := _checks(result)) is not None:
            found += _each(result, "quotes_unsupported", checks.quotes, checks.quotes_dropped)
            found += _each(result, "contradictions", checks.remarks, checks.remarks_dropped)
    return found


def _checks(result: Result) -> Checks | None:
    return result.grade.commentary.checks if result.grade else None


def _each(result: Result, metric: str, offered: int, dropped: int) -> Iterator[Outcome]:
    for place in range(offered):
        yield Outcome(metric, "", f"{result.row.id}:{place}", question_of(result.row), float(place < dropped))


def feedback_outcomes(results: Iterable[Result]) -> list[Outcome]:
    """Of answers without full marks and with a teacher's written feedback: how much of it the coach's gaps say, too.

    Content words are compared, without those of the question, which both share: recall is the share of the teacher's
    that the coach has in some form, F1 the harmonic mean of it and the share of the coach's that the teacher has.
    """
    found: list[Outcome] = []
    for result in results:
        parts = _with_gaps(result)
        teacher = absent(content_words(result.row.feedback or ""), result.row.question)
        if not parts or not teacher or _checks(result) is None:
            continue
        said = " ".join(text for part in parts for text in _gaps(part))
        coach = absent(content_words(said), result.row.question)
        recall = 1 - len(absent(teacher, said)) / len(teacher)
        precision = 1 - len(absent(coach, result.row.feedback or "")) / len(coach) if coach else 0.0
        f1 = 2 * precision * recall / (precision + recall) if precision + recall else 0.0
        for metric, value in zip(FEEDBACK, (recall, f1), strict=True):
            found.append(Outcome(metric, "", result.row.id, question_of(result.row), value))
    return found


def _with_gaps(result: Result) -> Sequence[ScoredCriterion]:
    """The scored criteria that a person gave less than full marks: full marks leave no gap to find."""
    scored = [(part, result.row.labels[name]) for name in result.row.labels if (part := result.scored(name))]
    return [part for part, label in scored if label.truth < len(part.distribution)]


def _gaps(part: ScoredCriterion) -> Iterator[str]:
    for improvement in part.improvements:
        yield from (improvement.what, improvement.try_this)
    for evidence in part.evidence:
        if evidence.sign == "gap":
            yield evidence.comment
