"""A reference with marks becomes points with weights: which parts does the teacher pay for, and how much each?

Read are the ways mark schemes are written: ``6.5 points for naming ...``, ``2 marks: ...``, ``... (2 marks)``,
``a) ... [3]`` and ``... - 0.5 pts``. Totals and deductions are no parts. A number in brackets without a unit may be a
citation, so it counts only on a labelled line. Whatever cannot be read as at least two parts is no scheme at all.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest

MAX_PARTS = 20
"""As many key points as a request may name; a longer list is no mark scheme that could be listened for."""

_WORDS = {"half a": 0.5, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8}
_NUMBER = r"(?P<number>\d{1,3}(?:[.,]\d{1,2})?(?![\d.,]*\d)|½|" + "|".join(_WORDS) + ")"
_UNIT = r"(?:points?|pts?\b\.?|marks?|credits?)(?!\w)"
_BEFORE = r"(?<![\w.,])(?P<minus>[-−](?=\d))?"
_LABEL = r"(?:\(?(?:[a-z]|[ivx]{1,4}|\d{1,2})[).]|[-*•–])"

_BRACKETED = re.compile(
    rf"\(\s*(?P<minus>[-−])?{_NUMBER}\s*(?:{_UNIT}|[pm]\.?)\s*\)"
    rf"|\[\s*(?P<minus_>[-−])?{_NUMBER.replace('number', 'number_')}\s*(?P<unit>{_UNIT}|[pm]\.?)?\s*\]",
    re.IGNORECASE,
)
_LEADING = re.compile(rf"{_BEFORE}{_NUMBER}\s*{_UNIT}\s*(?P<joint>(?:each\s+)?(?:for|if)\b|[:=–—-])\s*", re.IGNORECASE)
_TRAILING = re.compile(rf"[-–—:,=]\s*{_BEFORE}{_NUMBER}\s*{_UNIT}[ \t]*[.;]?[ \t]*$", re.IGNORECASE | re.MULTILINE)
_LABELLED = re.compile(rf"^[ \t]*{_LABEL}[ \t]+", re.IGNORECASE | re.MULTILINE)
_LABEL_AT_END = re.compile(rf"(?:^|(?<=\s)){_LABEL}[ \t]*\Z", re.IGNORECASE)
_OPENS = re.compile(r"(?:^|[.;,:)\]!?])\s*(?:and|plus|then)?\s*\Z", re.IGNORECASE)
_PREFACE = re.compile(r".*(?::[ \t]*\n|\n[ \t]*\n)", re.DOTALL)
_JOINT = re.compile(r"\A(?:[\s,;.:)\]+–—-]|(?:and|plus|then)\b)+", re.IGNORECASE)
_LOOSE_END = re.compile(r"(?<![\s,;:(\[+–—-])(?:[\s,;:(\[+–—-]|\b(?:and|plus|then))+\Z", re.IGNORECASE)
_TOTAL = re.compile(
    r"(?:the\s+)?(?:total|sum|max(?:imum)?|altogether|in all|deduct\w*|minus|subtract\w*|penalty)\b", re.IGNORECASE
)
_HEADING = re.compile(r"(?:question|exercise|task|problem|part)\s*[\w.]{0,4}\s*[:.]?\Z", re.IGNORECASE)
_WORDY = re.compile(r"[^\W_]{2}|[^\W_]\W*[=<>]")


@dataclass(frozen=True, slots=True)
class Part:
    """One thing a reference gives marks for: ``text`` stands in the reference as it is; ``marks`` are above 0."""

    text: str
    marks: float


@dataclass(frozen=True, slots=True)
class _Mark:
    start: int
    end: int
    marks: float
    leads: bool


@dataclass(frozen=True, slots=True)
class Point:
    """Something an answer should say; ``marks`` is None where nobody said what it is worth."""

    text: str
    marks: float | None = None

    @property
    def weight(self) -> float:
        """What it counts among its like: its marks, or as much as any other."""
        return 1.0 if self.marks is None else self.marks


def points(key_points: Sequence[str], reference: str | None) -> tuple[Point, ...]:
    """The points to listen for: the key points sent, else the parts of a reference with marks."""
    if key_points or not reference:
        return tuple(Point(text) for text in key_points)
    return tuple(Point(part.text, part.marks) for part in parts(reference))


def parts(reference: str) -> tuple[Part, ...]:
    """The parts of a reference with their marks, in order; empty when it is no mark scheme of two parts or more.

    The texts do not overlap and stand in the reference letter for letter.
    """
    marks = list(_marks(reference))
    leading = [mark for mark in marks if mark.leads]
    trailing = [mark for mark in marks if not mark.leads]
    found = _led(reference, leading) if len(leading) >= len(trailing) else _trailed(reference, trailing)
    kept = tuple(part for part in found if part.marks > 0 and _WORDY.search(part.text))
    return kept if 2 <= len(kept) <= MAX_PARTS else ()


def _marks(reference: str) -> Iterator[_Mark]:
    """Every mark, in order, none inside another."""
    found = [mark for match in _BRACKETED.finditer(reference) if (mark := _bracketed(reference, match))]
    found += [mark for match in _LEADING.finditer(reference) if (mark := _leading(reference, match))]
    found += [_Mark(m.start(), m.end(), _value(m, "number", "minus"), False) for m in _TRAILING.finditer(reference)]
    end = 0
    for mark in sorted(found, key=lambda mark: (mark.start, not mark.leads)):
        if mark.start >= end:
            end = mark.end
            yield mark


def _bracketed(reference: str, match: re.Match[str]) -> _Mark | None:
    line = reference[reference.rfind("\n", 0, match.start()) + 1 : match.start()]
    bare = match["number_"] is not None and match["unit"] is None
    if bare and not (_LABELLED.match(line) and _ends_line(reference, match.end())):
        return None
    suffix = "_" if match["number"] is None else ""
    leads = not _LABEL_AT_END.sub("", line).strip()
    return _Mark(match.start(), match.end(), _value(match, f"number{suffix}", f"minus{suffix}"), leads)


def _leading(reference: str, match: re.Match[str]) -> _Mark | None:
    line = _LABEL_AT_END.sub("", reference[reference.rfind("\n", 0, match.start()) + 1 : match.start()])
    speaks = match["joint"][-1].isalpha()
    if line.strip() and not (speaks and _OPENS.search(line)):
        return None
    return _Mark(match.start(), match.end(), _value(match, "number", "minus"), True)


def _ends_line(reference: str, place: int) -> bool:
    return not reference[place:].partition("\n")[0].strip(" \t.;,")


def _value(match: re.Match[str], number: str, minus: str) -> float:
    """The marks; 0 for a deduction."""
    written = match[number].lower()
    if match[minus]:
        return 0.0
    return 0.5 if written == "½" else float(_WORDS.get(written) or written.replace(",", "."))


def _led(reference: str, marks: Sequence[_Mark]) -> Iterator[Part]:
    """Parts whose marks stand before them."""
    for mark, following in zip_longest(marks, marks[1:]):
        end = following.start if following else len(reference)
        text = _LABEL_AT_END.sub("", reference[mark.end : end])
        yield _part(text, mark.marks)


def _trailed(reference: str, marks: Sequence[_Mark]) -> Iterator[Part]:
    """Parts whose marks stand after them; what introduces the whole list belongs to none."""
    start = 0
    for mark in marks:
        text = reference[start : mark.start]
        label = _LABELLED.search(text)
        preface = _PREFACE.match(text)
        yield _part(text[label.end() :] if label else text[preface.end() :] if preface else text, mark.marks)
        start = mark.end


def _part(text: str, marks: float) -> Part:
    text = _LOOSE_END.sub("", _JOINT.sub("", text))
    return Part(text, 0.0 if _TOTAL.match(text) or _HEADING.match(text) else marks)
