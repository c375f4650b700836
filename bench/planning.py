"""What it costs to decide where a 100 KB agent request goes, apart from sending it."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median

import msgspec

from adapters.dialects.anthropic_messages.dialect import ANTHROPIC_MESSAGES
from app.use_cases.plan import Planner
from bench.bodies import request_body
from bench.scenarios import SCENARIOS
from config.load import load_text
from config.translate import routing_table
from domain.events import Event
from domain.ports.providers import ChatProvider
from domain.routing.selection import Wishes
from domain.routing.targets import RoutingTable
from infrastructure.clock import SystemClock

ROUNDS = 60
REQUESTS = 20

_UPSTREAMS = """
providers: [{name: local, base_url: "http://127.0.0.1:9/v1", model: qwen3, capabilities: {tools: true}}]
profiles: [{name: chat, providers: [local]}, {name: agent, providers: [local]}]
"""
_RULES = """
default_profile: auto
auto_router:
  default_rule_profile: chat
  rules:
    - {id: background, profile: chat, match: {model_pattern: "claude-.*haiku.*"}}
    - {id: agents, profile: agent, match: {has_tools: true}}
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Planning:
    """
    CPU of one plan, in microseconds, by the least and by the median of the rounds.

    ``yardstick_us`` is the least that decoding the body's JSON took in the same rounds.
    """

    name: str
    least_us: float
    median_us: float
    yardstick_us: float

    def __str__(self) -> str:
        share = self.least_us / self.yardstick_us
        return f"{self.name:<28} {self.least_us:7.1f} {self.median_us:9.1f} {share:9.2f}"


def planning_table() -> str:
    """A line for each way to route, decoding of the request not included."""
    body = request_body(next(scenario for scenario in SCENARIOS if scenario.name == "agent-same"))
    shapes = _planning("rules on shape signals", f"{_RULES}{_UPSTREAMS}", body)
    fixed = _planning("fixed profile", f"default_profile: agent\n{_UPSTREAMS}", body)
    head = f"{'planning, us of CPU':<28} {'least':>7} {'median':>9} {'of a JSON decode':>17}"
    return "\n".join([head, str(shapes), str(fixed)])


def _planning(name: str, config: str, body: bytes) -> Planning:
    table = routing_table(load_text(config))
    planner = Planner(table, _Directory(table), _Nobody(), SystemClock())

    def plan() -> None:
        planner.plan(ANTHROPIC_MESSAGES.decode_request(body, {}), Wishes(), "bench")

    def decode() -> None:
        ANTHROPIC_MESSAGES.decode_request(body, {})

    def yardstick() -> None:
        msgspec.json.decode(body)

    rounds = [(_cpu_us(plan), _cpu_us(decode), _cpu_us(yardstick)) for _ in range(ROUNDS)]
    planned, decoded, yardsticks = zip(*rounds, strict=True)
    return Planning(
        name=name,
        least_us=min(planned) - min(decoded),
        median_us=median(planned) - median(decoded),
        yardstick_us=min(yardsticks),
    )


def _cpu_us(work: Callable[[], None]) -> float:
    began = time.process_time_ns()
    for _ in range(REQUESTS):
        work()
    return (time.process_time_ns() - began) / 1000 / REQUESTS


class _Directory:
    """Providers that are never asked."""

    def __init__(self, table: RoutingTable) -> None:
        self._table = table

    @property
    def providers(self) -> dict[str, ChatProvider]:
        return {}

    @property
    def without_credential(self) -> frozenset[str]:
        return frozenset()


class _Nobody:
    """A sink for events that nobody reads."""

    def emit(self, event: Event) -> None: ...

    def emit_soon(self, make: Callable[[], Event]) -> None: ...
