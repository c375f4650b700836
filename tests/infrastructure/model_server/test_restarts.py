"""A child that keeps dying is started ever more rarely, but never given up."""

from hypothesis import given
from hypothesis import strategies as st

from infrastructure.model_server.restarts import (
    FIRST_PAUSE_S,
    LONGEST_PAUSE_S,
    STEADY_AFTER_S,
    RestartPauses,
)


def test_the_first_early_end_is_forgiven() -> None:
    pauses = RestartPauses()
    pauses.ended(started_s=0.0, now_s=1.0)

    assert pauses.remaining_s(now_s=1.0) == 0.0


@given(ends=st.integers(min_value=0, max_value=2000))
def test_no_pause_is_longer_than_the_longest(ends: int) -> None:
    pauses = RestartPauses()
    for _ in range(ends):
        pauses.ended(started_s=0.0, now_s=0.0)

    assert 0.0 <= pauses.remaining_s(now_s=0.0) <= LONGEST_PAUSE_S
    assert pauses.remaining_s(now_s=LONGEST_PAUSE_S) == 0.0


def test_each_pause_is_twice_the_one_before() -> None:
    pauses, lengths = RestartPauses(), []
    for _ in range(8):
        pauses.ended(started_s=0.0, now_s=0.0)
        lengths.append(pauses.remaining_s(now_s=0.0))

    assert lengths == [0.0, FIRST_PAUSE_S, 2.0, 4.0, 8.0, 16.0, LONGEST_PAUSE_S, LONGEST_PAUSE_S]


def test_a_child_that_lived_long_clears_the_count() -> None:
    pauses = RestartPauses()
    for _ in range(5):
        pauses.ended(started_s=0.0, now_s=1.0)
    pauses.ended(started_s=10.0, now_s=10.0 + STEADY_AFTER_S)

    assert pauses.remaining_s(now_s=10.0 + STEADY_AFTER_S) == 0.0
