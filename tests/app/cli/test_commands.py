"""What the command line says, and with which exit code."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from app.cli.main import COMMANDS, main

FILE = """\
providers:
  - {name: free, base_url: "http://127.0.0.1:9/v1", model: m}
  - {name: locked, kind: anthropic, base_url: "http://127.0.0.1:9", model: m, api_key_env: PLANTED_KEY}
profiles:
  - {name: default, providers: [free, locked]}
  - {name: other, providers: [free]}
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "providers.yaml"
    path.write_text(FILE, encoding="utf-8")
    return path


def run(*arguments: object, **environment: str) -> Result:
    """The command in an environment without settings of ours."""
    unset = {"CODEROUTER_CONFIG": None, "CODEROUTER_MODE": None, "ALLOW_PAID": None, "PLANTED_KEY": None}
    return CliRunner().invoke(main, [str(each) for each in arguments], env={**unset, **environment})


def test_a_usable_configuration_is_told_in_short(file: Path) -> None:
    result = run("check", "--config", file)

    assert result.exit_code == 0, result.output
    assert f"{file}: ok" in result.output
    assert "providers: free, locked" in result.output
    assert "default profile: default" in result.output
    assert "locked is left out: its API key is not set: PLANTED_KEY" in result.output


def test_a_key_that_is_there_is_not_shown(file: Path) -> None:
    result = run("check", "--config", file, PLANTED_KEY="planted-secret")

    assert result.exit_code == 0
    assert "left out" not in result.output
    assert "planted-secret" not in result.output


def test_the_mode_chooses_the_default_profile(file: Path) -> None:
    assert "default profile: other" in run("check", "--config", file, "--mode", "other").output


def test_where_the_state_is_and_that_it_cannot_be_there_is_told(file: Path) -> None:
    fine = run("check", "--config", file, CODEROUTER_STATE__URL=f"sqlite:{file.parent}/state.db")
    lost = run("check", "--config", file, CODEROUTER_STATE__URL=f"sqlite:{file}/state.db")
    shared = run("check", "--config", file, CODEROUTER_STATE__URL="redis://me:planted-secret@h:1/2")

    assert [each.exit_code for each in (fine, lost, shared)] == [0, 0, 0]
    assert f"state: {file.parent}/state.db" in fine.output
    assert "cannot be written" not in fine.output
    assert f"the state cannot be written at {file}/state.db: {file} is no folder" in lost.output
    assert "state: redis://h:1/2" in shared.output
    assert "planted-secret" not in shared.output


def test_budgets_that_may_not_be_meant_are_told(file: Path) -> None:
    budget = "members: {anna: {budget: {monthly_usd: 1, daily_usd: 2, mode: hard}}}\n"
    file.write_text(FILE.replace("model: m}", "model: m, cost: {output_tokens_per_million: 2}}") + budget)

    result = run("check", "--config", file)

    assert result.exit_code == 0, result.output
    assert "note: the daily budget of member anna bounds nothing" in result.output
    assert "note: free is not asked under a hard budget" in result.output


def test_all_problems_are_told_at_once_with_their_lines(file: Path) -> None:
    file.write_text(FILE.replace("model: m}", "model: m, colour: red}").replace("[free]", "[freee]"), "utf-8")

    result = run("check", "--config", file)

    assert result.exit_code == 2
    assert f"{file}:2" in result.output
    assert f"{file}:6" in result.output
    assert "colour" in result.output
    assert "freee" in result.output
    assert isinstance(result.exception, SystemExit)


def test_an_unknown_adapter_cannot_be_used(file: Path) -> None:
    file.write_text(FILE.replace("kind: anthropic", "adapter: 'lab.nowhere:Model'"), "utf-8")

    result = run("check", "--config", file)

    assert result.exit_code == 2
    assert "lab.nowhere:Model" in result.output


def test_an_env_file_gives_the_key_and_only_its_name_is_told(file: Path, tmp_path: Path) -> None:
    (tmp_path / "some.env").write_text("PLANTED_KEY=planted-secret\n", encoding="utf-8")

    result = run("check", "--config", file, "--env-file", tmp_path / "some.env")

    assert result.exit_code == 0
    assert "PLANTED_KEY" in result.output
    assert "planted-secret" not in result.output
    assert "left out" not in result.output


def test_an_env_file_that_cannot_be_read_has_a_code_of_its_own(file: Path) -> None:
    result = run("check", "--config", file, "--env-file", "gone.env")

    assert result.exit_code == 1
    assert "gone.env" in result.output


def test_versions_are_there_for_scripts_and_for_people() -> None:
    as_json, plain = run("version", "--json"), run("version")

    versions = json.loads(as_json.output)
    assert {"coderouter", "python", "granian", "litestar"} <= set(versions)
    assert versions["coderouter"] in plain.output
    assert run("--version").output.strip().endswith(versions["coderouter"])


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(command: str) -> None:
    result = run(command, "--help")

    assert result.exit_code == 0
    assert "Usage:" in result.output
    assert command in run("--help").output


def test_an_unknown_command_is_a_wrong_command_line() -> None:
    assert run("sreve").exit_code == 2


def test_serving_imports_nothing_that_draws_on_terminals_and_whoever_wants_to_may() -> None:
    program = (
        "import sys; from app.cli.main import main; import click;"
        "main.get_command(click.Context(main), 'serve');"
        "assert not {'rich', 'pygments', 'httpx._main'} & {*sys.modules}, 'imported';"
        "import rich.console; import httpx"
    )

    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)

    assert ran.returncode == 0, ran.stderr
