"""Does an answer talk to whoever marks it? A detector that explains itself, with spans of the answer as sent.

It reads a de-smuggled copy (:mod:`.disguise`) sentence by sentence (:mod:`.reading`), finds signs (:mod:`.signals`) by
their form (:mod:`.shapes`) and by words of many languages (:mod:`.lexicon`), and weighs them together
(:mod:`.evidence`): a decision needs one strong sign or several of different kinds close together. It never refuses and
never lowers a score by itself: the grader grades the answer once more without the suspicious spans.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from service.grading.manipulation.disguise import Span, fold, views
from service.grading.manipulation.evidence import DECIDES_ALONE, Evidence, Hit
from service.grading.manipulation.reading import hits
from service.grading.manipulation.signals import Category

VERSION = 1
"""Part of what a stored judgement is found by; raise it when the detector changes."""

LONGEST_SPEECH = 45
"""Words a role says after its name."""

LITTLE = 8
"""Words between two suspicious spans that go with them."""

_WORD = re.compile(r"[^\W_]+")


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
    asked = fold(question)
    evidence = Evidence(tuple(hit for view in views(answer) for hit in hits(view, asked)))
    if not evidence.hits:
        return None
    spans = _spans(answer, evidence.left_out())
    if not evidence.decides() and not _nothing_else(answer, spans, evidence):
        return None
    heaviest = evidence.heaviest()
    return Suspicion(spans, tuple(sorted(heaviest, key=lambda category: -heaviest[category])))


def masked(answer: str, spans: Iterable[Span]) -> str:
    """The answer without the suspicious spans."""
    kept, end = [], 0
    for start, stop in spans:
        kept.append(answer[end:start])
        end = stop
    return "\n".join(part.strip() for part in (*kept, answer[end:]) if part.strip())


def _nothing_else(answer: str, spans: tuple[Span, ...], evidence: Evidence) -> bool:
    """Whether every sentence of the answer shows a sign, so that a weaker one decides."""
    if max(evidence.heaviest().values()) < DECIDES_ALONE:
        return False
    return _WORD.search(masked(answer, spans)) is None


def _spans(answer: str, left_out: Iterable[Hit]) -> tuple[Span, ...]:
    """Whole sentences, joined where at most a few words lie between; a role's whole paragraph."""
    joined: list[Span] = []
    for start, end in sorted({_with_paragraph(answer, hit) for hit in left_out}):
        if joined and (start <= joined[-1][1] or _little(answer, joined[-1][1], start)):
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


def _little(answer: str, start: int, end: int) -> bool:
    return len(_WORD.findall(answer, start, end)) <= LITTLE
