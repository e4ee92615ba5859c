"""Does an answer talk to whoever marks it? A detector that explains itself, with spans of the answer as sent.

It reads a de-smuggled copy (:mod:`.disguise`) sentence by sentence (:mod:`.signals`) with words of many languages
(:mod:`.lexicon`). A decision needs one strong sign or several of different kinds close together. It never refuses and
never lowers a score by itself: the grader grades the answer once more without the suspicious spans.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from service.grading.manipulation.disguise import FIGURES, PLAIN, Span, View, fold, views
from service.grading.manipulation.signals import Category, Sign, signs

VERSION = 1
"""Part of what a stored judgement is found by; raise it when the detector changes."""

DECIDES = 3.0
"""Weight from which signs of different kinds, within :data:`REACH` sentences of one another, decide."""

DECIDES_IN_ALL = 5.0
"""The same over the whole answer, for pieces spread over it."""

DECIDES_ALONE = 2.0
"""The weight that decides where an answer holds nothing besides."""

REACH = 2
MENTIONED = 0.25
"""What a sign counts that stands in quotation marks or code in an answer about such texts."""

REPORTED = 0.4
"""What a sign counts in a sentence that tells, in such an answer, what somebody did or would do."""

ADD_UP = frozenset({Category.VERDICT, Category.PRESSURE, Category.FEEDBACK, Category.REQUEST})
"""Kinds that are often spread over several lines."""

DISGUISED = 2.0
"""What a disguise adds to a sign that was under it."""

_END = re.compile(r"(?<=[.!?؟।])[\"')\]»”]*\s+|(?<=[。！？])|\n+")
_ABOUT = re.compile(
    r"\b(?:prompt[- ]injections?|injection|injected|jailbreak\w*|attack\w*|adversar\w+|payload\w*|malicious|"
    r"red[- ]team\w*|guardrails?"
    r"|untrusted|sanitis\w+|sanitiz\w+|escap(?:e|ing)|llm[- ]as[- ]a?[- ]?judge|few[- ]shot|chat templates?|"
    r"special tokens?|spotlight\w*"
    r"|delimit\w*|system prompts?|prompt template|gaming|game the|cheat\w*|manipulat\w+|hijack\w*|abus\w+|"
    r"exploit\w*|fool\w*|trick\w*|spam\w*|quot(?:e|ed|ing))\b"
)
_TOPIC = re.compile(
    _ABOUT.pattern
    + r"|\b(?:language models?|llms?|chatbots?|prompts?|grad(?:e|es|ing) (?:free|text|answers|essays)|judges?)\b"
)
_REPORT = re.compile(
    r"\b(?:we|i|they|he|she|it|people|users?|students|attackers?|someone|somebody|annotators|humans?|raters|graders|judges?|teachers?"
    r"|(?:the|a|our|my|one|each|every) \w+) (?:\w+ )?"
    r"(?:gave|give|gives|rated?|rates|scored?|scores|graded?|grades|marked?|marks|awarded|agreed?|assigned?|assigns|tends?"
    r"|tended|likes?|liked|prefer\w*|would|could|might|can|often|sometimes|usually"
    r"|tells?|told|asks?|asked|instruct(?:ed|s)?|wants?|wanted|wrote|writes?|says?|said|hides?|adds?|paste[sd]?|puts?|tries|tried|needed|meant|never|had|have)\b"
)
_QUOTED = re.compile(
    r"```.*?(?:```|\Z)|`[^`\n]{2,300}`|\"[^\"\n]{2,300}\"|“[^”\n]{2,300}”|«[^»\n]{2,300}»"
    r"|(?<!\w)'[^'\n]{4,300}'(?!\w)",
    re.DOTALL,
)
LONGEST_SPEECH = 45
"""Words a role says after its name."""

_OUTSIDE_WORDS = 12
"""An answer about such texts says at least so many words of its own."""

_WORD = re.compile(r"[^\W_]+")


@dataclass(frozen=True, slots=True)
class Hit:
    """A sign and where in the answer as sent it stands; ``sentence`` counts within its reading."""

    category: Category
    weight: float
    span: Span
    sentence: int
    kind: str


@dataclass(frozen=True, slots=True)
class Suspicion:
    """Why an answer is suspected.

    Attributes:
        spans: in code points of the answer as sent, in order, not touching one another.
        categories: what was seen, most telling first.
    """

    spans: tuple[Span, ...]
    categories: tuple[Category, ...]

    @property
    def detail(self) -> str:
        """For the reader, in words."""
        seen = ", ".join(category.value for category in self.categories)
        return f"Some of the answer seems to be meant for whoever marks it: it {seen}."


def suspicion(answer: str, question: str = "") -> Suspicion | None:
    """What in an answer seems to be meant for whoever marks it; None for an ordinary answer.

    Args:
        answer: as sent.
        question: an answer to a question about such texts may quote them.
    """
    topical = _TOPIC.search(fold(question)) is not None
    hits = [hit for view in views(answer) for hit in _hits(view, topical)]
    if not _decided(hits) and not _nothing_else(answer, hits):
        return None
    best: dict[Category, float] = {}
    for hit in hits:
        best[hit.category] = max(best.get(hit.category, 0), hit.weight)
    categories = tuple(sorted(best, key=lambda category: -best[category]))
    return Suspicion(_spans(answer, hits), categories)


def masked(answer: str, spans: Iterable[Span]) -> str:
    """The answer without the suspicious spans."""
    kept, end = [], 0
    for start, stop in spans:
        kept.append(answer[end:start])
        end = stop
    return "\n".join(part.strip() for part in (*kept, answer[end:]) if part.strip())


def _decided(hits: list[Hit]) -> bool:
    total: dict[Category, float] = {}
    for hit in hits:
        total[hit.category] = max(total.get(hit.category, 0), hit.weight)
    return sum(total.values()) >= DECIDES_IN_ALL or any(_near(hit, hits) >= DECIDES for hit in hits)


def _nothing_else(answer: str, hits: list[Hit]) -> bool:
    """Whether every sentence of the answer shows a sign, so that a weaker one decides."""
    if max((hit.weight for hit in hits), default=0.0) < DECIDES_ALONE:
        return False
    return _WORD.search(masked(answer, _spans(answer, hits))) is None


def _near(hit: Hit, hits: list[Hit]) -> float:
    """The weight of the signs from one sentence on: the best of each kind, and some kinds add up to a strong one."""
    near = [other for other in hits if other.kind == hit.kind and 0 <= other.sentence - hit.sentence <= REACH]
    best: dict[Category, float] = {}
    added: dict[Category, dict[int, float]] = {}
    for other in near:
        best[other.category] = max(best.get(other.category, 0), other.weight)
        added.setdefault(other.category, {})[other.sentence] = other.weight
    for category in ADD_UP & added.keys():
        best[category] = max(best[category], min(DECIDES, sum(added[category].values())))
    return sum(best.values())


def _hits(view: View, topical: bool) -> Iterator[Hit]:
    about = topical or _ABOUT.search(_QUOTED.sub(" ", view.text)) is not None
    quoted = list(_mentions(view.text)) if view.kind == PLAIN and about else []
    for number, (start, end) in enumerate(_sentences(view.text)):
        sentence = view.text[start:end]
        disguised = any(place in view.changed for place in range(start, end))
        if view.kind != PLAIN and not disguised:
            continue
        found = list(signs(sentence))
        if view.kind == FIGURES and _weight(found) <= _weight(signs(view.before[start:end])):
            continue
        if found and disguised:
            found.append(Sign(Category.DISGUISE, DISGUISED))
        mentioned = any(a < end and start < b for a, b in quoted) and not _beside(view.text, start, end, quoted)
        counts = MENTIONED if mentioned else REPORTED if about and _REPORT.search(sentence) else 1
        span = view.place(start, end)
        for sign in found:
            yield Hit(sign.category, sign.weight * counts, span, number, view.kind)


def _weight(found: Iterable[Sign]) -> float:
    return sum(sign.weight for sign in found)


def _beside(text: str, start: int, end: int, quoted: list[Span]) -> bool:
    """Whether a sentence shows signs outside its quotation marks, too."""
    rest = "".join(
        char for place, char in enumerate(text[start:end], start) if not any(a <= place < b for a, b in quoted)
    )
    return any(sign.weight >= 2 for sign in signs("".join(rest)))


def _mentions(text: str) -> Iterator[Span]:
    """Quotations and code, where the answer has enough words of its own around them."""
    if len(_WORD.findall(_QUOTED.sub(" ", text))) >= _OUTSIDE_WORDS:
        yield from (found.span() for found in _QUOTED.finditer(text))


def _sentences(text: str) -> Iterator[Span]:
    start = 0
    for found in _END.finditer(text):
        if text[start : found.start()].strip():
            yield start, found.start()
        start = found.end()
    if text[start:].strip():
        yield start, len(text)


def _spans(answer: str, hits: list[Hit]) -> tuple[Span, ...]:
    """Whole sentences with a sign, joined where at most a short sentence lies between; a role's whole paragraph."""
    wide = [_with_paragraph(answer, hit) for hit in hits if hit.weight >= 0.5 and hit.span[0] < hit.span[1]]
    joined: list[Span] = []
    for start, end in sorted(wide):
        if joined and _little(answer[joined[-1][1] : start]):
            joined[-1] = (joined[-1][0], max(joined[-1][1], end))
        else:
            joined.append((start, end))
    return tuple(joined)


def _with_paragraph(answer: str, hit: Hit) -> Span:
    """A role speaks on to the end of its paragraph, unless too much follows to be its."""
    if hit.category is not Category.ROLE:
        return hit.span
    end = answer.find("\n\n", hit.span[1])
    end = len(answer) if end == -1 else end
    speech = len(_WORD.findall(answer, hit.span[1], end))
    return hit.span[0], end if speech <= LONGEST_SPEECH else hit.span[1]


def _little(between: str) -> bool:
    return len(_WORD.findall(between)) <= 8
