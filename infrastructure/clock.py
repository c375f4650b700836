"""The machine's clocks."""

import time


class SystemClock:
    """Implements `domain.ports.time.Clock`."""

    def monotonic(self) -> float:
        return time.monotonic()

    def time(self) -> float:
        return time.time()
