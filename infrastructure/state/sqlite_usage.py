"""The usage log, as rows."""

import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import fields
from operator import attrgetter

from domain.budget.money import NanoUsd
from domain.budget.usage import (
    ANSWERED,
    SLOT_S,
    SlotTotal,
    UsageGroup,
    UsageQuery,
    UsageRow,
    UsageTotal,
    totals,
)

_COLUMNS = tuple(field.name for field in fields(UsageRow))
_INSERT = (
    f"INSERT OR IGNORE INTO usage ({', '.join(_COLUMNS)})"  # noqa: S608  the names of our own fields
    f" VALUES ({', '.join('?' * len(_COLUMNS))})"
)
_NAMES = (UsageGroup.MEMBER, UsageGroup.PROVIDER, UsageGroup.PROFILE, UsageGroup.MODEL, UsageGroup.KEY)
_SUMS = f"""
SELECT CAST(at / {SLOT_S} AS INTEGER), member, provider, profile, model, key_id,
    sum(requests), sum(CASE WHEN outcome = '{ANSWERED}' THEN requests ELSE 0 END),
    sum(input_tokens), sum(output_tokens), sum(cache_read_tokens), sum(cache_creation_tokens),
    sum(cost), sum(savings), sum(CASE WHEN estimated THEN cost ELSE 0 END), sum(set_aside)
FROM usage WHERE at >= ? AND at < ?
GROUP BY 1, member, provider, profile, model, key_id
"""  # noqa: S608  constants of our own
_AT_ONCE = 5000
_figures = attrgetter(*_COLUMNS)


def insert(connection: sqlite3.Connection, rows: Sequence[UsageRow]) -> None:
    connection.executemany(_INSERT, map(_figures, rows))


def sums(connection: sqlite3.Connection, query: UsageQuery) -> tuple[UsageTotal, ...]:
    """Adds up by quarters of an hour in the database, and those by the days of the zone here."""
    return totals(_slots(connection, query), query)


def forget(connection: sqlite3.Connection, before: float) -> bool:
    """Drops some old rows; whether there may be more. Never many at once, as everybody waits meanwhile."""
    dropped = connection.execute(
        "DELETE FROM usage WHERE (at, id) IN (SELECT at, id FROM usage WHERE at < ? LIMIT ?)",
        (before, _AT_ONCE),
    )
    return dropped.rowcount == _AT_ONCE


def _slots(connection: sqlite3.Connection, query: UsageQuery) -> Iterator[SlotTotal]:
    for slot, *found in connection.execute(_SUMS, (query.since, query.until)):
        names, figures = found[: len(_NAMES)], found[len(_NAMES) :]
        requests, answered, tokens_in, tokens_out, read, created, *money = figures
        cost, savings, estimated, set_aside = map(NanoUsd, money)
        yield SlotTotal(
            slot=slot,
            names=dict(zip(_NAMES, names, strict=True)),
            total=UsageTotal(
                requests=requests,
                answered=answered,
                input_tokens=tokens_in,
                output_tokens=tokens_out,
                cache_read_tokens=read,
                cache_creation_tokens=created,
                cost=cost,
                savings=savings,
                estimated_cost=estimated,
                set_aside=set_aside,
            ),
        )
