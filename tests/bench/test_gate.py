"""The gate compares what a request costs with what it may cost."""

import pytest

from bench.gate import BOUNDS, GATED, Bound, Timed, verdicts
from bench.measurement import Turn
from bench.native_tools import Distribution, LoadResult
from bench.scenarios import Scenario

NO_TIMES = Distribution(count=0, p50=0, p99=0, max=0)
LOAD = LoadResult(
    right=1000,
    wrong=0,
    failed=0,
    unfinished=0,
    reconnects=0,
    stamps=1000,
    seconds=1.0,
    latency_us=NO_TIMES,
    first_stamp_us=NO_TIMES,
    stamp_delay_us=NO_TIMES,
    by_status={"200": 1000},
    first_problem="",
)


def turn(scenario: Scenario, target: str, round_number: int, cpu_s: float) -> Turn:
    return Turn(
        scenario=scenario, target=target, round=round_number, load=LOAD, cpu_s=cpu_s, others_share=0.0
    )


INTERPRETER_US = 1500.0


def turns_at(parts: dict[str, list[float]], *, nginx_is_slow: bool = False) -> list[Timed]:
    """Three rounds in which the gateway costs these parts of its bound; half of it where nothing is said."""
    return [
        Timed(turn(scenario, target, number, cpu_s), INTERPRETER_US)
        for scenario in GATED
        for number, part in enumerate(parts.get(scenario.name, [0.5, 0.5, 0.5]))
        for target, cpu_s in _costs(BOUNDS[scenario.name], part, nginx_is_slow=nginx_is_slow).items()
    ]


def _costs(bound: Bound, part: float, *, nginx_is_slow: bool) -> dict[str, float]:
    """For the thousand requests, or chunks, of a turn."""
    gateway = part * bound.interpreter * INTERPRETER_US * 1000 / 1e6
    return {"gateway": gateway, "nginx": gateway / (part * bound.nginx) * (9 if nginx_is_slow else 1)}


def test_costs_within_their_bounds_pass() -> None:
    assert [line.split()[0] for line in verdicts(turns_at({}))] == ["ok"] * len(BOUNDS)


@pytest.mark.parametrize("name", BOUNDS)
def test_a_cost_over_its_bound_fails_by_name(name: str) -> None:
    failed = [line for line in verdicts(turns_at({name: [1.1, 1.1, 1.1]})) if line.startswith("FAILED")]

    assert len(failed) == 1
    assert name in failed[0]


def test_a_machine_on_which_nginx_is_slow_or_fast_excuses_nothing_that_python_pays_for() -> None:
    dear = {name: [2.2, 2.2, 2.2] for name in BOUNDS}

    assert all(line.startswith("FAILED") for line in verdicts(turns_at(dear)))
    assert not any(line.startswith("FAILED") for line in verdicts(turns_at(dear, nginx_is_slow=True)))


def test_one_bad_round_does_not_fail() -> None:
    assert not any(line.startswith("FAILED") for line in verdicts(turns_at({"chat": [0.5, 9.0, 0.5]})))


def test_every_bound_belongs_to_a_scenario() -> None:
    assert {scenario.name for scenario in GATED} == set(BOUNDS)
