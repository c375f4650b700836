"""Runs a coding agent as its user would, in an empty home and an empty network."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tests.at_hand import missing
from tests.clients.relay import relayed

ENCLOSED = Path(__file__).with_name("enclosed.py")
PROGRAMS = Path(__file__).parents[2] / ".cache" / "clients"
WITHIN_S = 280.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """How a program ended, and what it printed."""

    exit_code: int
    stdout: str
    stderr: str

    @property
    def told(self) -> list[dict[str, Any]]:
        """Its stdout, when that is one JSON object a line."""
        return [json.loads(line) for line in self.stdout.splitlines() if line.startswith("{")]


def program(client: str, pattern: str) -> Path:
    """An installed program."""
    found = sorted((PROGRAMS / client / "node_modules").glob(pattern))
    return found[0] if found else missing(client, "make client-programs")


def run(command: Sequence[str], *, home: Path, address: str, environment: Mapping[str, str]) -> Ran:
    """
    Runs a program that can reach the gateway at `address` and nothing else.

    Where a network namespace is forbidden, only its own settings keep it from the rest of the world.
    """
    folder = home / "work"
    folder.mkdir(parents=True)
    needed = {
        "PATH": "/usr/bin:/bin",
        "HOME": str(home),
        "TMPDIR": str(home),
        "TERM": "dumb",
        "LANG": "C.UTF-8",
    }
    with _started(command, folder, urlsplit(address).port or 80, {**needed, **environment}) as process:
        try:
            stdout, stderr = process.communicate(timeout=WITHIN_S)
        finally:
            _end(process)
    return Ran(exit_code=process.returncode, stdout=stdout, stderr=stderr)


@contextmanager
def _started(
    command: Sequence[str], folder: Path, port: int, environment: Mapping[str, str]
) -> Iterator[subprocess.Popen[str]]:
    ours, theirs = socket.socketpair()
    with ours:
        with theirs:
            process = subprocess.Popen(
                [sys.executable, "-I", str(ENCLOSED), str(theirs.fileno()), str(port), *command],
                cwd=folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                encoding="utf-8",
                pass_fds=[theirs.fileno()],
                start_new_session=True,
            )
        _, descriptors, _, _ = socket.recv_fds(ours, 1024, 1)
    if not descriptors:
        yield process
        return
    with socket.socket(fileno=descriptors[0]) as listener, relayed(listener, port):
        yield process


def _end(process: subprocess.Popen[str]) -> None:
    """Whatever it started went into its session."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
