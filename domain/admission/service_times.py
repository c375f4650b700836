"""How long a seat is kept, from those that were given up of late."""

_SHARE = 0.2
"""How much the latest counts; with this the last ten make nine tenths of the mean."""


class ServiceTimes:
    """An exponentially weighted mean, in seconds."""

    def __init__(self) -> None:
        self._mean_s: float | None = None

    def __repr__(self) -> str:
        return f"<ServiceTimes {self._mean_s}>"

    def note(self, seconds: float) -> None:
        self._mean_s = seconds if self._mean_s is None else self._mean_s + _SHARE * (seconds - self._mean_s)

    def wait_s(self, position: int, seats: int) -> float | None:
        """How long one waits at a position, from 1; ``None`` as long as nobody has given up a seat."""
        if self._mean_s is None:
            return None
        return self._mean_s * position / max(1, seats)
