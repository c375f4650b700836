"""
Interleaved rounds: every target takes the same traffic within the same minute, in an order that reverses.

Absolute times wander on a shared machine. What stays is the ratio of two targets inside one round; a figure
is the median of those over the rounds.
"""

import os
import resource
import statistics
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.bodies import request_body
from bench.native_tools import LoadResult, NativeTools, RunningUpstream, run_load
from bench.processes import cpu_ns, machine_busy_s, proportional_bytes
from bench.scenarios import Scenario, Stream
from bench.targets import Target

_WARM_UP_S = 0.3
_AFTERWORK_S = 0.1
_PEAK_SAMPLING_S = 0.1


class WrongAnswersError(Exception):
    """A target lost, broke or changed answers, so that its times mean nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """One target under the traffic of one scenario, once."""

    scenario: Scenario
    target: str
    round: int
    load: LoadResult
    cpu_s: float
    """Run time of all threads of all processes of the target, for this turn."""
    others_share: float
    """How much of the machine programs took that have no part in this: 1.0 is every core all the time."""

    @property
    def cost_us(self) -> float:
        """CPU time per request, or per chunk of a stream."""
        units = self.load.stamps if isinstance(self.scenario.answer, Stream) else self.load.right
        return self.cpu_s * 1e6 / units

    @property
    def requests_per_s(self) -> float:
        return self.load.right / self.load.seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Crowd:
    """What came of very many streams at once."""

    streams: int
    faults: int
    first_problem: str
    bytes_per_stream: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Clocks:
    """Seconds on the wall, and seconds of CPU of the machine, of a target and of our tools."""

    wall_s: float
    machine_s: float
    target_s: float
    tools_s: float

    def since(self, earlier: "_Clocks") -> "_Clocks":
        return _Clocks(
            wall_s=self.wall_s - earlier.wall_s,
            machine_s=self.machine_s - earlier.machine_s,
            target_s=self.target_s - earlier.target_s,
            tools_s=self.tools_s - earlier.tools_s,
        )

    @property
    def others_share(self) -> float:
        others_s = self.machine_s - self.target_s - self.tools_s
        return max(0.0, others_s / self.wall_s / (os.cpu_count() or 1))


class Bench:
    """Sends traffic to targets and reads what it cost them."""

    def __init__(self, tools: NativeTools, upstream: RunningUpstream, run: Path) -> None:
        self._tools = tools
        self._upstream = upstream
        self._run = run

    def measure(
        self, scenarios: Sequence[Scenario], targets: Sequence[Target], *, rounds: int, seconds: float
    ) -> Iterator[Turn]:
        """
        Yields the turns as they come: for each round and scenario one of every target.

        Raises `WrongAnswersError` at the first turn with an answer that is not right.
        """
        self._warm_up(scenarios, targets)
        for number in range(rounds):
            order = targets if number % 2 == 0 else targets[::-1]
            for scenario in scenarios:
                for target in order:
                    yield self._turn(scenario, target, number, seconds)

    def crowd(self, scenario: Scenario, target: Target) -> Crowd:
        """All streams of `scenario` at once; counts faults instead of raising."""
        before = proportional_bytes(target.pids)
        with _peak(lambda: proportional_bytes(target.pids)) as peak:
            load = self._load(scenario, target, seconds=1)
        grown = max(0, peak[0] - before)
        return Crowd(
            streams=scenario.connections,
            faults=load.faults,
            first_problem=load.first_problem,
            bytes_per_stream=grown // scenario.connections,
        )

    def _warm_up(self, scenarios: Sequence[Scenario], targets: Sequence[Target]) -> None:
        for scenario in scenarios:
            for target in targets:
                if scenario.requests is None:
                    self._turn(scenario, target, -1, _WARM_UP_S)

    def _turn(self, scenario: Scenario, target: Target, number: int, seconds: float) -> Turn:
        pids = target.pids
        before = self._clocks(pids)
        load = self._load(scenario, target, seconds)
        # Work that a target puts off until after the answer is part of the answer's price.
        time.sleep(_AFTERWORK_S)
        spent = self._clocks(pids).since(before)
        turn = Turn(
            scenario=scenario,
            target=target.name,
            round=number,
            load=load,
            cpu_s=spent.target_s,
            others_share=spent.others_share,
        )
        _insist_on_right_answers(turn)
        return turn

    def _clocks(self, pids: list[int]) -> "_Clocks":
        loads = resource.getrusage(resource.RUSAGE_CHILDREN)
        return _Clocks(
            wall_s=time.monotonic(),
            machine_s=machine_busy_s(),
            target_s=cpu_ns(pids) / 1e9,
            tools_s=cpu_ns([self._upstream.pid]) / 1e9 + loads.ru_utime + loads.ru_stime,
        )

    def _load(self, scenario: Scenario, target: Target, seconds: float) -> LoadResult:
        body = self._run / f"{scenario.name}.json"
        if not body.exists():
            body.write_bytes(request_body(scenario))
        headers = target.headers(scenario)
        return run_load(self._tools, scenario, port=target.port, body=body, headers=headers, seconds=seconds)


def median_ratio(turns: Sequence[Turn], scenario: Scenario, target: str, against: str) -> float:
    """The median over rounds of the cost of `target` divided by the cost of `against` in the same round."""
    return statistics.median(ratios(turns, scenario, target, against))


def ratios(turns: Sequence[Turn], scenario: Scenario, target: str, against: str) -> list[float]:
    """Costs of `target` divided by those of `against`, round by round."""
    return paired(turns, scenario, target, against, lambda one, other: one.cost_us / other.cost_us)


def paired(
    turns: Sequence[Turn],
    scenario: Scenario,
    target: str,
    against: str,
    compare: Callable[[Turn, Turn], float],
) -> list[float]:
    """Applies `compare` to the two targets' turns of each round."""
    ours, theirs = of(turns, scenario, target), of(turns, scenario, against)
    return [compare(one, other) for one, other in zip(ours, theirs, strict=True)]


def of(turns: Sequence[Turn], scenario: Scenario, target: str) -> list[Turn]:
    """The turns of one target in one scenario, in the order of rounds."""
    return [turn for turn in turns if turn.scenario is scenario and turn.target == target]


def _insist_on_right_answers(turn: Turn) -> None:
    load = turn.load
    if load.faults or not load.right:
        raise WrongAnswersError(
            f"{turn.target} in {turn.scenario.name}: {load.right} right, {load.wrong} wrong, "
            f"{load.failed} failed, {load.unfinished} unfinished; by status {load.by_status}; "
            f"first problem: {load.first_problem}"
        )


@contextmanager
def _peak(read: Callable[[], int]) -> Iterator[list[int]]:
    """Samples `read` on a thread for as long as the block runs; the list's one entry is the largest value."""
    largest, over = [0], threading.Event()

    def watch() -> None:
        while not over.wait(_PEAK_SAMPLING_S):
            largest[0] = max(largest[0], read())

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield largest
    finally:
        over.set()
        watcher.join()
