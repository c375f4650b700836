"""Remembers in a file: on by default, and enough for all workers of one machine."""

import asyncio
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import TypeVar

from domain.admission.seats import SeatsAsked
from domain.budget.leases import Balance, Claim, Grant
from domain.budget.usage import UsageQuery, UsageRow, UsageTotal
from domain.ports.storage import Charge, Counted, StoreUnavailable
from domain.ports.time import Clock
from infrastructure.state import sqlite_ledger, sqlite_shared, sqlite_usage
from infrastructure.state.sqlite_writer import Care, SqliteWriter, connected
from infrastructure.state.worker_slots import WorkerSlots

Found = TypeVar("Found")

_FLEETING_S = 60.0
"""A record that is over by the time a machine is back after a power cut need not have survived it."""


class SqliteStore:
    """Implements `domain.ports.storage.Store`. The file is opened by the first who asks for anything."""

    def __init__(self, path: Path, clock: Clock) -> None:
        self._path = path
        self._clock = clock
        self._writer = SqliteWriter(path)
        self._slots = WorkerSlots(path)
        self._arriving = asyncio.Lock()
        self._arrived = False
        self._inherited: tuple[Charge, ...] = ()

    def __repr__(self) -> str:
        return f"<SqliteStore in {self._path} with {self._slots!r}>"

    async def exchange(self, claims: Sequence[Claim]) -> Sequence[Grant]:
        return await self._worker_writes(
            lambda connection, worker: sqlite_ledger.granted(connection, worker, claims), Care.DURABLE
        )

    async def mourn(self) -> Sequence[Charge]:
        now = self._clock.time()

        def mourn(connection: sqlite3.Connection, _worker: int) -> Sequence[Charge]:
            sqlite_shared.forget_ended(connection, now)
            return self._mourn(connection)

        charges = await self._worker_writes(mourn, Care.DURABLE)
        inherited, self._inherited = self._inherited, ()
        return (*inherited, *charges)

    async def incarnation(self) -> str:
        """A file that is in use is not put back to what it was."""
        return ""

    async def balances(self, periods: Sequence[str]) -> Sequence[Balance]:
        return await self._reads(lambda connection: sqlite_ledger.balances(connection, periods))

    async def put(self, topic: str, name: str, text: str, *, lasts_s: float | None = None) -> None:
        until = None if lasts_s is None else self._clock.time() + lasts_s
        is_fleeting = lasts_s is not None and lasts_s <= _FLEETING_S
        await self._writer.run(
            lambda connection: sqlite_shared.put(connection, topic, name, text, until),
            Care.WRITE if is_fleeting else Care.DURABLE,
        )

    async def remove(self, topic: str, name: str) -> None:
        await self._writer.run(lambda connection: sqlite_shared.remove(connection, topic, name), Care.DURABLE)

    async def records(self, topic: str) -> Mapping[str, str]:
        now = self._clock.time()
        return await self._reads(lambda connection: sqlite_shared.records(connection, topic, now))

    async def generation(self, topic: str) -> int:
        return await self._reads(lambda connection: sqlite_shared.generation(connection, topic))

    async def count(
        self, name: str, amount: int, *, lasts_s: float, most: int | None = None, batch: str = ""
    ) -> Counted:
        now = self._clock.time()
        return await self._writer.run(
            lambda connection: sqlite_shared.count(
                connection, name, amount, now=now, until=now + lasts_s, most=most, batch=batch
            ),
            Care.WRITE,
        )

    async def counted(self, name: str) -> int:
        now = self._clock.time()
        return await self._reads(lambda connection: sqlite_shared.counted(connection, name, now) or 0)

    async def hold_seats(self, name: str, wanted: int, *, used: int, limit: int, lasts_s: float) -> int:
        asked = SeatsAsked(wanted=wanted, used=used, limit=limit, now=self._clock.time())
        return await self._worker_writes(
            lambda connection, worker: sqlite_shared.hold_seats(
                connection, name, asked, worker=worker, lasts_s=lasts_s
            ),
            Care.WRITE,
        )

    async def log_usage(self, rows: Sequence[UsageRow]) -> None:
        await self._writer.run(lambda connection: sqlite_usage.insert(connection, rows), Care.WRITE)

    async def usage(self, query: UsageQuery) -> Sequence[UsageTotal]:
        """On a connection of its own: adding up a large log must not keep money waiting."""
        await self._reads(lambda _connection: None)
        return await asyncio.to_thread(self._usage, query)

    async def forget_usage(self, before: float) -> None:
        while await self._writer.run(lambda connection: sqlite_usage.forget(connection, before), Care.WRITE):
            pass

    async def aclose(self) -> None:
        """See `domain.ports.storage.Store`."""
        if self._arrived:
            with suppress(StoreUnavailable):
                await self._writer.run(self._leave, Care.DURABLE)
        await self._writer.aclose()
        self._slots.give_up()

    async def _reads(self, job: Callable[[sqlite3.Connection], Found]) -> Found:
        return await self._writer.run(job, Care.READ)

    async def _worker_writes(self, job: Callable[[sqlite3.Connection, int], Found], care: Care) -> Found:
        """For what a worker does in its own name."""
        async with self._arriving:
            if not self._arrived:
                self._inherited = await self._writer.run(self._arrive, Care.DURABLE)
                self._arrived = True
        return await self._writer.run(lambda connection: job(connection, self._slots.own), care)

    def _arrive(self, connection: sqlite3.Connection) -> tuple[Charge, ...]:
        """What a predecessor with the same number was lent must not be taken for one's own."""
        return sqlite_ledger.charged(connection, (self._slots.take(),))

    def _mourn(self, connection: sqlite3.Connection) -> Sequence[Charge]:
        others = (worker for worker in sqlite_ledger.workers(connection) if worker != self._slots.own)
        return sqlite_ledger.charged(connection, self._slots.gone(others))

    def _leave(self, connection: sqlite3.Connection) -> None:
        sqlite_ledger.given_up(connection, self._slots.own)
        sqlite_shared.leave_seats(connection, self._slots.own)

    def _usage(self, query: UsageQuery) -> Sequence[UsageTotal]:
        try:
            with closing(connected(self._path)) as connection:
                return sqlite_usage.sums(connection, query)
        except sqlite3.Error as error:
            raise StoreUnavailable(f"{self._path}: {error}") from error
