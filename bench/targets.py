"""The servers that are measured: the gateway, nginx doing the same work, and the upstream itself."""

import http.client
import os
import shlex
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.bodies import request_body
from bench.native_tools import ToolMissingError
from bench.processes import end, family, proportional_bytes
from bench.scenarios import SCENARIOS, Scenario

_HERE = Path(__file__).parent
_FIRST_ANSWER_WITHIN_S = 30.0

_COMMAND = shlex.quote(str(Path(sys.executable).parent / "coderouter"))
DEFAULT_GATEWAY = _COMMAND + " serve --config {config} --port {port}"
"""How the gateway under test is started, and the one place that knows it."""


class StartFailedError(Exception):
    """A server did not answer its first request; the message says what it did instead."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A server that takes the scenarios' traffic."""

    name: str
    port: int
    pid: int | None = None
    """None for the upstream itself, whose CPU time is nobody's overhead."""
    bearer: str = "sk-bench"
    first_answer_s: float = 0.0
    """From the start of the process to its first 200."""
    idle_bytes: int = 0
    """PSS after the first answer and a moment of rest."""

    @property
    def pids(self) -> list[int]:
        return [] if self.pid is None else family(self.pid)

    def headers(self, scenario: Scenario) -> dict[str, str]:
        return {
            "Authorization": f"Bearer {self.bearer}",
            "anthropic-version": "2023-06-01",
            "X-CodeRouter-Profile": scenario.profile,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What a target is started with: a folder for its files, the upstream's port, the prefix that pins it."""

    run: Path
    upstream_port: int
    pin: tuple[str, ...] = ()


def direct(surroundings: Surroundings) -> Target:
    """No gateway at all: what is measured here is not overhead."""
    return Target(name="direct", port=surroundings.upstream_port)


@contextmanager
def running_nginx(surroundings: Surroundings) -> Iterator[Target]:
    """One nginx worker that forwards bytes. Raises `ToolMissingError` where nginx is not installed."""
    nginx = shutil.which("nginx", path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin")
    if nginx is None:
        raise ToolMissingError("nginx")
    port = _free_port()
    config = _filled_in("nginx.conf", surroundings, {"@PORT@": str(port)})
    command = [nginx, "-e", str(surroundings.run / "nginx-error.log"), "-c", str(config)]
    with _running("nginx", command, port, surroundings, bearer="sk-bench") as target:
        yield target


@contextmanager
def running_gateway(surroundings: Surroundings, *, template: str, bearer: str) -> Iterator[Target]:
    """The gateway; `template` is its command line with `{config}` and `{port}` left open."""
    port = _free_port()
    config = _filled_in("providers.yaml", surroundings, {})
    command = shlex.split(template.format(config=shlex.quote(str(config)), port=port))
    with _running("gateway", command, port, surroundings, bearer=bearer) as target:
        yield target


@contextmanager
def _running(
    name: str, command: Sequence[str], port: int, surroundings: Surroundings, *, bearer: str
) -> Iterator[Target]:
    log = surroundings.run / f"{name}.log"
    # State and configuration of whoever runs this must not leak into the measurement.
    environment = {**os.environ, "HOME": str(surroundings.run), "XDG_STATE_HOME": str(surroundings.run)}
    started_at = time.perf_counter()
    with log.open("wb") as output:
        process = subprocess.Popen(
            [*surroundings.pin, *command],
            stdout=output,
            stderr=output,
            stdin=subprocess.DEVNULL,
            env=environment,
        )
    try:
        trial = Target(name=name, port=port, pid=process.pid, bearer=bearer)
        _await_first_answer(trial, process, log)
        first_answer_s = time.perf_counter() - started_at
        time.sleep(1.0)
        yield Target(
            name=name,
            port=port,
            pid=process.pid,
            bearer=bearer,
            first_answer_s=first_answer_s,
            idle_bytes=proportional_bytes(trial.pids),
        )
    finally:
        end(process)


def _await_first_answer(target: Target, process: "subprocess.Popen[bytes]", log: Path) -> None:
    give_up_at = time.monotonic() + _FIRST_ANSWER_WITHIN_S
    seen = "nothing"
    while time.monotonic() < give_up_at and process.poll() is None:
        try:
            status, body = _ask(target, SCENARIOS[0])
        except OSError as error:
            seen = repr(error)
        else:
            if status == 200:
                return
            seen = f"{status} {body[:300]!r}"
        time.sleep(0.005)
    last_words = "\n".join(log.read_text(errors="replace").splitlines()[-10:])
    raise StartFailedError(
        f"{target.name} gave no 200; last seen: {seen}; exit status {process.poll()}; {log}:\n{last_words}"
    )


def _ask(target: Target, scenario: Scenario) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", target.port, timeout=10)
    try:
        headers = {"Content-Type": "application/json", **target.headers(scenario)}
        connection.request("POST", scenario.client.path, request_body(scenario), headers)
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()


def _filled_in(name: str, surroundings: Surroundings, more: dict[str, str]) -> Path:
    text = (_HERE / name).read_text()
    known = {
        "@RUN@": str(surroundings.run),
        "@UPSTREAM_PORT@": str(surroundings.upstream_port),
        "@UPSTREAM@": f"http://127.0.0.1:{surroundings.upstream_port}",
    }
    for mark, value in {**known, **more}.items():
        text = text.replace(mark, value)
    filled_in = surroundings.run / name
    filled_in.write_text(text)
    return filled_in


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
