"""A machine that sleeps is told from one that is gone."""

import itertools

from hypothesis import given
from hypothesis import strategies as st

from domain.health.sleep import CALLS_EVERY_S, NEVER_MISSED, Sleeper, SleepState

READY_WITHIN_S = 60.0


def called(now: float = 0.0) -> Sleeper:
    return NEVER_MISSED.unanswered(now).called(now, READY_WITHIN_S)


def test_whoever_does_not_answer_sleeps_and_wakes_once_called() -> None:
    asleep = NEVER_MISSED.unanswered(0.0)

    assert asleep.state is SleepState.ASLEEP
    assert asleep.may_be_called(0.0)
    assert called().state is SleepState.WAKING
    assert called().ready_in_s(20.0) == 40.0
    assert called().answered().state is SleepState.AWAKE


def test_whoever_does_not_come_in_time_is_missing_until_it_does() -> None:
    assert called().unanswered(59.9).is_excused
    missing = called().unanswered(60.0)

    assert not missing.is_excused
    assert not missing.called(90.0, READY_WITHIN_S).unanswered(90.0).is_excused
    assert missing.answered().unanswered(100.0).is_excused


def test_a_repeated_call_gives_no_more_time() -> None:
    again = called().called(30.0, READY_WITHIN_S)

    assert again.ready_in_s(30.0) == 30.0


STEPS = st.tuples(st.sampled_from(["answered", "unanswered", "call"]), st.floats(0.0, 100.0))


@given(st.lists(STEPS, max_size=60))
def test_calls_are_never_closer_than_allowed_and_nobody_awake_is_called(
    steps: list[tuple[str, float]],
) -> None:
    sleeper, now, calls = NEVER_MISSED, 0.0, []
    for step, seconds in steps:
        now += seconds
        if step == "answered":
            sleeper = sleeper.answered()
        elif step == "unanswered":
            sleeper = sleeper.unanswered(now)
        elif sleeper.may_be_called(now):
            assert sleeper.state is not SleepState.AWAKE
            calls.append(now)
            sleeper = sleeper.called(now, READY_WITHIN_S)

    assert all(later - earlier >= CALLS_EVERY_S for earlier, later in itertools.pairwise(calls))
