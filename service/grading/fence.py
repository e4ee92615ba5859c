"""Showing a candidate's text to a model as data, never as instructions.

The text a model sees loses its invisible characters, has chat-template tokens defused and stands between
tags that carry a nonce the writer cannot know (spotlighting, arXiv 2403.14720). Offsets in a grade always
refer to the text as sent; :mod:`service.grading.evidence` finds a model's quotes there.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import unicodedata

BLANKS = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
"""Letters and marks that show as nothing: fillers, the empty braille cell, the grapheme joiner."""

_UNUSUAL = re.compile(r"[^\n\t\x20-\x7e]")
_TEMPLATE_TOKENS = re.compile(
    r"<[|｜](?=\S)|(?<=\S)[|｜]>|</?s>|<</?SYS>>|\[/?(?:INST|SYSTEM_PROMPT|TOOL_CALLS|AVAILABLE_TOOLS|TOOL_RESULTS)\]"
    r"|</?(?:start|end)_of_turn>|<(?:bos|eos|pad|unk|endoftext)>|<(?=/?[a-z]+-[0-9a-f]{12}\b)",
    re.IGNORECASE,
)


def nonce_for(secret: bytes, digest: str) -> str:
    """The fence of one submission: 12 hex digits of HMAC-SHA256(instance secret, submission hash)."""
    return hmac.new(secret, digest.encode("ascii"), hashlib.sha256).hexdigest()[:12]


def fenced(name: str, text: str, nonce: str) -> str:
    """``text`` as a model may see it, between ``<name-nonce>`` tags."""
    return f"<{name}-{nonce}>\n{as_data(text)}\n</{name}-{nonce}>"


def as_data(text: str) -> str:
    """Untrusted text without invisible characters and with chat-template tokens and fence tags defused."""
    return _TEMPLATE_TOKENS.sub(_defuse, visible(text))


def as_line(text: str) -> str:
    """Untrusted text as a single line, for values shown inside a sentence or a list."""
    return " ".join(as_data(text).split())


def visible(text: str) -> str:
    """Drop what a reader cannot see: format and control characters, variation selectors, tag characters."""
    return _UNUSUAL.sub(lambda match: "" if _invisible(match.group()) else match.group(), text)


def _invisible(char: str) -> bool:
    category = unicodedata.category(char)
    selector = "\ufe00" <= char <= "\ufe0f" or "\U000e0100" <= char <= "\U000e01ef"
    return selector or char in BLANKS or category in ("Cf", "Cc")


def _defuse(match: re.Match[str]) -> str:
    token = match.group()
    return f"{token[0]} {token[1:]}"
