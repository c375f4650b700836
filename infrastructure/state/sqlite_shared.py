"""Records, counters and seats, as rows."""

import sqlite3
from collections.abc import Mapping

from domain.admission.seats import NO_CLAIM, SeatClaim, SeatsAsked, divided
from domain.ports.storage import BATCH_KNOWN_S, Counted


def put(connection: sqlite3.Connection, topic: str, name: str, text: str, until: float | None) -> None:
    connection.execute("INSERT OR REPLACE INTO records VALUES (?, ?, ?, ?)", (topic, name, text, until))
    _changed(connection, topic)


def remove(connection: sqlite3.Connection, topic: str, name: str) -> None:
    removed = connection.execute("DELETE FROM records WHERE topic = ? AND name = ?", (topic, name))
    if removed.rowcount:
        _changed(connection, topic)


def records(connection: sqlite3.Connection, topic: str, now: float) -> Mapping[str, str]:
    rows = connection.execute(
        "SELECT name, text FROM records WHERE topic = ? AND (until IS NULL OR until > ?)", (topic, now)
    )
    return dict(rows.fetchall())


def generation(connection: sqlite3.Connection, topic: str) -> int:
    row = connection.execute("SELECT generation FROM generations WHERE topic = ?", (topic,)).fetchone()
    return int(row[0]) if row else 0


def count(
    connection: sqlite3.Connection,
    name: str,
    amount: int,
    *,
    now: float,
    until: float,
    most: int | None,
    batch: str,
) -> Counted:
    """Adds to a counter, which begins anew when its time is over. A batch is kept as a counter of its own."""
    before = counted(connection, name, now)
    told = f"{name}\n{batch}"
    if batch and counted(connection, told, now) is not None:
        return Counted(before or 0, taken=True)
    total = (before or 0) + amount
    if most is not None and amount > 0 and total > most:
        return Counted(before or 0, taken=False)
    if batch:
        known = (told, amount, now + BATCH_KNOWN_S)
        connection.execute("INSERT OR REPLACE INTO counters VALUES (?, ?, ?)", known)
    if before is None:
        connection.execute("INSERT OR REPLACE INTO counters VALUES (?, ?, ?)", (name, total, until))
    else:
        connection.execute("UPDATE counters SET total = ? WHERE name = ?", (total, name))
    return Counted(total, taken=True)


def counted(connection: sqlite3.Connection, name: str, now: float) -> int | None:
    """The total of a counter; ``None`` for one that has not begun or has ended."""
    row = connection.execute(
        "SELECT total FROM counters WHERE name = ? AND until > ?", (name, now)
    ).fetchone()
    return int(row[0]) if row else None


def hold_seats(
    connection: sqlite3.Connection, name: str, asked: SeatsAsked, *, worker: int, lasts_s: float
) -> int:
    """Writes only what has changed, or what would be over soon: it is asked several times a second."""
    rows = connection.execute(
        "SELECT worker, until, wanted, held, turn, since FROM seats WHERE name = ? AND until > ?",
        (name, asked.now),
    )
    claims = {row[0]: (row[1], _claim(*row[2:])) for row in rows}
    until, own = claims.pop(worker, (asked.now, NO_CLAIM))
    division = divided(asked, own, [claim for _, claim in claims.values()])
    if division.claim != own or until < asked.now + lasts_s / 2:
        claim = division.claim
        connection.execute(
            "INSERT OR REPLACE INTO seats (name, worker, until, wanted, held, turn, since)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            (name, worker, asked.now + lasts_s, claim.wanted, claim.held, claim.turn, claim.since),
        )
    return division.granted


def _claim(wanted: int, held: int, turn: int, since: float) -> SeatClaim:
    return SeatClaim(wanted=wanted, held=held, turn=turn, since=since)


def leave_seats(connection: sqlite3.Connection, worker: int) -> None:
    connection.execute("DELETE FROM seats WHERE worker = ?", (worker,))


def forget_ended(connection: sqlite3.Connection, now: float) -> None:
    """Drops what is over: nobody reads it any more, but it takes room."""
    for table in ("records", "counters", "seats"):
        connection.execute(f"DELETE FROM {table} WHERE until <= ?", (now,))  # noqa: S608  names from above


def _changed(connection: sqlite3.Connection, topic: str) -> None:
    connection.execute(
        "INSERT INTO generations VALUES (?, 1) ON CONFLICT (topic) DO UPDATE SET generation = generation + 1",
        (topic,),
    )
