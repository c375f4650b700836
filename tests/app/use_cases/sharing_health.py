"""Gateways that share what they know of providers, for tests."""

from app.use_cases.health_sharing import HealthSharing
from app.use_cases.shared_records import SharedRecords
from domain.failures import FailureKind, UpstreamFailure
from domain.health.policy import BackendHealthAction, HealthPolicy, MemoryPressureAction
from domain.health.roster import Ended, Roster, Viewpoint
from domain.ports.storage import RecordStore
from tests.fakes.fixed_clock import FixedClock
from tests.fakes.recording_sink import RecordingSink

POLICY = HealthPolicy(
    action=BackendHealthAction.DEMOTE, threshold=2, memory_action=MemoryPressureAction.SKIP, half_open_s=15.0
)
VIEW = Viewpoint(profile="default", policy=POLICY)
PROVIDERS = ("cloud", "local")


class Gateway:
    """One process, with a clock of its own that agrees with others only on the time of day."""

    def __init__(self, store: RecordStore, clock: FixedClock, configuration: str = "v1") -> None:
        self.clock = clock
        self.sink = RecordingSink()
        self.records = SharedRecords(clock)
        self.roster = Roster(self.records)
        self.resets: list[str] = []
        self.sharing = HealthSharing(
            self.records,
            store,
            self.sink,
            clock,
            names={name: f"{name}@{configuration}" for name in PROVIDERS},
            reset_elsewhere=self.resets.append,
        )

    def failed(
        self, kind: FailureKind, provider: str = "cloud", *, retry_after_s: float | None = None
    ) -> None:
        failure = UpstreamFailure(kind, "no", retry_after_s=retry_after_s)
        ended = Ended(provider=provider, model="m", failure=failure)
        self.roster.record(ended, VIEW, self.clock.monotonic())

    def answered(self, provider: str = "cloud") -> None:
        self.roster.record(Ended(provider=provider, model="m"), VIEW, self.clock.monotonic())

    def paused_for_s(self, provider: str = "cloud") -> float:
        """How much longer the provider is left alone; 0 when it is not."""
        cooldown = self.roster.bars(provider, "m", POLICY, self.clock.monotonic())
        return 0.0 if cooldown is None else round(cooldown.seconds_left(self.clock.monotonic()), 3)

    def state(self, provider: str = "cloud") -> str:
        return self.records.of(provider).health.state


def same_time(clock: FixedClock, monotonic_s: float) -> FixedClock:
    """The clock of another machine, or of one that was started anew."""
    return FixedClock(monotonic_s=monotonic_s, time_s=clock.time())
