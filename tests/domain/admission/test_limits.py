"""How much a member may use at a time."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.admission.limits import (
    WINDOW_S,
    Beyond,
    Elsewhere,
    LimitKind,
    Limits,
    SlidingSum,
    UseMeter,
    Within,
)


def test_without_limits_nothing_is_too_much() -> None:
    meter = UseMeter(Limits())
    for second in range(1000):
        assert meter.judge(second / 100) == Within()
        meter.begin(second / 100)


def test_requests_of_the_last_minute_count_wherever_the_minute_begins() -> None:
    meter = UseMeter(Limits(requests_per_minute=2))
    meter.begin(50.0)
    meter.begin(70.0)

    refused = meter.judge(80.0)

    assert refused == Beyond(kind=LimitKind.REQUESTS, allowed=2, retry_after_s=30.0)
    assert meter.judge(110.0) == Within()


def test_who_reaches_the_token_limit_is_answered_and_the_next_one_is_not() -> None:
    meter = UseMeter(Limits(tokens_per_minute=1000))
    meter.begin(0.0)
    meter.end(900, 1.0)
    assert meter.judge(2.0) == Within()
    meter.begin(2.0)
    meter.end(5000, 3.0)

    assert meter.judge(4.0) == Beyond(kind=LimitKind.TOKENS, allowed=1000, retry_after_s=59.0)
    assert meter.judge(63.0) == Within()


def test_requests_that_run_side_by_side_are_bounded() -> None:
    meter = UseMeter(Limits(concurrent=1))
    meter.begin(0.0)

    assert meter.judge(0.0) == Beyond(kind=LimitKind.CONCURRENT, allowed=1, retry_after_s=None)
    meter.end(0, 1.0)
    assert meter.judge(1.0) == Within()


@pytest.mark.parametrize(
    ("limits", "elsewhere"),
    [
        (Limits(concurrent=3), Elsewhere(running=3)),
        (Limits(requests_per_minute=3), Elsewhere(requests=3)),
        (Limits(tokens_per_minute=3), Elsewhere(tokens=3)),
    ],
)
def test_what_other_processes_let_through_counts(limits: Limits, elsewhere: Elsewhere) -> None:
    meter = UseMeter(limits)

    assert meter.judge(0.0) == Within()
    assert isinstance(meter.judge(0.0, elsewhere), Beyond)


@given(
    st.lists(st.tuples(st.floats(0, 30), st.integers(0, 50)), max_size=30),
    st.floats(0, 200),
)
def test_the_sum_is_what_happened_within_a_minute(steps: list[tuple[float, int]], later: float) -> None:
    window, now, happened = SlidingSum(), 0.0, []
    for step, amount in steps:
        now += step
        window.add(amount, now)
        happened.append((now, amount))
    now += later

    assert window.at(now) == sum(amount for at, amount in happened if now - at < WINDOW_S)


@given(
    st.lists(st.tuples(st.floats(0, 30), st.integers(1, 50)), min_size=1, max_size=20), st.integers(1, 100)
)
def test_after_the_wait_that_is_told_there_is_room_and_not_long_before(
    steps: list[tuple[float, int]], most: int
) -> None:
    window, now = SlidingSum(), 0.0
    for step, amount in steps:
        now += step
        window.add(amount, now)

    wait_s = window.falls_below(most, now)

    assert wait_s is not None
    if wait_s:
        assert window.at(now + wait_s * 0.99) >= most
    assert window.at(now + wait_s + 1e-6) < most
