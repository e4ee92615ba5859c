"""Agreement of two raters from counts of level pairs."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from sklearn.metrics import cohen_kappa_score

from service.grading.agreement import quadratic_kappa, share_within, total

LEVELS = st.integers(1, 5)


@given(st.lists(st.tuples(LEVELS, LEVELS), min_size=2, max_size=40))
def test_the_kappa_is_scikit_learn_s(pairs: list[tuple[int, int]]) -> None:
    """Computed from counts, the same number."""
    assume(len({level for pair in pairs for level in pair}) > 1)

    value = quadratic_kappa(Counter(pairs))

    first, second = zip(*pairs, strict=True)
    expected = cohen_kappa_score(first, second, weights="quadratic", labels=[1, 2, 3, 4, 5])
    assert value == pytest.approx(expected, abs=1e-9) or (value is None and np.isnan(expected))


def test_raters_who_only_ever_say_one_level_have_no_kappa() -> None:
    """Chance would agree as well."""
    assert quadratic_kappa({(3, 3): 10}) is None
    assert quadratic_kappa({}) is None


def test_shares_count_levels_at_most_so_far_apart() -> None:
    """Exact and adjacent."""
    counts = {(1, 1): 2, (1, 2): 1, (1, 4): 1}

    assert (total(counts), share_within(counts, 0), share_within(counts, 1)) == (4, 0.5, 0.75)
    with pytest.raises(ValueError, match="nothing"):
        share_within({}, 0)
