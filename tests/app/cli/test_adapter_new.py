"""`coderouter adapter new` writes an adapter that works before its author has changed a line."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from app.cli.main import main
from tests.architecture.tree import ROOT


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def new(name: str) -> Result:
    return CliRunner().invoke(main, ["adapter", "new", name])


def test_what_it_writes_keeps_every_promise(folder: Path) -> None:
    written = new("green_lab")
    tried = CliRunner().invoke(main, written.output.splitlines()[-1].split("coderouter ")[1].split())

    assert written.exit_code == 0, written.output
    assert sorted(path.name for path in folder.iterdir() if path.is_file()) == [
        "green_lab.py",
        "green_lab_stage.py",
        "test_green_lab.py",
    ]
    assert tried.exit_code == 0, tried.output
    assert "green_lab:GreenLab, on the stage green_lab_stage:stage" in tried.output
    assert ", 0 broken, " in tried.output


def test_its_tests_pass_as_they_are(folder: Path) -> None:
    new("blue_lab")

    ended = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:asyncio"],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": f"{folder}{os.pathsep}{ROOT}"},
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )

    assert ended.returncode == 0, ended.stdout + ended.stderr


def test_nothing_in_it_speaks_of_the_gateways_own_modules(folder: Path) -> None:
    new("red_lab")

    for file in folder.glob("*.py"):
        text = file.read_text()
        assert "template" not in text
        assert "Model" not in text


def test_files_that_are_there_are_left_alone(folder: Path) -> None:
    (folder / "test_red_lab.py").write_text("mine")

    result = new("red_lab")

    assert result.exit_code == 2
    assert "test_red_lab.py is there already; nothing was written" in result.output
    assert [path.name for path in folder.iterdir()] == ["test_red_lab.py"]


@pytest.mark.parametrize("name", ["red-lab", "7lab", "class", "config", "json", "../lab"])
def test_a_name_that_no_module_can_have_is_refused(folder: Path, name: str) -> None:
    assert new(name).exit_code == 2
    assert list(folder.iterdir()) == []
