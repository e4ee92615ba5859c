"""What an answer says under its disguises: invisible characters, look-alike letters, encodings, spelt-out words.

Every view keeps, for each of its characters, where in the answer as sent it came from.
"""

from __future__ import annotations

import base64
import binascii
import codecs
import html
import re
import string
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import unquote

from rapidfuzz.distance import DamerauLevenshtein

from service.grading.fence import BLANKS

Span = tuple[int, int]

PLAIN = "plain"
FIGURES = "figures for letters"
SLIPS = "misspelt words"

_SAME = str.maketrans("’‘ةى", "''هي")

_PAIRS = (
    "аa еe іi јj кk мm оo рp сc тt уy хx ѕs һh ԝw ӏl ԁd ԛq нh вb пn ѵv гr ьb бb"
    " αa βb εe κk νv οo ρp τt υu χx ηn ωw γy ιi μm"
    " ıi ɩi ɪi ʏy ʀr ɢg ɴn ʙb ʟl ʜh ᴀa ᴄc ᴅd ᴇe ᴊj ᴋk ᴍm ᴏo ᴘp ᴛt ᴜu ᴠv ᴡw ᴢz ꜱs ꜰf ɑa ɡg"
)
_LOOK_ALIKE = {ord(pair[0]): pair[1] for pair in _PAIRS.split()}
"""Letters of other scripts by the Latin letter they pass for (after folding; see Unicode TR 39)."""
_LEET = str.maketrans({"0": "o", "1": "i", "3": "e", "4": "a", "5": "s", "7": "t", "@": "a", "$": "s", "!": "i"})
_LEET_WORD = re.compile(r"(?<![\w@$])(?=[\w@$!]*[a-z])(?=[\w@$!]*[0134570@$!])[\w@$!]{3,}")
_WORD = re.compile(r"[^\W\d_]+")
_TELLING = ("ignore", "rubric", "grader", "disregard", "examiner", "maximum", "evaluator", "instructions", "criteria")
_SPELT = re.compile(r"(?<!\w)(?:[^\W\d_][ .\-_*|/·]{1,3}){4,}[^\W\d_](?!\w)")
_BASE64 = re.compile(r"(?<![\w+/=])[A-Za-z0-9+/_-]{16,}={0,2}(?![\w+/=])")
_BASE32 = re.compile(r"(?<![\w=])[A-Z2-7]{24,}={0,6}(?![\w=])")
_HEX = re.compile(r"(?<!\w)(?:0x)?(?:[0-9a-fA-F]{2}[ :,-]?|\\x[0-9a-fA-F]{2}){10,}(?!\w)")
_BINARY = re.compile(r"(?<!\w)(?:[01]{8}[ ,]?){6,}(?!\w)")
_ESCAPES = re.compile(r"(?:\\u[0-9a-fA-F]{4}|%[0-9a-fA-F]{2}|&#x?[0-9a-fA-F]{2,5};|[ ]?[A-Za-z]{1,3}){8,}")
_ESCAPE = re.compile(r"\\u([0-9a-fA-F]{4})")
_TAGS = re.compile("[\U000e0020-\U000e007e]{2,}")
_BLACK_FLAG = "\U0001f3f4"
_SELECTORS = re.compile("[\ufe00-\ufe0f\U000e0100-\U000e01ef]{4,}")
_BITS = re.compile("[\u200b\u200c\u200d\u2060\ufeff]{16,}")
_READABLE = re.compile(r"[^\W_]|[\s.,:;!?'\"()/\-_=<>{}\[\]]")
_QUOTED = re.compile(r"\"([^\"\n]{1,60})\"|'([^'\n]{1,60})'|“([^”\n]{1,60})”|`([^`\n]{1,60})`")
_JOINS = re.compile(
    r"\b(?:concat\w*|combin\w+|join\w*|append\w*|together|merge\w*|assembl\w+|stitch\w*)\b|\w\s*\+\s*\w"
)
_ROT = re.compile(r"tenqr|fpber|znex|vtaber|ehoevp|nafjre|vafgehpg|nffvta|njneq")
_BACKWARDS = re.compile(r"erocs|edarg|skram|erongi|cirbur|rewsna|tcurtsni|ngissa|drawa")


@dataclass(frozen=True, slots=True)
class View:
    """One reading of the answer.

    Attributes:
        kind: how it was read: ``plain``, or the disguise that was taken off.
        text: case and accents folded.
        origin: for each character the span it came from, in code points of the answer as sent.
        changed: places in ``text`` where a disguise was taken off.
        before: the text with its figures, where they were read as letters.
    """

    kind: str
    text: str
    origin: tuple[Span, ...]
    changed: frozenset[int] = frozenset()
    before: str = ""

    def place(self, start: int, end: int) -> Span:
        """Where in the answer ``text[start:end]`` comes from."""
        first, last = self.origin[start], self.origin[end - 1]
        return min(first[0], last[0]), max(first[1], last[1])


def views(answer: str) -> Iterator[View]:
    """The plain reading first, then one for each disguise that is there."""
    plain = plainly(answer)
    yield plain
    yield from _hidden(answer)
    yield from _encoded(answer)
    yield from _respelt(plain)


def fold(text: str) -> str:
    """Case, width and accents folded; the lexicon goes through the same."""
    return "".join(_folded(char) for char in text)


@lru_cache(maxsize=8_192)
def _folded(char: str) -> str:
    if "\uac00" <= char <= "\ud7a3":
        return char
    apart = unicodedata.normalize("NFKD", char).casefold()
    kept = "".join(c for c in unicodedata.normalize("NFKD", apart) if unicodedata.category(c) not in ("Mn", "Me"))
    return kept.translate(_SAME)


def plainly(answer: str) -> View:
    """The answer without what a reader cannot see, look-alike letters read as what they look like."""
    letters: list[str] = []
    origin: list[Span] = []
    changed: set[int] = set()
    for index, char in enumerate(answer):
        if _unseen(char):
            if letters and letters[-1].isalnum():
                changed.add(len(letters) - 1)
            continue
        for plain in _folded(_squared(char)):
            letters.append(plain)
            origin.append((index, index + 1))
    text, swapped = _looking_alike("".join(letters))
    inside = {place for place in changed if place + 1 < len(text) and text[place + 1].isalnum()}
    return View(PLAIN, text, tuple(origin), frozenset(inside | swapped))


def _unseen(char: str) -> bool:
    if char.isascii():
        return char < " " and char not in "\n\t"
    category = unicodedata.category(char)
    shapes_only = "\ufe00" <= char <= "\ufe0f" or "\U000e0000" <= char <= "\U000e01ef"
    return shapes_only or char in BLANKS or category in ("Cf", "Cc")


def _squared(char: str) -> str:
    """Letters in boxes and flags, which compatibility folding leaves alone."""
    code = ord(char)
    for first in (0x1F130, 0x1F150, 0x1F170, 0x1F1E6):
        if first <= code < first + 26:
            return string.ascii_lowercase[code - first]
    return char


def _looking_alike(text: str) -> tuple[str, set[int]]:
    """Words that mix scripts, and in a Latin text whole words of look-alikes, in Latin letters."""
    if text.isascii():
        return text, set()
    words = list(_WORD.finditer(text))
    latin = sum(word.group().isascii() for word in words)
    changed: set[int] = set()
    letters = list(text)
    for word in words:
        said = word.group()
        if said.isascii() or not _disguised(said, mostly_latin=2 * latin > len(words)):
            continue
        for place, char in enumerate(said.translate(_LOOK_ALIKE), start=word.start()):
            if char != letters[place]:
                changed.add(place)
                letters[place] = char
    return "".join(letters), changed


def _disguised(word: str, *, mostly_latin: bool) -> bool:
    foreign = [char for char in word if not char.isascii()]
    if not all(ord(char) in _LOOK_ALIKE for char in foreign):
        return False
    return len(foreign) < len(word) or (mostly_latin and len(word) >= 3)


def _hidden(answer: str) -> Iterator[View]:
    """Text written in characters nobody sees."""
    for found in _TAGS.finditer(answer):
        if found.start() == 0 or answer[found.start() - 1] != _BLACK_FLAG:
            said = "".join(chr(ord(char) - 0xE0000) for char in found.group())
            yield _from("tag characters", said, found.span())
    for found in _SELECTORS.finditer(answer):
        raw = bytes(_selected(char) for char in found.group())
        yield from _if_readable("variation selectors", raw, found.span())
    for found in _BITS.finditer(answer):
        for zero in sorted(set(found.group())):
            bits = "".join("0" if char == zero else "1" for char in found.group())
            yield from _if_readable("invisible bits", _of_bits(bits), found.span())


def _selected(char: str) -> int:
    code = ord(char)
    return code - 0xFE00 if code < 0xE0100 else code - 0xE0100 + 16


def _of_bits(bits: str) -> bytes:
    return bytes(int(bits[at : at + 8], 2) for at in range(0, len(bits) - 7, 8))


def _encoded(answer: str) -> Iterator[View]:
    """Text in base64, base32, hexadecimal, binary or escapes."""
    coders: tuple[tuple[str, re.Pattern[str], Callable[[str], bytes]], ...] = (
        ("base64", _BASE64, _base64),
        ("base32", _BASE32, lambda said: base64.b32decode(said.rstrip("=") + "=" * (-len(said.rstrip("=")) % 8))),
        ("hexadecimal", _HEX, lambda said: bytes.fromhex(re.sub(r"0x|\\x|[ :,-]", "", said))),
        ("binary", _BINARY, lambda said: _of_bits(re.sub(r"\D", "", said))),
        ("escapes", _ESCAPES, _unescaped),
    )
    for kind, pattern, decode in coders:
        for found in pattern.finditer(answer):
            try:
                raw = decode(found.group())
            except (ValueError, binascii.Error):
                continue
            yield from _if_readable(kind, raw, found.span())


def _base64(said: str) -> bytes:
    standard = said.rstrip("=").replace("-", "+").replace("_", "/")
    return base64.b64decode(standard + "=" * (-len(standard) % 4), validate=True)


def _unescaped(said: str) -> bytes:
    if not re.search(r"\\u|%[0-9a-fA-F]|&#", said):
        return b""
    opened = _ESCAPE.sub(lambda match: chr(int(match.group(1), 16)), html.unescape(unquote(said)))
    return opened.encode("utf-8", "ignore")


def _if_readable(kind: str, raw: bytes, span: Span) -> Iterator[View]:
    try:
        said = raw.decode("utf-8")
    except UnicodeDecodeError:
        return
    if len(said) >= 6 and len(_READABLE.findall(said)) >= 0.95 * len(said):
        yield _from(kind, said, span)


def _from(kind: str, said: str, span: Span) -> View:
    text = fold(said)
    return View(kind, text, (span,) * len(text), frozenset(range(len(text))))


def _respelt(plain: View) -> Iterator[View]:
    """Words in figures, backwards, rotated, spelt out letter by letter or cut into pieces to be joined."""
    text = plain.text
    if leet := list(_LEET_WORD.finditer(text)):
        letters = list(text)
        for word in leet:
            letters[word.start() : word.end()] = word.group().translate(_LEET)
        changed = frozenset(place for place, char in enumerate(letters) if char != text[place])
        yield View(FIGURES, "".join(letters), plain.origin, changed, text)
    if _ROT.search(text):
        yield View("rot13", codecs.encode(text, "rot13"), plain.origin, frozenset(range(len(text))))
    if _BACKWARDS.search(text):
        yield View("backwards", text[::-1], tuple(reversed(plain.origin)), frozenset(range(len(text))))
    for found in _SPELT.finditer(text):
        said = re.sub(r"[ .\-_*|/·]", "", re.sub(r"\s{2,}|\s[|/]\s", "\n", found.group())).replace("\n", " ")
        yield View("spelt out", said, (plain.place(*found.span()),) * len(said), frozenset(range(len(said))))
    yield from _pieces(plain)
    yield from _misspelt(plain)


def _pieces(plain: View) -> Iterator[View]:
    parts = list(_QUOTED.finditer(plain.text))
    if len(parts) < 2 or not _JOINS.search(plain.text):
        return
    said = [next(group for group in part.groups() if group is not None) for part in parts]
    span = plain.place(parts[0].start(), parts[-1].end())
    for glue in ("", " "):
        text = glue.join(said)
        yield View("pieces", text, (span,) * len(text), frozenset(range(len(text))))


def _misspelt(plain: View) -> Iterator[View]:
    """The words that give such texts away, with a letter wrong or two in the wrong order put right."""
    letters = list(plain.text)
    changed: set[int] = set()
    for word in _WORD.finditer(plain.text):
        meant = _meant(word.group())
        if meant:
            letters[word.start() : word.end()] = meant
            changed.update(range(word.start(), word.end()))
    if changed:
        yield View(SLIPS, "".join(letters), plain.origin, frozenset(changed), plain.text)


def _meant(word: str) -> str | None:
    if len(word) < 6 or word in _TELLING:
        return None
    for known in _TELLING:
        if word[0] == known[0] and len(word) == len(known) and DamerauLevenshtein.distance(word, known) == 1:
            return known
    return None
