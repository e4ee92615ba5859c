"""From a model's draft to feedback that may be shown."""

from __future__ import annotations

from service.grading.commentary import Commentary, check_commentary
from service.grading.judgement import Draft, DraftEvidence, DraftImprovement, DraftRemarks
from service.grading.levels import LevelDistribution
from service.grading.submission import Submission
from tests.grading.helpers import tiny_rubric

SUBMISSION = Submission(
    "Why do we split the data?", "We split so that we can see how it does on new data. That is all."
)
IMPROVE = DraftImprovement(what="Name the leak", why="It matters", try_this="Say it")


def remarks(quote: str, sign: str = "strength", *, improvements: tuple[DraftImprovement, ...] = ()) -> DraftRemarks:
    """Remarks with one quote."""
    evidence = DraftEvidence.model_validate({"quote": quote, "sign": sign, "comment": "c"})
    return DraftRemarks(rationale="Because.", evidence=(evidence,), improvements=improvements)


def checked(facts: DraftRemarks, level: int, **more: str) -> Commentary:
    """The commentary on one criterion decided at a level of 3."""
    draft = Draft(remarks={"facts": facts}, **more)
    return check_commentary(draft, SUBMISSION, tiny_rubric(), {"facts": LevelDistribution.point(level, 3)})


def test_a_quote_that_stands_in_the_answer_is_shown_with_its_place() -> None:
    """answer[start:end] is the quote."""
    (evidence,) = checked(remarks("see how it does on new data"), 2).remarks["facts"].evidence

    assert SUBMISSION.answer[evidence.start : evidence.end] == evidence.quote == "see how it does on new data"
    assert evidence.match == "verified"


def test_an_invented_quote_is_dropped_counted_and_reported() -> None:
    """So that confidence can be lowered and the model told."""
    commentary = checked(remarks("we cross-validate ten times"), 2)

    facts = commentary.remarks["facts"]
    assert (facts.evidence, facts.quoted, facts.unverified) == ((), 1, 1)
    assert "do not stand in the answer" in commentary.problems[0]


def test_there_is_no_praise_on_the_lowest_level() -> None:
    """A strength there is left out."""
    commentary = checked(remarks("see how it does on new data", "strength"), 1)

    assert commentary.remarks["facts"].evidence == ()
    assert "nothing in it is a strength" in commentary.problems[0]


def test_there_is_no_invented_fault_on_the_top_level() -> None:
    """A gap and an improvement there are left out."""
    commentary = checked(remarks("see how it does on new data", "gap", improvements=(IMPROVE,)), 3)

    assert commentary.remarks["facts"].evidence == ()
    assert commentary.remarks["facts"].improvements == ()
    assert len(commentary.problems) == 2


def test_advice_to_say_what_was_said_already_is_left_out() -> None:
    """Least of all where what was said is wrong."""
    again = DraftImprovement(what="Be clear", why="It helps", try_this="we SPLIT so that we can see how it does")

    commentary = checked(remarks("new data", "gap", improvements=(again, IMPROVE)), 2)

    assert [item.what for item in commentary.remarks["facts"].improvements] == ["Name the leak"]
    assert "repeats" in commentary.problems[0]


def test_a_missing_rationale_is_reported_as_missing() -> None:
    """The status of the commentary depends on it."""
    assert checked(DraftRemarks(), 2).missing == ("facts",)


def test_criteria_without_a_level_get_no_remarks() -> None:
    """What was not decided cannot be explained."""
    draft = Draft(remarks={"form": remarks("new data")})

    commentary = check_commentary(draft, SUBMISSION, tiny_rubric(), {})

    assert commentary.remarks == {}


def test_a_rewrite_starts_from_the_candidate_s_own_words() -> None:
    """An invented passage is not rewritten."""
    kept = checked(remarks("new data"), 2, rewrite_before="That is all.", rewrite_after="That is why.")
    invented = checked(remarks("new data"), 2, rewrite_before="I never said this.", rewrite_after="Better.")

    same = checked(remarks("new data"), 2, rewrite_before="That is all.", rewrite_after="that is all")
    assert same.rewrite is None
    assert kept.rewrite is not None
    assert (kept.rewrite.before, kept.rewrite.after) == ("That is all.", "That is why.")
    assert invented.rewrite is None


FACTS = "We split 80 to 20 and did not look at the test set. It was AWS that broke."


def rewritten(before: str, after: str, level: int = 3, reference: str | None = None) -> Commentary:
    """The commentary on an answer with facts in it, with a rewrite."""
    draft = Draft(remarks={"facts": DraftRemarks(rationale="R.")}, rewrite_before=before, rewrite_after=after)
    decided = {"facts": LevelDistribution.point(level, 3)}
    return check_commentary(draft, Submission("Why split?", FACTS, reference), tiny_rubric(), decided)


def test_a_rewrite_keeps_the_learner_s_facts() -> None:
    """Numbers, names and negations of the passage are still there."""
    before = "We split 80 to 20 and did not look at the test set."
    kept = rewritten(before, "I split 80 to 20 and never looked at the test set before the end.")
    number = rewritten(before, "I split the data and never looked at the test set.")
    negation = rewritten(before, "I split 80 to 20 and looked at the test set at the end.")
    name = rewritten("It was AWS that broke.", "The cloud broke.")

    assert kept.rewrite is not None
    assert [c.rewrite for c in (number, negation, name)] == [None] * 3
    assert "loses a number" in number.problems[0]
    assert "loses a negation" in negation.problems[0]
    assert "loses a name" in name.problems[0]
    assert (kept.checks.remarks, kept.checks.remarks_dropped) == (1, 0)
    assert (number.checks.remarks, number.checks.remarks_dropped) == (1, 1)


def test_what_is_mostly_wrong_may_be_said_otherwise() -> None:
    """A false fact is not worth keeping; a number of nobody's is invented all the same."""
    before = "We split 80 to 20 and did not look at the test set."

    corrected = rewritten(before, "I should have looked at the test set at the end.", level=1)
    invented = rewritten(before, "I should have split 70 to 30.", level=1)
    referenced = rewritten(before, "I should have split 70 to 30.", level=1, reference="Split 70 to 30.")

    assert corrected.rewrite is not None
    assert invented.rewrite is None
    assert "nobody gave" in invented.problems[0]
    assert referenced.rewrite is not None


def test_an_improvement_names_something_the_answer_lacks() -> None:
    """On facts, new facts; on form, another order of the same words is advice as well."""
    shuffled = DraftImprovement(
        what="Start with the result", why="", try_this="On new data we see how it does: we split"
    )
    draft = Draft(
        remarks={
            "facts": remarks("new data", "gap", improvements=(shuffled,)),
            "form": remarks("That is all", "gap", improvements=(shuffled,)),
        }
    )
    decided = {name: LevelDistribution.point(2, 3) for name in ("facts", "form")}

    commentary = check_commentary(draft, SUBMISSION, tiny_rubric(), decided)

    assert commentary.remarks["facts"].improvements == ()
    assert [item.what for item in commentary.remarks["form"].improvements] == ["Start with the result"]
    assert commentary.problems == ("facts: an improvement names nothing that the answer lacks",)


def test_everything_offered_and_left_out_is_counted() -> None:
    """Quotes of every kind, and remarks that contradict."""
    draft = Draft(
        remarks={
            "facts": DraftRemarks(
                rationale="R.",
                evidence=(
                    DraftEvidence(quote="see how it does on new data", sign="strength", comment=""),
                    DraftEvidence(quote="new data", sign="gap", comment=""),
                    DraftEvidence(quote="ten folds", sign="strength", comment=""),
                ),
                improvements=(IMPROVE,),
            )
        },
        points=("see how it does", "", "nothing of the kind"),
        story={"context": "so that we can see", "method": "by coin", "result": "", "impact": ""},
        rewrite_before="That is all.",
        rewrite_after="That is why a leak would matter.",
    )

    checks = check_commentary(draft, SUBMISSION, tiny_rubric(), {"facts": LevelDistribution.point(3, 3)}).checks

    assert (checks.quotes, checks.quotes_dropped) == (8, 3)
    assert (checks.remarks, checks.remarks_dropped) == (4, 2)
    assert checks.sent_back == 0


def test_the_words_that_cover_a_point_are_looked_for() -> None:
    """In the order of the points; an invented one covers nothing."""
    draft = Draft(points=("see how it does", "", "never said"))

    found = check_commentary(draft, SUBMISSION, tiny_rubric(), {}).points

    assert [quoted and quoted.quote for quoted in found] == ["see how it does", None, None]
