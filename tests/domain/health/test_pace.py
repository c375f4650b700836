"""A trickle is noticed, and nothing else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.health.pace import WINDOW_S, Pace


def slow_after(least: float, pieces: list[tuple[float, int]]) -> float | None:
    """After how many seconds of waiting it was too slow, if it was."""
    pace, waited_s = Pace(least), 0.0
    for took_s, characters in pieces:
        waited_s += took_s
        if pace.is_too_slow(took_s, characters):
            return waited_s
    return None


def test_an_answer_that_trickles_is_too_slow_as_soon_as_that_is_certain() -> None:
    assert slow_after(2.0, [(1.0, 4)] * 60) == WINDOW_S


def test_one_that_comes_at_the_pace_or_faster_is_not() -> None:
    assert slow_after(2.0, [(1.0, 8)] * 60) is None


def test_one_that_slows_down_is_noticed_though_it_was_fast_before() -> None:
    fast, slow = [(0.1, 400)] * 100, [(1.0, 4)] * 60

    slowed = slow_after(2.0, [*fast, *slow])

    assert slowed is not None
    assert slowed <= 10.0 + 2 * WINDOW_S


def test_a_pause_is_forgiven_when_enough_comes_at_once() -> None:
    assert slow_after(2.0, [(15.0, 400), *[(1.0, 8)] * 60]) is None


@pytest.mark.parametrize("least", [0.5, 5.0])
@given(pieces=st.lists(st.tuples(st.floats(0.0, WINDOW_S / 2), st.integers(0, 500)), max_size=50))
def test_no_answer_is_judged_before_it_was_waited_for_long_enough(
    least: float, pieces: list[tuple[float, int]]
) -> None:
    slow = slow_after(least, pieces)

    assert slow is None or slow >= WINDOW_S - 1e-6
