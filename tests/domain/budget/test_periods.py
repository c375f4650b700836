"""A budget's month and day are those of the calendar on the wall."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.budget.periods import Span, period_at

ZONES = ("UTC", "Europe/Berlin", "America/Havana", "Africa/Cairo", "Asia/Kathmandu", "Pacific/Apia")
MOMENTS = st.integers(0, 4_000_000_000).map(float)


@given(st.sampled_from(Span), st.sampled_from(ZONES), MOMENTS)
def test_a_moment_lies_in_its_period_and_the_next_one_begins_where_it_ends(
    span: Span, zone: str, now: float
) -> None:
    period = period_at(span, ZoneInfo(zone), now)

    following = period_at(span, ZoneInfo(zone), period.ends_at)
    assert period.holds(now)
    assert not period.holds(period.ends_at)
    assert following.begins_at == period.ends_at
    assert following.key > period.key


@pytest.mark.parametrize(
    ("zone", "key", "hours"),
    [
        ("UTC", "2026-03-29", 24),
        ("Europe/Berlin", "2026-03-29", 23),
        ("Europe/Berlin", "2026-10-25", 25),
    ],
)
def test_a_day_is_as_long_as_its_clock_says(zone: str, key: str, hours: int) -> None:
    noon = datetime.fromisoformat(f"{key}T12:00").replace(tzinfo=ZoneInfo(zone)).timestamp()

    period = period_at(Span.DAY, ZoneInfo(zone), noon)

    assert period.key == key
    assert (period.ends_at - period.begins_at) / 3600 == hours


def test_a_new_year_begins_at_different_moments_in_different_places() -> None:
    now = datetime(2026, 12, 31, 23, 30, tzinfo=UTC).timestamp()

    assert period_at(Span.MONTH, UTC, now).key == "2026-12"
    assert period_at(Span.MONTH, ZoneInfo("Europe/Berlin"), now).key == "2027-01"
