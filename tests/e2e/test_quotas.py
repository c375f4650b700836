"""What plans have left is seen on a running gateway, by its metrics and on the command line."""

from pathlib import Path
from typing import Any

import httpx

from tests.e2e.gateway import Gateway, running
from tests.e2e.stage import Stage, provider
from tests.e2e.test_metrics import answers, counted
from tests.e2e.test_usage import asked, command, told
from tests.upstream.behaviours import Answer, Usage
from tests.upstream.scripted_upstream import wait_until

PLAN = [{"requests": 3, "per": "month"}, {"tokens": 1000, "per": "month"}]
REQUESTS = {"provider": "free-openai_compat", "unit": "requests", "period": "month"}
WORKERS = 2
ENOUGH_TO_MEET_BOTH = 6


def answered_by(gateway: Gateway) -> str:
    url = f"{gateway.openai_base_url}/chat/completions"
    asking = {"model": "thrifty", "max_tokens": 9, "messages": [{"role": "user", "content": "hi"}]}
    # A connection each, so that each may come to another worker.
    answer = httpx.post(url, json=asking, timeout=20).raise_for_status()
    return answer.headers["x-coderouter-provider"].partition("-")[0]


def standings(address: str) -> list[list[dict[str, Any]]]:
    """What one hears who asks several times."""
    return [asked(address, "quotas")["quotas"] for _ in range(ENOUGH_TO_MEET_BOTH)]


def left(address: str) -> list[tuple[int, bool]]:
    return [(row["left"], row["left_alone"]) for row in asked(address, "quotas")["quotas"]]


def test_a_plan_is_seen_to_be_used_up_by_all_workers(stage: Stage, tmp_path: Path) -> None:
    stage.plays(first=Answer.text("hello", usage=Usage(prompt=7, completion=3)))
    free = {**provider("free", "openai_compat", stage["first"].port), "quota": PLAN}
    chain = {"name": "thrifty", "providers": ["free-openai_compat", "second-openai_compat"]}
    config = stage.config(providers=[free], profiles=[chain], server={"workers": WORKERS})
    with running(tmp_path, config) as gateway:
        wait_until(lambda: len(gateway.workers()) == WORKERS and answers(gateway))
        untouched = left(gateway.address)
        first_three = [answered_by(gateway) for _ in range(3)]
        wait_until(lambda: all(seen[0]["used"] == 3 for seen in standings(gateway.address)))
        wait_until(lambda: all(seen[1]["used"] == 30 for seen in standings(gateway.address)))
        used_up = left(gateway.address)
        in_metrics = [counted(gateway, f"quota_{name}", **REQUESTS) for name in ("allowed", "used")]
        ends_at = counted(gateway, "quota_end_timestamp_seconds", **REQUESTS)
        then = answered_by(gateway)
        rows = asked(gateway.address, "quotas")["quotas"]

    table = command(tmp_path, "usage", "--quotas").stdout.splitlines()
    assert untouched == [(3, False), (1000, False)]
    assert first_three == ["free"] * 3
    assert used_up == [(0, True), (970, False)]
    assert in_metrics == [3, 3]
    assert then == "second"
    assert rows[0]["resets_at"].endswith("-01T00:00:00Z")
    assert ends_at % 86_400 == 0
    assert told(tmp_path, "--quotas") == rows
    assert table[1].split()[4:7] == ["3", "3", "0"]
    assert table[1].endswith("yes")
