"""The tables of the state file, as a list of steps from an empty file to today's form."""

import sqlite3

MIGRATIONS = (
    """
    CREATE TABLE holdings (
        kind TEXT NOT NULL, name TEXT NOT NULL, span TEXT NOT NULL, period TEXT NOT NULL,
        worker INTEGER NOT NULL,
        spent INTEGER NOT NULL, estimated INTEGER NOT NULL, held INTEGER NOT NULL,
        PRIMARY KEY (period, kind, name, span, worker)
    ) WITHOUT ROWID;
    CREATE TABLE records (
        topic TEXT NOT NULL, name TEXT NOT NULL, text TEXT NOT NULL, until REAL,
        PRIMARY KEY (topic, name)
    ) WITHOUT ROWID;
    CREATE TABLE generations (topic TEXT NOT NULL PRIMARY KEY, generation INTEGER NOT NULL) WITHOUT ROWID;
    CREATE TABLE counters (
        name TEXT NOT NULL PRIMARY KEY, total INTEGER NOT NULL, until REAL NOT NULL
    ) WITHOUT ROWID;
    CREATE TABLE seats (
        name TEXT NOT NULL, worker INTEGER NOT NULL, held INTEGER NOT NULL, until REAL NOT NULL,
        PRIMARY KEY (name, worker)
    ) WITHOUT ROWID;
    CREATE TABLE usage (
        at REAL NOT NULL, id TEXT NOT NULL, request_id TEXT NOT NULL,
        member TEXT NOT NULL, key_id TEXT NOT NULL, profile TEXT NOT NULL,
        provider TEXT NOT NULL, model TEXT NOT NULL, dialect TEXT NOT NULL,
        stream INTEGER NOT NULL, outcome TEXT NOT NULL, status INTEGER NOT NULL, attempts INTEGER NOT NULL,
        input_tokens INTEGER NOT NULL, output_tokens INTEGER NOT NULL,
        cache_read_tokens INTEGER NOT NULL, cache_creation_tokens INTEGER NOT NULL,
        cost INTEGER NOT NULL, savings INTEGER NOT NULL, estimated INTEGER NOT NULL,
        duration_ms REAL NOT NULL, ttft_ms REAL,
        PRIMARY KEY (at, id)
    ) WITHOUT ROWID;
    """,
    """
    DROP TABLE seats;
    CREATE TABLE seats (
        name TEXT NOT NULL, worker INTEGER NOT NULL, until REAL NOT NULL,
        wanted INTEGER NOT NULL, held INTEGER NOT NULL, turn INTEGER NOT NULL, since REAL NOT NULL,
        PRIMARY KEY (name, worker)
    ) WITHOUT ROWID;
    """,
    "ALTER TABLE usage ADD COLUMN requests INTEGER NOT NULL DEFAULT 1",
    "ALTER TABLE usage ADD COLUMN set_aside INTEGER NOT NULL DEFAULT 0",
)
"""Each brings a file of the version that is its place in this list to the next one; none is ever changed."""


class NewerState(Exception):
    """The file was written by a newer version of this program."""


def migrate(connection: sqlite3.Connection) -> None:
    """
    Brings the file to today's form, in one transaction; two processes that start at once do it once.

    Raises:
        NewerState: it already is of a form that this version does not know.
    """
    if _version(connection) == len(MIGRATIONS):
        return
    connection.execute("BEGIN IMMEDIATE")
    try:
        _advance(connection)
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


def _advance(connection: sqlite3.Connection) -> None:
    version = _version(connection)
    if version > len(MIGRATIONS):
        raise NewerState(
            f"its form is {version}, this version knows {len(MIGRATIONS)}: start the newer version again,"
            " or restore a backup from before it"
        )
    for step in MIGRATIONS[version:]:
        for statement in step.split(";"):
            connection.execute(statement)
    connection.execute(f"PRAGMA user_version = {len(MIGRATIONS)}")


def _version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])
