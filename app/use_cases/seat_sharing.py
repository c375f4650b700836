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
        door, used = share.door, share.door.queue.seated
        wanted = min(door.queue.wanted, door.room.most_at_once)
        if not wanted and not share.is_held:
            return
        if not share.is_lost:  # until the store answers nobody else may sit than it hears of
            door.resize(min(door.seats, used))
        share.is_held = True
        try:
            async with asyncio.timeout(_PATIENCE_S):
                share.granted = await self._store.hold_seats(
                    door.name, wanted, used=used, limit=door.room.most_at_once, lasts_s=_LASTS_S
                )
        except (StoreUnavailable, TimeoutError):
            share.is_lost, share.granted = True, max(share.granted, 1)
        else:
            share.is_lost, share.is_held = False, bool(wanted or used)
        door.resize(share.granted)


@dataclass(slots=True)
class _Share:
    """
    What this process may fill of the seats behind a door.

    Attributes:
        is_held: whether the store may know of any that it wants or holds.
        is_lost: whether the store did not answer of late.
    """

    door: Door
    granted: int = 0
    is_held: bool = False
    is_lost: bool = False
