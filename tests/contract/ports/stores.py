"""The stores that must keep the promises of `domain.ports.storage`, several workers of each."""

from abc import abstractmethod
from pathlib import Path
from typing import Protocol

from domain.ports.storage import Store
from infrastructure.state.memory import MemoryStore, SharedMemory
from infrastructure.state.sqlite import SqliteStore
from tests.fakes.fixed_clock import FixedClock


class Stores(Protocol):
    """Opens stores that share what they know, and ends one as the end of its process would."""

    clock: FixedClock

    @abstractmethod
    def worker(self) -> Store:
        """Another worker."""

    @abstractmethod
    async def kill(self, worker: Store) -> None:
        """The worker is gone without a word, and others may know."""

    @abstractmethod
    async def aclose(self) -> None:
        """Ends what is left."""


class MemoryStores:
    """Workers in one process."""

    def __init__(self) -> None:
        self.clock = FixedClock()
        self._memory = SharedMemory()

    def worker(self) -> MemoryStore:
        return MemoryStore(self.clock, self._memory)

    async def kill(self, worker: Store) -> None:
        assert isinstance(worker, MemoryStore)
        worker.die()

    async def aclose(self) -> None:
        pass


class SqliteStores:
    """Workers at one file."""

    def __init__(self, folder: Path) -> None:
        self.clock = FixedClock()
        self._path = folder / "some where" / "state.db"
        self._workers: list[SqliteStore] = []

    def worker(self) -> SqliteStore:
        self._workers.append(SqliteStore(self._path, self.clock))
        return self._workers[-1]

    async def kill(self, worker: Store) -> None:
        """All that the end of a process does is that the kernel lets go of its locks."""
        assert isinstance(worker, SqliteStore)
        await worker._writer.aclose()
        worker._slots.give_up()
        self._workers.remove(worker)

    async def aclose(self) -> None:
        for worker in self._workers:
            await worker.aclose()
