"""
Tells whether a provider is well, by how its attempts end.

The states are a table: a run of failures as long as the asking profile's threshold degrades a provider, one
of twice that length makes it unhealthy, and one success heals it whatever it was. A failure never improves a
state, so a profile with more patience does not undo what another has seen.

An unhealthy provider is *half open* now and then: one request may try it in its old place, and may not wait
for it for long. So a recovery is noticed soon, and an outage costs one request in each interval little.
"""

from collections.abc import Mapping
from dataclasses import replace
from enum import StrEnum
from types import MappingProxyType

from domain.values import value


class HealthState(StrEnum):
    """How well a provider is."""

    HEALTHY = "healthy"
    DEGRADED = "degraded"
    UNHEALTHY = "unhealthy"


class Streak(StrEnum):
    """What an ending makes of a provider's failures in a row; T is the asking profile's threshold."""

    ENDED = "ended"
    BELOW_T = "below T"
    T_OR_MORE = "T or more"
    TWICE_T_OR_MORE = "2T or more"


TRANSITIONS: Mapping[tuple[HealthState, Streak], HealthState] = MappingProxyType(
    {
        (HealthState.HEALTHY, Streak.ENDED): HealthState.HEALTHY,
        (HealthState.HEALTHY, Streak.BELOW_T): HealthState.HEALTHY,
        (HealthState.HEALTHY, Streak.T_OR_MORE): HealthState.DEGRADED,
        (HealthState.HEALTHY, Streak.TWICE_T_OR_MORE): HealthState.UNHEALTHY,
        (HealthState.DEGRADED, Streak.ENDED): HealthState.HEALTHY,
        (HealthState.DEGRADED, Streak.BELOW_T): HealthState.DEGRADED,
        (HealthState.DEGRADED, Streak.T_OR_MORE): HealthState.DEGRADED,
        (HealthState.DEGRADED, Streak.TWICE_T_OR_MORE): HealthState.UNHEALTHY,
        (HealthState.UNHEALTHY, Streak.ENDED): HealthState.HEALTHY,
        (HealthState.UNHEALTHY, Streak.BELOW_T): HealthState.UNHEALTHY,
        (HealthState.UNHEALTHY, Streak.T_OR_MORE): HealthState.UNHEALTHY,
        (HealthState.UNHEALTHY, Streak.TWICE_T_OR_MORE): HealthState.UNHEALTHY,
    }
)
"""State and streak to the next state."""


@value(kw_only=True)
class HealthStateMachine:
    """
    The health of one provider; every change is a new value.

    Attributes:
        failures: in a row, up to now.
        closed_until: no trial of an unhealthy provider begins before this.
    """

    state: HealthState = HealthState.HEALTHY
    failures: int = 0
    closed_until: float = 0.0

    def failed(self, threshold: int, *, now: float, half_open_s: float) -> "HealthStateMachine":
        """One more failure in a row, seen under a profile with this threshold and interval of trials."""
        failures = self.failures + 1
        state = TRANSITIONS[self.state, _streak(failures, threshold)]
        return replace(self, state=state, failures=failures, closed_until=now + half_open_s)

    def succeeded(self) -> "HealthStateMachine":
        """A whole answer, to its end."""
        return HealthStateMachine(state=TRANSITIONS[self.state, Streak.ENDED])

    def is_trial_due(self, now: float) -> bool:
        return self.state is HealthState.UNHEALTHY and now >= self.closed_until

    def on_trial(self, now: float, lasts_s: float) -> "HealthStateMachine":
        """A trial has begun; the next waits for as long as this one may take."""
        return replace(self, closed_until=now + lasts_s)


NEVER_ASKED = HealthStateMachine()


def _streak(failures: int, threshold: int) -> Streak:
    if failures >= 2 * threshold:
        return Streak.TWICE_T_OR_MORE
    return Streak.T_OR_MORE if failures >= threshold else Streak.BELOW_T
