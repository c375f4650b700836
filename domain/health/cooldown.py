"""
Decides for how long a provider, or one model of it, is left alone.

A provider's own word is a floor: whoever asks earlier than told only makes it worse. Of two deadlines the
later one wins, so it does not matter in which order concurrent attempts come back. Where nothing was told the
pause doubles from one failure to the next; failures of attempts that were under way when a pause began belong
to the one that began it and double nothing.
"""

from collections.abc import Mapping
from dataclasses import replace
from enum import StrEnum
from math import inf
from types import MappingProxyType

from domain.failures import CooldownRule, QuotaScope, UpstreamFailure
from domain.values import value

MISCONFIGURED_S = 60.0
MODEL_MISSING_S = 60.0


class CooldownReason(StrEnum):
    """Why a provider or one of its models is left alone."""

    RATE_LIMITED = "rate-limited"
    QUOTA = "quota"
    MISCONFIGURED = "misconfigured"
    MODEL_MISSING = "model-missing"
    OVERLOADED = "overloaded"
    MEMORY_PRESSURE = "memory-pressure"


REASONS: Mapping[CooldownRule, CooldownReason] = MappingProxyType(
    {
        CooldownRule.RATE_LIMIT: CooldownReason.RATE_LIMITED,
        CooldownRule.QUOTA: CooldownReason.QUOTA,
        CooldownRule.MISCONFIGURED: CooldownReason.MISCONFIGURED,
        CooldownRule.TARGET_MISSING: CooldownReason.MODEL_MISSING,
        CooldownRule.IF_TOLD: CooldownReason.OVERLOADED,
        CooldownRule.MEMORY: CooldownReason.MEMORY_PRESSURE,
    }
)
"""What each rule of the table of failures is called while it is in force."""


@value
class Doubling:
    """A pause that begins short and doubles, in seconds."""

    first_s: float
    longest_s: float

    def nth(self, number: int) -> float:
        """The pause after so many failures in a row, from 1."""
        return min(self.first_s * 2.0 ** min(number - 1, _MOST_DOUBLINGS), self.longest_s)


_MOST_DOUBLINGS = 32
"""More than any pause takes to become its longest, and few enough for a number to hold."""

RATE_LIMIT = Doubling(5.0, 300.0)
QUOTA = Doubling(3_600.0, 86_400.0)


@value(kw_only=True)
class Cooldown:
    """
    A pause that was given to a provider, or to one model of it.

    Attributes:
        model: the model that it is for; empty for all of the provider.
        until: when it ends; from that moment on it is over.
        untold: how many pauses in a row, with this one, had to be guessed.
        scope: what the limit is measured over that the provider ran into, if it said so.
    """

    reason: CooldownReason
    model: str = ""
    until: float = -inf
    untold: int = 0
    scope: QuotaScope | None = None

    def holds(self, now: float) -> bool:
        return now < self.until

    def seconds_left(self, now: float) -> float:
        return max(0.0, self.until - now)


def cooled(
    before: Cooldown, failure: UpstreamFailure, *, now: float, memory_cooldown_s: float
) -> Cooldown | None:
    """
    The pause that a failure calls for; ``None`` for none.

    Args:
        before: the last pause for the same reason, or one that has never begun.
        memory_cooldown_s: the pause of who ran out of memory.
    """
    pause_s, untold = _pause(before, failure, now, memory_cooldown_s)
    until = max(now + pause_s, before.until)
    return replace(before, until=until, untold=untold, scope=failure.scope) if until > now else None


def spent(before: Cooldown, wait_s: float, scope: QuotaScope | None, now: float) -> Cooldown:
    """The pause of a provider of whose plan nothing is left for so long, though nobody was refused."""
    until = now + _seconds(wait_s)
    return before if until <= before.until else replace(before, until=until, scope=scope)


def _pause(
    before: Cooldown, failure: UpstreamFailure, now: float, memory_cooldown_s: float
) -> tuple[float, int]:
    """For how long, and how many pauses in a row had to be guessed by then."""
    asked_s, resets_s = _seconds(failure.retry_after_s), _seconds(failure.resets_in_s)
    match before.reason:
        case CooldownReason.RATE_LIMITED:
            return _told_or_guessed(RATE_LIMIT, max(asked_s, resets_s), before, now)
        case CooldownReason.QUOTA:
            pause_s, untold = _told_or_guessed(QUOTA, resets_s, before, now)
            return max(pause_s, asked_s), untold
        case CooldownReason.MISCONFIGURED:
            return max(MISCONFIGURED_S, asked_s), 0
        case CooldownReason.MODEL_MISSING:
            return max(MODEL_MISSING_S, asked_s), 0
        case CooldownReason.MEMORY_PRESSURE:
            return max(memory_cooldown_s, asked_s), 0
        case CooldownReason.OVERLOADED:
            return asked_s, 0


def _told_or_guessed(doubling: Doubling, told_s: float, before: Cooldown, now: float) -> tuple[float, int]:
    if told_s > 0:
        return told_s, before.untold
    if before.holds(now):
        return 0.0, before.untold
    return doubling.nth(before.untold + 1), before.untold + 1


def _seconds(told: float | None) -> float:
    """What was told, if it was; what is no number comes out as 0."""
    return min(max(0.0, told or 0.0), _LONGEST_S)


_LONGEST_S = 30 * 86_400.0
"""Longer than any vendor's longest window, which is a month."""
