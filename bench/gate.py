"""A short measurement with loose bounds, so that what a request costs cannot double unseen."""

from collections.abc import Sequence
from types import MappingProxyType

from bench.measurement import Turn, median_ratio
from bench.scenarios import SCENARIOS

BOUNDS = MappingProxyType(
    {
        "chat": 120.0,
        "agent-same": 36.0,
        "agent-translated": 80.0,
        "burst-same": 10.0,
        "burst-translated": 14.0,
    }
)
"""
The most CPU time a scenario may cost, as a multiple of nginx's in the same round; medians over rounds.

About twice what was measured when they were set (docs/benchmarks.md): they catch a cost that doubles, and say
nothing about how low it should be.
"""

GATED = tuple(scenario for scenario in SCENARIOS if scenario.name in BOUNDS)
ROUNDS = 3
SECONDS = 1.0


def verdicts(turns: Sequence[Turn]) -> list[str]:
    """One line for each scenario; those that exceed their bound begin with `FAILED`."""
    found = {scenario.name: median_ratio(turns, scenario, "gateway", "nginx") for scenario in GATED}
    return [_verdict(name, ratio) for name, ratio in found.items()]


def _verdict(name: str, ratio: float) -> str:
    bound = BOUNDS[name]
    word = "ok    " if ratio <= bound else "FAILED"
    return f"{word} {name}: {ratio:.1f} times nginx, at most {bound:.0f} allowed"
