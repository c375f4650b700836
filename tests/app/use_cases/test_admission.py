"""As many attempts as a provider bears at once, and the others in a fair order."""

import asyncio
from contextlib import AsyncExitStack, aclosing
from typing import Any

import pytest

from app.use_cases.admission import Admission
from app.use_cases.reply import Reply
from app.use_cases.seat_sharing import SeatSharing
from domain.access.keys import Caller
from domain.inventory.admission import QueueEntered, QueueLeft, QueueRefused
from domain.ports.time import Clock
from domain.routing.targets import Room
from domain.routing.verdict import Cause, ChainFailed
from infrastructure.clock import SystemClock
from infrastructure.state.memory import MemoryStore, SharedMemory
from tests.app.use_cases.conversing import House, answering, house
from tests.fakes.fixed_clock import FixedClock
from tests.fakes.recording_sink import RecordingSink
from tests.fakes.troubled_store import TroubledStore


class Busy:
    """A provider with so much room, and another that takes what is passed on."""

    def __init__(self, room: Room, **more: Any) -> None:
        self.sink, self.clock = RecordingSink(), FixedClock()
        self.admission = Admission({"busy": room}, {}, ("*haiku*",), self.sink, self.clock, **more)
        self.house: House = house(busy=answering(), spare=answering(), companions=(self.admission,))

    async def ask(self, member: str = "", **wishes: Any) -> Reply:
        return await self.house.ask(caller=Caller(member=member), **wishes)

    async def waiting(self, number: int) -> None:
        async with asyncio.timeout(10):
            while self.admission.doors["busy"].queue.waiting != number:  # noqa: ASYNC110  nobody tells
                await asyncio.sleep(0)


def provider(reply: Reply) -> str:
    return reply.facts.target.provider


async def test_who_comes_while_all_seats_are_taken_waits_for_one() -> None:
    busy = Busy(Room(most_at_once=1))
    first = await busy.ask()
    second = asyncio.create_task(busy.ask("alice"))
    await busy.waiting(1)
    busy.clock.advance(2.5)

    await first.aclose()

    async with aclosing(await second) as reply:
        assert provider(reply) == "busy"
    (entered,), (left,) = busy.sink.of(QueueEntered), busy.sink.of(QueueLeft)
    assert (entered.member, entered.position, entered.waiting) == ("alice", 1, 1)
    assert (left.reason, left.waited_ms, left.waiting) == ("seated", 2500.0, 0)


async def test_members_take_turns_whoever_sent_the_burst() -> None:
    busy = Busy(Room(most_at_once=1))
    order: list[str] = []

    async def one(member: str) -> None:
        async with aclosing(await busy.ask(member)) as reply:
            order.append(member)
            async for _ in reply:
                await asyncio.sleep(0)

    async with aclosing(await busy.ask("z")), asyncio.TaskGroup() as tasks:
        for number, member in enumerate("aaabbc", start=1):
            tasks.create_task(one(member))
            await busy.waiting(number)
        tasks.create_task(_close_later())
        busy.admission.doors["busy"].resize(2)

    assert "".join(order) == "abcaba"


async def _close_later() -> None:
    await asyncio.sleep(0)


async def test_past_its_patience_the_chain_moves_on() -> None:
    busy = Busy(Room(most_at_once=1, patience_s=0.05))
    async with aclosing(await busy.ask()), aclosing(await busy.ask()) as second:
        assert provider(second) == "spare"

    (left,) = busy.sink.of(QueueLeft)
    assert left.reason == "timed-out"
    (skipped,) = busy.house.sink.of(QueueRefused)
    assert (skipped.provider, skipped.reason) == ("busy", "queue-timed-out")


async def test_what_the_queue_does_not_hold_goes_on_at_once() -> None:
    busy = Busy(Room(most_at_once=1, most_waiting=0))
    async with aclosing(await busy.ask()), aclosing(await busy.ask()) as second:
        assert provider(second) == "spare"

    (skipped,) = busy.house.sink.of(QueueRefused)
    assert skipped.reason == "queue-full"


async def test_a_burst_of_background_work_keeps_no_person_out_of_a_full_queue() -> None:
    busy = Busy(Room(most_at_once=1, most_waiting=2))
    async with AsyncExitStack() as stack:
        first = await busy.ask("alice", priority="background")
        jobs = [asyncio.create_task(busy.ask("alice", priority="background")) for _ in range(2)]
        await busy.waiting(2)
        busy.clock.advance(1.5)
        person = asyncio.create_task(busy.ask("bob"))

        assert provider(await stack.enter_async_context(aclosing(await jobs[1]))) == "spare"
        (left,) = busy.sink.of(QueueLeft)
        assert (left.member, left.reason, left.waited_ms, left.waiting) == ("alice", "displaced", 1500.0, 2)
        (skipped,) = busy.house.sink.of(QueueRefused)
        assert (skipped.provider, skipped.reason) == ("busy", "queue-full")
        await first.aclose()
        reply = await person
        assert provider(reply) == "busy"
        assert not jobs[0].done()
        await reply.aclose()
        assert provider(await stack.enter_async_context(aclosing(await jobs[0]))) == "busy"

    assert busy.admission.doors["busy"].queue.wanted == 0
    assert [left.reason for left in busy.sink.of(QueueLeft)] == ["displaced", "seated", "seated"]


async def test_a_seat_that_is_called_out_to_one_who_leaves_goes_to_the_next() -> None:
    busy = Busy(Room(most_at_once=1))
    first = await busy.ask()
    impatient, patient = [asyncio.create_task(busy.ask()) for _ in range(2)]
    await busy.waiting(2)
    await first.aclose()
    impatient.cancel()

    async with asyncio.timeout(10), aclosing(await patient) as reply:
        assert provider(reply) == "busy"


@pytest.mark.parametrize(
    ("room", "cause"),
    [
        (Room(most_at_once=1, most_waiting=0), Cause.RATE_LIMITED),
        (Room(most_at_once=1, patience_s=0.01), Cause.OVERLOADED),
    ],
)
async def test_where_nobody_else_can_answer_the_client_is_told_why(room: Room, cause: Cause) -> None:
    admission = Admission({"only": room}, {}, (), RecordingSink(), FixedClock())
    alone = house(only=answering(), companions=(admission,))
    async with aclosing(await alone.ask()):
        with pytest.raises(ChainFailed) as caught:
            await alone.ask()

    assert caught.value.verdict.cause is cause


@pytest.mark.parametrize(
    ("room", "after_s"),
    [
        (Room(most_at_once=1, most_waiting=0), 5.0),
        (Room(most_at_once=1, most_waiting=0, patience_s=2.0), 2.0),
        (Room(most_at_once=1, patience_s=0.01), 0.01),
    ],
)
async def test_a_client_is_told_when_to_come_back_before_any_answer_is_over(
    room: Room, after_s: float
) -> None:
    admission = Admission({"only": room}, {}, (), RecordingSink(), FixedClock())
    alone = house(only=answering(), companions=(admission,))
    async with aclosing(await alone.ask()):
        with pytest.raises(ChainFailed) as caught:
            await alone.ask()

    assert caught.value.verdict.retry_after_s == after_s


async def test_a_client_that_leaves_the_queue_frees_its_place() -> None:
    busy = Busy(Room(most_at_once=1, most_waiting=1))
    async with aclosing(await busy.ask()):
        impatient = asyncio.create_task(busy.ask())
        await busy.waiting(1)
        impatient.cancel()
        await asyncio.gather(impatient, return_exceptions=True)

        assert busy.admission.doors["busy"].queue.waiting == 0
    assert busy.admission.doors["busy"].queue.seated == 0
    assert busy.sink.of(QueueLeft)[0].reason == "client-left"


@pytest.mark.parametrize(("priority", "model"), [("background", "any"), ("", "claude-haiku-4-5")])
async def test_a_person_comes_before_background_work(priority: str, model: str) -> None:
    busy = Busy(Room(most_at_once=1))
    async with AsyncExitStack() as stack:
        first = await busy.ask()
        job = asyncio.create_task(busy.house.ask(asked_model=model, priority=priority))
        await busy.waiting(1)
        person = asyncio.create_task(busy.ask())
        await busy.waiting(2)
        await first.aclose()

        reply = await person
        assert not job.done()
        await reply.aclose()
        await stack.enter_async_context(aclosing(await job))


async def test_every_seat_comes_back_however_an_attempt_ends() -> None:
    busy = Busy(Room(most_at_once=2))
    for _ in range(20):
        async with aclosing(await busy.ask()) as reply:
            async for _ in reply:
                pass
        async with aclosing(await busy.ask()):
            pass

    assert busy.admission.doors["busy"].queue.seated == 0


async def test_the_wait_that_is_expected_comes_from_answers_that_are_over() -> None:
    busy = Busy(Room(most_at_once=1))
    reply = await busy.ask()
    busy.clock.advance(8)
    busy.house.clock.advance(8)
    await reply.aclose()

    async with aclosing(await busy.ask()):
        waiting = asyncio.create_task(busy.ask())
        await busy.waiting(1)
        assert busy.sink.of(QueueEntered)[0].expected_wait_s == 8.0
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)


class Workers:
    """Processes that serve from one state."""

    def __init__(self, number: int, room: Room, clock: Clock | None = None) -> None:
        memory, clock = SharedMemory(), clock or FixedClock()
        self.stores = [MemoryStore(clock, memory) for _ in range(number)]
        self.bells = [asyncio.Event() for _ in range(number)]
        self.workers = [Busy(room, seats_are_shared=True, somebody_waits=bell) for bell in self.bells]
        self.chores = [
            asyncio.create_task(SeatSharing(store, worker.admission.doors.values(), bell).run())
            for store, worker, bell in zip(self.stores, self.workers, self.bells, strict=True)
        ]

    async def stop(self) -> None:
        for chore in self.chores:
            chore.cancel()
        await asyncio.gather(*self.chores, return_exceptions=True)


async def test_several_processes_share_the_seats_of_a_provider() -> None:
    both = Workers(2, Room(most_at_once=2, patience_s=0.8))
    try:
        one, other = both.workers
        async with AsyncExitStack() as stack:
            for worker in (one, other):
                reply = await stack.enter_async_context(aclosing(await worker.ask()))
                assert provider(reply) == "busy"
            third = await stack.enter_async_context(aclosing(await one.ask()))
            assert provider(third) == "spare"
    finally:
        await both.stop()


async def test_a_seat_that_one_process_frees_is_the_others() -> None:
    both = Workers(2, Room(most_at_once=1, patience_s=20))
    try:
        one, other = both.workers
        first = await one.ask()
        second = asyncio.create_task(other.ask())
        await other.waiting(1)
        await first.aclose()

        async with asyncio.timeout(15), aclosing(await second) as reply:
            assert provider(reply) == "busy"
    finally:
        await both.stop()


async def test_steady_demand_on_one_process_leaves_the_seat_to_the_other_for_its_turns() -> None:
    both = Workers(2, Room(most_at_once=1, patience_s=20), SystemClock())
    answered: asyncio.Queue[str] = asyncio.Queue()

    async def client(worker: Busy, name: str) -> None:
        while True:
            async with aclosing(await worker.ask(name)) as reply:
                assert provider(reply) == "busy"
                await asyncio.sleep(0.1)
            answered.put_nowait(name)

    one, other = both.workers
    clients = [asyncio.create_task(client(one, "steady")) for _ in range(3)]
    try:
        async with asyncio.timeout(30):
            assert [await answered.get() for _ in range(4)] == ["steady"] * 4
            clients.append(asyncio.create_task(client(other, "late")))
            order = [await answered.get() for _ in range(40)]
    finally:
        for each in clients:
            each.cancel()
        await asyncio.gather(*clients, return_exceptions=True)
        await both.stop()

    assert order.index("late") <= 12  # half a second, what was under way, and a look
    assert min(order.count("steady"), order.count("late")) >= 10


async def test_a_store_that_hangs_is_a_lost_store_and_leaves_one_seat() -> None:
    bell, store = asyncio.Event(), TroubledStore(FixedClock())
    store.takes_s = 1e6
    busy = Busy(Room(most_at_once=4, patience_s=20), seats_are_shared=True, somebody_waits=bell)
    chore = asyncio.create_task(SeatSharing(store, busy.admission.doors.values(), bell).run())
    try:
        # The first waits until the store is given up, which takes 2.5 s; nobody does after that.
        for within_s in (12.5, 1):
            async with asyncio.timeout(within_s), aclosing(await busy.ask()) as reply:
                assert provider(reply) == "busy"
    finally:
        chore.cancel()
        await asyncio.gather(chore, return_exceptions=True)
