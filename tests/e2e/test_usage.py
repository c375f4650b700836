"""What was used is told on the command line and by the gateway; the state survives being carried about."""

import csv
import json
import subprocess
from io import StringIO
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.e2e.clients import DIALECTS, ClientDialect, ask, is_terminated
from tests.e2e.gateway import COMMAND, bare_environment, only, running
from tests.e2e.raw import read_until, sent
from tests.e2e.stage import Stage
from tests.e2e.test_budgets import ANSWER, COST_USD, config
from tests.upstream.behaviours import Answer, Garbage, Stall, Usage
from tests.upstream.scripted_upstream import wait_until


def command(directory: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *arguments, "--config", str(directory / "providers.yaml")],
        env=bare_environment(directory),
        cwd=directory,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def told(directory: Path, *arguments: str) -> list[dict[str, Any]]:
    result = command(directory, "usage", *arguments, "--json")
    assert result.returncode == 0, result.stderr
    found: list[dict[str, Any]] = json.loads(result.stdout)
    return found


def test_usage_is_told_while_the_gateway_runs_and_after_it(stage: Stage, tmp_path: Path) -> None:
    stage.plays(first=ANSWER)
    with running(tmp_path, config(stage, monthly_budget_usd=1.0)) as gateway:
        for model in ("any", "any", "second-openai_compat"):
            assert ask(gateway, "openai_chat", model).status_code == 200
        wait_until(lambda: bool(asked(gateway.address, "usage")["rows"][0:]))
        wait_until(lambda: asked(gateway.address, "usage")["rows"][0]["requests"] == 3)
        by_provider = asked(gateway.address, "usage", by="provider,model")
        (budget,) = asked(gateway.address, "budgets")["budgets"]
        unclear = httpx.get(f"{gateway.address}/admin/usage", params={"by": "colour"})
        misspelt = [
            httpx.get(f"{gateway.address}/admin/usage", params=words)
            for words in ({"group": "member"}, {"by": "member", "format": "csv"})
        ]
        ever = asked(
            gateway.address, "usage", since="0001-01-01", until="9999-12-31", zone="Asia/Tokyo", by="provider"
        )

    rows = {row["provider"]: row for row in by_provider["rows"]}
    assert rows["first-openai_compat"]["cost_usd"] == 2 * COST_USD
    assert rows["first-openai_compat"]["output_tokens"] == 40
    assert rows["second-openai_compat"]["cost_usd"] == 0
    assert (budget["name"], budget["settled_usd"]) == ("first-openai_compat", 2 * COST_USD)
    assert unclear.status_code == 400
    assert "by any of" in unclear.json()["error"]["message"]
    assert [each.status_code for each in misspelt] == [400, 400]
    assert "there are: by, since, until, zone" in misspelt[0].json()["error"]["message"]
    assert (ever["since"], len(ever["rows"])) == ("1970-01-01T00:00:00Z", 2)
    assert told(tmp_path, "--by", "provider,model") == by_provider["rows"]
    assert told(tmp_path, "--budgets")[0]["settled_usd"] == 2 * COST_USD


def test_what_a_failed_attempt_may_cost_is_told_of_the_provider_that_failed(
    stage: Stage, tmp_path: Path
) -> None:
    stage.plays(first=Garbage())
    with running(tmp_path, config(stage, monthly_budget_usd=1.0)) as gateway:
        assert ask(gateway, "openai_chat", "chain-openai_compat").status_code == 200
        wait_until(lambda: only(gateway.events(), "request-completed") != [])
        (completed,) = only(gateway.events(), "request-completed")

    (budget,) = told(tmp_path, "--budgets")
    rows = {row["provider"]: row for row in told(tmp_path)}
    (elsewhere,) = completed["billed_elsewhere"]
    failed, answered = rows["first-openai_compat"], rows["second-openai_compat"]
    assert elsewhere["provider"] == "first-openai_compat"
    assert failed["cost_usd"] == elsewhere["cost_usd"] == completed["cost_usd"] == budget["settled_usd"] > 0
    assert (failed["requests"], failed["estimated_cost_usd"]) == (0, failed["cost_usd"])
    assert (answered["requests"], answered["cost_usd"]) == (1, 0)
    assert answered["output_tokens"] > 0


@pytest.mark.parametrize("mode", ["hard", "soft"])
def test_who_adds_up_what_requests_cost_finds_what_spent_the_budget(
    stage: Stage, tmp_path: Path, mode: str
) -> None:
    """Streams that their clients abort, whole answers, and a failure that may be billed."""
    stage.plays(first=ANSWER)
    with running(tmp_path, config(stage, monthly_budget_usd=9.0, budget_mode=mode)) as gateway:
        assert ask(gateway, "openai_chat", "any").status_code == 200
        stage.plays(first=Garbage())
        assert ask(gateway, "openai_chat", "chain-openai_compat").status_code == 200
        stage.plays(first=Stall(after_events=3, seconds=30))
        for request_id in ("aborted-1", "aborted-2"):
            connection = sent(gateway, "openai_chat", "any", request_id, stream=True)
            read_until(connection, b"one")
            connection.close()
            assert gateway.completed(request_id)["outcome"] == "client-left"
        stage.plays(first=ANSWER)
        next_one = ask(gateway, "openai_chat", "any", max_tokens=9000)
        gateway.completed(next_one.headers["x-request-id"])
        completed = only(gateway.events(), "request-completed")

    (budget,) = told(tmp_path, "--budgets")
    rows = {row["provider"]: row for row in told(tmp_path)}
    first, second = rows["first-openai_compat"], rows["second-openai_compat"]
    cost, set_aside = (sum(each[name] for each in completed) for name in ("cost_usd", "set_aside_usd"))
    assert (first["cost_usd"], first["set_aside_usd"]) == pytest.approx((cost, set_aside))
    assert (second["cost_usd"], second["set_aside_usd"]) == (0, 0)
    assert cost + set_aside == pytest.approx(budget["settled_usd"])
    assert (set_aside > 0.1) is (mode == "hard")
    assert ("set aside" in command(tmp_path, "usage").stdout) is (mode == "hard")
    assert next_one.status_code == (402 if mode == "hard" else 200)
    assert f"({budget['estimated_usd']} of it counted by no provider" in next_one.text or mode == "soft"
    assert f"{set_aside:.4f}" in command(tmp_path, "usage").stdout or mode == "soft"


@pytest.mark.parametrize("dialect", DIALECTS)
def test_an_upstream_that_counts_nonsense_spoils_no_book(
    stage: Stage, tmp_path: Path, dialect: ClientDialect
) -> None:
    nonsense = Usage(prompt=2**70, completion=2**70)
    stage.plays(first=Answer.text("hello", usage=nonsense))
    with running(tmp_path, config(stage, monthly_budget_usd=1.0)) as gateway:
        answer = ask(gateway, dialect, "first-openai_compat", stream=True)
        stage.plays(first=ANSWER)
        assert ask(gateway, dialect, "first-openai_compat").status_code == 200
        wait_until(lambda: asked(gateway.address, "usage")["rows"][0:] != [])
        wait_until(lambda: asked(gateway.address, "usage")["rows"][0]["requests"] == 2)
        (budget,) = asked(gateway.address, "budgets")["budgets"]

    assert is_terminated(dialect, answer.text)
    assert "Traceback" not in gateway.log
    assert COST_USD <= budget["settled_usd"] < 2 * COST_USD + 0.01


def asked(address: str, what: str, **words: str) -> dict[str, Any]:
    found: dict[str, Any] = httpx.get(f"{address}/admin/{what}", params=words).raise_for_status().json()
    return found


def test_a_table_is_for_people_and_csv_for_spreadsheets(stage: Stage, tmp_path: Path) -> None:
    stage.plays(first=ANSWER)
    with running(tmp_path, config(stage)) as gateway:
        ask(gateway, "openai_chat", "any")

    table = command(tmp_path, "usage").stdout.splitlines()
    rows = list(csv.DictReader(StringIO(command(tmp_path, "usage", "--by", "day", "--csv").stdout)))

    assert table[0].split()[0] == "provider"
    assert "0.0210" in table[1]
    assert [(row["requests"], row["cost_usd"]) for row in rows] == [("1", str(COST_USD))]
    assert command(tmp_path, "usage", "--since", "never").returncode == 2


def test_a_state_is_backed_up_while_it_is_used_and_restored_when_it_is_not(
    stage: Stage, tmp_path: Path
) -> None:
    stage.plays(first=ANSWER)
    copy, downloaded = str(tmp_path / "copy.db"), tmp_path / "downloaded.db"
    with running(tmp_path, config(stage, monthly_budget_usd=1.0)) as gateway:
        ask(gateway, "openai_chat", "any")
        wait_until(lambda: bool(told(tmp_path, "--by", "day")))
        made = command(tmp_path, "state", "backup", copy)
        again = command(tmp_path, "state", "backup", copy)
        forced = command(tmp_path, "state", "backup", copy, "--force")
        downloaded.write_bytes(httpx.get(f"{gateway.address}/admin/state/backup").content)
        refused = command(tmp_path, "state", "restore", copy)
        ask(gateway, "openai_chat", "any")
    after = told(tmp_path, "--by", "day")[0]["requests"]

    assert made.returncode == 0, made.stderr
    assert (again.returncode, forced.returncode) == (4, 0)
    assert f"{copy} is there already" in again.stderr
    assert refused.returncode == 6
    assert after == 2
    for backup, kept in ((copy, "state.db.before-restore"), (str(downloaded), "state.db.before-restore-2")):
        restored = command(tmp_path, "state", "restore", backup)
        assert restored.returncode == 0, restored.stderr
        assert f"now holds what {backup} holds" in restored.stdout
        assert restored.stdout.strip().endswith(kept)
        assert told(tmp_path, "--by", "day")[0]["requests"] == 1
    assert command(tmp_path, "state", "restore", str(tmp_path / "nowhere.db")).returncode == 4
