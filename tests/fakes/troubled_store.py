"""A store in memory whose disk is slow or full when a test says so."""

import asyncio
from collections.abc import Sequence

from domain.budget.leases import Balance, Claim, Grant
from domain.budget.usage import UsageRow
from domain.ports.storage import Charge, StoreUnavailable
from infrastructure.state.memory import MemoryStore


class TroubledStore(MemoryStore):
    """
    Writes, tells balances and divides seats as a `MemoryStore` does, but takes its time or refuses.

    Attributes:
        takes_s: how long that takes each time.
        trouble: why none succeeds; empty when they do.
        exchanges: how often claims were answered.
    """

    takes_s = 0.0
    trouble = ""
    exchanges = 0

    async def exchange(self, claims: Sequence[Claim]) -> Sequence[Grant]:
        await self._struggle()
        self.exchanges += 1
        return await super().exchange(claims)

    async def mourn(self) -> Sequence[Charge]:
        await self._struggle()
        return await super().mourn()

    async def hold_seats(self, name: str, wanted: int, *, used: int, limit: int, lasts_s: float) -> int:
        await self._struggle()
        return await super().hold_seats(name, wanted, used=used, limit=limit, lasts_s=lasts_s)

    async def log_usage(self, rows: Sequence[UsageRow]) -> None:
        await self._struggle()
        await super().log_usage(rows)

    async def balances(self, periods: Sequence[str]) -> Sequence[Balance]:
        await self._struggle()
        return await super().balances(periods)

    async def _struggle(self) -> None:
        await asyncio.sleep(self.takes_s)
        if self.trouble:
            raise StoreUnavailable(self.trouble)
