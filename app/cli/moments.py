"""Shows moments to people, by the clocks of the zone that the configuration wants them in."""

from datetime import UTC, datetime, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError


def zone_of(name: object) -> tzinfo:
    """The zone of ``display_timezone``; UTC where it is unset, or this machine does not know it."""
    try:
        return ZoneInfo(name) if isinstance(name, str) else UTC
    except (ZoneInfoNotFoundError, ValueError):
        return UTC


def shown(seconds: float, zone: tzinfo, timespec: str = "minutes") -> str:
    """
    A moment in ISO's form, with what tells its zone.

    >>> shown(0.0, UTC)
    '1970-01-01T00:00Z'
    """
    return datetime.fromtimestamp(seconds, zone).isoformat(timespec=timespec).replace("+00:00", "Z")
