"""
Remembering what must outlive a process, and sharing it between workers.

Every operation is one step: it happens wholly or not at all, and no other worker sees it halfway. None waits
for anything but the store. What cannot be done for the store's sake raises `StoreUnavailable`; the same may
be asked again later, and having been asked twice changes nothing unless the operation says otherwise.
"""

from collections.abc import AsyncGenerator, Mapping, Sequence
from typing import Protocol

from domain.budget.accounts import Pot
from domain.budget.leases import Balance, Claim, Grant
from domain.budget.money import NanoUsd
from domain.budget.usage import UsageQuery, UsageRow, UsageTotal
from domain.values import value


class StoreUnavailable(Exception):
    """The store cannot be reached, or cannot write; the message says why, in words fit for a log."""


@value
class Charge:
    """What a worker that is gone had been lent of a pot and not settled; it counts as spent now."""

    pot: Pot
    amount: NanoUsd


class LedgerStore(Protocol):
    """
    Lends pots to workers. Each open store is one worker.

    What was answered is on the disk, or in as safe a place as the store has.
    """

    async def exchange(self, claims: Sequence[Claim]) -> Sequence[Grant]:
        """The answers to a worker's claims, in their order."""
        ...

    async def mourn(self) -> Sequence[Charge]:
        """
        Charges what is lent to workers that are gone, and tells what that was.

        To be called at the start and every few seconds: it is also how others know that this worker lives.
        Should one that was believed gone speak again, its charges are taken back.
        """
        ...

    async def incarnation(self) -> str:
        """
        Another one each time the store may have forgotten what it was told, as a server has that was started
        again from an older copy of its data; empty where that cannot be told.
        """
        ...

    async def balances(self, periods: Sequence[str]) -> Sequence[Balance]:
        """How all pots of these periods stand, such as ``2026-07`` and ``2026-07-31``."""
        ...


class RecordStore(Protocol):
    """Small records under a topic and a name, such as a key or a cooldown; their text is the caller's."""

    async def put(self, topic: str, name: str, text: str, *, lasts_s: float | None = None) -> None:
        """
        Writes a record in the place of an earlier one; it is gone after ``lasts_s``, if given.

        One that lasts no longer than a minute may be lost when the power is.
        """
        ...

    async def remove(self, topic: str, name: str) -> None:
        """Removes a record, if it is there."""
        ...

    async def records(self, topic: str) -> Mapping[str, str]:
        """All records of a topic, by name."""
        ...

    async def generation(self, topic: str) -> int:
        """A number that grows whenever a record of the topic is put or removed; expiry does not count."""
        ...


@value
class Counted:
    """A counter's total, and whether the amount is in it."""

    total: int
    taken: bool


BATCH_KNOWN_S = 3600.0
"""How long a store knows a batch that it has counted."""


class CounterStore(Protocol):
    """Counts what all workers do, for a time."""

    async def count(
        self, name: str, amount: int, *, lasts_s: float, most: int | None = None, batch: str = ""
    ) -> Counted:
        """
        Adds to a counter, unless its total would exceed ``most``; a negative amount always goes in.

        A counter begins with its first amount and ends ``lasts_s`` later, whatever was added in between. An
        amount with the name of a ``batch`` is counted once within an hour, however often it is told: whoever
        had no answer cannot know whether it was. Without one, counting twice is not counting once.
        """
        ...

    async def counted(self, name: str) -> int:
        """A counter's total; 0 for one that has not begun or has ended."""
        ...


class SeatStore(Protocol):
    """Shares a limited number of places between workers."""

    async def hold_seats(self, name: str, wanted: int, *, used: int, limit: int, lasts_s: float) -> int:
        """
        How many of ``limit`` seats this worker may fill now, as `domain.admission.seats` divides them.

        What it held before is given up for them, but for those that are ``used``. Seats that are not held
        anew for ``lasts_s`` are free again, and what was wanted is forgotten.
        """
        ...


class UsageStore(Protocol):
    """The usage log: a row for each request, kept for as long as the configuration says."""

    async def log_usage(self, rows: Sequence[UsageRow]) -> None:
        """Keeps rows; one whose time and id it has already is the same row."""
        ...

    async def usage(self, query: UsageQuery) -> Sequence[UsageTotal]:
        """Sums over rows, in the order of their groups."""
        ...

    async def forget_usage(self, before: float) -> None:
        """Drops the rows of requests that were over before this moment."""
        ...


class Snapshots(Protocol):
    """Copies of the state as it is at one moment."""

    def snapshot(self) -> AsyncGenerator[bytes, None]:
        """
        The copy, in pieces, each as it is wanted. Whoever asks for it closes it.

        Raises:
            StoreUnavailable: the state cannot be copied.
        """
        ...


class Store(LedgerStore, RecordStore, CounterStore, SeatStore, UsageStore, Protocol):
    """All of it in one place."""

    async def aclose(self) -> None:
        """Leaves: nothing remains lent to this worker. Never raises."""
        ...
