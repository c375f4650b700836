"""
Remembers in a Valkey or Redis server, which several gateways share.

What must happen in one step is a script that runs on the server. Every figure of a worker replaces what it
said before, so what is asked again after a lost answer changes nothing. How safe what was answered is, the
server's configuration says (``appendonly``, ``appendfsync``).
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import fields
from itertools import count
from operator import attrgetter
from typing import Any
from uuid import uuid4

import msgspec

from domain.admission.seats import TURN_S
from domain.budget.accounts import Account, AccountKind, BudgetMode, Pot
from domain.budget.leases import SHARE_AHEAD, Balance, Claim, Grant, Holding
from domain.budget.money import NanoUsd
from domain.budget.periods import Span
from domain.budget.usage import SlotTotal, UsageQuery, UsageRow, UsageTotal, slot_total, totals
from domain.ports.storage import BATCH_KNOWN_S, Charge, Counted, StoreUnavailable
from domain.ports.time import Clock
from infrastructure.state.valkey_server import Script, ValkeyServer, Word

PREFIX = "{coderouter}:"
"""Of all keys; the braces keep them in one slot of a cluster."""

FORM = 1
"""What the keys look like; a newer version may write another."""

LIVES_S = 15.0
"""A worker that has said nothing for so long is gone."""

_KEPT_S = 400 * 86_400
"""A pot is looked at while its month or day lasts, and kept for whoever wants to compare years."""

_OVERTIME_S = 3600.0
"""What ends by the clocks of the gateways is dropped by that of the server, which may go otherwise, later."""

_AT_ONCE = 2000


class ValkeyStore:
    """Implements `domain.ports.storage.Store`. The server is looked for when somebody asks for anything."""

    def __init__(self, url: str, clock: Clock) -> None:
        self._server = ValkeyServer(url)
        self._clock = clock
        self._worker = uuid4().hex
        self._arrived = False
        self._exchange = self._server.script("speak", "exchange")
        self._mourn = self._server.script("speak", "mourn")
        self._leave = self._server.script("speak", "leave")
        self._hold_seats = self._server.script("speak", "hold_seats")
        self._count = self._server.script("count")
        self._forget_ended = self._server.script("forget_ended")
        self._put = self._server.script("put")
        self._remove = self._server.script("remove")

    def __repr__(self) -> str:
        return f"<ValkeyStore of worker {self._worker} in {self._server!r}>"

    async def exchange(self, claims: Sequence[Claim]) -> Sequence[Grant]:
        told = msgspec.json.encode([_claim(claim) for claim in claims])
        answers = await self._run(self._exchange, told, SHARE_AHEAD)
        return tuple(
            Grant(pot=claim.pot, held=held, settled=settled, estimated=estimated, committed=committed)
            for claim, answer in zip(claims, answers, strict=True)
            for held, settled, estimated, committed in [map(NanoUsd, map(int, answer))]
        )

    async def mourn(self) -> Sequence[Charge]:
        charges = await self._run(self._mourn)
        await self._drop_ended_records()
        return tuple(Charge(_pot(pot), NanoUsd(int(amount))) for pot, amount in charges)

    async def incarnation(self) -> str:
        """The server's own name for its process; some servers keep that to themselves."""
        with suppress(StoreUnavailable):
            told = await self._server.do("INFO", "server")
            return str(told.get("run_id", ""))
        return ""

    async def balances(self, periods: Sequence[str]) -> Sequence[Balance]:
        await self._arrive()
        pots = [
            pot
            for period in dict.fromkeys(periods)
            for pot in await self._server.do("SMEMBERS", _key("pots", period))
        ]
        return tuple([_balance(pot, await self._server.do("HGETALL", _key("pot", pot))) for pot in pots])

    async def put(self, topic: str, name: str, text: str, *, lasts_s: float | None = None) -> None:
        await self._arrive()
        until = "" if lasts_s is None else repr(self._clock.time() + lasts_s)
        keys = [_key("topics"), _key("records", topic), _key("generation", topic)]
        await self._put.run(keys, topic, name, f"{until}|{text}")

    async def remove(self, topic: str, name: str) -> None:
        await self._arrive()
        await self._remove.run([_key("records", topic), _key("generation", topic)], name)

    async def records(self, topic: str) -> Mapping[str, str]:
        await self._arrive()
        found = await self._server.do("HGETALL", _key("records", topic))
        now = self._clock.time()
        parted = ((name, *value.partition("|")) for name, value in found.items())
        return {name: text for name, until, _, text in parted if not until or now < float(until)}

    async def generation(self, topic: str) -> int:
        await self._arrive()
        return int(await self._server.do("GET", _key("generation", topic)) or 0)

    async def count(
        self, name: str, amount: int, *, lasts_s: float, most: int | None = None, batch: str = ""
    ) -> Counted:
        await self._arrive()
        now = self._clock.time()
        bound = "" if most is None else most
        kept_ms = int((lasts_s + _OVERTIME_S) * 1000)
        total, taken = await self._count.run(
            [_key("counter", name), _key("batch", name, batch)],
            amount,
            repr(now),
            repr(now + lasts_s),
            bound,
            kept_ms,
            int(BATCH_KNOWN_S * 1000) if batch else 0,
        )
        return Counted(int(total), taken=bool(taken))

    async def counted(self, name: str) -> int:
        await self._arrive()
        total, ends = await self._server.do("HMGET", _key("counter", name), "total", "ends")
        return int(total) if total and self._clock.time() < float(ends) else 0

    async def hold_seats(self, name: str, wanted: int, *, used: int, limit: int, lasts_s: float) -> int:
        return int(await self._run(self._hold_seats, name, wanted, used, limit, lasts_s, TURN_S))

    async def log_usage(self, rows: Sequence[UsageRow]) -> None:
        await self._arrive()
        for at in range(0, len(rows), _AT_ONCE):
            told: list[Word] = []
            for row in rows[at : at + _AT_ONCE]:
                told += (repr(row.at), msgspec.json.encode(_figures(row)))
            await self._server.do("ZADD", _key("usage"), *told)

    async def usage(self, query: UsageQuery) -> Sequence[UsageTotal]:
        await self._arrive()
        return totals([slot async for slot in self._slots(query)], query)

    async def forget_usage(self, before: float) -> None:
        await self._arrive()
        await self._server.do("ZREMRANGEBYSCORE", _key("usage"), "-inf", f"({before!r}")

    async def aclose(self) -> None:
        """See `domain.ports.storage.Store`."""
        if self._arrived:
            with suppress(StoreUnavailable):
                await self._run(self._leave)
        await self._server.aclose()

    async def _run(self, script: Script, *args: Word) -> Any:
        """What a worker does in its own name."""
        await self._arrive()
        return await script.run([], PREFIX, self._worker, int(LIVES_S * 1000), _KEPT_S, *args)

    async def _arrive(self) -> None:
        if self._arrived:
            return
        await self._server.do("SET", _key("form"), FORM, "NX")
        form = int(await self._server.do("GET", _key("form")))
        if form > FORM:
            raise StoreUnavailable(
                f"{self._server!r}: its form is {form}, this version knows {FORM}: start the newer one again"
            )
        self._arrived = True

    async def _drop_ended_records(self) -> None:
        now = repr(self._clock.time())
        for topic in await self._server.do("SMEMBERS", _key("topics")):
            await self._forget_ended.run([_key("records", topic)], now)

    async def _slots(self, query: UsageQuery) -> AsyncIterator[SlotTotal]:
        """Some rows at a time, as one large answer would keep everybody else waiting."""
        key, since, until = _key("usage"), repr(query.since), f"({query.until!r}"
        for start in count(0, _AT_ONCE):
            rows = await self._server.do("ZRANGEBYSCORE", key, since, until, "LIMIT", start, _AT_ONCE)
            for row in rows:
                yield slot_total(_row(row))
            if len(rows) < _AT_ONCE:
                return


def _key(*parts: str) -> str:
    return PREFIX + ":".join(parts)


def _claim(claim: Claim) -> dict[str, Any]:
    return {
        "pot": _pot_text(claim.pot),
        "period": claim.pot.period,
        "spent": claim.spent,
        "estimated": claim.estimated,
        "held": claim.held,
        "needs": claim.needs,
        "ahead": claim.ahead,
        "cap": -1 if claim.cap is None else claim.cap,
        "soft": claim.mode is BudgetMode.SOFT,
    }


def _pot_text(pot: Pot) -> str:
    return msgspec.json.encode([pot.account.kind, pot.account.name, pot.span, pot.period]).decode()


def _pot(text: str) -> Pot:
    kind, name, span, period = msgspec.json.decode(text)
    return Pot(Account(AccountKind(kind), name), Span(span), period)


def _balance(pot: str, found: Mapping[str, str]) -> Balance:
    holdings = [_holding(text) for text in found.values()]
    settled = sum(one.spent for one in holdings)
    return Balance(
        pot=_pot(pot),
        settled=NanoUsd(settled),
        estimated=NanoUsd(sum(one.estimated for one in holdings)),
        lent=NanoUsd(sum(one.committed for one in holdings) - settled),
    )


def _holding(text: str) -> Holding:
    spent, estimated, held, charged = map(int, text.split(":"))
    holding = Holding(spent=spent, estimated=estimated, held=held)
    return holding.charged() if charged else holding


_COLUMNS = tuple(field.name for field in fields(UsageRow))
_figures = attrgetter(*_COLUMNS)


def _row(text: str) -> UsageRow:
    """Rows that were written before there was a column lack it."""
    return UsageRow(**dict(zip(_COLUMNS, msgspec.json.decode(text), strict=False)))
