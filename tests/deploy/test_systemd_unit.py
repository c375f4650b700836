"""What lies in deploy/ names commands and options that exist, and waits long enough for a drain."""

import configparser
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner

from app.cli.main import COMMANDS, main
from config.schema.server import Server

UNIT = Path(__file__).resolve().parents[2] / "deploy" / "systemd" / "coderouter.service"


@pytest.fixture
def service() -> configparser.SectionProxy:
    unit = configparser.ConfigParser(interpolation=None, strict=False)
    unit.optionxform = str  # type: ignore[assignment,method-assign]  # systemd's keys have capitals
    unit.read_string(UNIT.read_text(encoding="utf-8"))
    return unit["Service"]


def test_the_unit_starts_a_command_that_exists(service: configparser.SectionProxy) -> None:
    program, command, *options = shlex.split(service["ExecStart"])

    assert program.endswith("/bin/coderouter")
    assert command in COMMANDS
    told = CliRunner().invoke(main, [command, "--help"]).output
    assert all(option in told for option in options if option.startswith("--"))


def test_the_unit_waits_longer_than_a_drain_takes(service: configparser.SectionProxy) -> None:
    assert float(service["TimeoutStopSec"]) > Server().drain_timeout_s


def test_systemd_finds_no_fault_with_the_unit(tmp_path: Path) -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not here to judge it")
    unit = tmp_path / UNIT.name
    text = UNIT.read_text(encoding="utf-8")
    unit.write_text(text.replace("/opt/coderouter/.venv/bin/coderouter", "/bin/true"), encoding="utf-8")
    verified = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(unit)], capture_output=True, text=True, check=False
    )

    assert UNIT.name not in verified.stderr, verified.stderr
