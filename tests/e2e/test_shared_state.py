"""Two gateways that share a server keep to one budget, one limit and one set of keys, whatever befalls it."""

import asyncio
import random
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest

from domain.budget.leases import Balance
from infrastructure.clock import SystemClock
from infrastructure.state.valkey import ValkeyStore
from tests.e2e.clients import ask
from tests.e2e.gateway import COMMAND, Gateway, bare_environment, names, only, running, written
from tests.e2e.stage import Stage
from tests.e2e.test_budgets import (
    ANSWER,
    COST_USD,
    LONG_ANSWER,
    LONG_ANSWER_USD,
    WORST_USD,
    asked_at_once,
    config,
)
from tests.e2e.test_keys import made, status
from tests.upstream.scripted_upstream import ScriptedUpstream, wait_until
from tests.upstream.state_server import StateServer, state_server

PASSWORD = "planted-password-of-the-state-0123456789"
DICE = random.Random(11)  # noqa: S311  the moments of the killings need no secrecy
SOON_S = 15.0
"""Many times what it takes until every gateway knows of a change."""

TELLS_EVERY_S = 0.5
"""How often a gateway tells the others whom it let in."""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[StateServer]:
    folder = tmp_path / "valkey"
    folder.mkdir()
    with state_server(folder) as server:
        yield server


@contextmanager
def two(tmp_path: Path, configuration: dict[str, Any], server: StateServer) -> Iterator[list[Gateway]]:
    """Two gateways of one configuration, each with a home of its own, and one state."""
    shared = {**configuration, "state": {"url": server.url}}
    with ExitStack() as stack:
        homes = [tmp_path / name for name in ("one", "two")]
        for home in homes:
            home.mkdir()
        yield [stack.enter_context(running(home, shared)) for home in homes]


def at_once(gateways: list[Gateway], times: int, *, max_tokens: int | None = 100) -> Counter[int]:
    """The statuses of so many requests to each of them."""
    ask = partial(asked_at_once, times=times, max_tokens=max_tokens)
    with ThreadPoolExecutor(len(gateways)) as pool:
        return sum(pool.map(ask, gateways), Counter())


def balance(server: StateServer) -> Balance:
    """How the provider's month stands."""
    (found,) = balances(server)
    return found


def balances(server: StateServer) -> list[Balance]:
    """The same; none when nothing is known of it."""

    async def read() -> list[Balance]:
        store = ValkeyStore(server.url, SystemClock())
        found = await store.balances([time.strftime("%Y-%m", time.gmtime())])
        await store.aclose()
        return [one for one in found if one.pot.account.name == "first-openai_compat"]

    return asyncio.run(read())


def spent_usd(server: StateServer) -> float:
    return sum(one.settled for one in balances(server)) / 1e9


def test_a_hundred_clients_of_two_gateways_spend_no_more_than_a_hard_budget(
    stage: Stage, tmp_path: Path, server: StateServer
) -> None:
    stage.plays(first=ANSWER)
    hard = config(stage, monthly_budget_usd=1.0, budget_mode="hard")
    with two(tmp_path, hard, server) as gateways:
        statuses = at_once(gateways, 50)
        for patience in range(50):
            statuses += at_once(gateways, 10)
            # A gateway that nobody asked for a while still has what it was lent.
            if patience >= 4 and statuses[200] * COST_USD > 1.0 - 2 * WORST_USD:
                break

    assert {200} < set(statuses) <= {200, 402, 429}
    assert len(stage["first"].chats) == statuses[200]
    assert 1.0 - 2 * WORST_USD < statuses[200] * COST_USD <= 1.0
    assert spent_usd(server) == pytest.approx(statuses[200] * COST_USD)
    assert balance(server).lent == 0


def test_answers_that_nothing_limits_go_beyond_a_soft_budget_of_two_gateways_by_one_request_too(
    stage: Stage, tmp_path: Path, server: StateServer
) -> None:
    stage.plays(first=LONG_ANSWER)
    with two(tmp_path, config(stage, monthly_budget_usd=100.0), server) as gateways:
        statuses = sum((at_once(gateways, 5, max_tokens=None) for _ in range(10)), Counter[int]())

    assert {200} < set(statuses) <= {200, 402, 429}
    assert 100.0 <= statuses[200] * LONG_ANSWER_USD < 100.0 + LONG_ANSWER_USD
    assert spent_usd(server) == pytest.approx(statuses[200] * LONG_ANSWER_USD, rel=0.01)


def test_a_soft_budget_of_two_gateways_is_exceeded_by_at_most_one_request(
    stage: Stage, tmp_path: Path, server: StateServer
) -> None:
    stage.plays(first=ANSWER)
    with two(tmp_path, config(stage, monthly_budget_usd=0.5), server) as gateways:
        rounds = [at_once(gateways, 5) for _ in range(10)]

    statuses = sum(rounds, Counter())
    assert {200} < set(statuses) <= {200, 402, 429}
    assert 0.5 - WORST_USD < statuses[200] * COST_USD < 0.5 + WORST_USD
    assert spent_usd(server) == pytest.approx(statuses[200] * COST_USD)


def test_a_key_and_its_members_limit_hold_at_both(stage: Stage, tmp_path: Path, server: StateServer) -> None:
    configuration = stage.config(members={"alice": {"limits": {"requests_per_minute": 6}}, "bob": {}})
    with two(tmp_path, configuration, server) as (one, other):
        alice, bob = made(tmp_path / "one", "alice"), made(tmp_path / "two", "bob")
        for gateway in (one, other):
            wait_until(knows(gateway, bob["key"]), within_s=SOON_S)
        seen: list[int] = []
        for _ in range(6):
            seen += [status(gateway, alice["key"]) for gateway in (one, other)]
            time.sleep(5 * TELLS_EVERY_S)
        revoke(tmp_path / "two", bob["id"])
        wait_until(lambda: status(one, bob["key"]) == 401, within_s=SOON_S)

    assert set(seen) == {200, 429}
    assert 6 <= seen.count(200) <= 9  # within a turn of telling each other more may slip through
    assert seen[-4:] == [429] * 4


def knows(gateway: Gateway, key: str) -> Callable[[], bool]:
    return lambda: status(gateway, key) == 200


def revoke(directory: Path, key: str) -> None:
    words = [*COMMAND, "keys", "revoke", key, "--config", str(directory / "providers.yaml")]
    subprocess.run(
        words, env=bare_environment(directory), cwd=directory, check=True, capture_output=True, timeout=60
    )


def test_a_server_that_is_away_for_a_while_costs_no_answer_and_no_settled_cent(
    stage: Stage, tmp_path: Path, server: StateServer
) -> None:
    stage.plays(first=ANSWER)
    with two(tmp_path, config(stage, monthly_budget_usd=1000.0), server) as gateways:
        statuses = at_once(gateways, 10)
        server.kill()
        statuses += at_once(gateways, 10)
        for gateway in gateways:
            wait_until(told(gateway, "state-unavailable"), within_s=SOON_S)
        statuses += at_once(gateways, 10)
        server.start()
        for gateway in gateways:
            wait_until(told(gateway, "state-available"), within_s=SOON_S)
        statuses += at_once(gateways, 10)

    assert statuses == {200: 80}
    assert spent_usd(server) == pytest.approx(80 * COST_USD)
    assert len(stage["first"].chats) == 80


@pytest.mark.parametrize("sync", ["always", "everysec"])
def test_a_server_that_is_killed_while_requests_run_costs_no_answer_and_no_cent(
    stage: Stage, tmp_path: Path, sync: str
) -> None:
    stage.plays(first=ANSWER)
    hard = config(stage, monthly_budget_usd=1000.0, budget_mode="hard")
    folder = tmp_path / "valkey"
    folder.mkdir()
    with state_server(folder, sync=sync) as server:
        with two(tmp_path, hard, server) as gateways, ThreadPoolExecutor(len(gateways)) as pool:
            over = threading.Event()
            asking = [pool.submit(_asked_until, over, gateway) for gateway in gateways]
            try:
                for _ in range(4):
                    wait_until_asked(stage["first"], 25)
                    server.kill()
                    time.sleep(DICE.uniform(0.05, 0.8))
                    server.start()
                wait_until_asked(stage["first"], 25)
            finally:
                over.set()
            statuses = sum((each.result() for each in asking), Counter())
        found = balance(server)

    assert set(statuses) == {200}
    assert statuses[200] == len(stage["first"].chats) > 100
    assert found.settled / 1e9 == pytest.approx(statuses[200] * COST_USD)
    assert found.lent == 0


def test_a_server_that_has_forgotten_what_was_spent_is_told_again(
    stage: Stage, tmp_path: Path, server: StateServer
) -> None:
    stage.plays(first=ANSWER)
    with two(tmp_path, config(stage, monthly_budget_usd=1000.0), server) as gateways:
        assert at_once(gateways, 10) == {200: 20}
        wait_until(lambda: spent_usd(server) == pytest.approx(20 * COST_USD))
        server.kill()
        server.forget()
        server.start()

        wait_until(lambda: spent_usd(server) == pytest.approx(20 * COST_USD), within_s=2 * SOON_S)


def wait_until_asked(upstream: ScriptedUpstream, more: int) -> None:
    """Until so many more requests have come, however long that takes here."""
    enough = len(upstream.chats) + more
    wait_until(lambda: len(upstream.chats) >= enough, within_s=30)


def _asked_until(over: threading.Event, gateway: Gateway) -> "Counter[int]":
    """The statuses of one request after the other, four at a time."""
    statuses: Counter[int] = Counter()
    while not over.is_set():
        statuses += asked_at_once(gateway, 4)
    return statuses


def told(gateway: Gateway, event: str) -> Callable[[], bool]:
    return lambda: event in names(gateway.events())


def test_a_gateway_that_begins_without_the_server_says_so_and_answers_when_it_is_there(
    stage: Stage, tmp_path: Path, server: StateServer
) -> None:
    server.kill()
    with running(tmp_path, config(stage) | {"state": {"url": server.url}}) as gateway:
        early = ask(gateway, "openai_chat", "any")
        ready_early = httpx.get(f"{gateway.address}/readyz").status_code
        server.start()
        wait_until(lambda: ask(gateway, "openai_chat", "any").status_code == 200, within_s=SOON_S)
        ready = httpx.get(f"{gateway.address}/readyz").status_code

    assert (early.status_code, ready_early, ready) == (503, 503, 200)
    assert "cannot read its keys" in early.json()["error"]["message"]


def test_the_password_of_the_server_is_told_nowhere(stage: Stage, tmp_path: Path) -> None:
    url = f"redis://user:{PASSWORD}@127.0.0.1:{stage.refusing_port}/3"
    with running(tmp_path, config(stage) | {"state": {"url": url}}) as gateway:
        wait_until(told(gateway, "state-unavailable"), within_s=SOON_S)
        (lost, *_) = only(gateway.events(), "state-unavailable")
        answer = ask(gateway, "openai_chat", "any")

    assert f"127.0.0.1:{stage.refusing_port}" in lost["error"]
    assert PASSWORD not in gateway.log + answer.text


def test_a_server_is_backed_up_in_its_own_ways(stage: Stage, tmp_path: Path) -> None:
    written(tmp_path, config(stage) | {"state": {"url": "valkey://127.0.0.1:1/0"}})
    backed_up = subprocess.run(
        [*COMMAND, "state", "backup", "copy", "--config", "providers.yaml"],
        env=bare_environment(tmp_path),
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )

    assert backed_up.returncode == 4
    assert (
        backed_up.stderr == "the state is in a server, which has its own ways of being copied and put back\n"
    )


def test_a_gateway_tells_of_a_request_that_the_other_answered(
    stage: Stage, tmp_path: Path, server: StateServer
) -> None:
    with two(tmp_path, stage.config(), server) as (one, other):
        answer = ask(one, "openai_chat", "chain-openai_compat")
        url = f"{other.address}/admin/requests/{answer.headers['x-request-id']}"
        story = httpx.get(url, trust_env=False, timeout=30).json()

    assert story["summary"]["outcome"] == "answered"
    assert "try-provider" in {happening["event"] for happening in story["events"]}
