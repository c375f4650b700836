"""Counters of tokens keep their promises, the fake as well as what is shipped."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.ports.tokens import TokenCounter
from infrastructure.tokens import TokenEstimator
from tests.fakes.plain_counter import PlainCounter

every_counter = pytest.mark.parametrize("counter", [TokenEstimator(), PlainCounter()], ids=repr)


@every_counter
@given(text=st.text(max_size=300))
def test_a_counter_says_the_same_of_the_same_text_and_only_no_text_is_nothing(
    counter: TokenCounter, text: str
) -> None:
    count = counter.count(text)

    assert count == counter.count(text)
    assert (count > 0) is bool(text)


@every_counter
@given(text=st.text(st.characters(codec=None), max_size=300))
def test_no_text_has_more_tokens_than_bytes(counter: TokenCounter, text: str) -> None:
    assert counter.at_most(text) >= len(text)
