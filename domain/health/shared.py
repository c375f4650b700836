"""
What several processes know of one provider between them, so that it does not matter who tells whom first.

Theory of operation. A `ProviderRecord` says how a provider stands for one process; `SharedFacts` say when it
came to stand so. Each fact is a moment, or a pause with its end, of which the later holds. So facts can be
joined in any order, any number of times, and come to the same: everybody who has heard the same facts holds
the same record. A reset begins a new epoch, and what is told of an older one is void.

Moments are seconds since the epoch by the clocks of whoever tells them. A process that has heard of a later
moment than its clock shows counts on from there, so what it does comes after what it knows.
"""

from collections.abc import Mapping
from dataclasses import field, replace
from types import MappingProxyType
from typing import NamedTuple, TypeAlias

from domain.failures import QuotaScope
from domain.health.cooldown import Cooldown, CooldownReason
from domain.health.machine import HealthState, HealthStateMachine
from domain.health.records import ProviderRecord
from domain.values import value

_TICK_S = 1e-6
"""Less than any two things lie apart that happen one after the other, and more than a float swallows."""


class Paused(NamedTuple):
    """A pause: until when, how many in a row had to be guessed, and what the limit is measured over."""

    until: float
    untold: int
    scope: str


class Failing(NamedTuple):
    """The latest failure that counts: when it came, how many there are in a row, when that row began."""

    at: float
    failures: int
    since: float


class Closed(NamedTuple):
    """When it was last said that no trial begins before then, and the ``until``."""

    at: float
    until: float


Pauses: TypeAlias = Mapping[tuple[str, str], Paused]
"""By reason and model."""

_NO_PAUSES: Pauses = MappingProxyType({})
_NEVER_FAILED = Failing(0.0, 0, 0.0)
_NEVER_CLOSED = Closed(0.0, 0.0)


@value(kw_only=True)
class SharedFacts:
    """
    Everything that was heard of one provider; every change is a new value.

    Attributes:
        epoch: when it was last reset; facts of different epochs are never mixed.
        healed_at: of the latest success that changed anything.
        forgiven_at: pauses that ended before are forgotten, and with them how often there were some.
        degraded_at, unhealthy_at: when it last became so.
    """

    epoch: float = 0.0
    healed_at: float = 0.0
    forgiven_at: float = 0.0
    degraded_at: float = 0.0
    unhealthy_at: float = 0.0
    failing: Failing = _NEVER_FAILED
    closed: Closed = _NEVER_CLOSED
    pauses: Pauses = field(default_factory=lambda: _NO_PAUSES)

    @property
    def state(self) -> HealthState:
        if self.unhealthy_at > self.healed_at:
            return HealthState.UNHEALTHY
        return HealthState.DEGRADED if self.degraded_at > self.healed_at else HealthState.HEALTHY

    @property
    def failures(self) -> int:
        """In a row. Of a row that a success elsewhere has broken only its end is known."""
        if self.failing.at <= self.healed_at:
            return 0
        return self.failing.failures if self.failing.since > self.healed_at else 1

    @property
    def news(self) -> tuple[object, ...]:
        """What others need to hear of: not that one attempt more has failed."""
        closed_until = self.closed.until if self.state is HealthState.UNHEALTHY else 0.0
        return (self.epoch, self.state, closed_until, dict(self.pauses))

    @property
    def holds_until(self) -> float:
        """When the last pause ends, if there is one."""
        return max((pause.until for pause in self.pauses.values()), default=0.0)

    def joined(self, other: "SharedFacts") -> "SharedFacts":
        """What both know."""
        if self.epoch != other.epoch:
            return max(self, other, key=lambda facts: facts.epoch)
        forgiven_at = max(self.forgiven_at, other.forgiven_at)
        return SharedFacts(
            epoch=self.epoch,
            healed_at=max(self.healed_at, other.healed_at),
            forgiven_at=forgiven_at,
            degraded_at=max(self.degraded_at, other.degraded_at),
            unhealthy_at=max(self.unhealthy_at, other.unhealthy_at),
            failing=max(self.failing, other.failing),
            closed=max(self.closed, other.closed),
            pauses=_unforgiven(_later(self.pauses, other.pauses), forgiven_at),
        )

    def after(
        self, before: ProviderRecord, record: ProviderRecord, now: float, shift: float
    ) -> "SharedFacts":
        """
        With what a change of the own record says.

        Args:
            now: in seconds since the epoch.
            shift: what has to be added to a moment for the record's own clock.
        """
        facts = self._after_ending(before.health, record.health, now, shift)
        changed = {
            (cooldown.reason.value, cooldown.model): Paused(
                cooldown.until - shift, cooldown.untold, cooldown.scope or ""
            )
            for cooldown in record.cooldowns
            if cooldown != before.cooldown(cooldown.reason, cooldown.model)
        }
        forgives = any(record.cooldown(one.reason, one.model) is None for one in before.cooldowns)
        forgiven_at = max(facts.forgiven_at, now) if forgives else facts.forgiven_at
        pauses = _unforgiven(_later(facts.pauses, changed), forgiven_at)
        return replace(facts, forgiven_at=forgiven_at, pauses=pauses)

    def reset(self, now: float) -> "SharedFacts":
        """Nothing is held against it any more, whoever may still say something."""
        return SharedFacts(epoch=self._next(now))

    def record(self, shift: float) -> ProviderRecord:
        """How the provider stands, by a clock that shows so much more than seconds since the epoch."""
        health = HealthStateMachine(
            state=self.state,
            failures=self.failures,
            closed_until=self.closed.until + shift if self.closed.at > self.healed_at else 0.0,
        )
        cooldowns = tuple(
            Cooldown(
                reason=CooldownReason(reason),
                model=model,
                until=paused.until + shift,
                untold=paused.untold,
                scope=QuotaScope(paused.scope) if paused.scope else None,
            )
            for (reason, model), paused in sorted(self.pauses.items())
        )
        return ProviderRecord(health=health, cooldowns=cooldowns)

    def _after_ending(
        self, before: HealthStateMachine, health: HealthStateMachine, now: float, shift: float
    ) -> "SharedFacts":
        if health == before:
            return self
        at = self._next(now)
        if not health.failures:
            return replace(self, healed_at=at)
        since = self.failing.since if before.failures else at
        became = health.state if health.state is not before.state else None
        return replace(
            self,
            failing=Failing(at, health.failures, since)
            if health.failures > before.failures
            else self.failing,
            closed=Closed(at, health.closed_until - shift),
            degraded_at=at if became is HealthState.DEGRADED else self.degraded_at,
            unhealthy_at=at if became is HealthState.UNHEALTHY else self.unhealthy_at,
        )

    def _next(self, now: float) -> float:
        """A moment after all that is known."""
        known = max(
            self.epoch, self.healed_at, self.degraded_at, self.unhealthy_at, self.failing.at, self.closed.at
        )
        return max(now, known + _TICK_S)


NOTHING_HEARD = SharedFacts()


def _later(some: Pauses, others: Pauses) -> Pauses:
    """Of two pauses for the same reason the one that ends later."""
    return {key: max(pauses[key] for pauses in (some, others) if key in pauses) for key in {*some, *others}}


def _unforgiven(pauses: Pauses, forgiven_at: float) -> Pauses:
    return MappingProxyType({key: paused for key, paused in pauses.items() if paused.until > forgiven_at})
