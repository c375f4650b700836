"""Whoever is asked about a past request tells of it, whichever process answered it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from app.use_cases.explain import Explain, Story
from app.use_cases.trace_sharing import TraceSharing
from domain.events import AttemptFailed, ModeAliasResolved
from domain.ports.storage import StoreUnavailable
from infrastructure.events.trace_ring import TraceRing
from infrastructure.state.memory import MemoryStore, SharedMemory
from tests.fakes.fixed_clock import FixedClock


class LostStore(MemoryStore):
    """A store that cannot be reached."""

    async def put(self, topic: str, name: str, text: str, *, lasts_s: float | None = None) -> None:
        raise StoreUnavailable("nobody answers")

    async def generation(self, topic: str) -> int:
        raise StoreUnavailable("nobody answers")


class Process:
    """One of several that serve from one state."""

    def __init__(self, name: str, store: MemoryStore, clock: FixedClock) -> None:
        names = (f"{name}-{number}" for number in range(99))
        self.ring = TraceRing(clock)
        self.sharing = TraceSharing(self.ring, store, own_name=name, fresh_name=lambda: next(names))
        self.explain = Explain(self.ring, self.sharing, is_shared=True)

    def tells(self, request_id: str) -> None:
        self.ring.emit(ModeAliasResolved(request_id=request_id, mode="fast", profile="small"))
        self.ring.emit(
            AttemptFailed(
                request_id=request_id,
                provider="local",
                model="m",
                failure="unreachable",
                status=None,
                retryable=True,
                error="nobody there",
            )
        )


class House:
    """Three processes at one state."""

    def __init__(self) -> None:
        self.clock, self.memory = FixedClock(time_s=1_000.0), SharedMemory()
        self.one, self.two, self.three = (self.process(name) for name in ("one", "two", "three"))

    def process(self, name: str, store: type[MemoryStore] = MemoryStore) -> Process:
        return Process(name, store(self.clock, self.memory), self.clock)


@asynccontextmanager
async def at_work(*processes: Process) -> AsyncIterator[None]:
    tasks = [asyncio.create_task(process.sharing.run()) for process in processes]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def words(story: Story | None) -> list[str]:
    return [] if story is None else [each.event for each in story.happenings]


async def test_a_process_tells_of_a_request_that_another_answered() -> None:
    house = House()
    house.two.tells("r")
    async with at_work(house.one, house.two, house.three):
        at_home = await house.two.explain.explain("r")
        abroad = await house.one.explain.explain("r")

    assert words(abroad) == ["mode-alias-resolved", "provider-failed"]
    assert abroad == at_home


async def test_a_request_that_nobody_knows_is_unknown_within_a_moment() -> None:
    house = House()
    async with at_work(house.one, house.two), asyncio.timeout(10):
        assert await house.one.explain.explain("r") is None


async def test_the_latest_of_all_processes_are_listed_newest_first() -> None:
    house = House()
    for number, process in enumerate((house.one, house.two, house.three, house.one)):
        process.tells(f"r{number}")
        house.clock.advance(1)
    async with at_work(house.one, house.two, house.three):
        latest = await house.two.explain.latest(3)

    assert [story.request_id for story in latest] == ["r3", "r2", "r1"]


async def test_a_lost_state_leaves_what_the_process_knows_itself() -> None:
    house = House()
    alone = house.process("alone", LostStore)
    alone.tells("r")
    house.two.tells("other")
    async with at_work(alone, house.two):
        assert words(await alone.explain.explain("r"))
        assert await alone.explain.explain("other") is None
        assert [story.request_id for story in await alone.explain.latest(9)] == ["r"]


async def test_what_is_not_a_question_is_nobodys_business() -> None:
    house = House()
    house.two.tells("r")
    store = MemoryStore(house.clock, house.memory)
    await store.put("trace-questions", "odd", "[")
    await store.put("trace-questions", "odder", '{"asked_by": 7}')
    async with at_work(house.one, house.two):
        assert words(await house.one.explain.explain("r"))


async def test_a_story_that_cannot_be_written_keeps_no_other_from_being_told() -> None:
    house = House()
    house.two.tells("good")
    house.two.ring.emit(ModeAliasResolved(request_id="bad", mode="caf\udce9", profile="small"))
    async with at_work(house.one, house.two):
        assert await house.one.explain.explain("bad") is None
        assert words(await house.one.explain.explain("good"))


async def test_a_process_by_itself_asks_nobody() -> None:
    house = House()
    alone = Explain(house.one.ring, house.one.sharing, is_shared=False)

    assert await alone.explain("r") is None
    assert await MemoryStore(house.clock, house.memory).records("trace-questions") == {}
