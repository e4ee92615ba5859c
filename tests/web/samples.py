"""Two attempts of one learner at one question, as a bootcamp would see them."""

from __future__ import annotations

from dataclasses import replace

from service.grading.submission import Context
from tests.web.making import Made, Remark

POINTS = (
    "Says that the p-value is computed assuming the null hypothesis is true",
    "Says that it is the probability of a result at least as extreme as the one observed",
    "Says that it is not the probability that the null hypothesis is true",
    "Says that a small p-value does not by itself mean a large or important effect",
)
FALSE = (
    "The p-value is the probability that the null hypothesis is true.",
    "The p-value is the probability that the result came about by chance.",
    "The smaller the p-value, the bigger the effect.",
)

FIRST = Made(
    answer=(
        "Sure. So a p-value is basically the probability that the null hypothesis is true 🙂. When we tested the new "
        "checkout at my last job we got p = 0.03, which means there is a 97 percent chance that it works better.\n\n"
        "We usually compare it with 0.05, and if it is below we say the result is significant. The smaller it is, the "
        "bigger the effect, so 0.03 was quite convincing and we rolled it out to all customers."
    ),
    context=Context(industry="retail", audience="product managers", stage="technical phone screen"),
    summary=(
        "You tell what was done and what was decided, but the definition at the heart of the answer is the one most "
        "people get wrong."
    ),
    points={POINTS[0]: "missing", POINTS[1]: "missing", POINTS[2]: "missing", POINTS[3]: "missing"},
    voiced={FALSE[0]: "yes", FALSE[1]: "no", FALSE[2]: "yes"},
    next_steps=("Say the definition aloud three times, beginning with “If the null hypothesis were true …”.",),
    rewrite=(
        "So a p-value is basically the probability that the null hypothesis is true 🙂.",
        "A p-value says how often we would see a difference at least this large if the new checkout changed nothing.",
    ),
    follow_up="If you repeated a test with p = 0.04, would you expect it to be significant again?",
    remarks={
        "correctness": Remark(
            level=1,
            probability=0.71,
            rationale=(
                "Your central claim is false: a p-value is computed assuming the null hypothesis is true, so it cannot "
                "be the probability of it. The 97 percent and the size of the effect follow from the same "
                "mistake."
            ),
            quotes=(
                (
                    "a p-value is basically the probability that the null hypothesis is true",
                    "gap",
                    "It is the probability of data at least this extreme, if the null hypothesis were true.",
                ),
                (
                    "The smaller it is, the bigger the effect",
                    "gap",
                    "With millions of customers a tiny difference gets a tiny p.",
                ),
            ),
            improvements=(
                (
                    "Begin with the assumption",
                    "Everything else in the definition hangs on it, and interviewers listen for it first.",
                    "If the checkout changed nothing, about 3 of 100 tests would show a difference this large.",
                ),
            ),
        ),
        "clarity": Remark(
            level=3,
            probability=0.52,
            rationale="Your main point comes first, but the step from 0.03 to 97 percent is left unexplained.",
            quotes=(("We usually compare it with 0.05", "strength", "The threshold is named in plain words."),),
            improvements=(
                (
                    "Say why, not only that",
                    "A reason lets the listener check you.",
                    "We compare it with 0.05 because we accept one false alarm in twenty.",
                ),
            ),
        ),
        "storytelling": Remark(
            level=4,
            probability=0.66,
            rationale="A situation, what was done and what came of it follow one another.",
            quotes=(("When we tested the new checkout at my last job", "strength", "A real situation, placed early."),),
        ),
        "business_framing": Remark(
            level=3,
            probability=0.58,
            rationale="You name the decision, but not who gains or what it costs to be wrong.",
            quotes=(("we rolled it out to all customers", "strength", "A decision is named."),),
            improvements=(
                (
                    "Put a size on the stakes",
                    "A product manager decides on money, not on p.",
                    "A wrong roll-out would have cost us about two weeks of conversions.",
                ),
            ),
        ),
    },
)

SECOND = replace(
    FIRST,
    day=1.0,
    answer=(
        "If the new checkout changed nothing, a p-value tells me how often I would still see a difference at least "
        "as large as the one in our data. So it starts from the null hypothesis; it is not the probability that the "
        "null hypothesis is true.\n\n"
        "At my last job we got p = 0.03: only about 3 in 100 such tests would show a gap like ours by luck. Because "
        "we accept one false alarm in twenty, I called it significant, and we rolled it out to all customers, "
        "watching conversion for two weeks so that a mistake would have cost us days and not a season."
    ),
    summary="The definition is right now and comes first. What is left: significant is not the same as large.",
    points={POINTS[0]: "covered", POINTS[1]: "covered", POINTS[2]: "covered", POINTS[3]: "missing"},
    voiced={FALSE[0]: "no", FALSE[1]: "no", FALSE[2]: "no"},
    next_steps=("Add one sentence on the size of the effect: the p-value alone does not tell it.",),
    rewrite=None,
    remarks={
        "correctness": Remark(
            level=4,
            probability=0.74,
            rationale="Every statement is true and the definition is complete; no limit of the p-value is named.",
            quotes=(
                (
                    "it is not the probability that the null hypothesis is true",
                    "strength",
                    "You close the usual misunderstanding yourself.",
                ),
            ),
            improvements=(
                (
                    "Name one limit",
                    "It shows that you would not stop at significance.",
                    "It says nothing about how large the effect is, so I report the interval beside it.",
                ),
            ),
        ),
        "clarity": Remark(
            level=5,
            probability=0.62,
            rationale="The first sentence answers the question, and each step has its reason.",
            quotes=(("Because we accept one false alarm in twenty", "strength", "The reason is said aloud."),),
        ),
        "storytelling": Remark(
            level=4,
            probability=0.55,
            rationale="Situation, action and outcome follow one another.",
            quotes=(("At my last job we got p = 0.03", "strength", "A concrete case."),),
        ),
        "business_framing": Remark(
            level=4,
            probability=0.49,
            rationale="The decision is tied to what a mistake would cost.",
            quotes=(("a mistake would have cost us days and not a season", "strength", "The stakes are named."),),
            improvements=(
                (
                    "Give the amount",
                    "A number is easier to weigh than a season.",
                    "A mistake would have cost us about 40,000 euros.",
                ),
            ),
        ),
    },
)


THIRD = replace(
    SECOND,
    day=4.0,
    answer=SECOND.answer + " A small p does not make the effect large, so I show the interval beside it.",
    points={**SECOND.points, POINTS[3]: "covered"},
    remarks={
        **SECOND.remarks,
        "correctness": replace(SECOND.remarks["correctness"], level=5, probability=0.68),
        "business_framing": replace(SECOND.remarks["business_framing"], level=4, probability=0.63),
    },
)

OTHER = replace(
    FIRST,
    day=2.0,
    question="What is the difference between WHERE and HAVING?",
    question_id="sql-where-having",
    points={
        "Says that WHERE filters rows before grouping": "covered",
        "Says that HAVING filters groups after aggregation": "partly",
    },
    voiced={"You cannot use WHERE in a query that has a GROUP BY.": "no"},
    remarks={**FIRST.remarks, "correctness": replace(FIRST.remarks["correctness"], level=3, probability=0.55)},
)

DOUBTFUL = replace(
    FIRST,
    learner="bea",
    day=5.0,
    reasons=("low_confidence:clarity",),
    remarks={**FIRST.remarks, "clarity": replace(FIRST.remarks["clarity"], probability=0.41)},
)
