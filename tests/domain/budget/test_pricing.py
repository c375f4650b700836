"""What an answer costs is exact, whatever the vendor's rates are."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.budget.caching import CacheOutcome, cache_outcome
from domain.budget.money import NanoUsd, from_usd, in_usd
from domain.budget.pricing import Price, price
from domain.conversation.reply import Usage
from tests.domain.budget.usages import USAGES

RATES = st.decimals(0, 1000, places=6).map(float)


def priced(**rates: float) -> Price:
    found = price(**rates)
    assert found is not None
    return found


def counted(tokens: int | None) -> int:
    return max(0, tokens or 0)


def test_each_class_of_tokens_has_its_rate() -> None:
    sonnet = priced(input_usd=3.0, output_usd=15.0)

    for usage, usd in (
        (Usage(input_tokens=1_000_000), 3.0),
        (Usage(output_tokens=1_000_000), 15.0),
        (Usage(cache_read_tokens=1_000_000), 0.3),
        (Usage(cache_creation_tokens=1_000_000), 3.75),
        (Usage(cache_creation_tokens=1_000_000, cache_hour_tokens=1_000_000), 6.0),
        (Usage(cache_creation_tokens=1_000_000, cache_hour_tokens=400_000), 4.65),
        (Usage(cache_creation_tokens=10, cache_hour_tokens=1_000_000), 0.00006),
        (Usage(input_tokens=12, output_tokens=7, cache_read_tokens=100, cache_creation_tokens=10), 0.0002085),
        (Usage(), 0.0),
        (Usage(input_tokens=-4, output_tokens=None), 0.0),
    ):
        assert sonnet.cost(usage) == from_usd(usd), usage


def test_reasoning_is_paid_for_once_as_part_of_the_output() -> None:
    assert priced(output_usd=10.0).cost(Usage(output_tokens=100, reasoning_tokens=90)) == from_usd(0.001)


def test_savings_are_what_cached_tokens_cost_less_and_filling_the_cache_is_no_loss() -> None:
    sonnet = priced(input_usd=3.0, output_usd=15.0)

    assert sonnet.savings(Usage(cache_read_tokens=10_000, cache_creation_tokens=10_000)) == from_usd(0.027)
    assert priced(input_usd=1.0, cache_read_discount=1.0).savings(Usage(cache_read_tokens=99)) == 0


@given(USAGES, RATES, RATES, st.decimals(0, 1, places=3).map(float), st.decimals(0, 4, places=3).map(float))
def test_a_cost_is_the_formula_to_the_last_billionth(
    usage: Usage, input_usd: float, output_usd: float, discount: float, premium: float
) -> None:
    found = priced(
        input_usd=input_usd,
        output_usd=output_usd,
        cache_read_discount=discount,
        cache_creation_premium=premium,
    )
    r_in, r_out = Fraction(str(input_usd)) * 1000, Fraction(str(output_usd)) * 1000

    exact = (
        counted(usage.input_tokens) * r_in
        + counted(usage.output_tokens) * r_out
        + counted(usage.cache_read_tokens) * r_in * Fraction(str(discount))
        + counted(usage.cache_creation_tokens) * r_in * Fraction(str(premium))
    )

    assert 0 <= found.cost(usage) - exact < 1


@given(USAGES, RATES, RATES)
def test_the_worst_case_is_never_less_than_the_cost(
    usage: Usage, input_usd: float, output_usd: float
) -> None:
    found = priced(input_usd=input_usd, output_usd=output_usd)
    tokens = (usage.input_tokens, usage.cache_read_tokens, usage.cache_creation_tokens)

    worst = found.at_most(input_tokens=sum(map(counted, tokens)), output_tokens=counted(usage.output_tokens))

    assert worst >= found.cost(usage)


def test_no_rate_is_no_price_and_one_rate_makes_the_other_nothing() -> None:
    assert price() is None
    assert priced(input_usd=1.0).cost(Usage(output_tokens=1_000_000)) == 0
    assert priced(input_usd=0.0).is_free
    assert not priced(output_usd=0.1).is_free


@pytest.mark.parametrize(
    ("usage", "outcome"),
    [
        (None, CacheOutcome.UNKNOWN),
        (Usage(), CacheOutcome.UNKNOWN),
        (Usage(input_tokens=0, output_tokens=0), CacheOutcome.UNKNOWN),
        (Usage(input_tokens=3), CacheOutcome.NONE),
        (Usage(input_tokens=3, cache_creation_tokens=9), CacheOutcome.CREATION),
        (Usage(input_tokens=3, cache_read_tokens=9, cache_creation_tokens=9), CacheOutcome.HIT),
    ],
)
def test_a_caches_part_in_an_answer_is_told_from_what_was_counted(
    usage: Usage | None, outcome: CacheOutcome
) -> None:
    assert cache_outcome(usage) is outcome


def test_amounts_are_written_in_dollars() -> None:
    assert from_usd(0.1) + from_usd(0.2) == from_usd(0.3)
    assert from_usd(1e-10) == 1
    assert in_usd(NanoUsd(1_234_567_890)) == 1.234568
