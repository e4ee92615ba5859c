"""What a call costs."""

from __future__ import annotations

from service.grading.models import Tokens
from service.llm.prices import Price, price_of


def test_cached_tokens_have_a_price_of_their_own() -> None:
    """60 fresh at 2, 40 cached at 1, 10 out at 3."""
    assert Price(input=2.0, output=3.0, cached=1.0).of(Tokens(input=100, output=10, cached=40)) == 190.0


def test_listed_models_have_a_price_and_others_none() -> None:
    """Unknown is not free."""
    listed = price_of("openai/gpt-4o-mini")

    assert listed is not None
    assert 0 < listed.cached < listed.input < listed.output
    assert price_of("openai/no-such-model") is None
