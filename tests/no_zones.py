"""A machine without a database of time zones, such as a bare Debian."""

import zoneinfo
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def no_zones() -> Iterator[None]:
    """While this lasts no zone can be found; the package `tzdata` is none of ours."""
    before = zoneinfo.TZPATH
    zoneinfo.reset_tzpath(to=())
    zoneinfo.ZoneInfo.clear_cache()
    try:
        yield
    finally:
        zoneinfo.reset_tzpath(to=before)
        zoneinfo.ZoneInfo.clear_cache()
