"""What a running gateway has counted, also when several processes serve, and when one of them is killed."""

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
from prometheus_client.parser import text_string_to_metric_families

from tests.e2e.clients import asking
from tests.e2e.gateway import COMMAND, Gateway, running, started
from tests.e2e.stage import Stage, fresh_id, provider
from tests.upstream.behaviours import Answer, Stall, Status, Usage
from tests.upstream.scripted_upstream import wait_until

CHAT = {"model": "any", "max_tokens": 9, "messages": [{"role": "user", "content": "hi"}]}


def counted(gateway: Gateway, name: str, /, **labels: str) -> float:
    """The total over all samples of a series that carry these labels."""
    text = httpx.get(f"{gateway.address}/metrics").text
    samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
    return sum(
        sample.value
        for sample in samples
        if sample.name == f"coderouter_{name}" and labels.items() <= sample.labels.items()
    )


def document(gateway: Gateway) -> dict[str, Any]:
    found: dict[str, Any] = httpx.get(f"{gateway.address}/metrics.json").json()
    return found


def ask(gateway: Gateway, times: int = 1, **more: object) -> None:
    for _ in range(times):
        # A connection each, so that each may come to another worker.
        httpx.post(f"{gateway.openai_base_url}/chat/completions", json={**CHAT, **more}, timeout=20)


def test_requests_and_attempts_are_counted_apart(stage: Stage, tmp_path: Path) -> None:
    stage.plays(first=Status(503, b"{}"), second=Answer.text("hello"))
    with running(tmp_path, stage.config()) as gateway:
        ask(gateway, times=3, profile="chain-openai_compat")

        assert counted(gateway, "requests_total", outcome="answered", status="200") == 3
        assert counted(gateway, "provider_attempts_total", provider="first-openai_compat") == 3
        assert counted(gateway, "provider_outcomes_total", outcome="ok") == 3
        assert counted(gateway, "request_duration_seconds_count") == 3
        assert counted(gateway, "requests_in_flight") == 0
        told = document(gateway)

    assert told["counters"]["requests_total"] == 3
    assert told["counters"]["provider_outcomes"]["second-openai_compat"] == {"ok": 3}
    assert told["startup"]["default_profile"] == "default"
    assert {"name": "default", "providers": ["first-openai_compat"]} in told["config"]["profiles"]


def test_budgets_and_new_connections_are_told(stage: Stage, tmp_path: Path) -> None:
    stage.plays(first=Answer.text("hello", usage=Usage(prompt=1_000_000, completion=0)))
    port, cost = stage["first"].port, {"input_tokens_per_million": 3.0, "monthly_budget_usd": 10}
    priced = provider("priced", "openai_compat", port, cost=cost)
    with running(tmp_path, stage.config(providers=[priced])) as gateway:
        ask(gateway, times=2, model="priced-openai_compat")
        budget = {"account": "provider", "name": "priced-openai_compat", "span": "month"}
        wait_until(lambda: counted(gateway, "budget_settled_usd", **budget) == 6)

        assert counted(gateway, "budget_cap_usd", **budget) == 10
        assert counted(gateway, "budget_reserved_usd", **budget) == 0
        assert 0 < counted(gateway, "budget_held_usd", **budget) <= 4
        assert counted(gateway, "upstream_connect_seconds_count", upstream=f"127.0.0.1:{port}") >= 1
        assert counted(gateway, "upstream_connect_seconds_count", upstream="other") == 0


def test_the_command_shows_the_same(stage: Stage, tmp_path: Path) -> None:
    with running(tmp_path, stage.config()) as gateway:
        ask(gateway)
        shown = subprocess.run(
            [*COMMAND, "stats", "--once", "--url", f"{gateway.address}/metrics.json"],
            capture_output=True,
            text=True,
            check=True,
            timeout=30,
        )

    assert "1 requests" in shown.stdout
    assert "first-openai_compat" in shown.stdout


@contextmanager
def two_workers(stage: Stage, directory: Path) -> Iterator[Gateway]:
    with started(directory, stage.config(server={"workers": 2})) as gateway:
        gateway.wait_until_ready()
        wait_until(lambda: len(gateway.workers()) == 2)
        wait_until(lambda: answers(gateway))
        yield gateway
        gateway.stop()


def answers(gateway: Gateway) -> bool:
    try:
        return httpx.get(f"{gateway.address}/healthz").status_code == 200
    except httpx.TransportError:
        return False


def test_two_workers_count_together(stage: Stage, tmp_path: Path) -> None:
    with two_workers(stage, tmp_path) as gateway:
        ask(gateway, times=20)

        for _ in range(6):
            assert counted(gateway, "requests_total") == 20
            assert document(gateway)["counters"]["requests_total"] == 20


def test_what_a_killed_worker_has_counted_is_not_lost_and_what_it_had_in_hand_is(
    stage: Stage, tmp_path: Path
) -> None:
    stage.plays(first=Stall(after_events=2, seconds=20.0))
    with two_workers(stage, tmp_path) as gateway:
        ask(gateway, times=10, model="second-openai_compat")
        before = counted(gateway, "requests_total")
        with asking(gateway, "openai_chat", "first-openai_compat", fresh_id()) as answer:
            pieces = answer.iter_text()
            next(pieces)
            assert counted(gateway, "requests_in_flight") == 1
            for worker in gateway.workers():
                os.kill(worker, signal.SIGKILL)
        wait_until(lambda: len(gateway.workers()) == 2)
        wait_until(lambda: answers(gateway))

        assert counted(gateway, "requests_total") == before
        assert counted(gateway, "requests_in_flight") == 0
