"""Generated requests, good and bad, against a real server: no 5xx, and every reply as documented."""

from __future__ import annotations

from pathlib import Path

import pytest

from evals.fuzz import fuzz


@pytest.mark.timeout(240)
def test_generated_requests_find_no_undocumented_reply(tmp_path: Path) -> None:
    """All operations, four phases, a fixed seed; `make fuzz` makes more of them."""
    result = fuzz(examples=2, seed=20_261_125, folder=tmp_path)

    assert not result.failures, result.report[-6_000:]
    assert result.operations >= 20
    assert result.cases >= 300
