"""The rubric linter: what makes a rubric hard to judge by, with the place, the reason and how to mend it.

It reads parsed YAML or JSON of any shape, so that an author sees every fault at once. Errors keep a rubric from being
published; warnings do not. A rubric that is graded by from a file or a request has to have the right shape only.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import ValidationError
from rapidfuzz import fuzz

from service.grading.rubric import MAX_CRITERIA, MAX_LEVELS, MAX_SIGNS, Rubric, contradictions

Path = tuple[str | int, ...]
Severity = Literal["error", "warning"]

OVERLAP = 90.0
"""From this likeness (0-100, rapidfuzz ratio) two criteria ask the same question."""

MAX_FINDINGS = 100
MAX_TEXT = 2_000
MAX_DEPTH = 8
MAX_WHAT = 180
MAX_SHOWN = 60
"""So much of an author's own text stands in a finding."""

_VAGUE = re.compile(
    r"\b(?:good|nice(?:ly)?|decent|robust|competent|exemplary|articulate|lucid|elegant|confusing|insufficient(?:ly)?|understandabl[ey]"
    r"|great|excellent|outstanding|exceptional|superb|brilliant|perfect|fine"
    r"|poor(?:ly)?|bad(?:ly)?|weak(?:ly)?"
    r"|strong(?:ly)?|solid(?:ly)?|adequate(?:ly)?|appropriate(?:ly)?|satisfactory|acceptable|sufficient(?:ly)?"
    r"|reasonabl[ey]|proper(?:ly)?|effective(?:ly)?|insightful|impressive|compelling|convincing(?:ly)?|engaging"
    r"|meaningful(?:ly)?|thorough(?:ly)?|comprehensive(?:ly)?|sophisticated|professional(?:ly)?|high[- ]quality"
    r"|(?:very|quite|fairly|somewhat|extremely|highly) \w+|clear(?:ly)?|well)\b",
    re.IGNORECASE,
)
_OBSERVABLE = re.compile(
    r"\b(?:nam(?:e|es|ed|ing)|stat(?:e|es|ed|ing)|sa(?:y|ys|id)|giv(?:e|es|en)|quot(?:e|es|ed)|list(?:s|ed)?"
    r"|mention(?:s|ed)?"
    r"|explain(?:s|ed)?|defin(?:e|es|ed)|describ(?:e|es|ed)|tell(?:s)?|ask(?:s|ed)?|answer(?:s|ed)|appear(?:s)?"
    r"|contain(?:s)?"
    r"|miss(?:es|ing)|absent|omit(?:s|ted)?|left out|leaves out|lack(?:s)?|repeat(?:s|ed)?|contradict(?:s|ed)?"
    r"|compar(?:e|es|ed)"
    r"|recommend(?:s|ed)?|calculat(?:e|es|ed)|return(?:s|ed)?|tie(?:s|d)?|link(?:s|ed)?|follow(?:s|ed)?|show(?:s|n)?"
    r"|use(?:s|d)?"
    r"|number|example|sentence|word|term|step|figure|percent|false|true|first|each|every|one|two|no|none"
    r"|without|only|at least)\b",
    re.IGNORECASE,
)
_SECOND_QUESTION = re.compile(
    r"\?.*\?|,? (?:and|or|but) (?:also )?(?:is|are|does|do|did|has|have|can|could|will|would|was|were) ",
    re.IGNORECASE,
)
_MAYBE_SECOND = re.compile(r",? (?:and|or|but) (?:also )?(?:how|what|why|when)\b", re.IGNORECASE)
_BOTH = re.compile(r"\bboth\b.+\band\b|\bas well as\b", re.IGNORECASE)
_TWO_QUALITIES = re.compile(
    r"\b(?:is|are|be|being|how|seem|sounds?)\b[^?]*?"
    r"\b(?P<one>[a-z]+(?:ly|t|d|e|r|l|n|s|g)?),? and (?:also )?(?P<two>[a-z-]+)\s*\?",
    re.IGNORECASE,
)
_QUALITY = re.compile(
    r"^(?:clear|concise|correct|accurate|complete|structured|organi[sz]ed|relevant|confident|fluent|coherent|logical"
    r"|precise"
    r"|brief|detailed|honest|creative|consistent|readable|simple|short|engaging|persuasive|polite|professional|specific"
    r"|true|right|\w+(?:ly|ive|ful|ous|able|ible|ured|ised|ized|ant|ent|ing))$",
    re.IGNORECASE,
)
_NEGATED = re.compile(r"\b(?:not|no|never|without|avoid(?:s|ed)?|lacks?|free of)\b|n't\b", re.IGNORECASE)
_TWO_NAMES = re.compile(r"\w (?:and|&|\+) \w|\w ?/ ?\w", re.IGNORECASE)
_PLACEHOLDER = re.compile(r"\{\{.{0,80}?\}\}|\{%.{0,80}?%\}|\$\{\w{1,80}\}|<%.{0,80}?%>|\{[A-Za-z_]\w{0,80}\}")
_SPACE_AND_MARKS = re.compile(r"[\W_]+")


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing to mend.

    Attributes:
        rule: stable name of the rule.
        path: where, as keys and indices into the data.
        what, why, mend: for the author, each a sentence.
        line: in the file, counted from 1; None where there is no file.
    """

    rule: str
    severity: Severity
    path: Path
    what: str
    why: str
    mend: str
    line: int | None = None


def lint(data: Any, anchored: Collection[tuple[str, int]] | None = None) -> list[Finding]:
    """Every finding on a rubric, in the order of the file.

    Args:
        data: parsed YAML or JSON.
        anchored: the criteria and levels (1..K) for which a golden anchor answer exists; None: do not look for any.
    """
    if not isinstance(data, Mapping):
        return [_finding("shape", (), "this is not a rubric: it should be a mapping with id, version, criteria, ...")]
    criteria = _criteria(data)
    findings = [*_shape(data), *_contradictions(data)]
    for check in (_descriptors, _thin, _vague, _double_barrelled, _signs, _overlaps):
        findings += check(criteria)
    findings += _placeholders(data)
    if anchored is not None:
        findings += _anchors(criteria, anchored)
    order = _order(data)
    return sorted(findings, key=lambda f: (order(f.path), f.severity, f.rule))[:MAX_FINDINGS]


_ADVICE: Mapping[str, tuple[str, str]] = {
    "shape": ("a rubric of another shape cannot be read", "Compare with rubrics/ds-interview.yaml."),
    "shared-id": ("levels are kept by criterion id", "Give each criterion an id of its own."),
    "weights": ("the overall score is a weighted mean", "Change the weights so that they add up to 1."),
    "levels": ("scores of criteria are averaged on one scale", "Give every criterion the same number of levels."),
    "applies-when": ("an answer could end up with no criterion at all", "Take applies_when away from one criterion."),
    "bands": ("each overall level has a label", "Give one band for each level, lowest first."),
    "cap-unknown": ("the cap would never be looked at", "Name a criterion of this rubric."),
    "cap-never-fires": ("a rule without effect misleads its readers", "Lower `overall` or `at_most`, or drop the cap."),
    "missing-descriptor": (
        "a level without a descriptor is decided by its label alone",
        "Say what stands in an answer of this level that does not stand in one of the level below.",
    ),
    "duplicate-descriptor": (
        "two levels with the same words cannot be told apart",
        "Say what is in the text at the higher level and not at the lower one.",
    ),
    "bare-descriptor": (
        "one word leaves it to each reader what is meant",
        "Write a sentence on what stands in an answer of this level.",
    ),
    "duplicate-label": ("a reader could not tell the levels apart", "Give each level a label of its own."),
    "unobservable": (
        "two readers mean different things by it, and a model means a third",
        "Say what can be seen in the text instead: what is named, counted, left out, or put first.",
    ),
    "double-barrelled": (
        "an answer can have one and lack the other, and then no level fits",
        "Ask one thing, and make the other a criterion of its own.",
    ),
    "sign": (
        "a judge asks each sign by itself and takes Yes as a good sign",
        "Ask for one thing that can be seen in a high answer, in a question that ends with a question mark.",
    ),
    "overlapping-criteria": ("the same thing would be counted twice", "Merge the two, or say what only one asks for."),
    "unknown-variable": (
        "rubric texts are shown as they stand; nothing is filled in",
        "Write the words themselves; question, reference and context are shown by the prompt.",
    ),
    "no-anchor": (
        "without an anchor answer nothing shows that this level can be hit",
        "Add a golden answer tagged anchor for it.",
    ),
}


def _finding(rule: str, path: Path, what: str, severity: Severity = "error") -> Finding:
    why, mend = _ADVICE[rule]
    return Finding(rule, severity, path, what, why, mend)


def _shape(data: Mapping[str, Any]) -> Iterator[Finding]:
    """What the schema refuses, apart from missing descriptors and contradictions, which have rules of their own."""
    try:
        Rubric.model_validate(_bounded(data))
    except ValidationError as error:
        for detail in error.errors(include_input=False, include_url=False):
            path = tuple(detail["loc"])
            follows = detail["type"] == "too_short" and path == ("criteria",) and data["criteria"]
            if path and not follows and not _is_descriptor(path):
                unknown = detail["type"] == "extra_forbidden"
                what = "is not known here" if unknown else str(detail["msg"]).removeprefix("Value error, ")
                yield _finding("shape", path, f"{str(path[-1])[:MAX_SHOWN]}: {what}")


def _bounded(data: Mapping[str, Any]) -> dict[str, Any]:
    """The rubric with one criterion and one level more than there may be, so that a huge one costs no more."""
    given = data.get("criteria")
    if not isinstance(given, (list, tuple)):
        return dict(data)
    return {**data, "criteria": [_bounded_criterion(item) for item in given[: MAX_CRITERIA + 1]]}


def _bounded_criterion(item: Any) -> Any:
    levels = item.get("levels") if isinstance(item, Mapping) else None
    return {**item, "levels": list(levels)[: MAX_LEVELS + 1]} if isinstance(levels, (list, tuple)) else item


def _is_descriptor(path: Path) -> bool:
    return len(path) == 5 and path[0] == "criteria" and path[-1] == "descriptor"


def _contradictions(data: Mapping[str, Any]) -> Iterator[Finding]:
    for fault in contradictions(data):
        yield _finding(fault.rule, fault.path, fault.what[:MAX_WHAT])


Criteria = list[tuple[Path, Mapping[str, Any]]]


def _criteria(data: Mapping[str, Any]) -> Criteria:
    given = data.get("criteria")
    items = list(given)[: MAX_CRITERIA + 1] if isinstance(given, (list, tuple)) else []
    return [(("criteria", index), item) for index, item in enumerate(items) if isinstance(item, Mapping)]


def _levels(path: Path, criterion: Mapping[str, Any]) -> Criteria:
    given = criterion.get("levels")
    items = list(given)[: MAX_LEVELS + 1] if isinstance(given, (list, tuple)) else []
    return [((*path, "levels", index), item) for index, item in enumerate(items) if isinstance(item, Mapping)]


def _name(criterion: Mapping[str, Any]) -> str:
    return str(criterion.get("id") or criterion.get("name") or "a criterion")[:MAX_SHOWN]


def _descriptors(criteria: Criteria) -> Iterator[Finding]:
    for path, criterion in criteria:
        seen: dict[tuple[str, str], int] = {}
        for number, (place, level) in enumerate(_levels(path, criterion), 1):
            if not str(level.get("descriptor") or "").strip():
                yield _finding("missing-descriptor", place, f"level {number} of {_name(criterion)} has no descriptor")
            for part in ("descriptor", "label"):
                words = _plain(level.get(part))
                first = seen.setdefault((part, words), number)
                if words and first != number:
                    what = f"levels {first} and {number} of {_name(criterion)} have the same {part}"
                    yield _finding(f"duplicate-{part}", (*place, part), what)


def _thin(criteria: Criteria) -> Iterator[Finding]:
    for path, criterion in criteria:
        for number, (place, level) in enumerate(_levels(path, criterion), 1):
            words = _plain(level.get("descriptor"))
            if words and " " not in words:
                what = f"level {number} of {_name(criterion)} is described by one word"
                yield _finding("bare-descriptor", (*place, "descriptor"), what)


def _vague(criteria: Criteria) -> Iterator[Finding]:
    for path, criterion in criteria:
        for place, level in _levels(path, criterion):
            text = str(level.get("descriptor") or "")[:MAX_TEXT]
            found = sorted({match.group().casefold() for match in _VAGUE.finditer(text)})
            if found:
                words = ", ".join(f'"{word}"' for word in found)
                seen = _OBSERVABLE.search(text) is not None
                what = f"{words} cannot be seen in a text" + (", though something beside it can" if seen else "")
                yield _finding("unobservable", (*place, "descriptor"), what, "warning" if seen else "error")


def _double_barrelled(criteria: Criteria) -> Iterator[Finding]:
    for path, criterion in criteria:
        question, name = (str(criterion.get(part) or "")[:MAX_TEXT] for part in ("question", "name"))
        pair = _TWO_QUALITIES.search(question)
        two = pair is not None and bool(_QUALITY.match(pair["one"]) and _QUALITY.match(pair["two"]))
        if two or _SECOND_QUESTION.search(question) or _BOTH.search(question):
            what = f"the question of {_name(criterion)} asks two things"
            yield _finding("double-barrelled", (*path, "question"), what)
        elif _MAYBE_SECOND.search(question):
            what = f"the question of {_name(criterion)} may ask two things"
            yield _finding("double-barrelled", (*path, "question"), what, "warning")
        if _TWO_NAMES.search(name):
            what = f'"{name}" names two things; check that every level speaks of one'
            yield _finding("double-barrelled", (*path, "name"), what, "warning")


def _signs(criteria: Criteria) -> Iterator[Finding]:
    for path, criterion in criteria:
        given = criterion.get("signs")
        signs = [str(sign)[:MAX_TEXT] for sign in given] if isinstance(given, (list, tuple)) else []
        for number, sign in enumerate(signs[:MAX_SIGNS]):
            place = (*path, "signs", number)
            if not sign.strip().endswith("?") or sign.count("?") > 1:
                yield _finding("sign", place, f"sign {number + 1} of {_name(criterion)} is not one question")
            elif _NEGATED.search(sign):
                what = f"sign {number + 1} of {_name(criterion)} asks for what is not there, which small models misread"
                yield _finding("sign", place, what, "warning")
        if len({_plain(sign) for sign in signs}) < len(signs):
            yield _finding("sign", (*path, "signs"), f"two signs of {_name(criterion)} are the same")
        if criterion.get("readability") is True and not signs:
            what = f"{_name(criterion)} weighs readability together with its signs, and has none"
            yield _finding("sign", (*path, "readability"), what)


def _overlaps(criteria: Criteria) -> Iterator[Finding]:
    for index, (path, later) in enumerate(criteria):
        for _, earlier in criteria[:index]:
            alike = fuzz.ratio(_plain(earlier.get("question")), _plain(later.get("question")))
            shared = _descriptor_words(earlier) & _descriptor_words(later)
            if shared or (alike >= OVERLAP and _plain(later.get("question"))):
                how = "share a descriptor" if shared else "ask nearly the same question"
                yield _finding("overlapping-criteria", path, f"{_name(earlier)} and {_name(later)} {how}")


def _descriptor_words(criterion: Mapping[str, Any]) -> set[str]:
    return {words for _, level in _levels((), criterion) if (words := _plain(level.get("descriptor")))}


def _placeholders(data: Any, path: Path = ()) -> Iterator[Finding]:
    if len(path) > MAX_DEPTH:
        return
    if isinstance(data, Mapping):
        for key, value in data.items():
            yield from _placeholders(value, (*path, str(key)))
    elif isinstance(data, (list, tuple)):
        for index, value in enumerate(data):
            yield from _placeholders(value, (*path, index))
    elif isinstance(data, str):
        for match in _PLACEHOLDER.finditer(data[:MAX_TEXT]):
            yield _finding("unknown-variable", path, f"{match.group()[:MAX_SHOWN]} is unknown to the prompts")


def _anchors(criteria: Criteria, anchored: Collection[tuple[str, int]]) -> Iterator[Finding]:
    for path, criterion in criteria:
        for number, (place, _) in enumerate(_levels(path, criterion), 1):
            if (_name(criterion), number) not in anchored:
                what = f"level {number} of {_name(criterion)} has no anchor answer"
                yield _finding("no-anchor", place, what, "warning")


def _plain(text: Any) -> str:
    return _SPACE_AND_MARKS.sub(" ", str(text or "")[:MAX_TEXT].casefold()).strip()


def _order(data: Mapping[str, Any]) -> Callable[[Path], tuple[int, ...]]:
    """From a path to its place in the file: keys in their order, then indices."""

    def place(path: Path) -> tuple[int, ...]:
        here: Any = data
        steps = []
        for part in path:
            keys = list(here) if isinstance(here, Mapping) else []
            steps.append(part if isinstance(part, int) else keys.index(part) if part in keys else len(keys))
            try:
                here = here[part]
            except (KeyError, IndexError, TypeError):
                here = None
        return tuple(steps)

    return place
