"""Divides the seats of busy providers between the processes that serve from one state."""

import asyncio
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass

from app.use_cases.admission import Door
from domain.ports.storage import SeatStore, StoreUnavailable

_LASTS_S = 10.0
"""How long seats stay with a process that says no more."""

_LOOKS_EVERY_S = 0.2
"""How often it looks while somebody sits or waits; what has not changed costs the store little."""

_PATIENCE_S = 2.5
"""A store that has not answered by then is lost, until it does."""


class SeatSharing:
    """
    Lets each door fill as many seats as the store leaves to this process.

    While the store is lost a process fills what it might before, and at least one seat: the provider may then
    be asked by one too many for each process, which is better than not at all.

    Args:
        somebody_waits: set when a look must not be waited for, as somebody waits or may sit elsewhere.
    """

    def __init__(self, store: SeatStore, doors: Iterable[Door], somebody_waits: asyncio.Event) -> None:
        self._store = store
        self._shares = tuple(_Share(door) for door in doors)
        self._somebody_waits = somebody_waits

    def __repr__(self) -> str:
        return f"<SeatSharing {self._shares}>"

    async def run(self) -> None:
        """Until it is cancelled."""
        while self._shares:
            await asyncio.gather(*(self._divide(share) for share in self._shares))
            with suppress(TimeoutError):
                async with asyncio.timeout(_LOOKS_EVERY_S):
                    await self._somebody_waits.wait()
            self._somebody_waits.clear()

    async def _divide(self, share: "_Share") -> None:
        """
        Asks for what is wanted.

        Meanwhile the door stays open for as many as before: the store is told that these seats are used, as
        they may be by the time it answers. If it leaves fewer it is asked once more, as only then it can be
        told which are not.
        """
        door = share.door
        if not door.queue.wanted and not share.is_held:
            return
        is_told = False
        while not is_told:
            kept = max(door.seats, door.queue.seated)
            try:
                granted = await self._granted(share, kept)
            except (StoreUnavailable, TimeoutError):
                door.resize(max(door.seats, 1))
                return
            door.resize(granted)
            is_told = max(granted, door.queue.seated) >= kept

    async def _granted(self, share: "_Share", kept: int) -> int:
        door, most = share.door, share.door.room.most_at_once
        wanted = min(door.queue.wanted, most)
        share.is_held = True
        async with asyncio.timeout(_PATIENCE_S):
            granted = await self._store.hold_seats(door.name, wanted, used=kept, limit=most, lasts_s=_LASTS_S)
        share.is_held = bool(wanted or kept)
        return granted


@dataclass(slots=True)
class _Share:
    """
    What this process may fill of the seats behind a door.

    Attributes:
        is_held: whether the store may know of any that it wants or holds.
    """

    door: Door
    is_held: bool = False
