"""What the wheel holds, and that it works in any folder."""

import subprocess
from pathlib import Path
from zipfile import ZipFile

import httpx
import pytest

from tests.architecture.tree import PACKAGES, ROOT, repository_files
from tests.e2e.clients import TLS
from tests.e2e.gateway import bare_environment, started, written
from tests.upstream.scripted_upstream import wait_until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

CONFIG = {
    "providers": [{"name": "local", "base_url": "http://127.0.0.1:9/v1", "model": "any"}],
    "profiles": [{"name": "default", "providers": ["local"]}],
}
LEFT_OUT = {"domain/ruff.toml"}
"""Settings of a linter are for this repository."""


@pytest.fixture
def hostile(tmp_path: Path) -> Path:
    """Somebody's project, whose packages have the names of ours and must not be touched."""
    for name in PACKAGES:
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text("raise SystemExit('this is another project')\n")
    written(tmp_path, CONFIG)
    return tmp_path


def test_the_wheel_holds_the_packages_as_they_lie_in_the_repository(wheel: Path) -> None:
    sources = {str(path.relative_to(ROOT)): path for path in repository_files()}
    ours = {name: path.read_bytes() for name, path in sources.items() if name.split("/")[0] in PACKAGES}

    assert _packed(wheel) == {name: content for name, content in ours.items() if name not in LEFT_OUT}


def test_the_wheel_makes_no_interpreter_run_code_at_its_start(wheel: Path) -> None:
    assert [name for name in ZipFile(wheel).namelist() if name.endswith((".pth", ".so"))] == []


@pytest.mark.parametrize(("command", "word"), [("version", "coderouter"), ("check", "providers.yaml: ok")])
def test_a_command_works_in_a_folder_with_packages_of_the_same_names(
    coderouter: str, hostile: Path, command: str, word: str
) -> None:
    ended = subprocess.run(
        [coderouter, command],
        cwd=hostile,
        env=bare_environment(hostile),
        capture_output=True,
        text=True,
        check=False,
    )

    assert (ended.returncode, ended.stderr) == (0, "")
    assert word in ended.stdout


@pytest.mark.parametrize("workers", [1, 2])
def test_it_serves_in_a_folder_with_packages_of_the_same_names(
    coderouter: str, hostile: Path, workers: int
) -> None:
    with started(hostile, {**CONFIG, "server": {"workers": workers}}, command=(coderouter,)) as gateway:
        gateway.wait_until_ready()
        wait_until(lambda: _answers(gateway.address), within_s=30)
        gateway.stop()


def _packed(wheel: Path) -> dict[str, bytes]:
    with ZipFile(wheel) as files:
        return {name: files.read(name) for name in files.namelist() if ".dist-info/" not in name}


def _answers(address: str) -> bool:
    try:
        return httpx.get(f"{address}/readyz", verify=TLS).status_code == 200
    except httpx.TransportError:
        return False
