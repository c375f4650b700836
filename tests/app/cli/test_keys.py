"""Keys are made where a gateway will find them, or not at all."""

import json
from datetime import datetime
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from app.cli.main import main
from tests.no_zones import LACKED, no_zones

FILE = """\
state: {url: "memory:"}
providers: [{name: a, base_url: "http://127.0.0.1:9/v1", model: m}]
profiles: [{name: default, providers: [a]}]
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "providers.yaml"
    path.write_text(FILE, encoding="utf-8")
    return path


def run(config: Path, *arguments: str) -> Result:
    return CliRunner().invoke(
        main, ["keys", *arguments, "--config", str(config)], env={"CODEROUTER_CONFIG": None}
    )


@pytest.mark.parametrize("asked", [("create", "alice"), ("list",), ("rotate", "ab12"), ("revoke", "ab12")])
def test_a_state_that_ends_with_the_gateway_is_no_place_for_keys(
    config: Path, asked: tuple[str, ...]
) -> None:
    result = run(config, *asked)

    assert result.exit_code == 4
    assert "cr_" not in result.output
    assert "/admin/keys" in result.output
    assert "--hash-file" in result.output


def test_a_digest_in_a_file_needs_no_state(config: Path, tmp_path: Path) -> None:
    result = run(config, "create", "alice", "--hash-file", str(tmp_path / "alice.hash"))

    assert result.exit_code == 0, result.output
    assert (tmp_path / "alice.hash").exists()


def test_keys_of_nobody_who_is_declared_are_marked_in_the_list(config: Path, tmp_path: Path) -> None:
    lasting = FILE.replace("memory:", f"sqlite:{tmp_path}/state.db")
    config.write_text(lasting, encoding="utf-8")
    run(config, "create", "alice")
    run(config, "create", "bob", "--scope", "admin")
    before = run(config, "list").stdout

    config.write_text(lasting + "members: {alice: {}}\n", encoding="utf-8")
    alice, bob = run(config, "list").stdout.splitlines()[1:]

    assert "no member" not in before + alice
    assert "bob (no member)" in bob


def test_people_read_until_when_a_key_holds_by_the_clocks_that_they_want(
    config: Path, tmp_path: Path
) -> None:
    lasting = FILE.replace("memory:", f"sqlite:{tmp_path}/state.db")
    config.write_text(f"{lasting}display_timezone: Asia/Kolkata\n", encoding="utf-8")
    run(config, "create", "alice", "--expires", "30d")

    (alice,) = run(config, "list").stdout.splitlines()[1:]
    (card,) = json.loads(run(config, "list", "--json").stdout)

    until = alice.rpartition("until ")[2]
    assert until.endswith("+05:30")
    assert datetime.fromisoformat(until) == datetime.fromisoformat(card["expires_at"]).replace(second=0)
    assert card["expires_at"].endswith("Z")


def test_a_key_of_a_zone_that_this_machine_lacks_is_listed_with_the_reason(
    config: Path, tmp_path: Path
) -> None:
    config.write_text(FILE.replace("memory:", f"sqlite:{tmp_path}/state.db"), encoding="utf-8")
    run(config, "create", "alice", "--monthly-usd", "5", "--budget-zone", LACKED)
    run(config, "create", "bob")

    with no_zones():
        alice, bob = run(config, "list").stdout.splitlines()[1:]
        cards = json.loads(run(config, "list", "--json").stdout)

    assert f"unreadable: this machine knows no time zone '{LACKED}'" in alice
    assert "unreadable" not in bob
    assert [card["member"] for card in cards] == ["alice", "bob"]
    assert LACKED in cards[0]["unreadable"]
    assert cards[1]["unreadable"] is None
