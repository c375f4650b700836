"""A clock that moves when it is told to."""


class FixedClock:
    """Stands still; `advance` moves both of its readings."""

    def __init__(self, *, monotonic_s: float = 1000.0, time_s: float = 1_800_000_000.0) -> None:
        self._monotonic_s = monotonic_s
        self._time_s = time_s

    def __repr__(self) -> str:
        return f"<FixedClock {self._monotonic_s:g}>"

    def monotonic(self) -> float:
        return self._monotonic_s

    def time(self) -> float:
        return self._time_s

    def advance(self, seconds: float) -> None:
        self._monotonic_s += seconds
        self._time_s += seconds
