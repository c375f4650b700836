"""Runs `coderouter serve` as a process of its own, and reads what it tells."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeAlias

from tests.upstream.scripted_upstream import wait_until

Event: TypeAlias = dict[str, Any]

COMMAND = (str(Path(sys.executable).with_name("coderouter")),)
READY_WITHIN_S = 30.0
STOPPED_WITHIN_S = 20.0
_ANSWERS_AT = re.compile(r"^CodeRouter \S+ answers at (http://\S+)$", re.MULTILINE)


class Gateway:
    """A running gateway: its address, its process and its words."""

    def __init__(self, process: subprocess.Popen[bytes], log: Path) -> None:
        self.process = process
        self.address = ""
        self._log = log

    def __repr__(self) -> str:
        return f"<Gateway {self.process.pid} at {self.address or 'no address yet'}>"

    @property
    def openai_base_url(self) -> str:
        return f"{self.address}/v1"

    @property
    def log(self) -> str:
        """Everything it wrote to stderr so far."""
        return self._log.read_text(encoding="utf-8")

    def events(self, request_id: str | None = None) -> list[Event]:
        """The event lines so far, in order; those of one request if it is named."""
        whole = (line for line in self.log.splitlines(keepends=True) if line.endswith("\n"))
        lines = [json.loads(line) for line in whole if line.startswith("{")]
        return [line for line in lines if request_id is None or line.get("request_id") == request_id]

    def told(self, name: str) -> list[Event]:
        """The events of that name. Waits for the first: a line is written a moment after it happened."""
        wait_until(lambda: name in names(self.events()))
        return only(self.events(), name)

    def story(self, request_id: str) -> list[Event]:
        """The events of a request that is over. Waits for the last; there is exactly one of it."""
        wait_until(lambda: "request-completed" in names(self.events(request_id)))
        told = self.events(request_id)
        assert names(told).count("request-completed") == 1
        assert told[-1]["event"] == "request-completed"
        return told

    def completed(self, request_id: str) -> Event:
        """The one line that tells the request whole."""
        return self.story(request_id)[-1]

    def wait_until_ready(self) -> None:
        wait_until(lambda: self._is_ready() or self.process.poll() is not None, within_s=READY_WITHIN_S)
        assert self.process.poll() is None, f"it ended with {self.process.returncode}: {self.log}"

    def workers(self) -> list[int]:
        """Its child processes."""
        main = self.process.pid
        return [int(child) for child in Path(f"/proc/{main}/task/{main}/children").read_text().split()]

    def terminate(self) -> None:
        self.process.send_signal(signal.SIGTERM)

    def exit_code(self, *, within_s: float = STOPPED_WITHIN_S) -> int:
        """Waits for the end."""
        return self.process.wait(timeout=within_s)

    def stop(self) -> None:
        """Ends it as a service manager would; it must end well, and without having met a bug of its own."""
        if self.process.poll() is None:
            self.terminate()
        assert self.exit_code() == 0, self.log
        assert "Traceback" not in self.log, self.log
        assert "internal-fault" not in names(self.events()), self.log

    def _is_ready(self) -> bool:
        match = _ANSWERS_AT.search(self.log)
        if match is None:
            return False
        self.address = match[1]
        return self._takes_connections()

    def _takes_connections(self) -> bool:
        """With several workers the address is told before they listen there."""
        host, _, port = self.address.removeprefix("http://").rpartition(":")
        try:
            socket.create_connection((host.strip("[]"), int(port)), timeout=5).close()
        except OSError:
            return False
        return True


@contextmanager
def started(
    directory: Path,
    config: Mapping[str, Any] | None = None,
    *,
    environment: Mapping[str, str] | None = None,
    arguments: Sequence[str] = (),
    command: Sequence[str] = COMMAND,
) -> Iterator[Gateway]:
    """
    A gateway that is being started in an empty home; killed at the end if it still runs.

    Without a `config` it has to find out for itself.
    """
    directory.mkdir(parents=True, exist_ok=True)
    log = directory / "stderr"
    configured = ("--config", str(written(directory, config))) if config is not None else ()
    with log.open("wb") as stderr:
        process = subprocess.Popen(
            [*command, "serve", *configured, "--port", "0", *arguments],
            cwd=directory,
            env=bare_environment(directory) | dict(environment or {}),
            stdin=subprocess.DEVNULL,
            stderr=stderr,
        )
    try:
        yield Gateway(process, log)
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()


@contextmanager
def running(
    directory: Path,
    config: Mapping[str, Any] | None = None,
    *,
    environment: Mapping[str, str] | None = None,
) -> Iterator[Gateway]:
    """A gateway that takes requests; stopped at the end, which must go well."""
    with started(directory, config, environment=environment) as gateway:
        gateway.wait_until_ready()
        yield gateway
        gateway.stop()


def written(directory: Path, config: Mapping[str, Any]) -> Path:
    """The configuration as a file; JSON is YAML."""
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / "providers.yaml"
    path.write_text(json.dumps(config, indent=2), encoding="utf-8")
    return path


def bare_environment(home: Path) -> dict[str, str]:
    """What a process needs, and no vendor's key or other setting of whoever runs the tests."""
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "LC_ALL") if name in os.environ}
    return kept | {"HOME": str(home)}


def names(events: Sequence[Event]) -> list[str]:
    return [str(event["event"]) for event in events]


def only(events: Sequence[Event], name: str) -> list[Event]:
    return [event for event in events if event["event"] == name]


def seconds(action: Callable[[], object]) -> float:
    """How long it takes."""
    began_at = time.monotonic()
    action()
    return time.monotonic() - began_at
