"""
`python -m bench run` measures and prints tables; `python -m bench gate` fails when a request became too dear.

Exit status: 0 measured (or, with a line that says so, unable to measure here), 1 a bound exceeded, an answer
wrong or a server that did not start. With CI=true a missing nginx or compiler is a failure too.
"""

import argparse
import os
import resource
import shutil
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.accounting import accounting
from bench.gate import GATED, ROUNDS, SECONDS, Timed, verdicts
from bench.interpreter import interpreter_us
from bench.measurement import Bench, Turn, WrongAnswersError
from bench.native_tools import ToolMissingError, build, running_upstream
from bench.planning import planning_table
from bench.report import Report, disturbance
from bench.scenarios import CROWD, SCENARIOS
from bench.targets import (
    DEFAULT_GATEWAY,
    StartFailedError,
    Surroundings,
    Target,
    direct,
    running_gateway,
    running_nginx,
)

_OPEN_FILES = 8192


def main(arguments: Sequence[str] | None = None) -> int:
    """Returns the exit status."""
    options = _parser().parse_args(arguments)
    _allow_many_sockets()
    # A terminated run ends what it started, as an interrupted one does.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        status: int = options.command(options)
    except ToolMissingError as missing:
        print(f"bench could not run: {missing} is not installed")
        return 1 if os.environ.get("CI") == "true" else 0
    except (WrongAnswersError, StartFailedError) as failure:
        print(f"bench FAILED: {failure}", file=sys.stderr)
        return 1
    return status


def run(options: argparse.Namespace) -> int:
    """Measures everything and prints the report."""
    chosen = [scenario for scenario in SCENARIOS if not options.scenario or scenario.name in options.scenario]
    with _laboratory(options) as laboratory:
        turns = laboratory.bench.measure(
            chosen, laboratory.targets, rounds=options.rounds, seconds=options.seconds
        )
        measured = [_noted(turn) for turn in turns]
        crowd = laboratory.bench.crowd(CROWD, laboratory.gateway) if options.crowd else None
        report = Report(targets=laboratory.targets, turns=measured, crowd=crowd)
    print(report.text())
    print(f"\n{planning_table()}\n{accounting()}")
    if options.json:
        report.write_json(options.json)
    return 1 if crowd and crowd.faults else 0


def gate(options: argparse.Namespace) -> int:
    """Measures what has a bound, and compares."""
    with _laboratory(options) as laboratory:
        against = [target for target in laboratory.targets if target.pid is not None]
        timed = [
            Timed(turn, interpreter_us())
            for turn in laboratory.bench.measure(GATED, against, rounds=ROUNDS, seconds=SECONDS)
        ]
    lines = verdicts(timed)
    print("\n".join([*lines, disturbance([one.turn for one in timed])]))
    return 1 if any(line.startswith("FAILED") for line in lines) else 0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Laboratory:
    """Everything that runs while measurements are made."""

    bench: Bench
    targets: Sequence[Target]
    gateway: Target


@contextmanager
def _laboratory(options: argparse.Namespace) -> Iterator[_Laboratory]:
    """Upstream, nginx and gateway, all up at once; the last two share a core, the tools have another."""
    gateway_pin, tools_pin = _pins()
    tools = build(tools_pin)
    with ExitStack() as running:
        run_folder = _empty_run_folder()
        upstream = running.enter_context(running_upstream(tools))
        surroundings = Surroundings(run=run_folder, upstream_port=upstream.port, pin=gateway_pin)
        nginx = running.enter_context(running_nginx(surroundings))
        gateway = running.enter_context(
            running_gateway(surroundings, template=options.gateway, bearer=options.bearer)
        )
        targets = (direct(surroundings), nginx, gateway)
        yield _Laboratory(bench=Bench(tools, upstream, run_folder), targets=targets, gateway=gateway)


def _empty_run_folder() -> Path:
    """Where the servers keep configuration, state and logs; left in place, to be read after the run."""
    folder = Path(__file__).parent / "run"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    return folder


def _pins() -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Command prefixes for the servers under test and for the tools; none on a machine with one core."""
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < 2:
        return (), ()
    return ("taskset", "-c", str(cores[0])), ("taskset", "-c", str(cores[1]))


def _allow_many_sockets() -> None:
    _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _OPEN_FILES if hard == resource.RLIM_INFINITY else min(_OPEN_FILES, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def _noted(turn: Turn) -> Turn:
    where = f"round {turn.round + 1}, {turn.scenario.name}, {turn.target}"
    print(f"{where}: {turn.cost_us:.2f} us, {turn.requests_per_s:.0f}/s", file=sys.stderr)
    return turn


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__.split("\n\n")[0])
    commands = parser.add_subparsers(required=True)
    shared = argparse.ArgumentParser(add_help=False)
    shared.add_argument("--gateway", default=DEFAULT_GATEWAY, help="command line with {config} and {port}")
    shared.add_argument("--bearer", default="sk-bench", help="the key the gateway is asked with")
    measuring = commands.add_parser("run", parents=[shared], help="measure and print tables")
    measuring.add_argument("--rounds", type=int, default=5)
    measuring.add_argument("--seconds", type=float, default=1.5, help="of one turn")
    names = [scenario.name for scenario in SCENARIOS]
    measuring.add_argument(
        "--scenario", action="append", choices=names, help="only this one; may be repeated"
    )
    measuring.add_argument("--crowd", action="store_true", help="also 1,000 streams at once")
    measuring.add_argument("--json", type=Path, help="write every turn to this file")
    measuring.set_defaults(command=run)
    gating = commands.add_parser("gate", parents=[shared], help="exit 1 when a bound is exceeded")
    gating.set_defaults(command=gate)
    return parser


if __name__ == "__main__":
    sys.exit(main())
