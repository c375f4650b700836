"""Calendar months and days in a time zone: the spans for which budgets are given."""

from datetime import datetime, timedelta, tzinfo
from enum import StrEnum

from domain.values import value


class Span(StrEnum):
    """How long a period is."""

    MONTH = "month"
    DAY = "day"


@value(kw_only=True)
class Period:
    """
    One month or day.

    Attributes:
        key: as in ``2026-07`` or ``2026-07-31``.
        begins_at: its first moment, in seconds since the epoch.
        ends_at: the first moment after it.
        zone: by whose calendar it is one.
    """

    span: Span
    key: str
    begins_at: float
    ends_at: float
    zone: tzinfo

    def holds(self, now: float) -> bool:
        return self.begins_at <= now < self.ends_at

    @property
    def end(self) -> datetime:
        """The first moment after it, as its zone's clocks show it."""
        return datetime.fromtimestamp(self.ends_at, self.zone)


def period_at(span: Span, zone: tzinfo, now: float) -> Period:
    """
    The period that holds a moment, by the calendar of a time zone.

    >>> from datetime import UTC
    >>> period_at(Span.MONTH, UTC, 0.0).key
    '1970-01'
    """
    local = datetime.fromtimestamp(now, zone)
    begin, end = _month(local) if span is Span.MONTH else _day(local)
    key = f"{local:%Y-%m}" if span is Span.MONTH else f"{local:%Y-%m-%d}"
    return Period(span=span, key=key, begins_at=begin.timestamp(), ends_at=end.timestamp(), zone=zone)


def _month(local: datetime) -> tuple[datetime, datetime]:
    begin = datetime(local.year, local.month, 1, tzinfo=local.tzinfo)
    next_year, month = divmod(local.month, 12)
    return begin, begin.replace(year=local.year + next_year, month=month + 1)


def _day(local: datetime) -> tuple[datetime, datetime]:
    begin = datetime(local.year, local.month, local.day, tzinfo=local.tzinfo)
    # Adding a day keeps the time on the wall, as a calendar does on the days when clocks are changed.
    return begin, begin + timedelta(days=1)
