"""The wheel, built from this checkout, and an environment that holds it and nothing but what it needs."""

import subprocess
import sys
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
    environment = tmp_path_factory.mktemp("installed") / "venv"
    requirements = environment.with_name("requirements.txt")
    locked = ("export", "--locked", "--no-dev", "--no-emit-project")
    uv(*locked, "--format", "requirements.txt", "--output-file", str(requirements))
    uv("venv", "--python", sys.executable, str(environment))
    into = ("pip", "install", "--python", str(environment), "--no-deps")
    uv(*into, "--require-hashes", "--requirements", str(requirements))
    uv(*into, str(wheel))
    return str(environment / "bin" / "coderouter")


def uv(*arguments: str) -> None:
    command = ["sh", str(ROOT / "scripts" / "uv.sh"), *arguments]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
