"""What an attempt cost is told from how it ended, and guessed only where nobody said."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.budget.billing import NO_BILL, Bill, Certainty, Seen, bill, counted_bill
from domain.budget.money import from_usd
from domain.budget.pricing import Price, price
from domain.conversation.reply import Usage
from domain.failures import FailureKind, UpstreamFailure
from tests.domain.budget.usages import USAGES

PRICE = price(input_usd=1.0, output_usd=10.0)
USAGE = Usage(input_tokens=1000, output_tokens=100)


def seen(
    *,
    sent: bool = True,
    complete: bool = True,
    failure: UpstreamFailure | None = None,
    usage: Usage | None = USAGE,
    characters: int = 40,
) -> Seen:
    return Seen(
        sent=sent,
        complete=complete,
        failure=failure,
        usage=usage,
        characters=characters,
        prompt_tokens=500,
    )


@given(USAGES, st.sampled_from([PRICE, None]), st.integers(0, 10**6))
def test_what_was_counted_to_the_end_costs_the_same_without_a_closer_look(
    usage: Usage, price: Price | None, characters: int
) -> None:
    quick = counted_bill(usage, price)

    assert quick in (None, bill(seen(usage=usage, characters=characters), price))


def test_an_answer_that_was_counted_needs_no_closer_look_and_another_does() -> None:
    assert counted_bill(USAGE, PRICE) == bill(seen(), PRICE)
    for lacking in (None, replace(USAGE, output_tokens=None), replace(USAGE, input_tokens=0)):
        assert counted_bill(lacking, PRICE) is None


def failed(kind: FailureKind, *, status: int | None = None, was_sent: bool = False) -> Bill:
    failure = UpstreamFailure(kind, "no", status=status, was_sent=was_sent)
    return bill(seen(complete=False, failure=failure, usage=None, characters=0), PRICE)


def test_a_complete_answer_costs_what_the_upstream_counted() -> None:
    found = bill(seen(), PRICE)

    assert (found.certainty, found.cost, found.estimated) == (Certainty.COUNTED, from_usd(0.002), False)


def test_what_the_upstream_did_not_count_is_estimated_and_marked() -> None:
    nothing = bill(seen(usage=None), PRICE)
    half = bill(seen(usage=Usage(input_tokens=1000)), PRICE)

    assert nothing.usage == Usage(input_tokens=500, output_tokens=10)
    assert (nothing.cost, nothing.estimated) == (from_usd(0.0006), True)
    assert (half.usage, half.estimated) == (Usage(input_tokens=1000, output_tokens=10), True)


def test_noughts_for_words_that_were_heard_are_no_count() -> None:
    noughts = bill(seen(usage=Usage(input_tokens=0, output_tokens=0)), PRICE)
    half = bill(seen(usage=Usage(input_tokens=1000, output_tokens=0)), PRICE)
    silent = bill(seen(usage=Usage(input_tokens=1000, output_tokens=0), characters=0), PRICE)

    assert (noughts.usage, noughts.estimated) == (Usage(input_tokens=500, output_tokens=10), True)
    assert (half.usage, half.estimated) == (Usage(input_tokens=1000, output_tokens=10), True)
    assert (silent.cost, silent.estimated) == (from_usd(0.001), False)


def test_an_answer_that_should_have_come_whole_and_did_not_may_have_been_written() -> None:
    slow = UpstreamFailure(FailureKind.SLOW, "no")
    silent = seen(complete=False, failure=slow, usage=None, characters=0)

    assert bill(replace(silent, unheard_tokens=100), PRICE).cost == from_usd(0.0015)
    assert bill(silent, PRICE).cost == from_usd(0.0005)
    assert bill(replace(silent, failure=None, sent=False, unheard_tokens=100), PRICE) == NO_BILL


def test_an_answer_that_was_cut_short_costs_at_least_what_was_heard() -> None:
    found = bill(seen(complete=False, usage=Usage(input_tokens=1000, output_tokens=1)), PRICE)

    assert (found.certainty, found.estimated) == (Certainty.UNKNOWN, True)
    assert found.usage == Usage(input_tokens=1000, output_tokens=10)


def test_a_prompt_that_was_all_in_the_cache_is_not_estimated_again() -> None:
    found = bill(seen(usage=Usage(cache_read_tokens=900, output_tokens=1)), PRICE)

    assert found.usage.input_tokens is None
    assert not found.estimated


def test_what_was_never_sent_costs_nothing() -> None:
    assert bill(seen(sent=False), PRICE) == NO_BILL


@pytest.mark.parametrize(
    "kind",
    [
        FailureKind.OVERLOADED,
        FailureKind.RATE_LIMITED,
        FailureKind.QUOTA,
        FailureKind.CREDENTIALS,
        FailureKind.REQUEST_FAULT,
        FailureKind.CONTEXT_OVERFLOW,
        FailureKind.MODEL_MISSING,
        FailureKind.NOT_OFFERED,
        FailureKind.UNREACHABLE,
    ],
)
def test_a_refusal_costs_nothing(kind: FailureKind) -> None:
    assert failed(kind) == NO_BILL


@pytest.mark.parametrize(
    "kind", [FailureKind.SLOW, FailureKind.GARBLED, FailureKind.BROKEN_OFF, FailureKind.ADAPTER_FAULT]
)
def test_an_upstream_that_worked_may_charge_for_it(kind: FailureKind) -> None:
    assert failed(kind).certainty is Certainty.UNKNOWN


def test_a_connection_that_was_reset_after_the_question_may_cost_something() -> None:
    assert failed(FailureKind.UNREACHABLE, was_sent=True).certainty is Certainty.UNKNOWN
    assert failed(FailureKind.OVERLOADED, status=504).certainty is Certainty.UNKNOWN
    assert failed(FailureKind.OVERLOADED, status=503) == NO_BILL


def test_without_a_price_tokens_are_counted_all_the_same() -> None:
    found = bill(seen(), None)

    assert (found.usage, found.cost) == (USAGE, 0)
