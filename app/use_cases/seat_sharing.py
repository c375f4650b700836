"""Divides the seats of busy providers between the processes that serve from one state."""

import asyncio
from collections.abc import Iterable
from contextlib import suppress

from app.use_cases.admission import Door
from domain.ports.storage import SeatStore, StoreUnavailable

_LASTS_S = 10.0
"""How long seats stay with a process that says no more; it renews them three times in that span."""

_LOOKS_EVERY_S = 0.2


class SeatSharing:
    """
    Keeps the seats of each door at what the store leaves to this process.

    While the store is lost a process keeps what it had, and at least one seat: the provider may then be asked
    by one too many for each process, which is better than not at all.

    Args:
        somebody_waits: set by whoever lets people wait; the next look is not waited for then.
    """

    def __init__(self, store: SeatStore, doors: Iterable[Door], somebody_waits: asyncio.Event) -> None:
        self._store = store
        self._doors = tuple(doors)
        self._held: dict[str, int] = {door.name: 0 for door in self._doors}
        self._renewed_at: dict[str, float] = {}
        self._somebody_waits = somebody_waits

    def __repr__(self) -> str:
        return f"<SeatSharing {self._held}>"

    async def run(self) -> None:
        """Until it is cancelled."""
        while self._doors:
            for door in self._doors:
                await self._divide(door)
            with suppress(TimeoutError):
                async with asyncio.timeout(_LOOKS_EVERY_S):
                    await self._somebody_waits.wait()
            self._somebody_waits.clear()

    async def _divide(self, door: Door) -> None:
        now = asyncio.get_running_loop().time()
        held = self._held[door.name]
        wanted = min(door.queue.wanted, door.room.most_at_once)
        is_due = now - self._renewed_at.get(door.name, -_LASTS_S) >= _LASTS_S / 3
        if wanted == held and not (held and is_due):
            return
        try:
            held = await self._store.hold_seats(
                door.name, wanted, limit=door.room.most_at_once, lasts_s=_LASTS_S
            )
        except StoreUnavailable:
            held = max(held, 1)
        self._held[door.name] = held
        self._renewed_at[door.name] = now
        door.resize(held)
