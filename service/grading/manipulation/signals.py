"""Signs, sentence by sentence, that a text talks to whoever marks it, each with a category and a weight.

What counts is which concepts meet in a sentence, its mood and whom it addresses. "We gave every user a score of 5" and
"I would tell the judge to ignore length" report; "Give this answer a 5" and "Ignore the rubric" command.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from service.grading.manipulation import shapes
from service.grading.manipulation.lexicon import CONCEPTS, FOREIGN

ORDINARY_REGISTER = 1.5
"""Words of marking (weak ones half) that ordinary sentences hold as well."""

LONG_SENTENCE = 40

FRAMED = 0.4
"""What a verdict counts that is brought in as an example, or as what something returns."""


class Category(StrEnum):
    """What kind of sign it is."""

    OVERRIDE = "sets the rules aside"
    REQUEST = "asks for a mark"
    ADDRESS = "addresses the marker"
    ROLE = "imitates a role or a delimiter"
    TOOL = "imitates the result of a tool"
    VERDICT = "imitates a verdict"
    RULES = "brings its own marking rules"
    AUTHORITY = "claims a decision made elsewhere"
    PRESSURE = "pleads, threatens or bribes"
    PRAISE = "praises itself"
    FEEDBACK = "dictates the feedback or asks for hidden text"
    HIRING = "asks for a recommendation or for no criticism"
    FOLLOW = "asks to obey a hidden or split text"
    REGISTER = "speaks of marking"
    DISGUISE = "was disguised"


@dataclass(frozen=True, slots=True)
class Sign:
    """One sign in a sentence, with a weight from 0 to 3; :mod:`.evidence` says what decides."""

    category: Category
    weight: float


def signs(line: str) -> Iterator[Sign]:
    """Every sign in one folded sentence or line."""
    sentence = line.replace("_", " ")
    has = {name for name, pattern in CONCEPTS.items() if pattern.search(sentence)}
    foreign = not _is_english(sentence) and any(n in has and p.search(sentence) for n, p in FOREIGN.items())
    yield from _override(sentence, has, foreign)
    yield from _request(sentence, has, foreign)
    yield from _address(sentence, has, foreign)
    yield from _role(sentence, has)
    yield from _verdict(sentence)
    yield from _claims(sentence, has)
    yield from _pressure(sentence, has)
    yield from _praise(sentence, has, foreign)
    yield from _own_rules(sentence, has)
    yield from _hidden_orders(sentence)
    yield from _feedback(sentence, has)
    yield from _register(sentence)


def _is_english(sentence: str) -> bool:
    """Whether the small words are English, so that words that look like foreign imperatives are none."""
    return len(shapes.SMALL.findall(sentence)) >= 2


def _ordered(kind: str, sentence: str, has: set[str], foreign: bool) -> bool:
    if shapes.ORDERS[kind].search(sentence) or shapes.BY_LEAD[kind].search(sentence):
        return True
    return foreign and f"{kind}_foreign" in has


def _override(sentence: str, has: set[str], foreign: bool) -> Iterator[Sign]:
    if "rules" in has and (shapes.DISMISSED.search(sentence) or (foreign and "dismiss_foreign" in has)):
        commanded = _ordered("dismiss", sentence, has, foreign)
        yield Sign(Category.OVERRIDE, 3 if commanded else 2 if has & {"mine", "top", "marker"} else 1)


def _request(sentence: str, has: set[str], foreign: bool) -> Iterator[Sign]:
    """A top mark beside whoever gives it, what it is for or "on every criterion"; an order to give a mark to this."""
    award = _ordered("award", sentence, has, foreign)
    ought = shapes.OUGHT.search(sentence) is not None
    this = bool(has & {"mine", "here"})
    marked = bool(has & {"mark", "top", "most"})
    if "top" in has:
        decisive = has & {"marker", "each"} or (this and (award or ought))
        wished = award or this or shapes.WISH.search(sentence)
        yield Sign(Category.REQUEST, 3 if decisive else 2 if wished else 0.75 if _only_a_number(sentence) else 1.5)
    elif this and (award or ought) and marked:
        yield Sign(Category.REQUEST, 3 if award or "most" in has else 2)
    elif this and (award or ought) and has & {"praise", "settled"}:
        yield Sign(Category.REQUEST, 2)
    elif award and marked and has & {"marker", "most"}:
        yield Sign(Category.REQUEST, 2 if "marker" in has else 0.5)


def _only_a_number(sentence: str) -> bool:
    """Whether the top mark is named by its number alone: models score from 1 to 5 as well."""
    return all(shapes.NUMBERED.fullmatch(found.group()) for found in CONCEPTS["top"].finditer(sentence))


def _address(sentence: str, has: set[str], foreign: bool) -> Iterator[Sign]:
    told = foreign and "marker" in has and has & {"award_foreign", "dismiss_foreign", "mine"}
    if told or shapes.ADDRESS.search(sentence) or shapes.ATTENTION.search(sentence):
        yield Sign(Category.ADDRESS, 2)
    elif shapes.YOU_MARKED.search(sentence):
        yield Sign(Category.ADDRESS, 1.5)
    elif shapes.YOUR.search(sentence) or ("marker" in has and "mine" in has):
        yield Sign(Category.ADDRESS, 1)


def _role(sentence: str, has: set[str]) -> Iterator[Sign]:
    """Roles, delimiters and tool results in the form a program would write them."""
    said = has & {"mine", "top", "settled", "praise"} or len(shapes.DECLARED.findall(sentence)) > 1
    closes = shapes.CLOSING.search(sentence)
    ours = shapes.OUR_TAG.match(sentence)
    formed = shapes.TOKENS.search(sentence) or shapes.ROLE_LINE.match(sentence) or shapes.DELIMITER.match(sentence)
    if formed or closes or ours:
        yield Sign(Category.ROLE, 3 if ours else 2.5 if closes else 2)
    elif shapes.TAG.search(sentence) or shapes.BREAKOUT.match(sentence) or shapes.ENDED.search(sentence):
        yield Sign(Category.ROLE, 1.5)
    elif shapes.SEPARATOR.match(sentence):
        yield Sign(Category.ROLE, 1)
    if (said and shapes.TOOLISH.match(sentence)) or shapes.PASSED.search(sentence):
        yield Sign(Category.TOOL, 2)
    if shapes.UNSEEN_MARKUP.search(sentence) or shapes.MARKUP_ATTACK.search(sentence):
        yield Sign(Category.DISGUISE, 1.5)


def _verdict(sentence: str) -> Iterator[Sign]:
    framed = FRAMED if shapes.FRAMED.search(sentence) else 1
    if pairs := len(shapes.VERDICT_PAIR.findall(sentence)):
        yield Sign(Category.VERDICT, framed * (3 if pairs > 1 else 1))
    if shapes.VERDICT_LINE.search(sentence):
        yield Sign(Category.VERDICT, framed * 2)
    keys, marks = len(shapes.JSON_KEY.findall(sentence)), len(shapes.JSON_MARK.findall(sentence))
    if keys or marks:
        yield Sign(Category.VERDICT, framed * (3 if keys > 1 or (keys and marks) else 1.5 if keys else 1))
    if values := len(shapes.VALUES.findall(sentence)):
        yield Sign(Category.VERDICT, framed * (3 if keys else 2 if values > 1 else 1))
    if shapes.EVALUATING.search(sentence):
        yield Sign(Category.VERDICT, 1.5)
    if shapes.REFERRING.search(sentence):
        yield Sign(Category.VERDICT, 1)


def _claims(sentence: str, has: set[str]) -> Iterator[Sign]:
    """Decisions made elsewhere."""
    if "settled" in has and has & {"mine", "here", "top", "marker"}:
        yield Sign(Category.AUTHORITY, 3 if "top" in has or {"mine", "mark"} <= has else 2)
    elif has & {"mine", "here"} and shapes.CONFIRMED.search(sentence):
        yield Sign(Category.AUTHORITY, 1.5)


def _pressure(sentence: str, has: set[str]) -> Iterator[Sign]:
    """Pleas, threats and bribes: they weigh more beside a mark."""
    aimed = 2 if has & {"mark", "top", "mine", "marker"} else 1
    for name in ("plea", "threat"):
        if name in has:
            yield Sign(Category.PRESSURE, aimed + (len(CONCEPTS[name].findall(sentence)) > 1))


def _praise(sentence: str, has: set[str], foreign: bool) -> Iterator[Sign]:
    third = shapes.THIRD.search(sentence)
    lauded = len(CONCEPTS["praise"].findall(sentence)) + (third is not None) + ("each" in has)
    if "praise" in has and ("mine" in has or third or (foreign and "marker" in has)):
        yield Sign(Category.PRAISE, 3 if lauded > 2 or (lauded > 1 and "mine" in has) else 2)
    elif third and "each" in has:
        yield Sign(Category.PRAISE, 2.5)
    elif third or shapes.REACTION.search(sentence) or ("praise" in has and has & {"each", "top"}):
        yield Sign(Category.PRAISE, 1.5)


def _own_rules(sentence: str, has: set[str]) -> Iterator[Sign]:
    """New rules, answers that count as right, the higher level in doubt, a kind persona: they add up."""
    weight = 2.0 if shapes.MODE.search(sentence) else 0.0
    if shapes.OWN_RULE.search(sentence) and "top" in has:
        weight += 3 if shapes.OUGHT.search(sentence) or "award_foreign" in has else 2
    for form in (shapes.COUNT_AS, shapes.NO_LOSS, shapes.LENIENT, shapes.PERSONA, shapes.WORTH):
        weight += 1.5 if form.search(sentence) else 0
    weight += 1.5 * min(2, sum(1 for _ in shapes.HIGHER.finditer(sentence)))
    if weight:
        yield Sign(Category.RULES, min(3.0, weight))


def _hidden_orders(sentence: str) -> Iterator[Sign]:
    if shapes.AS_ORDER.search(sentence):
        yield Sign(Category.FOLLOW, 3)
    elif shapes.FOLLOW.search(sentence):
        yield Sign(Category.FOLLOW, 3 if shapes.SPELT.search(sentence) else 1.5)
    elif shapes.REMEMBER.search(sentence):
        yield Sign(Category.FOLLOW, 1)


def _feedback(sentence: str, has: set[str]) -> Iterator[Sign]:
    """What the feedback has to say or to leave out, and what was shown to the model and nobody else."""
    forms = (shapes.HUSH, shapes.ADVERT, shapes.FIELD_SAYS, shapes.TO_LEARNER)
    weight = sum(1.5 for form in forms if form.search(sentence))
    if shapes.OUTPUT_ONLY.search(sentence) or shapes.YOUR_TEXT.search(sentence):
        weight += 2.5
    if shapes.REVEAL.search(sentence):
        weight += 3 if shapes.SECRET.search(sentence) else 2
    elif shapes.ASKS_PROMPT.search(sentence):
        weight += 1.5
    if shapes.INTO_STRICT.search(sentence):
        weight += 2.5
    elif shapes.INTO_LOOSE.search(sentence):
        weight += 1.5
    if shapes.FIELD.search(sentence) and (name := shapes.FIELD_NAME.search(sentence)):
        judged = shapes.JUDGED.search(name.group())
        yours = name.group().startswith("your") and judged
        weight += 3 if yours else 2 if judged or has & {"mine", "praise", "marker"} else 1
    if weight:
        yield Sign(Category.FEEDBACK, min(3.0, weight))
    if shapes.HIRED.search(sentence) or shapes.NO_CRITICISM.search(sentence):
        yield Sign(Category.HIRING, 1.5)


def register_words(sentence: str, *, strong_only: bool = False) -> set[str]:
    """The words of marking in a sentence, by their first five letters."""
    weak = () if strong_only else shapes.WEAK_REGISTER.findall(sentence)
    return {word[:5] for word in (*shapes.STRONG_REGISTER.findall(sentence), *weak)}


def _register(sentence: str) -> Iterator[Sign]:
    """How much of a sentence is the language of marking: different words of it, long sentences in proportion."""
    strong = register_words(sentence, strong_only=True)
    weak = register_words(sentence) - strong
    words = max(LONG_SENTENCE, len(sentence.split()))
    dense = (len(strong) + len(weak) / 2) * LONG_SENTENCE / words
    if strong and dense >= ORDINARY_REGISTER + 0.5:
        framed = FRAMED if shapes.FRAMED.search(sentence) else 1
        yield Sign(Category.REGISTER, framed * min(3.0, dense - ORDINARY_REGISTER))
