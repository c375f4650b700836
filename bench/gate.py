"""A short measurement with loose bounds, so that what a request costs cannot double unseen."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from types import MappingProxyType

from bench.measurement import Turn, median_ratio
from bench.scenarios import SCENARIOS, Scenario


@dataclass(frozen=True, slots=True)
class Bound:
    """
    The most CPU time that a request, or a chunk of a stream, may cost: too much is what exceeds both.

    A gateway's cost is Python's for the most part and nginx's is the kernel's, for large bodies above all: on
    another kind of machine one may be half while the other is not (of the same gateway 20 times nginx and 50
    times were seen for `agent-same`). A cost that doubles does so by either measure.

    Attributes:
        nginx: in multiples of what nginx takes for it in the same round.
        interpreter: in multiples of `bench.interpreter.interpreter_us` right after it.
    """

    nginx: float
    interpreter: float


BOUNDS = MappingProxyType(
    {
        "chat": Bound(120.0, 1.7),
        "agent-same": Bound(36.0, 3.0),
        "agent-translated": Bound(80.0, 4.6),
        "burst-same": Bound(10.0, 0.021),
        "burst-translated": Bound(14.0, 0.024),
    }
)
"""
About twice what was measured when they were set (docs/benchmarks.md), medians over rounds: they catch a cost
that doubles, and say nothing about how low it should be.
"""


@dataclass(frozen=True, slots=True)
class Timed:
    """A turn, and how fast Python was by its end: on a shared machine that changes within seconds."""

    turn: Turn
    interpreter_us: float


GATED = tuple(scenario for scenario in SCENARIOS if scenario.name in BOUNDS)
ROUNDS = 3
SECONDS = 1.0


def verdicts(timed: Sequence[Timed]) -> list[str]:
    """One line for each scenario; those that exceed their bound begin with `FAILED`."""
    return [_verdict(timed, scenario) for scenario in GATED]


def _verdict(timed: Sequence[Timed], scenario: Scenario) -> str:
    bound = BOUNDS[scenario.name]
    nginx = median_ratio([one.turn for one in timed], scenario, "gateway", "nginx")
    interpreter = median(
        one.turn.cost_us / one.interpreter_us
        for one in timed
        if (one.turn.scenario, one.turn.target) == (scenario, "gateway")
    )
    is_dear = nginx > bound.nginx and interpreter > bound.interpreter
    return (
        f"{'FAILED' if is_dear else 'ok    '} {scenario.name}: {nginx:.1f} times nginx ({bound.nginx:.0f}),"
        f" {interpreter:.3f} times a piece of Python ({bound.interpreter:.3f}); may exceed one"
    )
