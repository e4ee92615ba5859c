"""What of an answer is prose and what is code, told apart by its lines.

Code stands between ``` fences, or on lines that look like SQL or Python. The rule is lexical and rough on purpose:
it decides whether an answer is a bare query, not how to run it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

PROSE_WORDS = 20
"""From so many words of prose on an answer holds more than a query with a remark."""

_LINE = re.compile(r"[^\n]+")
_FENCE = re.compile(r"^\s*(?:```|~~~)")
_STATEMENT = re.compile(r"[^;]*;?")
_SQL_UPPER = re.compile(
    r"\s*[(,)]*\s*(?:SELECT|FROM|WHERE|(?:LEFT |RIGHT |FULL |INNER |OUTER |CROSS )*JOIN|GROUP BY|ORDER BY|HAVING|UNION"
    r"|LIMIT|PARTITION BY|INSERT|DELETE|CREATE|QUALIFY|(?:ROW_NUMBER|RANK|COUNT|SUM|AVG|MAX|MIN|COALESCE)\()"
)
_SQL_LOWER = re.compile(
    r"\s*[(,)]*\s*(?:select|from|where|(?:left |right |full |inner |outer |cross )*join|group by|order by|having|with"
    r"|union|on|and|or|case|when|else|end|limit|over|partition by|insert|update|delete|create|set|using|values"
    r"|qualify|window|exists|in|as|distinct)\b",
    re.IGNORECASE,
)
_CODE_MARKS = re.compile(r"[=*<>;_]|\w\(|\)\s*$|\w\.\w+\b(?!\.\s)|\w,\s*\w+\s+from\b", re.IGNORECASE)
_WHOLE_QUERY = re.compile(r"\s*select\s+\S.*\sfrom\s+\w+", re.IGNORECASE)
_PYTHON = re.compile(
    r"\s*(?:def \w+\(|class \w+[(:]|import \w+|from [\w.]+ import |return\b(?=.*[\w)\]]\s*$)(?!.*\b(?:the|a|to)\b)"
    r"|(?:for|if|elif|while|with|try|except)\b.*:\s*$|else:\s*$|print\(|@\w+|#\s"
    r"|[A-Za-z_][\w.\[\]'\"]*(?:, ?[A-Za-z_]\w*)*\s*[-+*/|&]?=(?!=)\s*\S|[A-Za-z_][\w.]*\(.*\)\s*$"
    r"|[)\]}]+[.;,\w(]*\s*$|>>> )"
)
_SQL_COMMENT = re.compile(r"\s*--")
_WORD = re.compile(r"[^\W_]+(?:['’\-.][^\W_]+)*")
_UNSPACED = re.compile(r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\U00020000-\U0003ffff]+")
SIGNS_A_WORD = 2
"""In Chinese, Japanese, Thai and other scripts without spaces a word is taken to have so many signs."""


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch of the answer, ``answer[start:end]``, that is all prose or all code."""

    start: int
    end: int
    code: bool


def segments(answer: str) -> Iterator[Segment]:
    """The lines of an answer (lines of code: also its statements), each told to be prose or code, in order."""
    fenced = after_code = False
    for line in _LINE.finditer(answer):
        if _FENCE.match(line.group()):
            fenced = not fenced
            continue
        for start, end in _parts(line):
            code = fenced or is_code(answer[start:end], after_code)
            yield Segment(start, end, code)
            after_code = code


def prose_words(answer: str) -> int:
    """How many words of prose an answer holds."""
    return sum(count_words(answer[part.start : part.end]) for part in segments(answer) if not part.code)


def count_words(text: str) -> int:
    """Words of any script: runs of letters or digits, hyphens and apostrophes inside.

    Where a script puts no spaces between words, their number is estimated by :data:`SIGNS_A_WORD`.
    """
    unspaced = sum(-(-len(run.group()) // SIGNS_A_WORD) for run in _UNSPACED.finditer(text))
    return unspaced + sum(1 for _ in _WORD.finditer(_UNSPACED.sub(" ", text)))


def is_code(line: str, after_code: bool) -> bool:
    """Whether one line, or one statement of it, looks like SQL or Python.

    ``after_code``: the line before was code, so this one may be its bare continuation.
    """
    if not line.strip():
        return False
    if _SQL_UPPER.match(line) or _SQL_COMMENT.match(line) or _PYTHON.match(line):
        return True
    if _WHOLE_QUERY.match(line) and (line.rstrip().endswith(";") or _CODE_MARKS.search(line)):
        return True
    if _SQL_LOWER.match(line) and (after_code or _CODE_MARKS.search(line)) and not line.rstrip().endswith("."):
        return count_words(line) <= 12 or _CODE_MARKS.search(line) is not None
    return after_code and line.startswith(("  ", "\t"))


def _parts(line: re.Match[str]) -> Iterator[tuple[int, int]]:
    """The line, or its statements where it begins with a query: talk may follow the semicolon."""
    if not _SQL_LOWER.match(line.group()):
        yield line.span()
        return
    for part in _STATEMENT.finditer(line.group()):
        if part.group().strip():
            yield line.start() + part.start(), line.start() + part.end()
