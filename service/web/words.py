"""Numbers and codes in words a learner understands."""

from __future__ import annotations

from datetime import timedelta

from service.grading.grade import CommentaryStatus, Reason

_SURE = ((0.8, "sure"), (0.6, "fairly sure"), (0.4, "unsure"), (0.0, "very unsure"))
_REVIEW = {
    "manipulation_suspected": "The answer seems to speak to the grader rather than to the interviewer.",
    "masking_gap": "Without the suspicious passage the answer was judged a level or more differently.",
    "appeal": "The learner appealed and the second grading left it open.",
}
_FLAGS = {"manipulation_suspected": "Possibly addressed to the grader"}
_COMMENTARY = {
    "expired": "The words of this answer were removed after the time agreed on; its levels stand.",
    "partial": "Part of the explanation could not be written; the levels stand.",
    "failed": "The explanation could not be written; the levels stand. You can ask for it again.",
    "omitted": "No explanation was asked for.",
    "by_rule": "This was settled by a fixed rule: no model was asked.",
}


def sureness(confidence: float | None) -> str:
    """How sure the judge is of a level."""
    if confidence is None:
        return "sureness not measured"
    word = next(word for least, word in _SURE if confidence >= least)
    return f"{word} ({confidence:.0%})"


def is_unsure(confidence: float | None) -> bool:
    """Whether a person should take the level as a guess."""
    return confidence is not None and confidence < _SURE[1][0]


def duration(seconds: int) -> str:
    """A speaking time."""
    if seconds < 60:
        return f"{seconds} s"
    minutes, rest = divmod(seconds, 60)
    return f"{minutes} min {rest} s" if rest else f"{minutes} min"


def elapsed(milliseconds: int | None) -> str:
    """How long something took."""
    if milliseconds is None:
        return "–"
    return f"{milliseconds} ms" if milliseconds < 1_000 else f"{milliseconds / 1_000:.1f} s"


def ago(time: timedelta) -> str:
    """How long since something was."""
    minutes = max(0, int(time.total_seconds() // 60))
    if minutes < 1:
        return "under a minute ago"
    if minutes < 60:
        return f"{minutes} min ago"
    hours = minutes // 60
    return f"{hours} h {minutes % 60} min ago" if hours < 24 else f"{hours // 24} d {hours % 24} h ago"


def change(rise: float | None, before: int, after: int) -> str:
    """What happened to a criterion between two attempts, no surer than the probabilities are."""
    if rise is None:
        return "up" if after > before else "down" if after < before else "unchanged"
    if rise >= 0.8:
        return "clearly up"
    if rise >= 0.65:
        return "probably up"
    if rise <= 0.2:
        return "clearly down"
    if rise <= 0.35:
        return "probably down"
    return "about the same"


def review_reason(code: str, names: dict[str, str]) -> str:
    """A reason for a person to look, in a sentence. ``names``: criteria by id."""
    kind, _, criterion = code.partition(":")
    name = names.get(criterion, criterion)
    if kind == "low_confidence":
        return f"{name}: the judge is not sure enough of the level."
    if kind == "unscored":
        return f"{name}: no level could be decided."
    return _REVIEW.get(kind, kind.replace("_", " ").capitalize() + ".")


def flag(code: str) -> str:
    """A flag's heading."""
    return _FLAGS.get(code, code.replace("_", " ").capitalize())


def commentary_note(status: CommentaryStatus) -> str | None:
    """What to say about the explanation; None when it is complete."""
    return _COMMENTARY.get(status.status)


def ungraded(reason: Reason | None) -> str:
    """Why there is no grade."""
    return reason.detail if reason else "No level could be decided."


def spoken(identifier: str) -> str:
    """An identifier in words: ``technical-phone-screen`` is a technical phone screen."""
    return identifier.replace("-", " ").replace("_", " ")


def titled(identifier: str) -> str:
    """The same at the beginning of a line."""
    text = spoken(identifier)
    return text[:1].upper() + text[1:]
