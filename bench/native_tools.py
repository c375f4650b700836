"""Builds and runs the two C programs: the upstream and the load generator."""

import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import msgspec

from bench.processes import end
from bench.scenarios import Scenario

_SOURCES = Path(__file__).parent / "native"
_BUILD = Path(__file__).parent / "build"
_PROGRAMS = {"upstream": ("wording",), "load": ("answer",)}
"""Each program is compiled from the source of its name and these."""
_LOAD_TIMEOUT_S = 120


class ToolMissingError(Exception):
    """A program that measuring needs is not installed; the message names it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NativeTools:
    """Where the built programs are, and the prefix that pins them to their core."""

    upstream: Path
    load: Path
    pin: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningUpstream:
    """The upstream while it runs."""

    port: int
    pid: int


class Distribution(msgspec.Struct, frozen=True):
    """Measured times in microseconds."""

    count: int
    p50: float
    p99: float
    max: float


class LoadResult(msgspec.Struct, frozen=True):
    """What the load generator saw in one turn; `right` and `wrong` are answers, `failed` connections."""

    right: int
    wrong: int
    failed: int
    unfinished: int
    reconnects: int
    stamps: int
    seconds: float
    latency_us: Distribution
    first_stamp_us: Distribution
    stamp_delay_us: Distribution
    by_status: dict[str, int]
    first_problem: str

    @property
    def faults(self) -> int:
        return self.wrong + self.failed + self.unfinished


def build(pin: tuple[str, ...] = ()) -> NativeTools:
    """Compiles what changed. Raises `ToolMissingError` without a C compiler."""
    compiler = shutil.which("cc")
    if compiler is None:
        raise ToolMissingError("cc (a C compiler)")
    _BUILD.mkdir(exist_ok=True)
    upstream, load = (_compile(compiler, name, parts) for name, parts in _PROGRAMS.items())
    return NativeTools(upstream=upstream, load=load, pin=pin)


@contextmanager
def running_upstream(tools: NativeTools) -> Iterator[RunningUpstream]:
    """The upstream, on a free port."""
    command = [*tools.pin, str(tools.upstream)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout is not None
            yield RunningUpstream(port=int(process.stdout.readline()), pid=process.pid)
        finally:
            end(process)


def run_load(
    tools: NativeTools,
    scenario: Scenario,
    *,
    port: int,
    body: Path,
    headers: Mapping[str, str],
    seconds: float,
) -> LoadResult:
    """One turn of a scenario against the server on `port`."""
    amount = ["--requests", scenario.requests] if scenario.requests else ["--seconds", seconds]
    command = [*tools.pin, tools.load, "--port", port, "--path", scenario.client.path, "--body", body]
    command += ["--connections", scenario.connections, "--stamps", scenario.answer.stamps, *amount]
    command += ["--end", scenario.end] if scenario.end else []
    for name, value in headers.items():
        command += ["--header", f"{name}: {value}"]
    finished = subprocess.run(
        [str(word) for word in command], stdout=subprocess.PIPE, check=True, timeout=_LOAD_TIMEOUT_S
    )
    return msgspec.json.decode(finished.stdout, type=LoadResult)


def _compile(compiler: str, name: str, parts: tuple[str, ...]) -> Path:
    program = _BUILD / name
    newest = max(source.stat().st_mtime for source in _SOURCES.iterdir())
    if not program.exists() or program.stat().st_mtime < newest:
        sources = [_SOURCES / f"{part}.c" for part in (name, *parts)]
        subprocess.run([compiler, "-O2", "-Wall", "-Wextra", "-o", program, *sources], check=True)
    return program
