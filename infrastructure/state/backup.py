"""Copies the state file while it is in use, and puts a copy back in its place."""

import asyncio
import os
import sqlite3
import stat
from collections.abc import AsyncGenerator, Iterable
from contextlib import closing, suppress
from dataclasses import dataclass
from itertools import chain, count
from pathlib import Path
from tempfile import mkstemp

from domain.ports.storage import StoreUnavailable
from infrastructure.state.sqlite_schema import MIGRATIONS
from infrastructure.state.sqlite_writer import BUSY_TIMEOUT_S
from infrastructure.state.worker_slots import WorkerSlots

_PAGES_AT_ONCE = 256
"""A megabyte of pages is copied at a time, and whoever writes goes on in between."""

_CHUNK = 256 * 1024


class InUse(Exception):
    """A gateway is running on the file."""


class NoBackup(Exception):
    """The file is no copy of a state, or a damaged one; the message says which."""


class Taken(Exception):
    """There is a file already where the copy shall be."""


class SqliteSnapshots:
    """Implements `domain.ports.storage.Snapshots` for a state file."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __repr__(self) -> str:
        return f"<SqliteSnapshots of {self._path}>"

    async def snapshot(self) -> AsyncGenerator[bytes, None]:
        copy = await asyncio.to_thread(self._copy)
        try:
            with copy.open("rb") as content:
                while chunk := await asyncio.to_thread(content.read, _CHUNK):
                    yield chunk
        finally:
            copy.unlink(missing_ok=True)

    def _copy(self) -> Path:
        try:
            return _copied(self._path, self._path)
        except OSError as error:
            raise StoreUnavailable(f"{self._path}: {error.strerror}") from error


class NoSnapshots:
    """Implements `domain.ports.storage.Snapshots` for a state that is in no file of ours."""

    def __repr__(self) -> str:
        return "<NoSnapshots>"

    async def snapshot(self) -> AsyncGenerator[bytes, None]:
        for chunk in _NOTHING:
            yield chunk
        raise StoreUnavailable("the state is in no file that could be copied")


_NOTHING: tuple[bytes, ...] = ()


def back_up(state: Path, target: Path, *, replaces: bool = False) -> None:
    """
    Writes a copy of the state as it is at one moment; gateways go on meanwhile.

    Args:
        replaces: whether it may take the place of another file.

    Raises:
        Taken: the other file is there and is to stay, or is the state itself.
        StoreUnavailable: there is no state, or it cannot be read.
        OSError: the copy cannot be written.
    """
    if target.exists() and not replaces:
        raise Taken(f"{target} is there already")
    if target.exists() and state.exists() and target.samefile(state):
        raise Taken(f"{target} is the state itself")
    part = _copied(state, target)
    try:
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Restored:
    """
    What came of a copy that was put in place.

    Attributes:
        before: where that is kept which was there before, if anything was.
        misplaced: in whose hands the state is and in whose it should be, in words; empty when it is well.
    """

    before: Path | None = None
    misplaced: str = ""


def restore(backup: Path, state: Path) -> Restored:
    """
    Puts a copy in the place of the state.

    It belongs to whom the state before belonged; where there was none, to whom the folder belongs.

    Raises:
        NoBackup: it is none.
        InUse: a gateway is running on the state.
        OSError: it cannot be written.
    """
    _check(backup)
    made = [folder for folder in state.parents if not folder.exists()]
    model = next(folder for folder in state.parents if folder.exists()).stat()
    state.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if WorkerSlots(state).living():
        raise InUse(f"a gateway is running on {state}: stop it first")
    part = _copied(backup, state)
    try:
        if state.exists():
            return Restored(before=_replaced(part, state))
        misplaced = _handed_over((*made, part), model)
        _put(part, state)
        return Restored(misplaced=misplaced)
    finally:
        part.unlink(missing_ok=True)


def _replaced(part: Path, state: Path) -> Path:
    _liken(part, state.stat())
    _settle(state)
    before = _free_name(state)
    state.replace(before)
    _put(part, state)
    return before


def _put(part: Path, state: Path) -> None:
    # Frames of another file's log would be taken for this one's.
    for log in ("-wal", "-shm"):
        state.with_name(f"{state.name}{log}").unlink(missing_ok=True)
    part.replace(state)


def _handed_over(files: Iterable[Path], model: os.stat_result) -> str:
    """Root restores for a service that is not root; for whom else, is told rather than refused."""
    try:
        for file in files:
            _give(file, model)
    except OSError as error:
        return f"it belongs to user {os.geteuid()}, its folder to user {model.st_uid} ({error.strerror})"
    return ""


def _liken(part: Path, model: os.stat_result) -> None:
    """Whoever could read the one file can read the other, and nobody else; SQLite's logs follow suit."""
    _give(part, model)
    part.chmod(stat.S_IMODE(model.st_mode))


def _give(file: Path, model: os.stat_result) -> None:
    own = file.stat()
    if (own.st_uid, own.st_gid) != (model.st_uid, model.st_gid):
        os.chown(file, model.st_uid, model.st_gid)


def _free_name(state: Path) -> Path:
    """Where the state can be put aside without taking the place of an earlier one."""
    first = state.with_name(f"{state.name}.before-restore")
    further = (first.with_name(f"{first.name}-{number}") for number in count(2))
    return next(name for name in chain((first,), further) if not name.exists())


def _settle(state: Path) -> None:
    """What stands in the log belongs into the file that is put aside."""
    with suppress(sqlite3.Error), closing(sqlite3.connect(state, timeout=BUSY_TIMEOUT_S)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _copied(source: Path, place: Path) -> Path:
    """A copy beside the place that it is for, under a name of its own; readable by its owner alone."""
    descriptor, name = mkstemp(prefix=f".{place.name}.", dir=place.parent)
    os.close(descriptor)
    copy = Path(name)
    try:
        _copy(source, copy)
    except BaseException:
        copy.unlink(missing_ok=True)
        raise
    return copy


def _copy(source: Path, target: Path) -> None:
    if not source.is_file():
        raise StoreUnavailable(f"there is no state at {source}")
    try:
        with (
            closing(sqlite3.connect(source, timeout=BUSY_TIMEOUT_S)) as reading,
            closing(sqlite3.connect(target)) as writing,
        ):
            reading.backup(writing, pages=_PAGES_AT_ONCE)
            # A copy is one file, whoever opens it.
            writing.execute("PRAGMA journal_mode = DELETE")
    except sqlite3.Error as error:
        raise StoreUnavailable(f"{source}: {error}") from error


def _check(backup: Path) -> None:
    if not backup.is_file():
        raise NoBackup(f"there is no file {backup}")
    try:
        with closing(sqlite3.connect(f"file:{backup}?mode=ro", uri=True)) as connection:
            version = int(connection.execute("PRAGMA user_version").fetchone()[0])
            found = connection.execute("PRAGMA integrity_check(1)").fetchone()[0]
    except sqlite3.Error as error:
        raise NoBackup(f"{backup} is no copy of a state: {error}") from error
    if not 1 <= version <= len(MIGRATIONS):
        raise NoBackup(f"{backup} is no copy of a state that this version knows")
    if found != "ok":
        raise NoBackup(f"{backup} is damaged: {found}")
