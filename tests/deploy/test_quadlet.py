"""podman understands the quadlet, and systemd the service that comes of it."""

import shlex
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from app.cli.options import CONFIG_ERROR
from app.cli.serve import NO_KEYS
from config.schema.server import Server
from tests.architecture.tree import ROOT
from tests.deploy.linters import QUADLET, installed, judged, of_the_system
from tests.deploy.units import keys_of
from tests.image.containers import RESTRICTED

FOLDER = ROOT / "deploy" / "quadlet"
UNIT = FOLDER / "coderouter.container"
GATEWAY = "coderouter.service"


@pytest.fixture
def units(tmp_path: Path) -> Path:
    """The units with all their options, installed as the guide says."""
    for source in (*FOLDER.glob("*.*"), *FOLDER.glob("options/ollama*")):
        shutil.copy(source, tmp_path)
    drop_ins = tmp_path / f"{UNIT.name}.d"
    drop_ins.mkdir()
    shutil.copy(FOLDER / "options" / "memory.conf", drop_ins)
    return tmp_path


@pytest.fixture
def services(units: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What podman makes of them."""
    made = tmp_path_factory.mktemp("services")
    told = judged(installed(QUADLET), made, made, made, QUADLET_UNIT_DIRS=str(units))
    assert told.returncode == 0, told.stderr
    return made


@pytest.mark.parametrize(
    "spoil",
    [
        lambda units: (units / "coderouter-state.volume").unlink(),
        lambda units: (units / UNIT.name).write_text(UNIT.read_text().replace("HealthCmd", "HealthCommand")),
    ],
    ids=["a missing volume", "a misspelt key"],
)
def test_a_fault_would_be_seen(units: Path, spoil: Callable[[Path], object]) -> None:
    spoil(units)

    assert judged(installed(QUADLET), "-dryrun", QUADLET_UNIT_DIRS=str(units)).returncode != 0


def test_systemd_finds_no_fault_with_the_services(services: Path) -> None:
    verify = of_the_system("systemd-analyze")
    found = sorted(services.glob("*.service"))
    for service in found:
        text = service.read_text("utf-8")
        service.write_text(text.replace("/usr/bin/podman", "/bin/true"), "utf-8")
    told = judged(verify, "verify", "--man=no", *found)

    assert GATEWAY in {service.name for service in found}
    assert (told.returncode, [line for line in told.stderr.splitlines() if str(services) in line]) == (0, [])


def test_the_gateway_is_held_as_tightly_as_the_image_is_tested(services: Path) -> None:
    command = " ".join(started_by(services))

    for option in (*RESTRICTED, "--memory=256m", "--memory-swap=256m"):
        assert option in command or option.replace("=", " ", 1) in command


def test_started_means_that_it_answers_and_one_that_does_not_is_begun_anew(services: Path) -> None:
    assert {"--sdnotify=healthy", "--health-on-failure"} <= set(started_by(services))
    assert keys_of(UNIT)["Container"]["HealthOnFailure"] == "kill"
    assert keys_of(UNIT)["Service"]["Restart"] == "always"


def test_nobody_else_reaches_anything_until_told_otherwise(services: Path) -> None:
    assert "--publish 127.0.0.1:8088:8088" in " ".join(started_by(services))
    assert "--publish" not in (services / "ollama.service").read_text("utf-8")


def test_it_waits_longer_than_a_drain_takes() -> None:
    unit = keys_of(UNIT)

    assert Server().drain_timeout_s < float(unit["Container"]["StopTimeout"])
    assert float(unit["Container"]["StopTimeout"]) < float(unit["Service"]["TimeoutStopSec"])


def test_what_a_restart_cannot_mend_is_not_restarted() -> None:
    codes = keys_of(UNIT)["Service"]["RestartPreventExitStatus"].split()

    assert codes == [str(CONFIG_ERROR), str(NO_KEYS)]


def started_by(services: Path) -> list[str]:
    """The command that starts the gateway."""
    return shlex.split(keys_of(services / GATEWAY)["Service"]["ExecStart"])
