"""
Every failure, met by every client's dialect, as a stream or not, at a provider of either kind.

Each cell is asked twice, each time of a provider that nobody else asks: once with a sound provider behind it,
and once alone. All are asked at once, as some have to wait; then each is judged by its row of `FAULTS`.
"""

import shutil
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from domain.failures import FailureKind
from tests.e2e import lab_cast
from tests.e2e.clients import TLS, frames
from tests.e2e.fault_table import FAULTS, LEFT, Fault, Refusal, Shape
from tests.e2e.gateway import Event, Gateway, names, only, running
from tests.e2e.stage import KINDS, Kind, provider
from tests.e2e.wire_words import BODIES, ENDS, ROUTES
from tests.upstream.behaviours import Behaviour
from tests.upstream.records import ReceivedRequest
from tests.upstream.scripted_upstream import (
    HELLO,
    ScriptedUpstream,
    refusing_port,
    served_in_thread,
    wait_until,
)

NATIVE = {("openai_chat", "openai_compat"), ("anthropic_messages", "anthropic")}
AT_ONCE = 24
STAYS_S = 1.0
"""How long a client stays that leaves."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One fault, met in one way."""

    fault: str
    dialect: str
    kind: Kind
    shape: Shape

    def __str__(self) -> str:
        return f"{self.fault}-{self.dialect}-{self.shape}-{self.kind}"

    @property
    def row(self) -> Fault:
        return FAULTS.get(self.fault, LEFT)

    def model(self, company: str) -> str:
        return f"{company}-{self}"


CELLS = [
    Cell(name, dialect, kind, shape)
    for name, fault in FAULTS.items()
    for dialect in ROUTES
    for kind in KINDS
    for shape in fault.shapes
]
LEFT_CELLS = [
    Cell("left", dialect, kind, shape) for dialect in ROUTES for kind in KINDS for shape in LEFT.shapes
]
COMPANIES = ("with", "alone")
"""Whether a sound provider stands behind the one that fails."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """
    What became of one request: what its client read, what was told of it, how its provider stood at the end.

    ``within_s`` is how long all of them took: shorter pauses may be over.
    """

    answer: httpx.Response | None
    story: list[Event]
    standing: Mapping[str, Any]
    within_s: float

    def failures(self) -> list[tuple[str, str]]:
        failed = [event for event in self.story if event["event"].startswith("provider-failed")]
        return [(event["event"], event["failure"]) for event in failed]


def plays(request: ReceivedRequest) -> Behaviour:
    """What the model does that is asked; it is called as its provider."""
    model = str(request.body["model"])
    does = next(cell.row.does for cell in (*CELLS, *LEFT_CELLS) if model.endswith(f"-{cell}"))
    assert not isinstance(does, str)
    return does.to(request.path) if isinstance(does, Refusal) else does


def failing(cell: Cell, company: str, port: int, refusing: int) -> dict[str, Any]:
    name = cell.model(company)
    if cell.row.does == "raises":
        options = {"way": "key-error", "begun": bool(cell.row.begun)}
        return {"name": name, "adapter": "lab_cast:Nasty", "options": options}
    at = refusing if cell.row.does == "refuses" else port
    waits = {"ttft_timeout_s": 1.0, "idle_timeout_s": 1.0} if cell.row.kind in SLOW else {}
    base = provider(name, cell.kind, at, locality="cloud", **waits)
    return {**base, "name": name, "model": name}


SLOW = ("slow", "broken-off")


def profile(cell: Cell, company: str) -> dict[str, Any]:
    sound = [f"sound-{cell.kind}"] if company == "with" else []
    return {
        "name": cell.model(company),
        "providers": [cell.model(company), *sound],
        "backend_health_action": "demote",
        "memory_pressure_action": "skip",
        "memory_pressure_cooldown_s": 77,
    }


def config(fault_port: int, sound_port: int, refusing: int) -> dict[str, Any]:
    asked = [(cell, company) for cell in (*CELLS, *LEFT_CELLS) for company in COMPANIES]
    sound = [provider("sound", kind, sound_port, locality="cloud") for kind in KINDS]
    return {
        "providers": [*sound, *(failing(*one, fault_port, refusing) for one in asked)],
        "profiles": [
            {"name": "default", "providers": ["sound-openai_compat"]},
            *(profile(*one) for one in asked),
        ],
        "server": {"stream_hold_s": 20},
    }


def ask(client: httpx.Client, gateway: Gateway, cell: Cell, company: str) -> httpx.Response | None:
    """The answer; ``None`` for a client that does not stay for it."""
    name = cell.model(company)
    leaves = cell.row is LEFT
    try:
        return client.post(
            gateway.address + ROUTES[cell.dialect],
            json={**BODIES[cell.dialect], "model": name, "stream": cell.shape == "stream"},
            headers={"x-request-id": name},
            timeout=httpx.Timeout(60, read=STAYS_S if leaves else 60),
        )
    except httpx.ReadTimeout:
        assert leaves, name
        return None


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Outcome]]:
    """Of every cell, by the name of its provider."""
    folder = tmp_path_factory.mktemp("matrix")
    shutil.copy(Path(lab_cast.__file__), folder / "lab_cast.py")
    with ExitStack() as stack:
        faulty = stack.enter_context(served_in_thread(ScriptedUpstream(plays)))
        sound = stack.enter_context(served_in_thread(ScriptedUpstream(HELLO)))
        refusing = stack.enter_context(refusing_port())
        gateway = stack.enter_context(running(folder, config(faulty.port, sound.port, refusing)))
        yield gathered(gateway)


def gathered(gateway: Gateway) -> dict[str, Outcome]:
    asked = [(cell, company) for cell in (*CELLS, *LEFT_CELLS) for company in COMPANIES]
    began_at = time.monotonic()
    with httpx.Client(verify=TLS) as client, ThreadPoolExecutor(AT_ONCE) as threads:
        answers = list(threads.map(lambda one: ask(client, gateway, *one), asked))
        wait_until(lambda: names(gateway.events()).count("request-completed") >= len(asked), within_s=30)
        standings = client.get(f"{gateway.address}/admin/health").json()["providers"]
    within_s = time.monotonic() - began_at
    stories = defaultdict[str, list[Event]](list)
    for event in gateway.events():
        stories[str(event.get("request_id", ""))].append(event)
    stood = {standing["provider"]: standing for standing in standings}
    found = (cell.model(company) for cell, company in asked)
    return {
        name: Outcome(answer, stories[name], stood[name], within_s)
        for name, answer in zip(found, answers, strict=True)
    }


CELL = pytest.mark.parametrize("cell", CELLS, ids=str)


@CELL
def test_another_provider_answers_if_it_still_may(outcomes: dict[str, Outcome], cell: Cell) -> None:
    outcome, row = outcomes[cell.model("with")], cell.row

    assert outcome.answer is not None
    if not row.moves:
        assert_client_reads_an_error(outcome.answer, cell)
        assert only(outcome.story, "fallback-occurred") == []
        return
    assert outcome.answer.status_code == 200, outcome.answer.text
    assert outcome.answer.headers["x-coderouter-provider"] == f"sound-{cell.kind}"
    assert outcome.answer.headers["x-coderouter-fallback-reason"] == row.kind
    assert "world" in outcome.answer.text
    assert cell.shape == "whole" or ENDS[cell.dialect] in outcome.answer.text
    (moved,) = only(outcome.story, "fallback-occurred")
    assert (moved["from_provider"], moved["to_provider"], moved["reason"]) == (
        cell.model("with"),
        f"sound-{cell.kind}",
        row.kind,
    )


@CELL
def test_a_client_that_had_nobody_else_to_ask_reads_why(outcomes: dict[str, Outcome], cell: Cell) -> None:
    assert_client_reads_an_error(outcomes[cell.model("alone")].answer, cell)


@CELL
@pytest.mark.parametrize("company", COMPANIES)
def test_events_tell_it_and_nothing_else(outcomes: dict[str, Outcome], cell: Cell, company: str) -> None:
    outcome, row = outcomes[cell.model(company)], cell.row

    assert outcome.failures() == [("provider-failed-midstream" if row.begun else "provider-failed", row.kind)]
    assert told(outcome.story) == expected(row, alone=company == "alone")
    answered = row.moves and company == "with"
    ended = "answered" if answered else "broken-off" if row.begun else "failed"
    completed = outcome.story[-1]
    assert (completed["event"], completed["outcome"]) == ("request-completed", ended)
    assert completed["attempts"] == (2 if answered else 1)


@CELL
@pytest.mark.parametrize("company", COMPANIES)
def test_the_provider_stands_as_it_should(outcomes: dict[str, Outcome], cell: Cell, company: str) -> None:
    outcome, row = outcomes[cell.model(company)], cell.row
    standing = outcome.standing

    assert (standing["state"], standing["consecutive_failures"]) == ("healthy", int(row.counts))
    pauses = [(pause["reason"], pause.get("model", "")) for pause in standing["cooldowns"]]
    model = cell.model(company) if row.kind == "model-missing" else ""
    may_be_over = row.pause is not None and row.pause[1] <= outcome.within_s
    assert pauses == ([(row.pause[0], model)] if row.pause else []) or (may_be_over and not pauses)


@pytest.mark.parametrize("cell", LEFT_CELLS, ids=str)
@pytest.mark.parametrize("company", COMPANIES)
def test_a_client_that_leaves_is_held_against_nobody(
    outcomes: dict[str, Outcome], cell: Cell, company: str
) -> None:
    outcome = outcomes[cell.model(company)]

    assert outcome.answer is None
    assert outcome.story[-1]["outcome"] == "client-left"
    assert only(outcome.story, "fallback-occurred") == []
    assert told(outcome.story) == []
    assert (outcome.standing["state"], outcome.standing["consecutive_failures"]) == ("healthy", 0)
    assert outcome.standing["cooldowns"] == []


def test_every_failure_has_a_row_but_those_that_need_more_than_an_upstream() -> None:
    kinds = {LEFT.kind, *(fault.kind for fault in FAULTS.values())}

    assert kinds == set(FailureKind) - {FailureKind.ASLEEP}


def told(story: list[Event]) -> list[tuple[str, Any]]:
    """The events that a failure calls for, with what of each matters here."""
    matters = {
        "backend-health-changed": "provider",
        "provider-cooldown": "cooldown_s",
        "memory-pressure-detected": "cooldown_s",
        "provider-misconfigured": "status",
        "reply-broken-off": "surfaced",
        "internal-fault": "error",
    }
    return sorted((one["event"], one[matters[one["event"]]]) for one in story if one["event"] in matters)


def expected(row: Fault, *, alone: bool) -> list[tuple[str, Any]]:
    found: list[tuple[str, Any]] = []
    if row.pause:
        found.append(("provider-cooldown", row.pause[1]))
    if row.begun:
        found.append(("reply-broken-off", False))
    status = row.does.status if isinstance(row.does, Refusal) else None
    seconds = row.pause[1] if row.pause else None
    found += [(name, seconds if name == "memory-pressure-detected" else status) for name in row.more]
    return sorted(found)


def assert_client_reads_an_error(answer: httpx.Response | None, cell: Cell) -> None:
    assert answer is not None
    row = cell.row
    if row.begun:
        assert answer.status_code == 200
        assert ENDS[cell.dialect] not in answer.text
        assert_error_in_stream(answer, cell)
        return
    does = row.does
    assert answer.headers["x-should-retry"] in ("true", "false")
    of_the_gateways_key = row.kind == "credentials"  # which no client has, nor can mend
    if isinstance(does, Refusal) and not of_the_gateways_key and (cell.dialect, cell.kind) in NATIVE:
        refusal = does.to(ROUTES[cell.dialect])
        assert (answer.status_code, answer.content) == (refusal.code, refusal.body)
        return
    anthropic = cell.dialect == "anthropic_messages"
    status = (row.told.anthropic_status if anthropic else 0) or row.told.status
    assert answer.status_code == status, answer.text
    body = answer.json()
    assert body["error"]["type"] == (row.told.anthropic if anthropic else row.told.openai)
    assert body["error"]["message"]
    assert (body.get("type") == "error") == anthropic


def assert_error_in_stream(answer: httpx.Response, cell: Cell) -> None:
    """The last thing in the stream, once."""
    *before, last = frames(answer.text)
    match cell.dialect:
        case "openai_chat":
            assert last["error"]["type"] == "server_error"
        case "anthropic_messages":
            assert (last["type"], last["error"]["type"]) == ("error", "api_error")
        case _:
            assert (last["type"], last["response"]["status"]) == ("response.failed", "failed")
            assert last["response"]["error"]["code"] == "server_error"
    assert not any("error" in frame for frame in before)
    assert cell.row.begun in answer.text
