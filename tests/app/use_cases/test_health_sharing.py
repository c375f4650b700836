"""Processes that share what they know of providers come to know the same, and no request waits for it."""

import asyncio

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

from app.use_cases.health_texts import facts_in, text_of
from domain.failures import FailureKind
from domain.health.shared import NOTHING_HEARD
from domain.inventory.health import HealthLearned
from domain.ports.storage import StoreUnavailable
from infrastructure.state.memory import MemoryStore, SharedMemory
from tests.app.use_cases.sharing_health import POLICY, PROVIDERS, Gateway, same_time
from tests.fakes.fixed_clock import FixedClock


class CountingStore(MemoryStore):
    """A store that counts what is written, and may be lost."""

    puts = 0
    is_lost = False

    async def put(self, topic: str, name: str, text: str, *, lasts_s: float | None = None) -> None:
        if self.is_lost:
            raise StoreUnavailable("the disk is full")
        self.puts += 1
        await super().put(topic, name, text, lasts_s=lasts_s)

    async def generation(self, topic: str) -> int:
        if self.is_lost:
            raise StoreUnavailable("the disk is gone")
        return await super().generation(topic)


class Pair:
    """Two gateways at one state."""

    def __init__(self) -> None:
        clock, memory = FixedClock(), SharedMemory()
        self.clocks = (clock, same_time(clock, 77.0))
        self.stores = [CountingStore(each, memory) for each in self.clocks]
        self.one, self.two = (
            Gateway(store, each) for store, each in zip(self.stores, self.clocks, strict=True)
        )

    @property
    def both(self) -> tuple[Gateway, Gateway]:
        return self.one, self.two

    def advance(self, seconds: float) -> None:
        for clock in self.clocks:
            clock.advance(seconds)

    async def look(self, times: int = 1) -> None:
        for _ in range(times):
            for gateway in self.both:
                await gateway.sharing.look()


async def test_nothing_is_written_for_requests_that_change_nothing() -> None:
    pair = Pair()

    for _ in range(50):
        pair.one.answered()
        pair.one.failed(FailureKind.REQUEST_FAULT)
        pair.one.failed(FailureKind.UNREACHABLE)
        pair.one.answered()
        await pair.look()

    assert sum(store.puts for store in pair.stores) == 0


async def test_many_changes_are_written_at_once() -> None:
    pair = Pair()
    for seconds in range(100):
        pair.one.failed(FailureKind.RATE_LIMITED, retry_after_s=100.0 + seconds)

    await pair.look(3)

    assert [store.puts for store in pair.stores] == [1, 0]
    assert pair.two.paused_for_s() == 199.0


async def test_a_lost_store_changes_nothing_and_is_caught_up_with() -> None:
    pair = Pair()
    pair.stores[0].is_lost = True
    pair.one.failed(FailureKind.RATE_LIMITED, retry_after_s=120.0)
    pair.two.failed(FailureKind.RATE_LIMITED, "local", retry_after_s=60.0)

    await pair.look(2)
    assert (pair.one.paused_for_s(), pair.two.paused_for_s()) == (120.0, 0.0)
    pair.stores[0].is_lost = False
    await pair.look(2)

    assert (pair.two.paused_for_s(), pair.one.paused_for_s("local")) == (120.0, 60.0)


async def test_what_was_heard_from_others_is_told_with_what_does_not_hold_any_more() -> None:
    pair = Pair()
    pair.one.failed(FailureKind.RATE_LIMITED, retry_after_s=120.0)
    await pair.look()
    pair.one.roster.forget("cloud", pair.one.clock.monotonic())
    await pair.look()

    assert pair.one.sink.of(HealthLearned) == []
    assert pair.two.sink.of(HealthLearned) == [
        HealthLearned(
            provider="cloud", state="healthy", cooldowns={"rate-limited": "2027-01-15T08:02:00Z"}, ended=()
        ),
        HealthLearned(provider="cloud", state="healthy", cooldowns={}, ended=("rate-limited",)),
    ]


@pytest.mark.parametrize(
    "text",
    ["", "{}", "[]", "null", '{"epoch": "x"}', "[" * 10_000, text_of(NOTHING_HEARD).replace("0.0", "NaN", 1)],
)
def test_what_cannot_be_understood_says_nothing(text: str) -> None:
    assert facts_in(text) == NOTHING_HEARD


def test_a_reason_of_another_version_is_left_out() -> None:
    gateway = Gateway(MemoryStore(FixedClock()), FixedClock())
    gateway.failed(FailureKind.RATE_LIMITED, retry_after_s=120.0)
    gateway.failed(FailureKind.CREDENTIALS)
    facts = gateway.records.facts["cloud"]

    assert facts_in(text_of(facts)) == facts
    told = facts_in(text_of(facts).replace("misconfigured", "out-of-fashion"))
    assert [reason for reason, _ in told.pauses] == ["rate-limited"]


WHO = st.sampled_from([0, 1])
WHAT = st.sampled_from(PROVIDERS)


class TellingInAnyOrder(RuleBasedStateMachine):
    """Whatever happens to two gateways, and whenever they look, they come to know the same."""

    def __init__(self) -> None:
        super().__init__()
        self.pair = Pair()

    @rule(
        who=WHO,
        what=WHAT,
        kind=st.sampled_from(list(FailureKind)),
        told_s=st.sampled_from([None, 3.0, 90.0]),
        times=st.integers(1, 4),
    )
    def fails(self, who: int, what: str, kind: FailureKind, told_s: float | None, times: int) -> None:
        for _ in range(times):
            self.pair.both[who].failed(kind, what, retry_after_s=told_s)

    @rule(who=WHO, what=WHAT)
    def answers(self, who: int, what: str) -> None:
        self.pair.both[who].answered(what)

    @rule(who=WHO, what=WHAT)
    def is_tried(self, who: int, what: str) -> None:
        gateway = self.pair.both[who]
        gateway.roster.begin_trial(what, POLICY, gateway.clock.monotonic())

    @rule(who=WHO, what=WHAT)
    def is_reset(self, who: int, what: str) -> None:
        gateway = self.pair.both[who]
        gateway.roster.forget(what, gateway.clock.monotonic())
        assert gateway.paused_for_s(what) == 0.0

    @rule(seconds=st.floats(0.0, 200.0))
    def time_passes(self, seconds: float) -> None:
        self.pair.advance(seconds)

    @rule(who=WHO)
    def looks(self, who: int) -> None:
        before = {what: self.pair.both[who].paused_for_s(what) for what in PROVIDERS}
        resets = len(self.pair.both[who].resets)
        asyncio.run(self.pair.both[who].sharing.look())
        if len(self.pair.both[who].resets) == resets:
            for what, seconds in before.items():
                assert self.pair.both[who].paused_for_s(what) >= seconds - 0.001

    @rule(who=WHO, lost=st.booleans())
    def store_is_lost_or_found(self, who: int, lost: bool) -> None:
        self.pair.stores[who].is_lost = lost

    def teardown(self) -> None:
        for store in self.pair.stores:
            store.is_lost = False
        asyncio.run(self.pair.look(3))
        one, two = self.pair.both
        puts = sum(store.puts for store in self.pair.stores)
        for what in PROVIDERS:
            assert one.state(what) == two.state(what)
            assert one.paused_for_s(what) == pytest.approx(two.paused_for_s(what), abs=0.002)
            told, heard = (each.records.facts.get(what, NOTHING_HEARD) for each in (one, two))
            assert told.news == heard.news
        asyncio.run(self.pair.look(3))
        assert sum(store.puts for store in self.pair.stores) == puts


TestTellingInAnyOrder = TellingInAnyOrder.TestCase
TestTellingInAnyOrder.settings = settings(max_examples=150, stateful_step_count=25, deadline=None)
