"""Unhealthy providers that can be probed are asked whether they are back."""

from app.use_cases.half_open import HalfOpen
from app.use_cases.probe_providers import ProbeProviders, probed_names
from app.use_cases.watch_health import WatchHealth
from domain.failures import FailureKind, UpstreamFailure
from domain.health.machine import HealthState
from domain.health.records import OwnRecords
from domain.health.roster import Roster
from domain.ports.providers import Probed
from domain.routing.targets import Locality
from tests.app.use_cases.conversing import answering, table_of
from tests.app.use_cases.test_probe_providers import Asked
from tests.fakes.fixed_clock import FixedClock
from tests.fakes.recording_sink import RecordingSink
from tests.fakes.scripted_provider import ScriptedDirectory

GONE = UpstreamFailure(FailureKind.UNREACHABLE, "connection refused")


class Street:
    """A server at home that is gone and can be probed, and one in the cloud that cannot."""

    def __init__(self, *answers: Probed | UpstreamFailure) -> None:
        self.local = Asked(*answers)
        self.clock = FixedClock()
        self.sink = RecordingSink()
        table = table_of(("local", "cloud"), specs={"local": {"locality": Locality.LOCAL}})
        directory = ScriptedDirectory({"local": self.local, "cloud": answering()})
        self.roster = Roster(OwnRecords(), probed_names(table, directory))
        watch = WatchHealth(self.roster, table, self.sink, self.clock)
        probing = ProbeProviders(table, directory, self.sink, [watch])
        self.half_open = HalfOpen(self.roster, table, probing, self.clock)
        for name in ("local", "cloud"):
            for _ in range(6):
                watch.probed(name, GONE)

    @property
    def state(self) -> HealthState:
        return self.roster.known()["local"].health.state


async def test_nobody_is_asked_before_the_interval_is_over() -> None:
    street = Street(Probed())
    street.clock.advance(14.9)
    await street.half_open.look()

    assert street.local.times == 0


async def test_a_server_that_is_back_is_healthy_within_an_interval() -> None:
    street = Street(Probed())
    street.clock.advance(15.0)
    await street.half_open.look()

    assert street.state is HealthState.HEALTHY
    assert street.local.times == 1


async def test_a_server_that_is_still_gone_is_asked_once_in_an_interval() -> None:
    street = Street(GONE, Probed())
    for _ in range(15):
        street.clock.advance(1.0)
        await street.half_open.look()
    assert (street.local.times, street.state) == (1, HealthState.UNHEALTHY)
    for _ in range(15):
        street.clock.advance(1.0)
        await street.half_open.look()

    assert (street.local.times, street.state) == (2, HealthState.HEALTHY)


async def test_a_server_that_does_not_want_to_be_asked_is_not_pestered() -> None:
    street = Street(UpstreamFailure(FailureKind.CREDENTIALS, "401: no", status=401))
    street.clock.advance(15.0)
    for _ in range(10):
        street.clock.advance(1.0)
        await street.half_open.look()

    assert street.local.times == 1
