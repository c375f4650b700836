"""The systemd unit names commands and options that exist, and waits long enough for a drain."""

import configparser
import shlex
from pathlib import Path

import pytest
from click.testing import CliRunner

from app.cli.main import COMMANDS, main
from app.cli.options import CONFIG_ERROR
from app.cli.serve import NO_KEYS
from config.schema.server import Server
from tests.architecture.tree import ROOT
from tests.deploy.linters import judged, of_the_system
from tests.deploy.units import keys_of

UNIT = ROOT / "deploy" / "systemd" / "coderouter.service"


@pytest.fixture
def service() -> configparser.SectionProxy:
    return keys_of(UNIT)["Service"]


def test_the_unit_starts_a_command_that_exists(service: configparser.SectionProxy) -> None:
    program, command, *options = shlex.split(service["ExecStart"])

    assert program.endswith("/bin/coderouter")
    assert command in COMMANDS
    told = CliRunner().invoke(main, [command, "--help"]).output
    assert all(option in told for option in options if option.startswith("--"))


def test_the_unit_waits_longer_than_a_drain_takes(service: configparser.SectionProxy) -> None:
    assert float(service["TimeoutStopSec"]) > Server().drain_timeout_s


def test_what_a_restart_cannot_mend_is_not_restarted(service: configparser.SectionProxy) -> None:
    assert service["RestartPreventExitStatus"].split() == [str(CONFIG_ERROR), str(NO_KEYS)]


def test_systemd_finds_no_fault_with_the_unit(tmp_path: Path) -> None:
    unit = tmp_path / UNIT.name
    text = UNIT.read_text(encoding="utf-8")
    unit.write_text(text.replace("/opt/coderouter/.venv/bin/coderouter", "/bin/true"), encoding="utf-8")
    verified = judged(of_the_system("systemd-analyze"), "verify", "--man=no", unit)

    assert UNIT.name not in verified.stderr, verified.stderr
