"""A fault run that a known bug comes through proves nothing: each of five turns its promise red."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults.bugs import Bug
from tests.faults.planted import PLANTED, found

pytestmark = pytest.mark.timeout(600)


@pytest.mark.parametrize("bug", list(Bug))
def test_a_planted_bug_breaks_the_promise_it_is_about(bug: Bug, tmp_path: Path) -> None:
    """Planted from outside, in place of the adapter that does it right."""
    assert PLANTED[bug][1] in found(bug, tmp_path)


@pytest.mark.parametrize("like", [Bug.UNGUARDED, Bug.TWICE])
def test_without_the_bug_the_same_run_is_green(like: Bug, tmp_path: Path) -> None:
    """So it is the bug that is found. The others' runs are parts of the longer ones."""
    assert found(None, tmp_path, like) == set()
