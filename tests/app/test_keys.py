"""The keys that hold follow the state, and survive its absence."""

from collections.abc import Callable

from app.keys import Keys
from domain.access.keys import Key, KeyRing, Scope, digest_of
from domain.inventory.access import KeysChanged, KeysUnreadable
from tests.fakes.key_stores import HeldKeys
from tests.fakes.recording_sink import RecordingSink


def key(name: str) -> Key:
    return Key(id=name, member="alice", digest=digest_of(name, "s" * 43), scopes=frozenset({Scope.INFERENCE}))


class House:
    """Keys over a store that can be taken away."""

    def __init__(self, *stored: Key, written: tuple[Key, ...] = (), holds: Callable[[], bool] = lambda: True):
        self.sink = RecordingSink()
        self.store = HeldKeys(*stored)
        self.rings: list[KeyRing] = []
        self.keys = Keys(
            written, {}, self.store, self.sink, holds_something=holds, on_change=self.rings.append
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
