"""A Valkey or Redis server of the tests' own, on a port of loopback and a folder of the test."""

import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.at_hand import missing
from tests.upstream.scripted_upstream import held_port, wait_until

_PROGRAMS = ("valkey-server", "redis-server")


class StateServer:
    """
    One server process; what it was told outlives it in its folder.

    Attributes:
        tls_port: where it speaks TLS, showing its certificate, if it has one.
    """

    def __init__(
        self, folder: Path, sync: str, certificate: Path | None, *, port: int, tls_port: int
    ) -> None:
        self._folder = folder
        self.port, self.tls_port = port, tls_port
        self._sync = sync
        self._certificate = certificate
        self._process: subprocess.Popen[bytes] | None = None

    def __repr__(self) -> str:
        return f"<StateServer at {self.url}>"

    @property
    def url(self) -> str:
        return f"valkey://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        """Starts it, with a log of all writes on the disk."""
        options: dict[str, Any] = {
            "port": self.port,
            "bind": "127.0.0.1",
            "dir": self._folder,
            "appendonly": "yes",
            "appendfsync": self._sync,
            "save": "",
            "logfile": self._folder / "log",
        }
        if self._certificate is not None:
            options |= {
                "tls-port": self.tls_port,
                "tls-cert-file": self._certificate,
                "tls-key-file": self._certificate,
                "tls-auth-clients": "no",
            }
        words = [str(word) for name, value in options.items() for word in (f"--{name}", value)]
        self._process = subprocess.Popen([program(), *words])
        wait_until(self._answers)

    def kill(self) -> None:
        """Ends it as the end of its machine would."""
        assert self._process is not None
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()
        self._process = None

    def forget(self) -> None:
        """Has it start without what it was told, as from a copy of its data that is older."""
        for path in self._folder.iterdir():
            if path.name != "log":
                shutil.rmtree(path) if path.is_dir() else path.unlink()

    def stop(self) -> None:
        if self._process is not None:
            self.kill()

    def _answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1) as line:
                line.sendall(b"PING\r\n")
                return line.recv(7) == b"+PONG\r\n"
        except OSError:
            return False


def program() -> str:
    """The server's program."""
    found = next(filter(None, map(shutil.which, _PROGRAMS)), None)
    return found or missing("valkey-server or redis-server", "make system-parts")


@contextmanager
def state_server(
    folder: Path, *, sync: str = "always", certificate: Path | None = None
) -> Iterator[StateServer]:
    """A running server, whose log is synced to the disk `always` or `everysec`; ended afterwards."""
    with held_port() as port, held_port() as tls_port:
        server = StateServer(folder, sync, certificate, port=port, tls_port=tls_port)
        server.start()
        try:
            yield server
        finally:
            server.stop()
