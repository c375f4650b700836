"""When a child process that keeps dying may be started again."""

STEADY_AFTER_S = 30.0
"""A child that lived this long was healthy: its end is news, not one more in a row."""

FIRST_PAUSE_S = 1.0
LONGEST_PAUSE_S = 30.0


class RestartPauses:
    """
    Counts early ends in a row: the first is forgiven, then each pause is twice the one before, up to 30 s.

    Times are seconds of one monotonic clock.

    >>> pauses = RestartPauses()
    >>> pauses.ended(started_s=0.0, now_s=2.0)
    >>> pauses.remaining_s(now_s=2.0)
    0.0
    >>> pauses.ended(started_s=2.0, now_s=3.0)
    >>> pauses.remaining_s(now_s=3.5)
    0.5
    """

    def __init__(self) -> None:
        self._early_ends = 0
        self._earliest_s = 0.0

    def ended(self, *, started_s: float, now_s: float) -> None:
        """Note that a child started at `started_s` is gone, or never became ready."""
        self._early_ends = self._early_ends + 1 if now_s - started_s < STEADY_AFTER_S else 0
        self._earliest_s = now_s + self._pause_s()

    def remaining_s(self, now_s: float) -> float:
        """How long no new child should be started; 0.0 when one may."""
        return max(0.0, self._earliest_s - now_s)

    def _pause_s(self) -> float:
        if self._early_ends <= 1:
            return 0.0
        doublings = min(self._early_ends - 2, 10)  # far past the longest pause, well short of an overflow
        return float(min(FIRST_PAUSE_S * 2**doublings, LONGEST_PAUSE_S))

    def __repr__(self) -> str:
        return f"RestartPauses(early_ends={self._early_ends})"
