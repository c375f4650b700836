"""What it costs to decide where a 100 KB agent request goes, apart from sending it."""

import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from types import MappingProxyType
from typing import TypeVar

import msgspec

from adapters.dialects.anthropic_messages.dialect import ANTHROPIC_MESSAGES
from app.use_cases.plan import Planner
from bench.bodies import request_body
from bench.scenarios import SCENARIOS
from config.load import load_text
from config.translate import routing_table
from domain.conversation.request import ChatRequest
from domain.events import Event
from domain.guards.tool_loop import LOOPS_ARE_TOLD, tool_loop_of
from domain.ports.providers import ChatProvider
from domain.routing.selection import Wishes
from domain.routing.targets import RoutingTable
from infrastructure.clock import SystemClock
from infrastructure.tokens import TokenEstimator

Prepared = TypeVar("Prepared")

ROUNDS = 60
REQUESTS = 20

_UPSTREAM = """
  - name: local
    base_url: http://127.0.0.1:9/v1
    model: qwen3
"""
_PLAIN = f"{_UPSTREAM}    capabilities: {{tools: true}}"
_GATED = f"{_UPSTREAM}    capabilities: {{tools: true, vision: false}}\n    context_window: "
_AMPLE = f"{_GATED}262144"
_TIGHT = f"{_GATED}65536"
_PROFILES = "profiles: [{name: chat, providers: [local]}, {name: agent, providers: [local]}]"
_RULES = """
default_profile: auto
auto_router:
  default_rule_profile: chat
  rules:
    - {id: background, profile: chat, match: {model_pattern: "claude-.*haiku.*"}}
    - {id: agents, profile: agent, match: {has_tools: true}}
"""
_FIXED = "default_profile: agent"

FIXED = "fixed profile"
SHAPES = "rules on shape signals"
GATED = "and a gate for pictures, an ample window"
WAYS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        FIXED: (_FIXED, _PLAIN),
        SHAPES: (_RULES, _PLAIN),
        GATED: (_RULES, _AMPLE),
        "and tokens to count, most of them known": (_RULES, _TIGHT),
    }
)
"""How the profile is chosen, and the upstream."""


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
        return f"{self.name:<44} {self.least_us:7.1f} {self.median_us:9.1f} {share:9.2f}"


def planning_table() -> str:
    """A line for each way to route, for the guard against loops, and for the signals told afterwards."""
    rows = [*(planning(name) for name in WAYS), guarding(), _telling(_table(*WAYS[SHAPES]))]
    head = f"{'planning, us of CPU':<44} {'least':>7} {'median':>9} {'of a JSON decode':>17}"
    return "\n".join([head, *map(str, rows)])


def _table(choice: str, upstream: str) -> RoutingTable:
    return routing_table(load_text(f"{choice}\nproviders:{upstream}\n{_PROFILES}\n"))


def planning(way: str) -> Planning:
    """One of `WAYS`. Decoding of the request is not part of it."""
    body = _body()
    planner = Planner(_table(*WAYS[way]), _Directory(), _Later(), SystemClock(), TokenEstimator())

    def plan(request: ChatRequest) -> None:
        planner.plan(request, Wishes(), "bench")

    return _measured(way, body, lambda: _request(body), plan)


def guarding() -> Planning:
    """What every plan of a request with tools costs on top: a look for the same calls over and over."""

    def look(request: ChatRequest) -> None:
        tool_loop_of(request, LOOPS_ARE_TOLD)

    body = _body()
    return _measured("and a look for tool loops", body, lambda: _request(body), look)


def _telling(table: RoutingTable) -> Planning:
    """What is left over for the moment in which the request waits for its upstream."""
    body, sink = _body(), _Later()
    planner = Planner(table, _Directory(), sink, SystemClock(), TokenEstimator())

    def planned() -> Callable[[], Event]:
        planner.plan(_request(body), Wishes(), "bench")
        return sink.waiting.pop()

    def make(event: Callable[[], Event]) -> None:
        event()

    return _measured("the event's signals, told afterwards", body, planned, make)


def _body() -> bytes:
    return request_body(next(scenario for scenario in SCENARIOS if scenario.name == "agent-same"))


def _request(body: bytes) -> ChatRequest:
    return ANTHROPIC_MESSAGES.decode_request(body, {})


def _measured(
    name: str, body: bytes, prepare: Callable[[], Prepared], work: Callable[[Prepared], None]
) -> Planning:
    spent: list[float] = []
    yardsticks: list[float] = []
    for _ in range(ROUNDS):
        spent.append(_cpu_us(work, [prepare() for _ in range(REQUESTS)]))
        yardsticks.append(_cpu_us(msgspec.json.decode, [body] * REQUESTS))
    return Planning(name=name, least_us=min(spent), median_us=median(spent), yardstick_us=min(yardsticks))


def _cpu_us(work: Callable[[Prepared], object], prepared: Sequence[Prepared]) -> float:
    began = time.process_time_ns()
    for one in prepared:
        work(one)
    return (time.process_time_ns() - began) / 1000 / len(prepared)


class _Directory:
    """Providers that are never asked."""

    @property
    def providers(self) -> dict[str, ChatProvider]:
        return {}

    @property
    def without_credential(self) -> frozenset[str]:
        return frozenset()


class _Later:
    """A sink that nobody reads; what may wait waits."""

    def __init__(self) -> None:
        self.waiting: deque[Callable[[], Event]] = deque(maxlen=1)

    def emit(self, event: Event) -> None: ...

    def emit_soon(self, make: Callable[[], Event]) -> None:
        self.waiting.append(make)
