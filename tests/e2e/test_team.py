"""A day of a team: two members, their budgets and permissions, and an account that everybody agrees on."""

import json
import subprocess
from pathlib import Path
from typing import Any

import httpx
import pytest
from anthropic import Anthropic
from openai import AuthenticationError, OpenAI, PermissionDeniedError, RateLimitError

from tests.e2e.gateway import COMMAND, Gateway, bare_environment, only, running, written
from tests.e2e.stage import Stage, provider
from tests.e2e.test_keys import is_shut_out, made, status
from tests.upstream.behaviours import Answer, Behaviour, CutAfter, Usage
from tests.upstream.scripted_upstream import wait_until

PRICE = {"input_tokens_per_million": 10.0, "output_tokens_per_million": 1000.0}
PAID = Answer.text("paid for", usage=Usage(prompt=100, completion=20))
FREE = Answer.text("for nothing", usage=Usage(prompt=50, completion=10))
COST_USD = 0.021
SOON_S = 5.0


def config(stage: Stage) -> dict[str, Any]:
    """`good` asks what costs money first and what does not second, `free` only what does not."""
    paid = {"paid": True, "cost": PRICE, "max_output_tokens": 20}
    return stage.config(
        providers=[
            {**provider("paid", "openai_compat", stage["first"].port), **paid},
            provider("free", "openai_compat", stage["second"].port),
        ],
        profiles=[
            {"name": "good", "providers": ["paid-openai_compat", "free-openai_compat"]},
            {"name": "free", "providers": ["free-openai_compat"]},
        ],
        allow_paid=True,
        members={
            "alice": {"profiles": ["good", "free"], "budget": {"monthly_usd": 0.05, "mode": "hard"}},
            "bob": {"profiles": ["free"], "budget": {"monthly_usd": 1.0}},
        },
    )


def usage(directory: Path, *arguments: str) -> list[dict[str, Any]]:
    result = subprocess.run(
        [*COMMAND, "usage", *arguments, "--json", "--config", str(directory / "providers.yaml")],
        env=bare_environment(directory),
        cwd=directory,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    found: list[dict[str, Any]] = json.loads(result.stdout)
    return found


def asked_of_openai(gateway: Gateway, key: str, model: str) -> str:
    with OpenAI(base_url=gateway.openai_base_url, api_key=key, max_retries=0) as client:
        said = [{"role": "user", "content": "hi"}]
        answer = client.chat.completions.create(model=model, messages=said, max_tokens=20)  # type: ignore[arg-type]
    return str(answer.choices[0].message.content)


def asked_of_anthropic(gateway: Gateway, key: str, model: str) -> str:
    with Anthropic(base_url=gateway.address, auth_token=key, max_retries=0) as client:
        answer = client.messages.create(
            model=model, max_tokens=20, messages=[{"role": "user", "content": "hi"}]
        )
    return "".join(block.text for block in answer.content if block.type == "text")


def metric(gateway: Gateway, key: str, name: str, **labels: str) -> float:
    """The sum over every line of that name with these labels."""
    text = httpx.get(f"{gateway.address}/metrics", headers={"authorization": f"Bearer {key}"}).text
    wanted = [f'{label}="{value}"' for label, value in labels.items()]
    lines = (line for line in text.splitlines() if line.startswith(f"{name}{{"))
    return sum(float(line.rsplit(" ", 1)[1]) for line in lines if all(each in line for each in wanted))


def told_tokens(gateway: Gateway, key: str) -> dict[str, float]:
    """What the metrics say that both members read and wrote together."""
    return {
        kind: sum(
            metric(gateway, key, "coderouter_tokens_total", member=who, **{"class": kind})
            for who in ("alice", "bob")
        )
        for kind in ("input", "output")
    }


def revoke(directory: Path, key_id: str) -> None:
    command = [*COMMAND, "keys", "revoke", key_id, "--config", str(directory / "providers.yaml")]
    subprocess.run(command, env=bare_environment(directory), cwd=directory, timeout=60, check=True)


def test_a_team_shares_a_gateway_and_the_account_is_right(stage: Stage, tmp_path: Path) -> None:
    stage.plays(first=PAID, second=FREE)
    written(tmp_path, config(stage))
    alice, bob = made(tmp_path, "alice"), made(tmp_path, "bob")
    watcher = made(tmp_path, "prometheus", "--scope", "metrics")
    with running(tmp_path, config(stage)) as gateway:
        assert status(gateway) == 401

        assert [asked_of_openai(gateway, alice["key"], "good") for _ in range(2)] == ["paid for"] * 2
        assert asked_of_openai(gateway, alice["key"], "good") == "for nothing"
        assert asked_of_anthropic(gateway, bob["key"], "free") == "for nothing"
        with pytest.raises(PermissionDeniedError, match="good"):
            asked_of_openai(gateway, bob["key"], "good")

        revoke(tmp_path, bob["id"])
        wait_until(lambda: is_shut_out(gateway, bob["key"]), within_s=SOON_S)
        with pytest.raises(AuthenticationError):
            asked_of_openai(gateway, bob["key"], "free")
        assert asked_of_openai(gateway, alice["key"], "free") == "for nothing"

        wait_until(lambda: sum(row["answered"] for row in usage(tmp_path, "--by", "member")) >= 5)
        tokens = told_tokens(gateway, watcher["key"])
        spent = metric(
            gateway, watcher["key"], "coderouter_cost_total_usd_total", provider="paid-openai_compat"
        )

    rows = {row["member"]: row for row in usage(tmp_path, "--by", "member")}
    paid, free = len(stage["first"].chats), len(stage["second"].chats)
    assert (paid, rows["alice"]["answered"]) == (2, 4)
    assert free == rows["alice"]["answered"] - paid + rows["bob"]["answered"]
    for kind, of_paid, of_free in (("input", 100, 50), ("output", 20, 10)):
        account = paid * of_paid + free * of_free
        assert sum(rows[who][f"{kind}_tokens"] for who in ("alice", "bob")) == account
        assert tokens[kind] == account
    assert rows["alice"]["cost_usd"] == pytest.approx(2 * COST_USD)
    assert spent == pytest.approx(2 * COST_USD)
    (budget,) = [row for row in usage(tmp_path, "--budgets") if row["name"] == "alice"]
    assert budget["settled_usd"] == pytest.approx(2 * COST_USD)


def test_a_key_has_a_budget_and_limits_of_its_own(stage: Stage, tmp_path: Path) -> None:
    stage.plays(first=PAID, second=FREE)
    written(tmp_path, config(stage))
    of_its_own = ("--monthly-usd", "0.03", "--budget-mode", "hard", "--requests-per-minute", "4")
    laptop, phone = made(tmp_path, "alice", *of_its_own), made(tmp_path, "alice")
    with running(tmp_path, config(stage)) as gateway:
        said = [asked_of_openai(gateway, laptop["key"], "good") for _ in range(2)]
        replaced = rotated(tmp_path, laptop["id"])
        wait_until(lambda: is_shut_out(gateway, laptop["key"]), within_s=SOON_S)
        said += [asked_of_openai(gateway, replaced["key"], "good") for _ in range(2)]
        with pytest.raises(RateLimitError, match="limit of this key"):
            asked_of_openai(gateway, replaced["key"], "good")
        said.append(asked_of_openai(gateway, phone["key"], "good"))
        skipped = only(gateway.events(), "skip-budget-exceeded")

    assert said == ["paid for", "for nothing", "for nothing", "for nothing", "paid for"]
    assert {event["account"] for event in skipped} == {f"key {laptop['id']}"}
    budgets = {row["name"]: row for row in usage(tmp_path, "--budgets")}
    assert budgets[laptop["id"]]["settled_usd"] == pytest.approx(COST_USD)
    assert budgets["alice"]["settled_usd"] == pytest.approx(2 * COST_USD)
    by_key = {row["key"]: row["requests"] for row in usage(tmp_path, "--by", "key")}
    assert by_key == {laptop["id"]: 2, replaced["id"]: 3, phone["id"]: 1}


def spoken(**choice: object) -> bytes:
    """What a server says that counts nothing."""
    said = {"index": 0, "finish_reason": "stop", **choice}
    return json.dumps({"id": "1", "object": "chat.completion", "model": "m", "choices": [said]}).encode()


UNCOUNTED = Answer.raw(spoken(message={"role": "assistant", "content": "done"}))
UNCOUNTED_STREAM = Answer.raw(b"data: " + spoken(delta={"content": "done"}) + b"\n\ndata: [DONE]\n\n")


@pytest.mark.parametrize(
    ("plays", "stream"),
    [(UNCOUNTED, False), (UNCOUNTED_STREAM, True), (CutAfter(events=3), True)],
    ids=["whole", "stream", "broken stream"],
)
def test_tokens_that_no_upstream_counts_are_estimated_for_the_limit_of_a_member(
    stage: Stage, tmp_path: Path, plays: Behaviour, stream: bool
) -> None:
    stage.plays(second=plays)
    limited = {**config(stage), "members": {"bob": {"limits": {"tokens_per_minute": 100}}}}
    written(tmp_path, limited)
    key = made(tmp_path, "bob")["key"]
    question = {"model": "free", "stream": stream, "messages": [{"role": "user", "content": "hi " * 200}]}
    with running(tmp_path, limited) as gateway:

        def asked() -> int:
            return httpx.post(
                f"{gateway.address}/v1/chat/completions",
                json=question,
                headers={"authorization": f"Bearer {key}"},
                trust_env=False,
            ).status_code

        statuses = [asked(), asked()]

    assert statuses == [200, 429]
    assert only(gateway.events(), "member-limited")[0]["limit"] == "tokens_per_minute"


def rotated(directory: Path, key_id: str) -> dict[str, Any]:
    words = [*COMMAND, "keys", "rotate", key_id, "--json", "--config", str(directory / "providers.yaml")]
    result = subprocess.run(
        words, env=bare_environment(directory), cwd=directory, capture_output=True, timeout=60, check=True
    )
    found: dict[str, Any] = json.loads(result.stdout)
    return found


def test_an_admin_sees_where_a_members_request_would_go(tmp_path: Path, stage: Stage) -> None:
    question = {"model": "good", "messages": [{"role": "user", "content": "hi"}], "max_tokens": 20}
    written(tmp_path, config(stage))
    boss = made(tmp_path, "boss", "--scope", "admin")
    admin = {"authorization": f"Bearer {boss['key']}"}
    with running(tmp_path, config(stage)) as gateway:

        def planned(query: str) -> httpx.Response:
            return httpx.post(
                f"{gateway.address}/admin/plan{query}", json=question, headers=admin, trust_env=False
            )

        alice, bob, nobody = planned("?member=alice"), planned("?member=bob"), planned("?member=bib")

    assert [place["position"] for place in alice.json()["chain"]] == [1, 2]
    assert alice.json()["refused"] == ""
    assert "this key may not use it" in bob.json()["refused"]
    assert nobody.status_code == 400
    assert "available: alice, bob" in nobody.json()["error"]["message"]
