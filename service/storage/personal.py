"""What each table holds on learners, and how that goes: declared beside the table, in its ``info``.

A table without a declaration fails a test. Rows go in two ways: a learner is erased, or an answer expires.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import MetaData, Table

DECLARED = "personal"

RowChange = Callable[[Mapping[str, Any]], Mapping[str, Any]]
"""From a row to the columns that have to change so that it holds no text any more."""


@dataclass(frozen=True, slots=True)
class Impersonal:
    """The table holds nothing on a learner.

    Attributes:
        why: for the reader who doubts it.
    """

    why: str


@dataclass(frozen=True, slots=True)
class Grades:
    """The grades themselves."""


@dataclass(frozen=True, slots=True)
class OfGrade:
    """Each row belongs to a grade and goes with it.

    Attributes:
        column: names the grade.
        prefix: stands before the grade's id there, e.g. ``/v1/grades/``.
        when_erased: ``delete``, or the change that leaves nothing of the learner.
        when_expired: ``delete``, ``keep`` (it holds no text), or the change that takes the text out.
    """

    column: str
    prefix: str = ""
    when_erased: Literal["delete"] | RowChange = "delete"
    when_expired: Literal["delete", "keep"] | RowChange = "delete"


@dataclass(frozen=True, slots=True)
class OfLearner:
    """Each row belongs to a learner of a tenant (columns ``tenant`` and this one); it holds no text of answers.

    Attributes:
        when_erased: as in :class:`OfGrade`.
    """

    column: str = "learner"
    when_erased: Literal["delete"] | RowChange = "delete"


@dataclass(frozen=True, slots=True)
class OfSubmission:
    """Each row came from a submission (columns ``tenant`` and this one, its hash), whoever's grade it served.

    It goes when the last grade of that submission goes or expires.
    """

    column: str = "submission_sha256"


Personal = Impersonal | Grades | OfGrade | OfLearner | OfSubmission


def personal(declaration: Personal) -> dict[str, Personal]:
    """The ``info`` of a table that declares what it holds on learners."""
    return {DECLARED: declaration}


def declared(metadata: MetaData) -> list[tuple[Table, Personal]]:
    """Every table with its declaration, by name.

    Raises:
        KeyError: a table declares nothing; it is named.
    """
    found = []
    for table in metadata.sorted_tables:
        if DECLARED not in table.info:
            raise KeyError(
                f"the table {table.name} does not say what it holds on learners: give it "
                "info=personal(...), see service/storage/personal.py"
            )
        found.append((table, table.info[DECLARED]))
    return found
