"""What processes that serve from one state do again and again to keep one another informed."""

import asyncio
from abc import ABC, abstractmethod
from contextlib import suppress
from typing import ClassVar

from domain.ports.storage import StoreUnavailable


class Sharing(ABC):
    """
    Tells the others something and hears them, every now and then; no request waits for it.

    While the store is lost each process goes by what it knows.
    """

    every_s: ClassVar[float] = 0.4
    """What one process learns the others know after twice that at most."""

    async def run(self) -> None:
        """Until it is cancelled."""
        while True:
            await self.look()
            await asyncio.sleep(self.every_s)

    async def look(self) -> None:
        """Once, as far as the store can be reached."""
        with suppress(StoreUnavailable):
            await self.share()

    @abstractmethod
    async def share(self) -> None:
        """
        Once.

        Raises:
            StoreUnavailable: the others could not be told or heard.
        """
