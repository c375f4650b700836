"""Finds the time zones that the file names."""

from datetime import UTC, tzinfo
from zoneinfo import ZoneInfo, available_timezones

from config.schema.section import Unfit


def zone(name: str) -> tzinfo:
    """
    The zone with this name; a machine without a database of them still has UTC.

    Raises:
        Unfit: there is none.
    """
    if name == "UTC":
        return UTC
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise _unfit() from None


def _unfit() -> Unfit:
    if not available_timezones():
        hint = "install tzdata (systems have a package of that name, and so has PyPI), or say UTC"
        return Unfit("this machine knows no time zones but UTC", hint)
    return Unfit(
        "expected the name of an IANA time zone", "such as Europe/Berlin or UTC; offsets are not names"
    )
