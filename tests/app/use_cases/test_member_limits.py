"""Members use as much at a time as they may, in one process and over several."""

from collections.abc import Mapping

import pytest

from app.use_cases.attempts import Receipt
from app.use_cases.limit_sharing import LimitSharing
from app.use_cases.member_limits import LimitReached, MemberLimits
from domain.access.keys import Caller
from domain.admission.limits import Limits
from domain.budget.billing import Bill, Certainty
from domain.conversation.reply import Usage
from domain.inventory.admission import MemberLimited
from domain.ports.storage import StoreUnavailable
from domain.routing.targets import Target
from infrastructure.state.memory import MemoryStore, SharedMemory
from tests.fakes.fixed_clock import FixedClock
from tests.fakes.recording_sink import RecordingSink

ALICE, BOB = Caller(member="alice"), Caller(member="bob")


class Process:
    """One process that counts, with its clock and what it tells."""

    def __init__(self, limits: Limits, clock: FixedClock | None = None) -> None:
        self.sink, self.clock = RecordingSink(), clock or FixedClock()
        self.limits = MemberLimits({"alice": limits}, self.sink, self.clock)

    def let_in(self, caller: Caller = ALICE) -> bool:
        try:
            self.limits.enter(caller, "r-1")
        except LimitReached:
            return False
        return True


class LosableStore(MemoryStore):
    """One that cannot be written, or not reached at all, once a test says so."""

    is_full = is_lost = False

    async def put(self, topic: str, name: str, text: str, *, lasts_s: float | None = None) -> None:
        if self.is_full or self.is_lost:
            raise StoreUnavailable("no space left on device")
        await super().put(topic, name, text, lasts_s=lasts_s)

    async def records(self, topic: str) -> Mapping[str, str]:
        if self.is_lost:
            raise StoreUnavailable("nobody answers")
        return await super().records(topic)


def test_one_member_is_bounded_and_others_are_not() -> None:
    process = Process(Limits(requests_per_minute=2))

    assert [process.let_in() for _ in range(3)] == [True, True, False]
    assert all(process.let_in(BOB) for _ in range(10))
    (told,) = process.sink.of(MemberLimited)
    assert (told.member, told.limit, told.allowed, told.retry_after_s) == (
        "alice",
        "requests_per_minute",
        2,
        60.0,
    )


def test_a_key_is_bounded_beside_its_member() -> None:
    process = Process(Limits(requests_per_minute=3))
    laptop = Caller(member="alice", key_id="k2", key_account="k1")
    process.limits.limit_keys({"k1": Limits(requests_per_minute=1)})

    assert [process.let_in(laptop) for _ in range(2)] == [True, False]
    assert [process.let_in() for _ in range(3)] == [True, True, False]
    of_key, of_member = process.sink.of(MemberLimited)
    assert (of_key.key_id, of_key.allowed) == ("k2", 1)
    assert (of_member.key_id, of_member.allowed) == ("", 3)


def test_what_a_key_used_counts_when_keys_change_and_not_when_it_is_gone() -> None:
    process = Process(Limits())
    laptop = Caller(member="alice", key_id="k1", key_account="k1")
    process.limits.limit_keys({"k1": Limits(concurrent=1)})
    stay = process.limits.enter(laptop, "r-1")

    process.limits.limit_keys({"k1": Limits(concurrent=2), "k2": Limits(concurrent=1)})
    assert [process.let_in(laptop) for _ in range(2)] == [True, False]
    process.limits.limit_keys({})
    stay.over(Receipt())
    assert all(process.let_in(laptop) for _ in range(5))


def test_a_request_that_is_over_makes_room() -> None:
    process = Process(Limits(concurrent=1))
    stay = process.limits.enter(ALICE, "r-1")
    assert not process.let_in()

    stay.over(Receipt())
    stay.over(Receipt())

    assert process.let_in()
    assert not process.let_in()


def test_every_kind_of_token_counts_when_the_answer_is_over() -> None:
    process = Process(Limits(tokens_per_minute=100))
    usage = Usage(input_tokens=10, output_tokens=20, cache_read_tokens=60, cache_creation_tokens=10)
    receipt = Receipt()

    with process.limits.while_within(ALICE, "r-1", receipt):
        receipt.add(Target("p", "m"), Bill(Certainty.COUNTED, usage))
        assert process.let_in()

    assert not process.let_in()


def test_tokens_of_every_attempt_that_may_be_billed_count() -> None:
    process, receipt = Process(Limits(tokens_per_minute=100)), Receipt()
    half = Usage(input_tokens=50)

    with process.limits.while_within(ALICE, "r-1", receipt):
        receipt.add(Target("slow", "m"), Bill(Certainty.UNKNOWN, half, estimated=True))
        receipt.add(Target("refusing", "m"), Bill(Certainty.NOTHING, half))
    assert process.let_in()
    with process.limits.while_within(ALICE, "r-2", receipt):
        receipt.add(Target("next", "m"), Bill(Certainty.COUNTED, half))

    assert not process.let_in()


def test_a_request_that_fails_frees_its_place_too() -> None:
    process = Process(Limits(concurrent=1))

    with pytest.raises(ZeroDivisionError), process.limits.while_within(ALICE, "r-1", Receipt()):
        raise ZeroDivisionError

    assert process.let_in()


async def test_processes_that_share_a_state_count_together() -> None:
    memory, clock = SharedMemory(), FixedClock()
    limits = Limits(requests_per_minute=3, concurrent=2)
    one, other = Process(limits, clock), Process(limits, clock)
    sharing = [
        LimitSharing(process.limits, MemoryStore(clock, memory), clock, own_name=name)
        for process, name in ((one, "one"), (other, "other"))
    ]
    stays = [one.limits.enter(ALICE, "r"), one.limits.enter(ALICE, "r")]
    for each in sharing:
        await each.share()

    assert not other.let_in()
    for stay in stays:
        stay.over(Receipt())
    for each in sharing:
        await each.share()
    assert other.let_in()
    assert not other.let_in()


async def test_a_process_that_says_no_more_is_forgotten() -> None:
    memory, clock = SharedMemory(), FixedClock()
    gone, left = Process(Limits(concurrent=1), clock), Process(Limits(concurrent=1), clock)
    gone.let_in()
    await LimitSharing(gone.limits, MemoryStore(clock, memory), clock, own_name="gone").share()
    sharing = LimitSharing(left.limits, MemoryStore(clock, memory), clock, own_name="left")
    await sharing.share()
    assert not left.let_in()

    clock.advance(60)
    await sharing.share()

    assert left.let_in()


async def test_what_others_had_counts_no_longer_when_the_store_stays_lost() -> None:
    memory, clock = SharedMemory(), FixedClock()
    limits = Limits(concurrent=3, requests_per_minute=100)
    busy, other = Process(limits, clock), Process(limits, clock)
    store = LosableStore(clock, memory)
    sharing = LimitSharing(other.limits, store, clock, own_name="other")
    stays = [busy.limits.enter(ALICE, "r") for _ in range(3)]
    await LimitSharing(busy.limits, MemoryStore(clock, memory), clock, own_name="busy").look()
    await sharing.look()

    store.is_lost = True
    for stay in stays:
        stay.over(Receipt())
    clock.advance(5)
    await sharing.look()
    assert not other.let_in()  # as the store may be away for a moment only
    clock.advance(6)
    await sharing.look()

    assert [other.let_in() for _ in range(4)] == [True, True, True, False]


async def test_others_are_heard_where_nothing_can_be_written() -> None:
    memory, clock = SharedMemory(), FixedClock()
    one, other = Process(Limits(concurrent=2), clock), Process(Limits(concurrent=2), clock)
    store = LosableStore(clock, memory)
    teller = LimitSharing(one.limits, MemoryStore(clock, memory), clock, own_name="one")
    hearer = LimitSharing(other.limits, store, clock, own_name="other")
    stay = one.limits.enter(ALICE, "r")
    store.is_full = True

    assert other.let_in()
    await teller.look()
    await hearer.look()
    assert not other.let_in()

    stay.over(Receipt())
    await teller.look()
    await hearer.look()
    assert other.let_in()


async def test_what_has_not_changed_is_written_seldom_and_stays_known() -> None:
    memory, clock = SharedMemory(), FixedClock()
    busy, other = Process(Limits(concurrent=1), clock), Process(Limits(concurrent=1), clock)
    store = MemoryStore(clock, memory)
    one = LimitSharing(busy.limits, store, clock, own_name="one")
    two = LimitSharing(other.limits, MemoryStore(clock, memory), clock, own_name="two")
    busy.let_in()

    for _ in range(100):  # 50 s, in which a request runs
        await one.share()
        await two.share()
        assert not other.let_in()
        clock.advance(0.5)

    assert await store.generation("members-in-use") <= 20
    clock.advance(60)
    await one.share()
    written = await store.generation("members-in-use")
    for _ in range(100):
        await two.share()
    assert await store.generation("members-in-use") == written
