"""Budgets hold for a running gateway: under load, over several workers, over restarts and violent ends."""

import asyncio
import contextlib
import os
import random
import signal
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from domain.budget.leases import Balance
from infrastructure.clock import SystemClock
from infrastructure.state.sqlite import SqliteStore
from tests.e2e.clients import ask
from tests.e2e.gateway import Gateway, only, running, started
from tests.e2e.stage import Stage
from tests.upstream.behaviours import Answer, Usage
from tests.upstream.scripted_upstream import wait_until

PRICE = {"input_tokens_per_million": 10.0, "output_tokens_per_million": 1000.0}
ANSWER = Answer.text("hello", usage=Usage(prompt=100, completion=20), pace_s=0.01)
COST_USD = 0.021
LONG_ANSWER = Answer.text("hello", usage=Usage(prompt=0, completion=30_000), pace_s=0.05)
LONG_ANSWER_USD = 30.0
DICE = random.Random(7)  # noqa: S311  the moments of the killings need no secrecy
WORST_USD = 0.15
"""No request below costs more than that: 100 tokens of output, and few of input."""


def config(stage: Stage, *, workers: int = 1, **budget: Any) -> dict[str, Any]:
    found = stage.config(server={"workers": workers})
    provider = next(one for one in found["providers"] if one["name"] == "first-openai_compat")
    provider["cost"] = {**PRICE, **budget}
    return found


@contextmanager
def serving(directory: Path, configuration: dict[str, Any]) -> Iterator[Gateway]:
    workers = configuration["server"]["workers"]
    if workers == 1:
        with running(directory, configuration) as gateway:
            yield gateway
        return
    with started(directory, configuration) as gateway:
        gateway.wait_until_ready()
        wait_until(lambda: len(gateway.workers()) == workers)
        wait_until(lambda: answers(gateway))
        yield gateway
        gateway.stop()


def answers(gateway: Gateway) -> bool:
    try:
        return httpx.get(f"{gateway.address}/healthz").status_code == 200
    except httpx.TransportError:
        return False


def asked_at_once(gateway: Gateway, times: int, *, max_tokens: int | None = 100) -> Counter[int]:
    """How often each status was answered to so many clients, each with a connection of its own."""

    async def all_of_them() -> Counter[int]:
        async with httpx.AsyncClient(
            base_url=gateway.address, timeout=30, limits=httpx.Limits(max_keepalive_connections=0)
        ) as client:
            body = {
                "model": "any",
                "max_tokens": max_tokens,
                "messages": [{"role": "user", "content": "hi"}],
            }
            answers = await asyncio.gather(
                *(client.post("/v1/chat/completions", json=body) for _ in range(times))
            )
        return Counter(answer.status_code for answer in answers)

    return asyncio.run(all_of_them())


def balance(directory: Path) -> Balance:
    """How the provider's month stands in the state."""

    async def read() -> Balance:
        store = SqliteStore(directory / ".local/state/coderouter/state.db", SystemClock())
        month = time.strftime("%Y-%m", time.gmtime())
        found = await store.balances([month])
        await store.aclose()
        return next(one for one in found if one.pot.account.name == "first-openai_compat")

    return asyncio.run(read())


def spent_usd(directory: Path) -> float:
    return balance(directory).settled / 1e9


@pytest.mark.parametrize("workers", [1, 2])
def test_a_hundred_clients_at_once_spend_no_more_than_a_hard_budget(
    stage: Stage, tmp_path: Path, workers: int
) -> None:
    stage.plays(first=ANSWER)
    with serving(
        tmp_path, config(stage, workers=workers, monthly_budget_usd=1.0, budget_mode="hard")
    ) as gateway:
        statuses = asked_at_once(gateway, 100)
        for patience in range(50):
            statuses += asked_at_once(gateway, 20)
            # A worker that nobody asked for a while still has what it was lent.
            if patience >= 4 and statuses[200] * COST_USD > 1.0 - 2 * WORST_USD:
                break

    assert {200} < set(statuses) <= {200, 402, 429}
    assert len(stage["first"].chats) == statuses[200]
    assert statuses[200] * COST_USD <= 1.0
    assert statuses[200] * COST_USD > 1.0 - 2 * WORST_USD
    assert spent_usd(tmp_path) == pytest.approx(statuses[200] * COST_USD)
    assert balance(tmp_path).lent == 0


@pytest.mark.parametrize("workers", [1, 2])
def test_a_soft_budget_is_exceeded_by_at_most_one_request(stage: Stage, tmp_path: Path, workers: int) -> None:
    stage.plays(first=ANSWER)
    with serving(tmp_path, config(stage, workers=workers, monthly_budget_usd=0.5)) as gateway:
        rounds = [asked_at_once(gateway, 10) for _ in range(10)]

    statuses = sum(rounds, Counter())
    assert {200} < set(statuses) <= {200, 402, 429}
    assert 0.5 - WORST_USD < statuses[200] * COST_USD < 0.5 + WORST_USD
    assert spent_usd(tmp_path) == pytest.approx(statuses[200] * COST_USD)


@pytest.mark.parametrize("workers", [1, 2])
def test_answers_that_nothing_limits_go_beyond_a_soft_budget_by_one_request_too(
    stage: Stage, tmp_path: Path, workers: int
) -> None:
    stage.plays(first=LONG_ANSWER)
    with serving(tmp_path, config(stage, workers=workers, monthly_budget_usd=100.0)) as gateway:
        statuses = sum((asked_at_once(gateway, 10, max_tokens=None) for _ in range(10)), Counter[int]())

    assert {200} < set(statuses) <= {200, 402, 429}
    assert 100.0 <= statuses[200] * LONG_ANSWER_USD < 100.0 + LONG_ANSWER_USD
    assert spent_usd(tmp_path) == pytest.approx(statuses[200] * LONG_ANSWER_USD, rel=0.01)


def test_a_restart_forgets_nothing_and_the_refusal_says_why(stage: Stage, tmp_path: Path) -> None:
    stage.plays(first=ANSWER)
    configuration = config(stage, monthly_budget_usd=0.06, budget_mode="soft")
    with running(tmp_path, configuration) as gateway:
        assert [ask(gateway, "openai_chat", "any").status_code for _ in range(4)] == [200, 200, 200, 402]
    with running(tmp_path, configuration) as gateway:
        refused = ask(gateway, "openai_chat", "any")
        told = gateway.story(refused.headers["x-request-id"])

    assert refused.status_code == 402
    error = refused.json()["error"]
    assert error["type"] == "insufficient_quota"
    assert "0.063 of 0.06 USD spent" in error["message"]
    (skipped,) = only(told, "skip-budget-exceeded")
    assert (skipped["current_total_usd"], skipped["remaining_usd"]) == (0.063, 0.0)
    assert told[-1]["cost_usd"] == 0


def test_what_a_request_cost_is_told_when_it_is_over(stage: Stage, tmp_path: Path) -> None:
    stage.plays(first=ANSWER)
    with running(tmp_path, config(stage)) as gateway:
        for stream in (False, True):
            answer = ask(gateway, "openai_chat", "any", stream=stream)
            told = gateway.story(answer.headers["x-request-id"])

            (observed,) = only(told, "cache-observed")
            assert observed["outcome"] == "no_cache"
            assert observed["cost_usd"] == told[-1]["cost_usd"] == COST_USD
            assert told[-1]["estimated"] is False


def test_a_client_that_closes_its_stream_at_the_finish_pays_what_was_counted(
    stage: Stage, tmp_path: Path
) -> None:
    """As SDKs do, some of which stop reading at the reason why the answer ended."""
    stage.plays(first=Answer.text("hello", usage=Usage(prompt=100, completion=20), pace_s=0.1))
    question = {"model": "any", "max_tokens": 100, "stream": True}
    question["messages"] = [{"role": "user", "content": "hi"}]
    with running(tmp_path, config(stage, monthly_budget_usd=1.0, budget_mode="hard")) as gateway:
        url, headers = f"{gateway.address}/v1/chat/completions", {"x-request-id": "left-at-the-finish"}
        with httpx.stream("POST", url, json=question, headers=headers, timeout=10) as answer:
            lines = answer.iter_lines()
            while '"finish_reason":"stop"' not in next(lines):
                pass
        completed = gateway.completed("left-at-the-finish")

    assert completed["outcome"] == "client-left"
    assert (completed["cost_usd"], completed["estimated"]) == (COST_USD, False)
    assert spent_usd(tmp_path) == pytest.approx(COST_USD)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_gateway_that_is_killed_under_load_leaves_a_ledger_that_is_right(
    stage: Stage, tmp_path: Path
) -> None:
    stage.plays(first=ANSWER)
    configuration = config(stage, monthly_budget_usd=1000.0, budget_mode="hard")
    state = {"CODEROUTER_STATE__URL": f"sqlite:{tmp_path / '.local/state/coderouter/state.db'}"}
    charged_usd = upstream_usd = 0.0
    for life in range(51):
        with started(tmp_path / str(life), configuration, environment=state) as gateway:
            gateway.wait_until_ready()
            gateway.told("coderouter-startup")  # what was charged before is written by then, too
            with loaded(gateway, clients=6):
                time.sleep(DICE.uniform(0.02, 0.5))
                if life < 50:
                    gateway.process.kill()
                    gateway.exit_code()
            if life == 50:
                gateway.stop()
            charged_usd += charged(gateway)
            upstream_usd = len(stage["first"].chats) * COST_USD
            # What was lent to the one that was just killed is charged when the next one begins.
            assert upstream_usd <= spent_usd(tmp_path) + lent_usd(tmp_path) + 1e-9

    assert len(stage["first"].chats) > 100
    assert charged_usd > 0
    assert lent_usd(tmp_path) == 0
    assert upstream_usd <= spent_usd(tmp_path) + 1e-9
    assert spent_usd(tmp_path) <= upstream_usd + charged_usd + 1e-6


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_worker_that_is_killed_under_load_is_replaced_and_its_lease_charged(
    stage: Stage, tmp_path: Path
) -> None:
    stage.plays(first=ANSWER)
    configuration = config(stage, workers=2, monthly_budget_usd=1000.0, budget_mode="hard")
    with serving(tmp_path, configuration) as gateway:
        fresh: set[int] = set()
        for _ in range(6):
            with loaded(gateway, clients=6):
                time.sleep(DICE.uniform(0.05, 0.6))
                # One that ends as soon as it was started would end the gateway.
                fresh = replaced(gateway, min({*gateway.workers()} - fresh))
            wait_until(lambda: answers(gateway))
            assert asked_at_once(gateway, 10) == {200: 10}
        # The last one's lease is charged when another worker next looks who is gone.
        wait_until(lambda: len(only(gateway.events(), "budget-lease-charged")) >= 6, within_s=30)

    upstream_usd = len(stage["first"].chats) * COST_USD
    assert lent_usd(tmp_path) == 0
    assert upstream_usd <= spent_usd(tmp_path) + 1e-9
    assert spent_usd(tmp_path) <= upstream_usd + charged(gateway) + 1e-6


def replaced(gateway: Gateway, worker: int) -> set[int]:
    """Kills a worker; the one that comes in its place."""
    before = set(gateway.workers())
    os.kill(worker, signal.SIGKILL)
    wait_until(lambda: len({*gateway.workers()} - before) == 1, within_s=30)
    return {*gateway.workers()} - before


def lent_usd(directory: Path) -> float:
    return balance(directory).lent / 1e9


def charged(gateway: Gateway) -> float:
    """What was charged for those who died before."""
    told = only(gateway.events(), "budget-lease-charged")
    months = [one for one in told if len(one["period"]) == len("2026-07")]
    return float(sum(one["amount_usd"] for one in months if one["account"] == "provider first-openai_compat"))


@contextmanager
def loaded(gateway: Gateway, *, clients: int) -> Iterator[None]:
    """So many clients ask all the time, whatever becomes of it."""
    over = threading.Event()

    def client() -> None:
        while not over.is_set():
            with contextlib.suppress(httpx.HTTPError):
                ask(gateway, "openai_chat", "any")

    threads = [threading.Thread(target=client) for _ in range(clients)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        over.set()
        for thread in threads:
            thread.join()
