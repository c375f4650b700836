"""A machine without a database of time zones, such as a bare Debian."""

import zoneinfo
from collections.abc import Iterator
from contextlib import contextmanager

LACKED = "Pacific/Chatham"
"""A zone for tests of such machines alone: it is forgotten, and zones are equal only if they are the same."""


@contextmanager
def no_zones() -> Iterator[None]:
    """While this lasts no zone is found that was not in use before; the package `tzdata` is none of ours."""
    before = zoneinfo.TZPATH
    zoneinfo.reset_tzpath(to=())
    zoneinfo.ZoneInfo.clear_cache(only_keys=(LACKED,))
    try:
        yield
    finally:
        zoneinfo.reset_tzpath(to=before)
