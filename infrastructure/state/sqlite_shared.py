"""Records, counters and seats, as rows."""

import sqlite3
from collections.abc import Mapping

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
    connection: sqlite3.Connection,
    name: str,
    wanted: int,
    *,
    worker: int,
    limit: int,
    now: float,
    until: float,
) -> int:
    taken = connection.execute(
        "SELECT coalesce(sum(held), 0) FROM seats WHERE name = ? AND worker != ? AND until > ?",
        (name, worker, now),
    ).fetchone()[0]
    mine = max(0, min(wanted, limit - int(taken)))
    connection.execute("INSERT OR REPLACE INTO seats VALUES (?, ?, ?, ?)", (name, worker, mine, until))
    return mine


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
