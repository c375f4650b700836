"""The wheel, built from this checkout, and an environment that holds it and nothing but what it needs."""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.architecture.tree import ROOT


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    uv("build", "--wheel", "--out-dir", str(folder))
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="session")
def coderouter(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The command, as someone has it who installed the wheel with the locked dependencies."""
    return str(installed(tmp_path_factory.mktemp("installed"), wheel) / "coderouter")


@pytest.fixture(scope="session")
def with_example(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The programs of an environment into which the author of the example has installed it, with pytest."""
    folder = tmp_path_factory.mktemp("example")
    uv("build", "--wheel", "--out-dir", str(folder), str(ROOT / "examples" / "custom_adapter"))
    (example,) = folder.glob("*.whl")
    programs = installed(folder, wheel, example, extras=("contract",))
    uv("pip", "check", "--python", str(programs / "python"))
    return programs


def installed(folder: Path, *wheels: Path, extras: Sequence[str] = ()) -> Path:
    """The programs of a new environment with these wheels and what they are locked to."""
    environment, requirements = folder / "venv", folder / "requirements.txt"
    locked = (
        "export",
        "--locked",
        "--no-dev",
        "--no-emit-project",
        *(f"--extra={extra}" for extra in extras),
    )
    uv(*locked, "--format", "requirements.txt", "--output-file", str(requirements))
    uv("venv", "--python", sys.executable, str(environment))
    into = ("pip", "install", "--python", str(environment), "--no-deps")
    uv(*into, "--require-hashes", "--requirements", str(requirements))
    uv(*into, *map(str, wheels))
    return environment / "bin"


def uv(*arguments: str) -> None:
    command = ["sh", str(ROOT / "scripts" / "uv.sh"), *arguments]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
