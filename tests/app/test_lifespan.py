"""What a gateway says while it starts, and what it goes on doing."""

import asyncio
import json
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import pytest

from app.container import container_for
from app.launch import find_launch
from app.lifespan import running
from app.state import store_at
from app.use_cases.member_limits import LimitReached
from domain.access.keys import Caller
from infrastructure.clock import SystemClock

FILE = """\
providers:
  - {name: nim, base_url: "http://127.0.0.1:9/v1", model: meta/llama-3.3-70b-instruct}
  - {name: mine, base_url: "http://127.0.0.1:9/v1", model: my-own}
profiles:
  - {name: claude-code, providers: [mine, nim]}
  - {name: default, providers: [nim]}
"""
RULES = "version: 1\nrules: [{match: my-own, capabilities: {claude_code_suitability: degraded}}]\n"


async def test_it_warns_of_models_that_serve_claude_code_badly(tmp_path: Path) -> None:
    (tmp_path / "providers.yaml").write_text(FILE, encoding="utf-8")
    (tmp_path / ".coderouter").mkdir()
    (tmp_path / ".coderouter" / "model-capabilities.yaml").write_text(RULES, encoding="utf-8")
    container = container_for(find_launch({"HOME": str(tmp_path)}, directory=tmp_path, home=tmp_path))
    log = BytesIO()
    container.log_stream.override(log)

    async with running(container):
        pass

    told = [json.loads(line) for line in log.getvalue().splitlines()]
    warnings = [line for line in told if line["event"] == "chain-claude-code-suitability-degraded"]
    assert [(line["profile"], line["degraded_providers"], line["degraded_models"]) for line in warnings] == [
        ("claude-code", ["mine", "nim"], ["my-own", "meta/llama-3.3-70b-instruct"])
    ]


DOUBTFUL = """\
providers: [{name: cloud, base_url: "https://api.example/v1", model: m, api_key_env: NOT_SET, max_queue: 4}]
profiles: [{name: default, providers: [cloud]}]
"""


async def test_it_tells_what_a_check_would_note(tmp_path: Path) -> None:
    (tmp_path / "providers.yaml").write_text(DOUBTFUL, encoding="utf-8")
    container = container_for(find_launch({"HOME": str(tmp_path)}, directory=tmp_path, home=tmp_path))
    log = BytesIO()
    container.log_stream.override(log)

    async with running(container):
        pass

    told = [json.loads(line) for line in log.getvalue().splitlines()]
    notes = [(line["level"], line["note"]) for line in told if line["event"] == "config-note"]
    assert notes == [
        ("warning", "cloud is left out: its API key is not set: NOT_SET"),
        ("warning", "nobody waits for cloud, whatever stands in max_queue: it has no max_concurrency"),
    ]


TEAM = """\
server: {workers: 2}
providers: [{name: nim, base_url: "http://127.0.0.1:9/v1", model: m}]
profiles: [{name: default, providers: [nim]}]
members: {anna: {limits: {requests_per_minute: 3}}}
"""


async def test_what_is_done_in_the_background_goes_on_after_a_bug_that_is_told(tmp_path: Path) -> None:
    (tmp_path / "providers.yaml").write_text(TEAM, encoding="utf-8")
    container = container_for(find_launch({"HOME": str(tmp_path)}, directory=tmp_path, home=tmp_path))
    log = BytesIO()
    container.log_stream.override(log)

    async with running(container):
        other = store_at(container.state_location(), SystemClock())
        await other.put("members-in-use", "a-future-worker", "in words that nobody knows", lasts_s=60)
        await until(lambda: b"internal-fault" in log.getvalue())
        await other.put("members-in-use", "a-future-worker", '{"member anna": [3, 0, 0]}', lasts_s=60)
        limits = container.member_limits()
        await until(lambda: any(use.requests for use in limits.elsewhere.values()))
        with pytest.raises(LimitReached):
            limits.enter(Caller(member="anna"), "r-1")
        await other.aclose()

    told = [json.loads(line) for line in log.getvalue().splitlines()]
    (fault,) = [line for line in told if line["event"] == "internal-fault"]
    assert "limit_sharing" in fault["traceback"]
    assert told[-1]["event"] == "coderouter-shutdown"


async def until(comes_true: Callable[[], bool]) -> None:
    for _ in range(100):
        if comes_true():
            return
        await asyncio.sleep(0.05)
    raise TimeoutError
