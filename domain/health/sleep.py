"""
Tells a machine that sleeps from one that is gone, by whether it answers and when it was last called.

Whoever does not answer is taken to be asleep and is called; it has as long as its owner says to be ready.
From then on it is missing: what does not wake is not asleep, and its silence counts until it comes.
"""

from dataclasses import replace
from enum import StrEnum
from math import inf

from domain.values import value

CALLS_EVERY_S = 30.0
"""A machine that was called needs no second call before this; the packet may still have got lost."""


class SleepState(StrEnum):
    """Whether a machine that may sleep is there."""

    AWAKE = "awake"
    ASLEEP = "asleep"
    WAKING = "waking"
    MISSING = "missing"


@value(kw_only=True)
class Sleeper:
    """
    One machine; every change is a new value.

    Attributes:
        called_at: when it was called last, by the clock of whoever asks.
        due_at: when it is to be ready, since it began to wake.
    """

    state: SleepState = SleepState.AWAKE
    called_at: float = -inf
    due_at: float = inf

    @property
    def is_excused(self) -> bool:
        """Whether its silence is not held against it."""
        return self.state is not SleepState.MISSING

    def answered(self) -> "Sleeper":
        """It is there."""
        return replace(self, state=SleepState.AWAKE, due_at=inf)

    def unanswered(self, now: float) -> "Sleeper":
        """It did not answer when it was asked."""
        if self.state is SleepState.AWAKE:
            return replace(self, state=SleepState.ASLEEP)
        overdue = self.state is SleepState.WAKING and now >= self.due_at
        return replace(self, state=SleepState.MISSING) if overdue else self

    def may_be_called(self, now: float) -> bool:
        return self.state is not SleepState.AWAKE and now - self.called_at >= CALLS_EVERY_S

    def called(self, now: float, ready_within_s: float) -> "Sleeper":
        """A packet has been sent. Only the first one sets when it is due: further ones repeat it."""
        if self.state is not SleepState.ASLEEP:
            return replace(self, called_at=now)
        return Sleeper(state=SleepState.WAKING, called_at=now, due_at=now + ready_within_s)

    def ready_in_s(self, now: float) -> float | None:
        """In how many seconds it is due; ``None`` for one that is not waking."""
        return max(0.0, self.due_at - now) if self.state is SleepState.WAKING else None


NEVER_MISSED = Sleeper()
