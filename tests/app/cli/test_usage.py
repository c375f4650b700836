"""What was used is told from the state, which is there or not; nothing that is asked for is swallowed."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from app.cli.main import main

FILE = """\
state: {url: "sqlite://FOLDER/state.db"}
providers:
  - name: priced
    base_url: "http://127.0.0.1:9/v1"
    model: m
    cost: {input_tokens_per_million: 3, monthly_budget_usd: 10}
    quota: [{requests: 50, per: day, zone: Asia/Tokyo}, {tokens: 9000, per: month}]
profiles:
  - {name: default, providers: [priced]}
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "providers.yaml"
    path.write_text(FILE.replace("FOLDER", str(tmp_path)), encoding="utf-8")
    return path


def run(config: Path, *arguments: str) -> Result:
    return CliRunner().invoke(main, [*arguments, "--config", str(config)], env={"CODEROUTER_CONFIG": None})


@pytest.fixture
def key(config: Path) -> dict[str, str]:
    """A key with a budget; making it makes the state."""
    made = run(config, "keys", "create", "alice", "--monthly-usd", "5", "--json")
    assert made.exit_code == 0, made.output
    found: dict[str, str] = json.loads(made.stdout)
    return found


@pytest.mark.parametrize(
    "asked", [("usage",), ("usage", "--budgets"), ("usage", "--quotas"), ("keys", "list")]
)
def test_who_only_asks_makes_no_state(config: Path, asked: tuple[str, ...]) -> None:
    result = run(config, *asked)

    assert [path.name for path in config.parent.iterdir()] == [config.name]
    if asked[0] == "usage":
        assert result.exit_code == 4
        assert f"there is no state at {config.parent / 'state.db'}" in result.output
    else:
        assert "There are no keys" in result.output


@pytest.mark.parametrize("command", ["rotate", "revoke"])
def test_where_there_is_no_state_there_is_no_key_to_end_and_no_state_is_made(
    config: Path, command: str
) -> None:
    result = run(config, "keys", command, "k7f3m2qa")

    assert [path.name for path in config.parent.iterdir()] == [config.name]
    assert result.exit_code == 2
    assert "no key has the id 'k7f3m2qa'" in result.output
    assert f"there is no state at {config.parent / 'state.db'}" in result.output


@pytest.mark.usefixtures("key")
@pytest.mark.parametrize(
    ("asked", "columns"),
    [
        (("--by", "member,key,member"), "member,key,requests,answered,"),
        (("--by", ""), "requests,answered,"),
        (("--since", "0001-01-01", "--until", "9999-12-31", "--zone", "Asia/Tokyo"), "provider,requests,"),
    ],
)
def test_a_spreadsheet_has_its_columns_also_without_rows(
    config: Path, asked: tuple[str, ...], columns: str
) -> None:
    result = run(config, "usage", *asked, "--csv")

    assert result.exit_code == 0, result.output
    assert result.stdout.startswith(columns)
    assert len(result.stdout.splitlines()) == 1


@pytest.mark.usefixtures("key")
@pytest.mark.parametrize(
    "asked",
    [
        ("--csv", "--json"),
        ("--budgets", "--by", "member"),
        ("--budgets", "--since", "7d"),
        ("--quotas", "--since", "7d"),
        ("--quotas", "--budgets"),
    ],
)
def test_what_cannot_go_together_is_refused(config: Path, asked: tuple[str, ...]) -> None:
    assert run(config, "usage", *asked).exit_code == 2


def test_a_key_whose_budget_keeps_a_provider_from_it_is_told_of_when_it_is_made(config: Path) -> None:
    made = run(config, "keys", "create", "alice", "--monthly-usd", "5", "--budget-mode", "hard")

    assert made.exit_code == 0, made.output
    assert "note: priced is not asked under a hard budget" in made.stderr


def test_the_budget_of_a_key_is_told_with_its_member(config: Path, key: dict[str, str]) -> None:
    table = run(config, "usage", "--budgets").stdout.splitlines()
    rows = json.loads(run(config, "usage", "--budgets", "--json").stdout)

    assert table[0].split("  ")[0] == "of"
    assert "of it estimated" in table[0]
    assert table[2].split()[:3] == ["key", key["id"], "alice"]
    assert [(row["account"], row["member"]) for row in rows] == [("provider", ""), ("key", "alice")]


@pytest.mark.usefixtures("key")
def test_what_plans_have_left_is_told_as_table_json_and_csv(config: Path) -> None:
    table = run(config, "usage", "--quotas").stdout.splitlines()
    rows = json.loads(run(config, "usage", "--quotas", "--json").stdout)
    sheet = run(config, "usage", "--quotas", "--csv").stdout.splitlines()

    assert table[0].split() == [
        *("provider", "unit", "period", "zone", "allowed", "used", "left"),
        *("begins", "anew", "left", "alone"),
    ]
    assert table[1].split()[:7] == ["priced", "requests", "day", "Asia/Tokyo", "50", "0", "50"]
    assert table[1].split()[7].endswith("T15:00:00Z")
    assert table[2].split()[-1] == "no"
    assert [(row["unit"], row["zone"], row["left"], row["left_alone"]) for row in rows] == [
        ("requests", "Asia/Tokyo", 50, False),
        ("tokens", "UTC", 9000, False),
    ]
    assert sheet[0] == "provider,unit,period,zone,allowed,used,left,resets_at,left_alone"
    assert sheet[1].startswith("priced,requests,day,Asia/Tokyo,50,0,50,")
    assert sheet[1].endswith(",false")


@pytest.mark.usefixtures("key")
def test_people_read_when_a_plan_begins_anew_by_the_clocks_that_they_want(config: Path) -> None:
    file = config.read_text(encoding="utf-8")
    config.write_text(f"{file}\ndisplay_timezone: Asia/Kolkata\n", encoding="utf-8")

    table = run(config, "usage", "--quotas").stdout.splitlines()
    rows = json.loads(run(config, "usage", "--quotas", "--json").stdout)

    assert table[1].split()[7].endswith("T20:30:00+05:30")
    assert rows[0]["resets_at"].endswith("T15:00:00Z")


def test_a_state_that_ends_with_the_gateway_is_asked_of_the_gateway(config: Path) -> None:
    file = config.read_text(encoding="utf-8")
    config.write_text(file.replace(f"sqlite://{config.parent}/state.db", "memory:"), encoding="utf-8")

    result = run(config, "usage", "--quotas")

    assert result.exit_code == 4
    assert "/admin/quotas" in result.output
