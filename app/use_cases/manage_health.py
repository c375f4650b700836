"""Shows how providers have done, and forgives them."""

from app.use_cases.learn_windows import LearnWindows
from app.use_cases.wake_hosts import NOBODY_SLEEPS, Waking
from domain.health.cooldown import CooldownReason
from domain.health.machine import HealthState
from domain.health.records import ProviderRecord
from domain.health.roster import Roster
from domain.health.sleep import SleepState
from domain.inventory.health import ProviderForgiven
from domain.ports.observation import EventSink
from domain.ports.time import Clock
from domain.routing.targets import RoutingTable
from domain.values import value


class UnknownProvider(Exception):
    """No provider of the configuration has this name."""

    def __init__(self, name: str, known: tuple[str, ...]) -> None:
        super().__init__(f"unknown provider {name!r}; known: {', '.join(known)}")


@value(kw_only=True)
class Pause:
    """
    A pause that holds.

    Attributes:
        model: the model that it is for; empty for all of the provider.
        scope: what the limit is measured over that the provider ran into; empty when it did not say.
        ends_at: in seconds since the epoch.
    """

    reason: CooldownReason
    model: str
    scope: str
    seconds_left: float
    ends_at: float


@value(kw_only=True)
class ProviderHealth:
    """
    How one provider has done.

    Attributes:
        failures: in a row up to now.
        host: whether its machine is there; ``None`` for one that nobody has to wake.
    """

    provider: str
    state: HealthState
    failures: int
    pauses: tuple[Pause, ...]
    host: SleepState | None = None


class ManageHealth:
    """Reads the roster for people, and changes it at their word."""

    def __init__(
        self,
        roster: Roster,
        table: RoutingTable,
        sink: EventSink,
        clock: Clock,
        windows: LearnWindows,
        waking: Waking = NOBODY_SLEEPS,
    ) -> None:
        self._roster = roster
        self._table = table
        self._sink = sink
        self._clock = clock
        self._windows = windows
        self._waking = waking

    def __repr__(self) -> str:
        return f"<ManageHealth with {self._roster!r}>"

    def report(self) -> tuple[ProviderHealth, ...]:
        """Every provider of the configuration, in its order."""
        known = self._roster.known()
        return tuple(self._health(name, known.get(name, ProviderRecord())) for name in self._table.providers)

    def forgive(self, provider: str) -> ProviderHealth:
        """
        Holds nothing against a provider any more: no failure, no pause, no window that was learned of it.

        Raises:
            UnknownProvider: there is none of this name.
        """
        if provider not in self._table.providers:
            raise UnknownProvider(provider, tuple(self._table.providers))
        forgotten = self._roster.forget(provider, self._clock.monotonic())
        self._forget_own(provider)
        self._sink.emit(
            ProviderForgiven(provider=provider, old_state=forgotten.state, cooldowns=forgotten.cooldowns)
        )
        return self._health(provider, ProviderRecord())

    def forgiven_elsewhere(self, provider: str) -> None:
        """Somebody has forgiven it in another process, which holds here too."""
        self._roster.forget_speed(provider)
        self._forget_own(provider)

    def forgive_all(self) -> tuple[ProviderHealth, ...]:
        """The same for everybody."""
        return tuple(self.forgive(name) for name in self._table.providers)

    def _forget_own(self, provider: str) -> None:
        """What each process learns for itself."""
        self._windows.forget_all(provider)
        self._waking.forgive(provider)

    def _health(self, provider: str, record: ProviderRecord) -> ProviderHealth:
        now, time = self._clock.monotonic(), self._clock.time()
        pauses = tuple(
            Pause(
                reason=cooldown.reason,
                model=cooldown.model,
                scope=cooldown.scope or "",
                seconds_left=cooldown.seconds_left(now),
                ends_at=time + cooldown.seconds_left(now),
            )
            for cooldown in record.cooldowns
            if cooldown.holds(now)
        )
        return ProviderHealth(
            provider=provider,
            state=record.health.state,
            failures=record.health.failures,
            pauses=pauses,
            host=self._waking.state_of(provider),
        )
