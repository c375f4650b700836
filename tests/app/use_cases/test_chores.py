"""What runs in the background goes on, whatever happens to it, until it is cancelled."""

import asyncio
from collections.abc import Sequence

import pytest

from app.use_cases.chores import Chore, kept_going
from domain.events import InternalFault
from tests.fakes.fixed_clock import FixedClock
from tests.fakes.recording_sink import RecordingSink


class House:
    """A chore that meets one thing after the other, and is done when nothing is left."""

    def __init__(self, *meets: BaseException, lasting_s: Sequence[float] = ()) -> None:
        self.sink, self.clock = RecordingSink(), FixedClock()
        self.pauses: list[float] = []
        self.begun = 0
        self._meets = list(meets)
        self._lasting_s = list(lasting_s)

    async def chore(self) -> None:
        self.begun += 1
        if self._lasting_s:
            self.clock.advance(self._lasting_s.pop(0))
        if self._meets:
            raise self._meets.pop(0)

    async def in_a_group(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self.chore())

    async def pause(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.clock.advance(seconds)

    async def keep(self) -> None:
        await kept_going(self.chore, self.sink, self.clock, pause=self.pause)

    @property
    def faults(self) -> list[InternalFault]:
        return self.sink.of(InternalFault)


async def test_a_bug_is_told_and_the_chore_begun_again() -> None:
    house = House(ValueError("no such word"))

    await house.keep()

    (told,) = house.faults
    assert (told.request_id, told.error) == ("", "ValueError: no such word")
    assert told.where.endswith("in chore")
    assert "no such word" in told.traceback
    assert house.begun == 2


async def test_a_chore_that_is_done_is_done() -> None:
    house = House()

    await house.keep()

    assert (house.begun, house.sink.events, house.pauses) == (1, [], [])


async def test_pauses_grow_to_a_minute() -> None:
    house = House(*(ValueError() for _ in range(9)))

    await house.keep()

    assert house.pauses == [1, 2, 4, 8, 16, 32, 60, 60, 60]


async def test_a_chore_that_went_well_for_a_while_waits_no_longer_than_at_first() -> None:
    house = House(*(ValueError() for _ in range(4)), lasting_s=[0, 0, 300, 0])

    await house.keep()

    assert house.pauses == [1, 2, 1, 2]


async def test_of_several_bugs_at_once_the_place_of_the_first_is_told() -> None:
    house = House(ValueError("no such word"), ValueError("again"))

    await kept_going(house.in_a_group, house.sink, house.clock, pause=house.pause)

    assert [fault.where.endswith("in chore") for fault in house.faults] == [True, True]
    assert "no such word" in house.faults[0].traceback
    assert house.begun == 3


async def test_whoever_is_told_to_end_by_nobody_goes_on() -> None:
    house = House(asyncio.CancelledError())

    await house.keep()

    assert (len(house.faults), house.begun) == (1, 2)


async def forever() -> None:
    await asyncio.Event().wait()


async def stumbling_over_its_end() -> None:
    try:
        await forever()
    finally:
        raise ValueError("no way out")


async def failing() -> None:
    raise ValueError("no way in")


@pytest.mark.parametrize(
    ("chore", "told"),
    [
        (forever, []),
        (failing, ["ValueError: no way in"]),
        (stumbling_over_its_end, ["ValueError: no way out"]),
    ],
)
async def test_a_chore_that_is_cancelled_ends_at_once_wherever_it_is(chore: Chore, told: list[str]) -> None:
    sink = RecordingSink()
    kept = asyncio.create_task(kept_going(chore, sink, FixedClock()))
    await asyncio.sleep(0.02)

    kept.cancel()
    async with asyncio.timeout(0.5):
        await asyncio.wait([kept])

    assert kept.done()
    assert [fault.error for fault in sink.of(InternalFault)] == told
    assert asyncio.all_tasks() == {asyncio.current_task()}
