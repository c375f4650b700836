"""An author's test class, run by pytest in a project whose packages have names of ours."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.architecture.tree import ROOT

pytestmark = pytest.mark.slow

TESTS = """
from adapters.outbound.contract.suite import ProviderContract
from tests.adapters.outbound.contract import labs


class TestLab(ProviderContract):
    excused = {"embeds": "the numbers are not there yet"}

    def build(self, spec, kit):
        return labs.Lab(spec, kit)

    def stage(self, scene):
        return labs.stage(scene)


class Boastful(labs.Lab):
    def __repr__(self):
        return self._kit.secret


class TestBoastful(TestLab):
    def build(self, spec, kit):
        return Boastful(spec, kit)
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    for name in ("config", "app"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text("raise SystemExit('this is another project')\n")
    (tmp_path / "test_lab.py").write_text(TESTS)
    return tmp_path


def pytest_in(project: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """As `python -m pytest` does, the project's folder comes first on the import path."""
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-rs", "-W", "error", "-p", "no:asyncio", *arguments],
        cwd=project,
        env=os.environ | {"PYTHONPATH": f"{project}{os.pathsep}{ROOT}"},
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )


def test_a_sound_adapter_passes_and_what_it_is_excused_from_is_skipped(project: Path) -> None:
    ended = pytest_in(project, "-k", "TestLab")

    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "excused: the numbers are not there yet" in ended.stdout


def test_a_broken_promise_is_told_in_plain_words_without_a_traceback(project: Path) -> None:
    ended = pytest_in(project, "-k", "TestBoastful and keeps-its-key")

    assert ended.returncode == 1, ended.stdout + ended.stderr
    assert "Promised: Its repr does not show the provider's key." in ended.stdout
    assert "Seen: its repr shows the provider's key" in ended.stdout
    assert "Traceback" not in ended.stdout


def test_who_forgets_the_stage_is_told_so(project: Path) -> None:
    (project / "test_bare.py").write_text(
        "from adapters.outbound.contract.suite import ProviderContract\n\n\n"
        "class TestBare(ProviderContract):\n    def build(self, spec, kit): ...\n"
    )
    ended = pytest_in(project, "test_bare.py")

    assert ended.returncode == 1
    assert "TestBare has to define `stage(self, scene)`" in ended.stdout
