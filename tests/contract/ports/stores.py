"""The stores that must keep the promises of `domain.ports.storage`, several workers of each."""

from abc import abstractmethod
from pathlib import Path
from typing import Protocol

from domain.ports.storage import Store
from infrastructure.state.memory import MemoryStore, SharedMemory
from infrastructure.state.sqlite import SqliteStore
from infrastructure.state.valkey import PREFIX, ValkeyStore
from infrastructure.state.valkey_server import ValkeyServer
from tests.fakes.fixed_clock import FixedClock

_GROW_OLDER = """
for _, key in ipairs(redis.call('KEYS', ARGV[1])) do
  local found = redis.call('HGETALL', key)
  for at = 1, #found, 2 do
    local figures, since, ends = string.match(found[at + 1], '^(.*):([^:]+):([^:]+)$')
    local older = string.format('%s:%.6f:%.6f', figures, since - ARGV[2], ends - ARGV[2])
    redis.call('HSET', key, found[at], older)
  end
end
"""
"""What a server knows of seats, as if everything had been so many seconds earlier."""


class Stores(Protocol):
    """Opens stores that share what they know, and ends one as the end of its process would."""

    clock: FixedClock

    @abstractmethod
    def worker(self) -> Store:
        """Another worker."""

    @abstractmethod
    async def wait(self, seconds: float) -> None:
        """So much time passes for the workers, and for whoever keeps what they share."""

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

    async def wait(self, seconds: float) -> None:
        self.clock.advance(seconds)

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

    async def wait(self, seconds: float) -> None:
        self.clock.advance(seconds)

    async def kill(self, worker: Store) -> None:
        """All that the end of a process does is that the kernel lets go of its locks."""
        assert isinstance(worker, SqliteStore)
        await worker._writer.aclose()
        worker._slots.give_up()
        self._workers.remove(worker)

    async def aclose(self) -> None:
        for worker in self._workers:
            await worker.aclose()


class ValkeyStores:
    """Workers at one server."""

    def __init__(self, url: str) -> None:
        self.clock = FixedClock()
        self._url = url
        self._workers: list[ValkeyStore] = []

    def worker(self) -> ValkeyStore:
        self._workers.append(ValkeyStore(self._url, self.clock))
        return self._workers[-1]

    async def wait(self, seconds: float) -> None:
        """Nobody can advance the clock of the server, but what it knows by that clock can grow older."""
        self.clock.advance(seconds)
        server = ValkeyServer(self._url)
        await server.do("EVAL", _GROW_OLDER, 0, f"{PREFIX}claims:*", repr(seconds))
        await server.aclose()

    async def kill(self, worker: Store) -> None:
        """It says nothing any more, and the time in which it is believed to live is over."""
        assert isinstance(worker, ValkeyStore)
        await worker._server.do("DEL", f"{PREFIX}alive:{worker._worker}")
        await worker._server.aclose()
        self._workers.remove(worker)

    async def aclose(self) -> None:
        for worker in self._workers:
            await worker.aclose()


async def emptied(url: str) -> str:
    """The address of a server that has forgotten all it knew."""
    server = ValkeyServer(url)
    await server.do("FLUSHALL")
    await server.aclose()
    return url
