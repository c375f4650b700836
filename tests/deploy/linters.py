"""The programs that judge the files of deploy/."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.architecture.tree import ROOT

HADOLINT = "hadolint/bin/hadolint"
COMPOSE = "debian/docker-compose"
QUADLET = "debian/quadlet"

_INSTALLED = ROOT / ".cache" / "deploy"


def installed(name: str) -> Path:
    """One of those that `make deploy-linters` installs."""
    return _at_hand(_INSTALLED / name, "make deploy-linters")


def of_the_system(name: str) -> Path:
    """One that comes with a package of Debian's."""
    return _at_hand(Path(shutil.which(name) or name), "make system-parts")


def _at_hand(program: Path, remedy: str) -> Path:
    """Where installing failed, its tests cannot run; with CI=true that is a failure."""
    if os.access(program, os.X_OK):
        return program
    reason = f"{program.name} is not installed: {remedy}"
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


def judged(*command: str | Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """What a program says, and how it ends."""
    return subprocess.run(
        command, env={"PATH": os.defpath} | variables, capture_output=True, text=True, check=False, timeout=50
    )
