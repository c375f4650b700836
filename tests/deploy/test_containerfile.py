"""What the Containerfile promises to builders who have one kind of processor and no emulator."""

import re
import tomllib
from pathlib import Path

import pytest

from config.schema.server import Server
from tests.architecture.tree import PACKAGES, ROOT
from tests.deploy.linters import HADOLINT, installed, judged

CONTAINERFILE = (ROOT / "deploy" / "Containerfile").read_text("utf-8")


@pytest.fixture
def stages() -> list[list[str]]:
    """The instructions of each stage, continued lines joined."""
    lines = re.sub(r"\\\n", " ", CONTAINERFILE).splitlines()
    stages: list[list[str]] = []
    for line in lines:
        if line.startswith("FROM "):
            stages.append([])
        if stages and line.strip() and not line.startswith("#"):
            stages[-1].append(line)
    return stages


def test_nothing_runs_on_the_processor_that_the_image_is_for(stages: list[list[str]]) -> None:
    first, last = stages

    assert first[0].startswith("FROM --platform=$BUILDPLATFORM ")
    assert last[0].startswith("FROM --platform=$TARGETPLATFORM ")
    assert [line for line in last if line.startswith("RUN")] == []


def test_the_version_on_its_label_is_ours() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["version"]

    assert f"\nARG VERSION={version}\n" in CONTAINERFILE


def test_the_port_is_the_usual_one() -> None:
    assert f"\nEXPOSE {Server().port}\n" in CONTAINERFILE
    assert f"CODEROUTER_SERVER__PORT={Server().port}\n" in CONTAINERFILE


def test_the_builder_is_shown_all_our_packages_and_nobodys_secrets() -> None:
    shown = [line[1:] for line in _ignored() if line.startswith("!")]

    assert _ignored()[0] == "*"
    assert set(PACKAGES) <= set(shown)
    assert [name for name in shown if not (ROOT / name).exists()] == []
    assert [name for name in shown if Path(name).name.startswith(".")] == []


def test_hadolint_finds_no_fault_with_it() -> None:
    told = judged(installed(HADOLINT), ROOT / "deploy" / "Containerfile")

    assert (told.returncode, told.stdout) == (0, "")


def _ignored() -> list[str]:
    lines = (ROOT / ".dockerignore").read_text("utf-8").splitlines()
    return [line for line in lines if line and not line.startswith("#")]
