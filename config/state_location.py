"""Where the state is, from its address and the environment."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias
from urllib.parse import unquote, urlsplit, urlunsplit

from config.schema.state import SERVER_SCHEMES, State


@dataclass(frozen=True, slots=True)
class SqliteFile:
    """In a file of this machine."""

    path: Path

    def __str__(self) -> str:
        return str(self.path)


@dataclass(frozen=True, slots=True)
class Nowhere:
    """In the memory of this process, until its end."""

    def __str__(self) -> str:
        return "in memory, forgotten when the gateway ends"


@dataclass(frozen=True, slots=True)
class SharedServer:
    """
    In a Valkey or Redis server, which other gateways may share.

    Attributes:
        url: its address, perhaps with a password.
    """

    url: str = field(repr=False)

    @property
    def password(self) -> str:
        """Empty when there is none."""
        return unquote(urlsplit(self.url).password or "")

    def __str__(self) -> str:
        """The address without a password."""
        parts = urlsplit(self.url)
        return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


StateLocation: TypeAlias = SqliteFile | Nowhere | SharedServer


def state_location(state: State, environment: Mapping[str, str]) -> StateLocation:
    """
    As configured, else a file in the directory that systemd made for it, or in the XDG state directory.

    ``sqlite:///a/b`` and ``sqlite:////a/b`` are both the file ``/a/b``; ``~`` is the home directory.
    """
    url = state.url or f"sqlite:{_directory(environment) / 'state.db'}"
    scheme, _, rest = url.partition(":")
    if scheme in SERVER_SCHEMES:
        return SharedServer(url)
    return Nowhere() if scheme == "memory" else SqliteFile(_path(rest, environment))


def _path(written: str, environment: Mapping[str, str]) -> Path:
    bare = written.lstrip("/")
    if bare.startswith("~/"):
        return _home(environment) / bare.removeprefix("~/")
    return Path(f"/{bare}")


def _directory(environment: Mapping[str, str]) -> Path:
    """``StateDirectory=`` of a systemd unit comes as a variable (systemd.exec)."""
    made = environment.get("STATE_DIRECTORY", "").partition(":")[0]
    return Path(made) if made.startswith("/") else _state_home(environment) / "coderouter"


def _state_home(environment: Mapping[str, str]) -> Path:
    """XDG Base Directory Specification: ``$XDG_STATE_HOME``, where it is an absolute path."""
    named = environment.get("XDG_STATE_HOME", "")
    return Path(named) if named.startswith("/") else _home(environment) / ".local" / "state"


def _home(environment: Mapping[str, str]) -> Path:
    return Path(environment.get("HOME") or Path.home())
