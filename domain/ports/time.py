"""What time it is."""

from typing import Protocol


class Clock(Protocol):
    """Two readings of time. Neither ever blocks or fails."""

    def monotonic(self) -> float:
        """Seconds since some moment; never goes back."""
        ...

    def time(self) -> float:
        """Seconds since the epoch, UTC; may jump when the machine's clock is set."""
        ...
