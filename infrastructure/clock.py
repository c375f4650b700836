"""The machine's clocks."""

import time


class SystemClock:
    """Implements `domain.ports.time.Clock`."""

    monotonic = staticmethod(time.monotonic)
    time = staticmethod(time.time)
