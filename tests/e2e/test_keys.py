"""A team's keys, made on the command line and shown to a running gateway."""

import json
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import httpx
import pytest

from tests.e2e.gateway import COMMAND, Gateway, bare_environment, running, started, written
from tests.e2e.stage import Stage
from tests.key_secrets import secret_of
from tests.upstream.behaviours import Answer
from tests.upstream.scripted_upstream import wait_until

CHAT = {"model": "any", "max_tokens": 9, "messages": [{"role": "user", "content": "hi"}]}
EVERYWHERE = "0.0.0.0"  # noqa: S104  what is tested is that nobody gets in
SOON_S = 5.0
"""Ten times and more what it normally takes until every process knows of a change."""


def command(
    directory: Path, *arguments: str, environment: Mapping[str, str] = MappingProxyType({})
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, "keys", *arguments, "--config", str(directory / "providers.yaml")],
        env=bare_environment(directory) | dict(environment),
        cwd=directory,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def made(
    directory: Path, *arguments: str, environment: Mapping[str, str] = MappingProxyType({})
) -> dict[str, Any]:
    result = command(directory, "create", *arguments, "--json", environment=environment)
    assert result.returncode == 0, result.stderr
    found: dict[str, Any] = json.loads(result.stdout)
    return found


def status(gateway: Gateway, key: str = "", path: str = "/v1/chat/completions", **more: object) -> int:
    headers = {"authorization": f"Bearer {key}"} if key else {}
    address = gateway.address + path
    with httpx.Client(headers=headers, timeout=20) as client:
        answer = (
            client.post(address, json={**CHAT, **more}) if path.startswith("/v1/c") else client.get(address)
        )
    return answer.status_code


def is_shut_out(gateway: Gateway, key: str = "") -> bool:
    """Asks for what neither a limit nor a count of requests notices, as often as a test likes."""
    return status(gateway, key, path="/v1/models") == 401


def test_the_first_key_closes_the_door_and_opens_it_to_its_member(stage: Stage, tmp_path: Path) -> None:
    with running(tmp_path, stage.config()) as gateway:
        assert status(gateway) == 200

        alice = made(tmp_path, "alice")
        wait_until(lambda: is_shut_out(gateway), within_s=SOON_S)

        assert status(gateway, alice["key"]) == 200
        assert status(gateway, "cr_wrong_" + "x" * 43) == 401
        wait_until(lambda: [each["member"] for each in gateway.told("request-completed")] == ["", "alice"])
        assert gateway.told("request-completed")[-1]["key_id"] == alice["id"]
        assert alice["key"] not in gateway.log


@pytest.mark.parametrize("workers", [1, 2])
def test_a_revoked_key_opens_nothing_in_any_worker(stage: Stage, tmp_path: Path, workers: int) -> None:
    config = stage.config(server={"workers": workers})
    written(tmp_path, config)
    alice, bob = made(tmp_path, "alice"), made(tmp_path, "bob")
    with started(tmp_path, config) as gateway:
        gateway.wait_until_ready()
        wait_until(lambda: answers(gateway, alice["key"]))

        assert command(tmp_path, "revoke", alice["id"]).returncode == 0
        wait_until(lambda: all(status(gateway, alice["key"]) == 401 for _ in range(8)), within_s=SOON_S)

        assert status(gateway, bob["key"]) == 200
        gateway.stop()


def answers(gateway: Gateway, key: str) -> bool:
    try:
        return status(gateway, key) == 200
    except httpx.TransportError:
        return False


def test_keys_outlive_the_gateway(stage: Stage, tmp_path: Path) -> None:
    with running(tmp_path, stage.config()) as gateway:
        alice = made(tmp_path, "alice")
        wait_until(lambda: is_shut_out(gateway), within_s=SOON_S)

    with running(tmp_path, stage.config()) as gateway:
        assert status(gateway) == 401
        assert status(gateway, alice["key"]) == 200


def test_members_get_what_they_are_allowed(stage: Stage, tmp_path: Path) -> None:
    members = {"alice": {"profiles": ["default"]}, "bob": {}}
    config = stage.config(members=members)
    written(tmp_path, config)
    alice, bob = made(tmp_path, "alice"), made(tmp_path, "bob", "--provider", "second-openai_compat")
    refused = command(tmp_path, "create", "alise")
    with running(tmp_path, config) as gateway:
        assert status(gateway, alice["key"]) == 200
        assert status(gateway, alice["key"], profile="chain-openai_compat") == 403
        assert status(gateway, bob["key"]) == 403
        assert status(gateway, bob["key"], profile="chain-openai_compat") == 200
        assert gateway.told("skip-forbidden-provider")
    assert refused.returncode == 2
    assert "alice, bob" in refused.stderr


def test_scopes_are_kept_apart(stage: Stage, tmp_path: Path) -> None:
    config = stage.config()
    written(tmp_path, config)
    user, admin = made(tmp_path, "alice"), made(tmp_path, "root", "--scope", "admin")
    metrics = made(tmp_path, "prometheus", "--scope", "metrics")
    with running(tmp_path, config) as gateway:
        opened = {
            name: [status(gateway, key["key"], path) for path in PATHS]
            for name, key in (("user", user), ("metrics", metrics), ("admin", admin))
        }

    assert opened == {"user": [200, 403, 403], "metrics": [403, 200, 403], "admin": [403, 403, 200]}


PATHS = ("/v1/models", "/metrics", "/admin/keys")


def test_others_are_not_let_in_without_a_key(stage: Stage, tmp_path: Path) -> None:
    with started(tmp_path, stage.config(server={"host": EVERYWHERE})) as gateway:
        assert gateway.exit_code() == 5
        assert "coderouter keys create NAME" in gateway.log
        assert "Traceback" not in gateway.log
    made(tmp_path, "alice")

    with running(tmp_path, stage.config(server={"host": EVERYWHERE})) as gateway:
        port = gateway.address.rpartition(":")[2]
        assert httpx.get(f"http://127.0.0.1:{port}/v1/models").status_code == 401


def test_a_key_may_stand_in_the_configuration(stage: Stage, tmp_path: Path) -> None:
    config = stage.config(members={"alice": {}})
    written(tmp_path, config)
    path = tmp_path / "alice.hash"
    result = command(tmp_path, "create", "alice", "--hash-file", str(path), "--json")
    key = json.loads(result.stdout)["key"]
    assert command(tmp_path, "list").stdout.startswith("There are no keys")
    unbounded = command(tmp_path, "create", "alice", "--budget-mode", "hard")
    assert (unbounded.returncode, "--monthly-usd" in unbounded.stderr) == (2, True)
    assert "hrad" in command(tmp_path, "create", "alice", "--budget-mode", "hrad").stderr
    elsewhere = command(tmp_path, "create", "alice", "--hash-file", str(path), "--daily-usd", "1")
    assert elsewhere.returncode == 2
    assert "auth.keys[]" in elsewhere.stderr
    assert secret_of(key) not in path.read_text()

    auth = {"keys": [{"member": "alice", "hash_file": str(path)}]}
    with running(tmp_path, {**config, "auth": auth}) as gateway:
        assert status(gateway) == 401
        assert status(gateway, key) == 200


def test_an_administrator_manages_keys_over_http(stage: Stage, tmp_path: Path) -> None:
    config = stage.config()
    written(tmp_path, config)
    admin = made(tmp_path, "root", "--scope", "admin")
    with running(tmp_path, config) as gateway:
        client = httpx.Client(base_url=gateway.address, headers={"x-api-key": admin["key"]})
        with client:
            allowance = {
                "budget": {"daily_usd": 2.5, "mode": "hard", "zone": "UTC"},
                "limits": {"concurrent": 3},
            }
            created = client.post("/admin/keys", json={"member": "bob", "paid": False, **allowance})
            assert created.status_code == 201
            bob = created.json()
            assert status(gateway, bob["key"]) == 200
            replaced = client.post(f"/admin/keys/{bob['id']}/rotate").json()
            confused = client.post(f"/admin/keys/{replaced['id']}/rotate", json={"grace": "1h"})
            assert status(gateway, replaced["key"]) == 200
            assert status(gateway, bob["key"]) == 401
            assert client.delete(f"/admin/keys/{replaced['id']}").status_code == 200
            listed = client.get("/admin/keys").json()["keys"]
            assert client.delete("/admin/keys/nope").status_code == 404
            odd = client.post("/admin/keys", json={"member": "bob", "payd": True})
            nowhere = {"daily_usd": 1, "zone": "Nowhere/Town"}
            lost = client.post("/admin/keys", json={"member": "bob", "budget": nowhere})

    assert [(key["member"], "revoked_at" in key) for key in listed] == [
        ("root", False),
        ("bob", True),
        ("bob", True),
    ]
    assert all("key" not in key and "digest" not in key for key in listed)
    assert (listed[-1]["budget"], listed[-1]["limits"]) == (allowance["budget"], allowance["limits"])
    assert {key["account"] for key in listed[1:]} == {bob["id"]}
    assert (odd.status_code, lost.status_code, confused.status_code) == (400, 400, 400)
    assert "grace" in confused.json()["error"]["message"]
    assert "Nowhere/Town" in lost.json()["error"]["message"]
    assert "payd" in odd.json()["error"]["message"]


def test_a_key_opens_in_every_worker_as_soon_as_it_has_been_told(stage: Stage, tmp_path: Path) -> None:
    config = stage.config(server={"workers": 2})
    written(tmp_path, config)
    admin = made(tmp_path, "root", "--scope", "admin")
    seen = []
    with running(tmp_path, config) as gateway:
        for _ in range(10):
            created = httpx.post(
                f"{gateway.address}/admin/keys", json={"member": "bob"}, headers={"x-api-key": admin["key"]}
            )
            seen += [status(gateway, created.json()["key"], "/v1/models") for _ in range(4)]
            # A look for a key that is unknown is not to be had more often.
            time.sleep(0.25)

    assert seen == [200] * 40


def test_a_state_that_cannot_be_read_lets_nobody_in_and_calls_no_key_bad(
    stage: Stage, tmp_path: Path
) -> None:
    config = stage.config(state={"url": f"sqlite://{tmp_path}/state.db"})
    written(tmp_path, config)
    alice = made(tmp_path, "alice")
    (tmp_path / "state.db").write_bytes(b"this is no database" * 500)
    for leftover in tmp_path.glob("state.db-*"):
        leftover.unlink()

    with running(tmp_path, config) as gateway:
        assert status(gateway, alice["key"]) == 503
        assert status(gateway) == 503  # nobody can know whether a key is needed at all
        assert gateway.told("keys-unreadable")
        assert httpx.get(f"{gateway.address}/healthz").status_code == 200


def test_what_is_being_answered_is_finished_when_its_key_is_revoked(stage: Stage, tmp_path: Path) -> None:
    config = stage.config()
    written(tmp_path, config)
    alice = made(tmp_path, "alice")

    stage.plays(first=Answer.text(" ".join(f"word{n}" for n in range(15)), pace_s=0.1))
    with running(tmp_path, config) as gateway:
        headers = {"authorization": f"Bearer {alice['key']}"}
        url = f"{gateway.address}/v1/chat/completions"
        with httpx.stream("POST", url, json={**CHAT, "stream": True}, headers=headers, timeout=20) as answer:
            pieces = answer.iter_text()
            text = next(pieces)
            command(tmp_path, "revoke", alice["id"])
            text += "".join(pieces)
        assert "data: [DONE]" in text
        wait_until(lambda: is_shut_out(gateway, alice["key"]), within_s=SOON_S)
