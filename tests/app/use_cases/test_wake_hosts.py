"""A machine that sleeps is woken by a request, waited for when that helps, and never held to be down."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress
from itertools import pairwise
from math import inf

import pytest

from app.use_cases.converse import Converse
from app.use_cases.learn_windows import LearnWindows
from app.use_cases.manage_health import ManageHealth
from app.use_cases.plan import Planner
from app.use_cases.probe_providers import ProbeProviders
from app.use_cases.rehearse import Rehearse
from app.use_cases.wake_hosts import WakeHosts
from app.use_cases.watch_health import WatchHealth
from domain.conversation.built import Built
from domain.conversation.reply import Batch
from domain.conversation.request import ChatRequest, Conversation
from domain.events import AttemptFailed, AttemptStarted, AttemptSucceeded
from domain.failures import FailureKind, UpstreamFailure
from domain.health.machine import HealthState
from domain.health.records import OwnRecords
from domain.health.roster import Roster
from domain.health.sleep import SleepState
from domain.inventory.sleeping import HostAwaited, HostSleepChanged, WakePacketSent
from domain.ports.providers import ChatProvider, Probed, ProviderCall
from domain.routing.selection import Wishes
from domain.routing.targets import Locality, Timeouts, WakePlan
from domain.routing.verdict import Cause, ChainFailed
from tests.app.use_cases.conversing import ANSWER, answering, asking, table_of
from tests.fakes.fixed_clock import FixedClock
from tests.fakes.plain_counter import PlainCounter
from tests.fakes.recording_sink import RecordingSink
from tests.fakes.scripted_hosts import ScriptedHosts
from tests.fakes.scripted_provider import ScriptedDirectory

PLAN = WakePlan(
    mac="a8:a1:59:3c:07:e2",
    ready_within_s=60.0,
    host="192.168.1.20",
    port=8080,
    call_at=(("255.255.255.255", 9),),
)
ABSENT = UpstreamFailure(FailureKind.UNREACHABLE, "no route to host")


class OnHost:
    """A provider that answers while its machine is there."""

    def __init__(self, hosts: ScriptedHosts) -> None:
        self.hosts = hosts
        self.asked = 0
        self.failure: UpstreamFailure | None = None

    async def converse(self, call: ProviderCall) -> AsyncGenerator[Batch, None]:
        self.asked += 1
        if not self.hosts.is_there:
            raise ABSENT
        if self.failure is not None:
            raise self.failure
        for batch in ANSWER:
            yield batch

    async def probe(self) -> Probed:
        if not self.hosts.is_there:
            raise ABSENT
        return Probed()


class Home:
    """The default profile asks a machine that sleeps, and then the cloud."""

    def __init__(
        self, *, wakes_after_s: float = inf, ttft_s: float = 120.0, alone: bool = False, cut_off: bool = False
    ) -> None:
        self.clock, self.sink = FixedClock(), RecordingSink()
        self.hosts = ScriptedHosts(self.clock, wakes_after_s=wakes_after_s, cut_off=cut_off)
        self.desktop, self.cloud = OnHost(self.hosts), answering()
        providers: dict[str, ChatProvider] = {"desktop": self.desktop}
        if not alone:
            providers["cloud"] = self.cloud
        specs = {"desktop": {"wake": PLAN, "locality": Locality.LAN}}
        self.table = table_of(providers, timeouts=Timeouts(ttft_s=ttft_s), specs=specs)
        directory = ScriptedDirectory(providers)
        self.waking = WakeHosts(self.table.providers.values(), self.hosts, self.sink, self.clock)
        self.roster = Roster(OwnRecords())
        watch = WatchHealth(self.roster, self.table, self.sink, self.clock)
        self.planner = Planner(
            self.table, directory, self.sink, self.clock, PlainCounter(), gates=[watch.gate], standings=watch
        )
        self.converse = Converse(
            self.table, self.planner, directory, self.sink, self.clock, [watch], self.waking
        )
        self.probes = ProbeProviders(self.table, directory, self.sink, [watch], self.waking)
        windows = LearnWindows(self.table, self.sink, self.clock)
        self.manage = ManageHealth(self.roster, self.table, self.sink, self.clock, windows, self.waking)

    @property
    def state(self) -> SleepState | None:
        return self.waking.state_of("desktop")

    @property
    def failures(self) -> int:
        return self.roster.known()["desktop"].health.failures if "desktop" in self.roster.known() else 0

    async def answered_by(self) -> str:
        asked = asking()
        async with aclosing(await self.converse.answer(asked, self.converse.plan(asked))) as reply:
            with suppress(UpstreamFailure):
                async for _ in reply:
                    pass
            return reply.facts.target.provider

    def changes(self) -> list[tuple[str, str]]:
        return [(event.old_state, event.new_state) for event in self.sink.of(HostSleepChanged)]


async def test_a_request_that_can_wait_gets_its_answer_from_the_machine_it_woke() -> None:
    home = Home(wakes_after_s=25.0)

    assert await home.answered_by() == "desktop"

    assert home.hosts.calls == [PLAN]
    assert home.changes() == [("awake", "asleep"), ("asleep", "waking"), ("waking", "awake")]
    assert home.sink.of(HostAwaited) == [
        HostAwaited(request_id="r-1", provider="desktop", waited_ms=25_000.0, came=True)
    ]
    (sent,) = home.sink.of(WakePacketSent)
    assert (sent.request_id, sent.mac, sent.addresses, sent.error) == (
        "r-1",
        PLAN.mac,
        ("255.255.255.255:9",),
        "",
    )
    assert len(home.sink.of(AttemptStarted)) == 1
    assert home.failures == 0


async def test_the_time_until_it_was_awake_is_not_held_to_be_its_speed() -> None:
    home = Home(wakes_after_s=25.0)
    await home.answered_by()

    assert home.sink.of(AttemptSucceeded)[0].ttft_ms == 0.0


async def test_a_request_that_cannot_wait_moves_on_and_the_next_finds_it_awake() -> None:
    home = Home(wakes_after_s=25.0, ttft_s=30.0)

    assert await home.answered_by() == "cloud"
    assert home.changes()[-1] == ("asleep", "waking")
    assert [event.failure for event in home.sink.of(AttemptFailed)] == ["asleep"]
    home.clock.advance(25.0)
    await home.waking.look()

    assert home.state is SleepState.AWAKE
    assert await home.answered_by() == "desktop"
    assert len(home.hosts.calls) == 1


async def test_being_asleep_is_no_failure_of_the_provider() -> None:
    home = Home(ttft_s=30.0)

    for _ in range(10):
        assert await home.answered_by() == "cloud"
        home.clock.advance(2.0)

    assert home.failures == 0
    assert home.manage.report()[0].state is HealthState.HEALTHY
    assert home.manage.report()[0].host is SleepState.WAKING


async def test_packets_are_sent_no_more_than_twice_a_minute() -> None:
    home = Home(ttft_s=30.0)

    for _ in range(100):
        await home.answered_by()
        home.clock.advance(1.0)

    times = home.hosts.called_at
    assert len(times) >= 3
    assert all(later - earlier >= 30.0 for earlier, later in pairwise(times))


async def test_whoever_is_known_to_be_away_is_not_asked_in_vain() -> None:
    home = Home(ttft_s=30.0)

    for _ in range(5):
        await home.answered_by()

    assert home.desktop.asked == 1


async def test_a_machine_that_does_not_come_is_down_and_is_waited_for_only_once() -> None:
    home = Home()

    assert await home.answered_by() == "cloud"

    assert home.state is SleepState.MISSING
    assert [event.came for event in home.sink.of(HostAwaited)] == [False]
    began = home.clock.monotonic()
    for _ in range(6):
        assert await home.answered_by() == "cloud"
    assert home.clock.monotonic() == began
    assert home.manage.report()[0].state is HealthState.UNHEALTHY


async def test_a_machine_that_was_given_up_is_believed_again_once_it_answers() -> None:
    home = Home()
    await home.answered_by()
    home.hosts.wakes_at = home.clock.monotonic()

    assert await home.answered_by() == "desktop"
    assert home.state is SleepState.AWAKE
    assert home.failures == 0


async def test_a_probe_wakes_nobody_and_holds_nothing_against_who_sleeps() -> None:
    home = Home()

    for _ in range(10):
        assert not await home.probes.ask("desktop")

    assert home.hosts.calls == []
    assert home.state is SleepState.ASLEEP
    assert home.failures == 0


async def test_a_probe_that_is_answered_shows_that_it_is_awake() -> None:
    home = Home(ttft_s=30.0)
    await home.answered_by()
    home.hosts.wakes_at = home.clock.monotonic()

    assert await home.probes.ask("desktop")

    assert home.state is SleepState.AWAKE


async def test_a_machine_that_is_there_and_fails_is_not_asleep() -> None:
    home = Home()
    home.hosts.wakes_at = 0.0
    home.desktop.failure = UpstreamFailure(FailureKind.OVERLOADED, "500: broken", status=500)

    assert await home.answered_by() == "cloud"

    assert home.hosts.calls == []
    assert home.state is SleepState.AWAKE
    assert home.failures == 1


async def test_a_connection_that_broke_is_no_sleep() -> None:
    home = Home()
    home.hosts.wakes_at = 0.0
    home.desktop.failure = UpstreamFailure(FailureKind.UNREACHABLE, "reset", was_sent=True)

    await home.answered_by()

    assert home.hosts.calls == []
    assert home.failures == 1


async def test_a_server_that_refuses_what_its_machine_takes_is_at_fault() -> None:
    home = Home()
    home.hosts.wakes_at = 0.0
    home.desktop.failure = UpstreamFailure(FailureKind.UNREACHABLE, "certificate has expired")

    assert await home.answered_by() == "cloud"

    assert home.failures == 1


async def test_a_client_hears_when_a_house_that_sleeps_will_be_ready() -> None:
    home = Home(ttft_s=30.0, alone=True)

    with pytest.raises(ChainFailed) as failed:
        await home.answered_by()

    verdict = failed.value.verdict
    assert (verdict.cause, verdict.retry_after_s) == (Cause.OVERLOADED, 60.0)
    assert "its machine sleeps, was called and should be ready in 60 s" in verdict.message


async def test_a_packet_that_cannot_be_sent_is_told_and_changes_nothing_else() -> None:
    home = Home(ttft_s=30.0, cut_off=True)

    assert await home.answered_by() == "cloud"

    assert home.sink.of(WakePacketSent)[0].error == "255.255.255.255: Network is unreachable"


async def test_a_client_that_leaves_while_it_waits_leaves_nothing_behind() -> None:
    home = Home()
    waits = asyncio.Event()

    async def never(plan: WakePlan, within_s: float) -> bool:
        waits.set()
        await asyncio.Event().wait()
        return False

    home.hosts.answers = never  # type: ignore[method-assign]
    request = asyncio.create_task(home.answered_by())
    async with asyncio.timeout(5):
        await waits.wait()
    request.cancel()

    with pytest.raises(asyncio.CancelledError):
        await request
    assert home.state is SleepState.WAKING
    assert home.failures == 0


async def test_a_rehearsal_tells_who_sleeps_and_wakes_nobody() -> None:
    home = Home()
    await home.probes.ask("desktop")
    request = ChatRequest(
        dialect="openai_chat", model="any", stream=True, source=Built(Conversation(messages=()))
    )

    rehearsal = Rehearse(home.planner, home.waking).rehearse(request, Wishes())

    assert "its machine sleeps" in rehearsal.chain[0].why
    assert "sleeps" not in rehearsal.chain[1].why
    assert home.hosts.calls == []


async def test_a_reset_forgives_a_machine_that_did_not_come() -> None:
    home = Home()
    await home.answered_by()

    assert home.manage.forgive("desktop").host is SleepState.AWAKE
