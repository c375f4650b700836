"""Remembers for as long as the process lives."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from domain.admission.seats import NO_CLAIM, SeatClaim, SeatsAsked, divided
from domain.budget.accounts import Pot
from domain.budget.leases import Balance, Claim, Grant, Holding, grant
from domain.budget.money import NanoUsd
from domain.budget.usage import UsageQuery, UsageRow, UsageTotal, slot_total, totals
from domain.ports.storage import BATCH_KNOWN_S, Charge, Counted
from domain.ports.time import Clock


@dataclass(slots=True)
class Expiring:
    """A value and when it is gone, in seconds since the epoch; ``None`` is never."""

    value: str | int
    until: float | None

    def holds(self, now: float) -> bool:
        return self.until is None or now < self.until


@dataclass(slots=True)
class SharedMemory:
    """What all workers see."""

    holdings: dict[Pot, dict[int, Holding]] = field(default_factory=dict)
    gone: set[int] = field(default_factory=set)
    charged: set[tuple[Pot, int]] = field(default_factory=set)
    records: dict[str, dict[str, Expiring]] = field(default_factory=dict)
    generations: dict[str, int] = field(default_factory=dict)
    counters: dict[str, Expiring] = field(default_factory=dict)
    batches: dict[tuple[str, str], float] = field(default_factory=dict)
    seats: dict[str, dict[int, tuple[SeatClaim, float]]] = field(default_factory=dict)
    usage: dict[tuple[float, str], UsageRow] = field(default_factory=dict)
    workers: int = 0

    def knows(self, counter: str, batch: str, now: float) -> bool:
        """Whether the batch was counted of late; those of long ago are forgotten."""
        while self.batches and next(iter(self.batches.values())) <= now:
            del self.batches[next(iter(self.batches))]
        return (counter, batch) in self.batches


class MemoryStore:
    """Implements `domain.ports.storage.Store`; several that are given the same memory are its workers."""

    def __init__(self, clock: Clock, memory: SharedMemory | None = None) -> None:
        self._clock = clock
        self._memory = memory if memory is not None else SharedMemory()
        self._memory.workers += 1
        self._worker = self._memory.workers

    def __repr__(self) -> str:
        return f"<MemoryStore of worker {self._worker}>"

    async def exchange(self, claims: Sequence[Claim]) -> Sequence[Grant]:
        self._speak()
        return tuple(self._granted(claim) for claim in claims)

    async def mourn(self) -> Sequence[Charge]:
        self._speak()
        return tuple(
            Charge(pot, NanoUsd(unsettled))
            for pot, worker, unsettled in self._unsettled()
            if self._is_first_charge(pot, worker)
        )

    async def incarnation(self) -> str:
        return ""

    async def balances(self, periods: Sequence[str]) -> Sequence[Balance]:
        return tuple(self._balance(pot) for pot in self._memory.holdings if pot.period in periods)

    async def put(self, topic: str, name: str, text: str, *, lasts_s: float | None = None) -> None:
        until = None if lasts_s is None else self._clock.time() + lasts_s
        self._memory.records.setdefault(topic, {})[name] = Expiring(text, until)
        self._changed(topic)

    async def remove(self, topic: str, name: str) -> None:
        if self._memory.records.get(topic, {}).pop(name, None) is not None:
            self._changed(topic)

    async def records(self, topic: str) -> Mapping[str, str]:
        now = self._clock.time()
        found = self._memory.records.get(topic, {})
        return {name: str(record.value) for name, record in found.items() if record.holds(now)}

    async def generation(self, topic: str) -> int:
        return self._memory.generations.get(topic, 0)

    async def count(
        self, name: str, amount: int, *, lasts_s: float, most: int | None = None, batch: str = ""
    ) -> Counted:
        now = self._clock.time()
        if batch and self._memory.knows(name, batch, now):
            return Counted(await self.counted(name), taken=True)
        known = self._memory.counters.get(name)
        if known is None or not known.holds(now):
            known = self._memory.counters[name] = Expiring(0, now + lasts_s)
        total = int(known.value) + amount
        if most is not None and amount > 0 and total > most:
            return Counted(int(known.value), taken=False)
        known.value = total
        if batch:
            self._memory.batches[name, batch] = now + BATCH_KNOWN_S
        return Counted(total, taken=True)

    async def counted(self, name: str) -> int:
        known = self._memory.counters.get(name)
        return int(known.value) if known is not None and known.holds(self._clock.time()) else 0

    async def hold_seats(self, name: str, wanted: int, *, used: int, limit: int, lasts_s: float) -> int:
        now = self._clock.time()
        seats = self._memory.seats.setdefault(name, {})
        claims = {worker: claim for worker, (claim, until) in seats.items() if now < until}
        own = claims.pop(self._worker, NO_CLAIM)
        asked = SeatsAsked(wanted=wanted, used=used, limit=limit, now=now)
        division = divided(asked, own, tuple(claims.values()))
        seats[self._worker] = (division.claim, now + lasts_s)
        return division.granted

    async def log_usage(self, rows: Sequence[UsageRow]) -> None:
        for row in rows:
            self._memory.usage[row.at, row.id] = row

    async def usage(self, query: UsageQuery) -> Sequence[UsageTotal]:
        rows = (row for row in self._memory.usage.values() if query.since <= row.at < query.until)
        return totals(map(slot_total, rows), query)

    async def forget_usage(self, before: float) -> None:
        for key in [key for key in self._memory.usage if key[0] < before]:
            del self._memory.usage[key]

    async def aclose(self) -> None:
        for held in self._memory.holdings.values():
            if self._worker in held:
                held[self._worker] = _settled(held[self._worker])
        for seats in self._memory.seats.values():
            seats.pop(self._worker, None)

    def die(self) -> None:
        """What the end of a process does to a worker."""
        self._memory.gone.add(self._worker)

    def _speak(self) -> None:
        self._memory.gone.discard(self._worker)
        self._memory.charged = {one for one in self._memory.charged if one[1] != self._worker}

    def _granted(self, claim: Claim) -> Grant:
        held = self._memory.holdings.setdefault(claim.pot, {})
        others = _sum(self._counted(claim.pot, worker) for worker in held if worker != self._worker)
        found = grant(claim, others)
        held[self._worker] = Holding(spent=claim.spent, estimated=claim.estimated, held=found.held)
        return found

    def _counted(self, pot: Pot, worker: int) -> Holding:
        held = self._memory.holdings[pot][worker]
        return held.charged() if (pot, worker) in self._memory.charged else held

    def _unsettled(self) -> Iterable[tuple[Pot, int, int]]:
        for pot, held in self._memory.holdings.items():
            for worker in held.keys() & self._memory.gone:
                unsettled = held[worker].committed - held[worker].spent
                if unsettled > 0:
                    yield pot, worker, unsettled

    def _is_first_charge(self, pot: Pot, worker: int) -> bool:
        if (pot, worker) in self._memory.charged:
            return False
        self._memory.charged.add((pot, worker))
        return True

    def _balance(self, pot: Pot) -> Balance:
        total = _sum(self._counted(pot, worker) for worker in self._memory.holdings[pot])
        return Balance(
            pot=pot,
            settled=NanoUsd(total.spent),
            estimated=NanoUsd(total.estimated),
            lent=NanoUsd(total.held - total.spent),
        )

    def _changed(self, topic: str) -> None:
        self._memory.generations[topic] = self._memory.generations.get(topic, 0) + 1


def _settled(holding: Holding) -> Holding:
    return Holding(spent=holding.spent, estimated=holding.estimated, held=holding.spent)


def _sum(holdings: Iterable[Holding]) -> Holding:
    spent = estimated = held = 0
    for one in holdings:
        spent += one.spent
        estimated += one.estimated
        held += one.committed
    return Holding(spent=spent, estimated=estimated, held=held)
