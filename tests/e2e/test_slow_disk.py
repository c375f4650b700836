"""A disk that takes its time keeps no request waiting, though every cent is written to it."""

import subprocess
import time
from pathlib import Path

import pytest

from tests.at_hand import at_hand
from tests.e2e.clients import DIALECTS, ask
from tests.e2e.gateway import running, seconds, written
from tests.e2e.stage import Stage
from tests.e2e.test_budgets import ANSWER, COST_USD, config, spent_usd
from tests.e2e.test_keys import made

SHIM = Path(__file__).with_name("slow_disk.c")
SYNC_S = 0.2
"""What the shim adds to every sync."""

REQUESTS = 40


@pytest.fixture
def slow_disk(tmp_path: Path) -> dict[str, str]:
    """The environment of a process whose disk is slow."""
    compiler = at_hand("cc", "make system-parts")
    library = tmp_path / "slow_disk.so"
    subprocess.run([compiler, "-shared", "-fPIC", "-O1", "-o", library, SHIM, "-ldl"], check=True, timeout=60)
    return {"LD_PRELOAD": str(library), "SLOW_DISK_LOG": str(tmp_path / "syncs")}


def syncs(slow_disk: dict[str, str]) -> int:
    """How often anything was written to the disk at once."""
    return len(Path(slow_disk["SLOW_DISK_LOG"]).read_bytes())


def test_requests_wait_for_no_sync(stage: Stage, tmp_path: Path, slow_disk: dict[str, str]) -> None:
    stage.plays(first=ANSWER)
    hard = config(stage, monthly_budget_usd=1000.0, budget_mode="hard")
    with running(tmp_path / "home", hard, environment=slow_disk) as gateway:
        ask(gateway, "openai_chat", "any")
        took = seconds(
            lambda: [
                ask(gateway, DIALECTS[number % 2], "any", stream=number % 4 < 2).raise_for_status()
                for number in range(REQUESTS)
            ]
        )

    print(f"{took:.2f} s")  # noqa: T201  pytest -rP shows it
    assert syncs(slow_disk) >= 3  # else nothing was slow
    assert took < REQUESTS * SYNC_S * 0.8
    assert spent_usd(tmp_path / "home") == pytest.approx((REQUESTS + 1) * COST_USD)


def test_what_workers_tell_each_other_for_seconds_is_worth_no_sync(
    stage: Stage, tmp_path: Path, slow_disk: dict[str, str]
) -> None:
    stage.plays(first=ANSWER)
    home = tmp_path / "home"
    home.mkdir()
    members = {"anna": {"limits": {"requests_per_minute": 100}}}
    shared = stage.config(server={"workers": 2}, members=members)
    written(home, shared)
    key = made(home, "anna")["key"]
    with running(home, shared, environment=slow_disk) as gateway:
        headers = {"authorization": f"Bearer {key}"}
        ask(gateway, "openai_chat", "any", headers=headers).raise_for_status()
        time.sleep(3.0)  # until its cost is written
        before = syncs(slow_disk)
        time.sleep(5.0)
        after = syncs(slow_disk)

    assert before >= 1  # else nothing was counted
    assert after - before <= 2
