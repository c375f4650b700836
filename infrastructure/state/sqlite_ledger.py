"""Pots and what workers hold of them, as rows; worker 0 is what all that are gone have spent."""

import sqlite3
from collections.abc import Iterable, Sequence

from domain.budget.accounts import Account, AccountKind, Pot
from domain.budget.leases import Balance, Claim, Grant, Holding, grant
from domain.budget.money import NanoUsd
from domain.budget.periods import Span
from domain.ports.storage import Charge

_NOBODY = 0

_OTHERS = """
SELECT coalesce(sum(spent), 0), coalesce(sum(estimated), 0), coalesce(sum(max(spent, held)), 0) FROM holdings
WHERE period = ? AND kind = ? AND name = ? AND span = ? AND worker != ?
"""
_INSERT = """
INSERT INTO holdings (period, kind, name, span, worker, spent, estimated, held)
VALUES (?, ?, ?, ?, ?, ?, ?, ?)
"""
_HOLD = f"""
{_INSERT} ON CONFLICT DO UPDATE
SET spent = excluded.spent, estimated = excluded.estimated, held = excluded.held
"""
_BEQUEATH = f"""
{_INSERT} ON CONFLICT DO UPDATE
SET spent = spent + excluded.spent, estimated = estimated + excluded.estimated, held = held + excluded.held
"""
_BALANCES = """
SELECT period, kind, name, span, sum(spent), sum(estimated), sum(max(spent, held)) - sum(spent) FROM holdings
WHERE period = ? GROUP BY period, kind, name, span
"""
_OF_WORKER = "SELECT period, kind, name, span, spent, estimated, held FROM holdings WHERE worker = ?"


def granted(connection: sqlite3.Connection, worker: int, claims: Sequence[Claim]) -> tuple[Grant, ...]:
    """The answers to a worker's claims."""
    return tuple(_granted(connection, worker, claim) for claim in claims)


def workers(connection: sqlite3.Connection) -> tuple[int, ...]:
    """All that hold anything, living or not."""
    rows = connection.execute("SELECT DISTINCT worker FROM holdings WHERE worker != ?", (_NOBODY,))
    return tuple(worker for (worker,) in rows)


def charged(connection: sqlite3.Connection, gone: Iterable[int]) -> tuple[Charge, ...]:
    """What was lent to workers that are gone counts as spent."""
    charges: list[Charge] = []
    for worker in gone:
        for pot, holding in _of_worker(connection, worker):
            unsettled = holding.committed - holding.spent
            if unsettled:
                charges.append(Charge(pot, NanoUsd(unsettled)))
            _bequeath(connection, pot, holding.charged())
        connection.execute("DELETE FROM holdings WHERE worker = ?", (worker,))
    return tuple(charges)


def given_up(connection: sqlite3.Connection, worker: int) -> None:
    """A worker leaves in good order: what it has spent stays, what it was lent is free."""
    for pot, holding in _of_worker(connection, worker):
        settled = Holding(spent=holding.spent, estimated=holding.estimated, held=holding.spent)
        _bequeath(connection, pot, settled)
    connection.execute("DELETE FROM holdings WHERE worker = ?", (worker,))


def balances(connection: sqlite3.Connection, periods: Sequence[str]) -> tuple[Balance, ...]:
    """How all pots of these periods stand."""
    return tuple(
        Balance(pot=_pot(*key), settled=NanoUsd(spent), estimated=NanoUsd(estimated), lent=NanoUsd(lent))
        for period in dict.fromkeys(periods)
        for *key, spent, estimated, lent in connection.execute(_BALANCES, (period,))
    )


def _granted(connection: sqlite3.Connection, worker: int, claim: Claim) -> Grant:
    key = _key(claim.pot)
    spent, estimated, committed = connection.execute(_OTHERS, (*key, worker)).fetchone()
    found = grant(claim, Holding(spent=spent, estimated=estimated, held=committed))
    connection.execute(_HOLD, (*key, worker, claim.spent, claim.estimated, found.held))
    return found


def _bequeath(connection: sqlite3.Connection, pot: Pot, holding: Holding) -> None:
    if holding.spent:
        figures = (holding.spent, holding.estimated, holding.held)
        connection.execute(_BEQUEATH, (*_key(pot), _NOBODY, *figures))


def _of_worker(connection: sqlite3.Connection, worker: int) -> list[tuple[Pot, Holding]]:
    rows = connection.execute(_OF_WORKER, (worker,)).fetchall()
    return [
        (_pot(*key), Holding(spent=spent, estimated=estimated, held=held))
        for *key, spent, estimated, held in rows
    ]


def _key(pot: Pot) -> tuple[str, str, str, str]:
    # What is not quite a string is looked up by sqlite3 in its registry of adapters first.
    return (pot.period, pot.account.kind.value, pot.account.name, pot.span.value)


def _pot(period: str, kind: str, name: str, span: str) -> Pot:
    return Pot(Account(AccountKind(kind), name), Span(span), period)
