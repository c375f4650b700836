"""Opens the state where the configuration says that it is."""

import os
from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import cast

from config.load import place_of
from config.problems import ConfigError, Problem
from config.schema.root import Config
from config.state_location import Nowhere, SharedServer, SqliteFile, StateLocation
from domain.ports.storage import Snapshots, Store
from domain.ports.time import Clock
from infrastructure.state.backup import NoSnapshots, SqliteSnapshots
from infrastructure.state.memory import MemoryStore
from infrastructure.state.sqlite import SqliteStore

CLIENT = "valkey"
"""The client library of such servers, and the extra that brings it: what needs no server goes without."""


def store_at(
    location: StateLocation,
    clock: Clock,
    file: Path | None = None,
    *,
    installed: Callable[[str], object] = find_spec,
) -> Store:
    """
    The state; nothing is opened or connected yet.

    Args:
        file: the configuration's, to tell where a mistake is.
        installed: tells whether a package can be imported.

    Raises:
        ConfigError: it is in a server, and the client library is not installed.
    """
    match location:
        case SqliteFile(path=path):
            return SqliteStore(path, clock)
        case Nowhere():
            return MemoryStore(clock)
        case SharedServer(url=url):
            if not installed(CLIENT):
                raise ConfigError([_without_client(file)])
            return _in_server(url, clock)


def snapshots_of(location: StateLocation) -> Snapshots:
    return SqliteSnapshots(location.path) if isinstance(location, SqliteFile) else NoSnapshots()


def may_hold_something(location: StateLocation) -> Callable[[], bool]:
    """Whether it may hold what earlier processes left: not a file that is not there, nor an empty memory."""
    match location:
        case SqliteFile(path=path):
            return path.exists
        case Nowhere():
            return lambda: False
        case SharedServer():
            return lambda: True


def hindrance(location: StateLocation) -> str:
    """Why this user could not write it, as far as can be told without writing; empty when it seems fine."""
    if not isinstance(location, SqliteFile):
        return ""
    path = location.path
    try:
        if path.is_dir():
            return "it is a folder"
        if path.exists() and not _may(path, os.R_OK | os.W_OK):
            return "this user may not write it"
        folder = next(parent for parent in path.parents if parent.exists())
    except OSError as error:
        return f"this user may not look there ({error.strerror})"
    if not folder.is_dir():
        return f"{folder} is no folder"
    # SQLite makes its logs beside the file.
    return "" if _may(folder, os.W_OK | os.X_OK) else f"this user may not write to {folder}"


def _may(path: Path, wanted: int) -> bool:
    return os.access(path, wanted, effective_ids=True)


def is_shared(config: Config, location: StateLocation) -> bool:
    """Whether several processes serve from one state."""
    return config.server.workers > 1 or isinstance(location, SharedServer)


def _in_server(url: str, clock: Clock) -> Store:
    """Imported only where it is used: it takes as long as all other stores together."""
    module = import_module("infrastructure.state.valkey")
    return cast("Store", module.ValkeyStore(url, clock))


def _without_client(file: Path | None) -> Problem:
    return Problem(
        place=place_of(("state", "url"), file),
        path="state.url",
        message=f"a state in a server needs the extra `{CLIENT}`, which is not installed",
        hint=f"install coderouter-gateway[{CLIENT}], or in a checkout: make serve EXTRAS='--extra {CLIENT}'",
    )
