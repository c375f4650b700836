"""How much of a plan is used, by one process and by several."""

from datetime import UTC
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.use_cases.quotas import window_at
from domain.admission.quota import Per, Quota, QuotaMeter, Unit, Window

NOON = 1_800_014_400.0  # 2027-01-15T12:00:00Z
DAILY = Quota(unit=Unit.REQUESTS, allowed=10, per=Per.DAY)


def meter(quota: Quota = DAILY) -> QuotaMeter:
    return QuotaMeter(quota, lambda now: window_at(quota, now))


def test_what_is_used_counts_until_the_window_ends() -> None:
    one = meter()
    one.use(3, NOON)

    assert one.used(NOON + 11 * 3600) == 3
    assert one.used(NOON + 12 * 3600) == 0


def test_what_does_not_count_is_given_back_to_the_window_it_was_taken_from() -> None:
    one = meter()
    today = one.window(NOON)
    one.use(3, NOON)

    one.give_back(1, today, NOON)
    assert one.used(NOON) == 2
    one.give_back(1, today, NOON + 24 * 3600)
    assert one.used(NOON + 24 * 3600) == 0


def test_a_day_is_one_of_the_plans_calendar() -> None:
    pacific = Quota(unit=Unit.REQUESTS, allowed=10, per=Per.DAY, zone=ZoneInfo("America/Los_Angeles"))

    assert window_at(pacific, NOON) == Window("2027-01-15", NOON + 20 * 3600)
    assert window_at(DAILY, NOON) == Window("2027-01-15", NOON + 12 * 3600)


@pytest.mark.parametrize(("per", "key"), [(Per.MONTH, "2027-01"), (Per.MINUTE, str(int(NOON // 60)))])
def test_other_windows_have_their_names(per: Per, key: str) -> None:
    assert window_at(Quota(unit=Unit.TOKENS, allowed=1, per=per, zone=UTC), NOON).key == key


def test_what_all_have_used_takes_the_place_of_what_was_known() -> None:
    one = meter()
    one.use(2, NOON)
    assert one.take_untold(NOON) == 2

    one.use(1, NOON)
    one.learn(7, one.window(NOON), NOON)

    assert one.used(NOON) == 8
    assert one.take_untold(NOON) == 1


def test_a_total_of_yesterday_says_nothing_about_today() -> None:
    one = meter()
    yesterday = one.window(NOON)

    one.learn(9, yesterday, NOON + 24 * 3600)

    assert one.used(NOON + 24 * 3600) == 0


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(1, 5), st.booleans()), max_size=40))
def test_several_processes_agree_once_all_have_told(steps: list[tuple[int, int, bool]]) -> None:
    """Each uses and tells in any order, and at times has to tell it again; all is counted, and once."""
    meters, total, used = [meter(), meter(), meter()], 0, 0
    unanswered = [0, 0, 0]

    def tell(which: int, *, works: bool) -> None:
        nonlocal total
        one = meters[which]
        amount = unanswered[which] or one.take_untold(NOON)
        unanswered[which] = 0 if works else amount
        if works:
            total += amount
            one.learn(total, one.window(NOON), NOON)

    for which, amount, works in steps:
        meters[which].use(amount, NOON)
        used += amount
        tell(which, works=works)
    for which in [0, 1, 2] * 3:
        tell(which, works=True)

    assert [one.used(NOON) for one in meters] == [used] * 3
