"""Amounts stay exact wherever they are told."""

from hypothesis import example, given
from hypothesis import strategies as st

from domain.budget.money import NanoUsd, exact_usd, from_exact_usd, from_usd

TWO_MILLION_USD = 2_000_000_000_000_000


@given(st.integers(0, TWO_MILLION_USD))
@example(TWO_MILLION_USD - 1)
def test_what_is_told_exactly_is_understood_again(nano: int) -> None:
    assert from_exact_usd(exact_usd(NanoUsd(nano))) == nano


def test_what_somebody_wrote_down_is_rounded_up() -> None:
    assert from_usd(0.0000000001) == 1
    assert from_usd(0.15) == 150_000_000
