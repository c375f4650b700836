"""
The one thread that touches the state file.

Theory of operation. Whatever waits while a transaction is being written goes into the next one together, so a
slow disk makes batches larger and nobody's request longer. A transaction is as durable as the most demanding
of its jobs asks: with WAL, ``synchronous=FULL`` syncs the log at every commit, ``NORMAL`` leaves that to the
next one that does. After any error the file is opened anew.
"""

import asyncio
import os
import queue
import sqlite3
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import Any, Generic, TypeVar

from domain.ports.storage import StoreUnavailable
from infrastructure.state.sqlite_schema import NewerState, migrate

Found = TypeVar("Found")

BUSY_TIMEOUT_S = 10.0
"""How long another process may hold the file before a transaction is given up."""

_BUSY_PAUSE_S = 0.01
_MOST_AT_ONCE = 256
_CLOSING_S = 15.0


class Care(IntEnum):
    """What a job does to the file, and how safe that must be when it is answered."""

    READ = 0
    WRITE = 1
    DURABLE = 2


_SYNCHRONOUS = {Care.READ: "NORMAL", Care.WRITE: "NORMAL", Care.DURABLE: "FULL"}


@dataclass(frozen=True, slots=True)
class _Job(Generic[Found]):
    """What to do with the file, and who waits for it."""

    run: Callable[[sqlite3.Connection], Found]
    care: Care
    loop: asyncio.AbstractEventLoop
    waiting: "asyncio.Future[Found]"

    def answer(self, found: Found | None, error: Exception | None = None) -> None:
        # A loop that has ended has nobody left who waits.
        with suppress(RuntimeError):
            self.loop.call_soon_threadsafe(_settle, self.waiting, found, error)


class SqliteWriter:
    """Runs jobs on the file, several in one transaction; opens it when the first one comes."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._jobs: queue.SimpleQueue[_Job[Any] | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._connection: sqlite3.Connection | None = None
        self._synchronous = ""

    def __repr__(self) -> str:
        return f"<SqliteWriter of {self._path}>"

    async def run(self, job: Callable[[sqlite3.Connection], Found], care: Care) -> Found:
        """
        What the job returns, once it is written.

        Raises:
            StoreUnavailable: the file cannot be opened, read or written.
        """
        loop = asyncio.get_running_loop()
        waiting: asyncio.Future[Found] = loop.create_future()
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name="state", daemon=True)
            self._thread.start()
        self._jobs.put(_Job(job, care, loop, waiting))
        return await waiting

    async def aclose(self) -> None:
        """Finishes what waits and closes the file. Never raises."""
        thread, self._thread = self._thread, None
        if thread is not None:
            self._jobs.put(None)
            await asyncio.to_thread(thread.join, _CLOSING_S)

    def _work(self) -> None:
        open_for_business = True
        while open_for_business:
            jobs, open_for_business = self._batch()
            if jobs:
                self._do(jobs)
        self._disconnect()

    def _batch(self) -> tuple[list[_Job[Any]], bool]:
        """The jobs that wait, at least one, and whether more may come."""
        jobs: list[_Job[Any]] = []
        job = self._jobs.get()
        while job is not None:
            jobs.append(job)
            if len(jobs) == _MOST_AT_ONCE:
                return jobs, True
            try:
                job = self._jobs.get_nowait()
            except queue.Empty:
                return jobs, True
        return jobs, False

    def _do(self, jobs: Sequence[_Job[Any]]) -> None:
        try:
            found = self._transaction(jobs)
        except (sqlite3.Error, OSError, NewerState) as error:
            self._disconnect()
            for job in jobs:
                job.answer(None, StoreUnavailable(f"{self._path}: {error}"))
        except Exception as error:  # noqa: BLE001  a bug in one job is not the others' fault
            self._disconnect()
            if len(jobs) == 1:
                jobs[0].answer(None, error)
                return
            for job in jobs:
                self._do((job,))
        else:
            for job, one in zip(jobs, found, strict=True):
                job.answer(one)

    def _transaction(self, jobs: Sequence[_Job[Any]]) -> list[Any]:
        connection = self._connected()
        care = max(job.care for job in jobs)
        synchronous = _SYNCHRONOUS[care]
        if synchronous != self._synchronous:
            connection.execute(f"PRAGMA synchronous = {synchronous}")
            self._synchronous = synchronous
        connection.execute("BEGIN" if care is Care.READ else "BEGIN IMMEDIATE")
        found = [job.run(connection) for job in jobs]
        connection.execute("COMMIT")
        return found

    def _connected(self) -> sqlite3.Connection:
        if self._connection is None:
            _make(self._path)
            self._connection = connected(self._path)
            migrate(self._connection)
        return self._connection

    def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        self._synchronous = ""
        if connection is not None:
            with suppress(sqlite3.Error):
                connection.close()


def _make(path: Path) -> None:
    """
    A file, and its folder, that are nobody else's business: it knows who asked for how much.

    One that is there is left alone: to close it again would release what locks this process has on it
    (https://www.sqlite.org/howtocorrupt.html, 2.2).
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with suppress(FileExistsError):
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, mode=0o600))


def connected(path: Path) -> sqlite3.Connection:
    """
    The file, opened for reading and writing; made if it is not there.

    Who turns a new file into one with a WAL while another does so is told at once that it is busy, whatever
    its patience (https://www.sqlite.org/wal.html, "Sometimes Queries Return SQLITE_BUSY In WAL Mode").

    Raises:
        sqlite3.Error: it cannot be opened, or is no such file.
    """
    give_up_at = time.monotonic() + BUSY_TIMEOUT_S
    while True:
        try:
            return _opened(path)
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() >= give_up_at:
                raise
            time.sleep(_BUSY_PAUSE_S)


def _opened(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=BUSY_TIMEOUT_S, isolation_level=None)
    try:
        # Mapped memory costs a small machine its cache, and a torn write a process its life.
        for pragma in ("journal_mode = WAL", "mmap_size = 0", "journal_size_limit = 16777216"):
            connection.execute(f"PRAGMA {pragma}")
    except BaseException:
        connection.close()
        raise
    return connection


def _settle(waiting: "asyncio.Future[Any]", found: object, error: Exception | None) -> None:
    if waiting.done():
        return
    if error is not None:
        waiting.set_exception(error)
    else:
        waiting.set_result(found)
