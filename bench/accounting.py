"""What it costs a request that money is promised and settled for it, and that it takes a place."""

import gc
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import NamedTuple

import msgspec
import uvloop

from adapters.dialects.openai_chat.dialect import OPENAI_CHAT
from app.use_cases.admission import Admission, rooms_of
from app.use_cases.attempts import Attempting, Companion, Ending, admitted, hand_in, seen_of
from app.use_cases.bookkeeping import Bookkeeper
from app.use_cases.money_events import observed
from app.use_cases.spending import BudgetGate, Spending
from app.use_cases.usage_journal import UsageJournal
from bench.bodies import request_body
from bench.scenarios import SCENARIOS
from config.load import load_text
from config.translate import routing_table
from config.translate_admission import weights_of
from config.translate_money import budgets_of
from domain.access.keys import Caller
from domain.budget.billing import Bill, bill
from domain.budget.ledger import BudgetLedger
from domain.conversation.reply import Usage
from domain.events import Event, Outcome, RequestCompleted
from domain.routing.facts import Facts
from domain.routing.gates import Asker
from domain.routing.quotes import Quotes
from domain.routing.selection import Wishes
from infrastructure.clock import SystemClock
from infrastructure.interpreter import settle
from infrastructure.request_ids import RequestIds
from infrastructure.state.sqlite import SqliteStore
from infrastructure.tokens import TokenEstimator

ROUNDS = 12
REQUESTS = 200
_PATIENCE_S = 10.0

_CONFIG = """
providers:
  - name: cloud
    base_url: http://127.0.0.1:9/v1
    model: sonnet
    max_concurrency: 1000
    cost: {input_tokens_per_million: 3, output_tokens_per_million: 15, monthly_budget_usd: 1000000}
profiles: [{name: default, providers: [cloud]}]
members:
  anna: {budget: {monthly_usd: 1000000, mode: hard}}
"""
_USED = Ending(
    outcome=Outcome.ANSWERED,
    finished=True,
    usage=Usage(input_tokens=300, output_tokens=60),
    characters=240,
    ttft_s=0.5,
    duration_s=2.0,
)
_COMPLETED = RequestCompleted(
    request_id="bench",
    member="anna",
    key_id="k1",
    dialect="openai_chat",
    stream=True,
    outcome=Outcome.ANSWERED,
    status=200,
    profile="default",
    rule="",
    provider="cloud",
    model="sonnet",
    requested_model="sonnet",
    attempts=1,
    fallback_reason="",
    duration_ms=2000.0,
    ttft_ms=500.0,
    input_tokens=300,
    output_tokens=60,
    cache_read_tokens=None,
    cache_creation_tokens=None,
    cost_usd=0.0018,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Accounting:
    """
    CPU of one request's share, in microseconds, by its parts in each of the rounds.

    What is written to the disk in the background for it is a part, as if two hundred requests came within the
    quarter of a second in which that is gathered. It is written at once here: so busy a gateway does not fall
    asleep meanwhile, and to be woken costs more than what is done then. What is told of it, in an event and a
    row of the usage log, is no part, and stands beside it.
    ``yardstick_us`` is the least that decoding the JSON of a 100 KB request took in the same rounds.
    """

    rounds: Sequence["Parts"]
    yardstick_us: float

    @property
    def least_us(self) -> float:
        return min(parts.all_but_telling for parts in self.rounds)

    def __str__(self) -> str:
        spent = [parts.all_but_telling for parts in self.rounds]
        lines = [self._line("ledger and admission, two budgets", spent)]
        for at, name in enumerate(_PARTS):
            lines.append(self._line(name, [parts[at] for parts in self.rounds]))
        return "\n".join(lines)

    def _line(self, name: str, spent: Sequence[float]) -> str:
        share = min(spent) / self.yardstick_us
        return f"{name:<44} {min(spent):7.1f} {median(spent):9.1f} {share:9.2f}"


class Parts(NamedTuple):
    """Microseconds of each part."""

    planned: float
    admitted: float
    ended: float
    written: float
    told: float
    logged: float

    @property
    def all_but_telling(self) -> float:
        return self.planned + self.admitted + self.ended + self.written


_PARTS = (
    "  quoted, and passed by the gate",
    "  seated, and promised the money",
    "  billed, settled, its seat given up",
    "  written to the disk, of 200 at once",
    "the event that tells its cost",
    "the row of the usage log, of 200 at once",
)


def accounting() -> Accounting:
    """Measures with a state on the disk, and an interpreter tuned as a gateway has it."""
    with TemporaryDirectory() as folder, _settled():
        return uvloop.run(_measured(Path(folder) / "state.db"))


@contextmanager
def _settled() -> Iterator[None]:
    thresholds, interval_s = gc.get_threshold(), sys.getswitchinterval()
    settle()
    try:
        yield
    finally:
        gc.unfreeze()
        gc.set_threshold(*thresholds)
        sys.setswitchinterval(interval_s)


async def _measured(path: Path) -> Accounting:
    house = _House(path)
    await house.bookkeeper.open(house.budgets)
    body, large = _body("chat"), _body("agent-same")
    rounds, yardsticks = [], []
    for _ in range(ROUNDS):
        attempts = [house.attempting(body) for _ in range(REQUESTS)]
        rounds.append(await _cpu_us(house, attempts))
        yardsticks.append(_decoding_us(large))
    await house.bookkeeper.aclose()
    await house.store.aclose()
    return Accounting(rounds=rounds, yardstick_us=min(yardsticks))


def _body(scenario: str) -> bytes:
    return request_body(next(one for one in SCENARIOS if one.name == scenario))


async def _cpu_us(house: "_House", attempts: Sequence[Attempting]) -> Parts:
    askers = [house.asker(attempting) for attempting in attempts]
    found = bill(seen_of(attempts[0], _USED), attempts[0].spec.price)
    gate = house.gate
    began = time.process_time_ns()
    for asker, attempting in zip(askers, attempts, strict=True):
        assert gate(house.table, asker, attempting.target, attempting.spec) is None
    planned = time.process_time_ns()
    tickets = [await admitted(house.companions, attempting) for attempting in attempts]
    seated = time.process_time_ns()
    for one in tickets:
        hand_in(one, _USED)
    ended = time.process_time_ns()
    for attempting in attempts:
        _tell(attempting, found)
    told = time.process_time_ns()
    await house.bookkeeper.written(_PATIENCE_S)
    written = time.process_time_ns()
    assert house.ledger.is_settled
    for _ in attempts:
        house.journal.emit(_COMPLETED)
    while len(house.journal):
        await house.bookkeeper.written(_PATIENCE_S)
    logged = time.process_time_ns()
    ending_ns = ended - seated - (told - ended)
    spent_ns = (planned - began, seated - planned, ending_ns, written - told, told - ended, logged - written)
    return Parts(*(each / 1000 / len(attempts) for each in spent_ns))


def _tell(attempting: Attempting, found: Bill) -> None:
    """Makes the event that tells an answer's cost, as its end does too: what that takes is told apart."""
    observed(
        found,
        _USED.usage,
        request_id=attempting.request_id,
        provider=attempting.target.provider,
        stream=attempting.stream,
        marked=attempting.request.source.marks_cache,
    )


def _decoding_us(body: bytes) -> float:
    began = time.process_time_ns()
    for _ in range(REQUESTS):
        msgspec.json.decode(body)
    return (time.process_time_ns() - began) / 1000 / REQUESTS


class _House:
    """As much of a gateway as money and places pass through, over a state in a file."""

    def __init__(self, path: Path) -> None:
        config, clock, sink = load_text(_CONFIG), SystemClock(), _Nowhere()
        self.table = routing_table(config)
        self.budgets = budgets_of(config)
        self.store = SqliteStore(path, clock)
        self.ledger = ledger = BudgetLedger(self.budgets)
        self.journal = UsageJournal(clock, RequestIds())
        self.bookkeeper = Bookkeeper(ledger, self.journal, self.store, sink, clock)
        quotes = Quotes(self.table, ledger, TokenEstimator().at_most)
        self.gate = BudgetGate(quotes, ledger, self.bookkeeper, clock)
        self.companions: tuple[Companion, ...] = (
            Admission(rooms_of(self.table.providers), weights_of(config), (), sink, clock),
            Spending(quotes, self.bookkeeper, sink),
        )
        self._wishes = Wishes(caller=Caller(member="anna", key_id="k1", key_account="k1"))
        self._profile = self.table.profiles["default"]
        self._target = self._profile.targets[0]

    def attempting(self, body: bytes) -> Attempting:
        """An attempt for an agent's request as it came, of which nothing was read yet."""
        request = OPENAI_CHAT.decode_request(body, {})
        return Attempting(
            request_id="bench",
            request=request,
            facts=Facts(request, len),
            wishes=self._wishes,
            profile=self._profile,
            target=self._target,
            spec=self.table.spec_of(self._target),
            stream=True,
        )

    def asker(self, attempting: Attempting) -> Asker:
        """Whoever asks all gates."""
        return Asker(facts=attempting.facts, profile=self._profile, caller=self._wishes.caller)


class _Nowhere:
    """A sink that nobody reads."""

    def emit(self, event: Event) -> None: ...
