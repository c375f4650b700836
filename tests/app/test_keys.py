"""The keys that hold follow the state, and survive its absence."""

import asyncio
from collections.abc import Callable
from dataclasses import replace

from app.keys import Keys
from domain.access.keys import Key, KeyRing, Scope, StoredKey, UnreadableKey, digest_of
from domain.inventory.access import KeysChanged, KeysUnreadable, KeyUnreadable
from tests.fakes.fixed_clock import FixedClock
from tests.fakes.key_stores import HeldKeys
from tests.fakes.recording_sink import RecordingSink


def key(name: str) -> Key:
    return Key(id=name, member="alice", digest=digest_of(name, "s" * 43), scopes=frozenset({Scope.INFERENCE}))


class House:
    """Keys over a store that can be taken away."""

    def __init__(
        self, *stored: StoredKey, written: tuple[Key, ...] = (), holds: Callable[[], bool] = lambda: True
    ):
        self.sink, self.clock = RecordingSink(), FixedClock()
        self.store = HeldKeys(*stored)
        self.rings: list[KeyRing] = []
        self.keys = Keys(
            written,
            {},
            self.store,
            self.sink,
            self.clock,
            holds_something=holds,
            on_change=self.rings.append,
        )


async def test_keys_of_file_and_state_hold_together() -> None:
    house = House(key("stored"), written=(key("written"),))

    await house.keys.refresh()

    assert len(house.keys.ring) == 2
    assert house.keys.are_known


async def test_a_change_is_noticed_and_told() -> None:
    house = House()
    await house.keys.refresh()
    await house.store.put(key("new"))

    await house.keys.refresh()
    await house.keys.refresh()

    assert len(house.keys.ring) == 1
    assert house.sink.of(KeysChanged) == [KeysChanged(holding=1, revoked=0)]


async def test_good_keys_stay_good_while_the_state_is_away_and_it_is_told_once() -> None:
    house = House(key("stored"))
    await house.keys.refresh()
    house.store.away = True

    await house.keys.refresh()
    await house.keys.refresh()

    assert len(house.keys.ring) == 1
    assert house.keys.are_known
    (told,) = house.sink.of(KeysUnreadable)
    assert told.known


async def test_a_state_that_could_never_be_read_may_hold_keys() -> None:
    house = House(key("stored"))
    house.store.away = True

    await house.keys.refresh()
    known_at_first = house.keys.are_known
    house.store.away = False
    await house.keys.refresh()

    assert (known_at_first, house.keys.are_known) == (False, True)
    assert len(house.keys.ring) == 1


async def test_a_state_that_is_not_there_at_all_holds_none() -> None:
    house = House(holds=lambda: False)
    house.store.away = True

    await house.keys.refresh()

    assert house.keys.are_known
    assert len(house.keys.ring) == 0


async def test_a_key_that_cannot_be_read_is_told_once_and_the_others_go_on() -> None:
    shut = UnreadableKey(key("old"), reason="this machine knows no time zone 'Asia/Tokyo'")
    house = House(key("one"), shut)

    await house.keys.refresh()
    await house.store.put(replace(key("one"), revoked_at=5.0))
    await house.keys.refresh()

    assert house.keys.are_known
    assert house.sink.of(KeyUnreadable) == [
        KeyUnreadable(key_id="old", error="this machine knows no time zone 'Asia/Tokyo'")
    ]
    assert house.sink.of(KeysUnreadable) == []
    assert house.sink.of(KeysChanged) == [KeysChanged(holding=0, revoked=1)]
    assert {one.id: one.revoked_at for one in house.keys.ring} == {"one": 5.0, "old": None}


async def test_a_key_that_becomes_unreadable_anew_is_told_anew() -> None:
    shut = UnreadableKey(key("old"), reason="it is garbled")
    house = House(shut)
    await house.keys.refresh()
    for now in (key("old"), shut):
        await house.store.put(now)
        await house.keys.refresh()

    assert len(house.sink.of(KeyUnreadable)) == 2


async def test_whoever_shows_an_unknown_key_waits_for_the_same_look() -> None:
    house = House()
    await house.keys.refresh()
    await house.store.put(key("new"))
    house.store.takes_s = 0.01

    async def seen() -> int:
        await house.keys.look_again()
        return len(house.keys.ring)

    assert await asyncio.gather(*(seen() for _ in range(5))) == [1] * 5


async def test_guessing_costs_the_state_a_few_looks_a_second_at_most() -> None:
    house = House()
    await house.keys.refresh()
    before = house.store.looks

    for _ in range(1000):
        await house.keys.look_again()
        house.clock.advance(0.001)

    assert 1 <= house.store.looks - before <= 6


async def test_a_slow_look_does_not_bring_back_what_a_later_one_has_found_revoked() -> None:
    house = House(key("old"))
    house.store.takes_s = 0.02
    slow = asyncio.create_task(house.keys.refresh())
    await asyncio.sleep(0.03)  # it has the number, and reads the keys
    await house.store.put(replace(key("old"), revoked_at=5.0))
    house.store.takes_s = 0.0

    await house.keys.refresh()
    await slow

    assert [one.revoked_at for one in house.keys.ring] == [5.0]


async def test_nobody_waits_for_a_state_that_is_away() -> None:
    house = House(key("stored"))
    house.store.away = True
    await house.keys.refresh()
    before = house.store.looks

    await house.keys.look_again()

    assert house.store.looks == before
