"""The programs that judge the files of deploy/."""

import os
import subprocess
from pathlib import Path

from tests.architecture.tree import ROOT
from tests.at_hand import at_hand

HADOLINT = "hadolint/bin/hadolint"
COMPOSE = "debian/docker-compose"
QUADLET = "debian/quadlet"

_INSTALLED = ROOT / ".cache" / "deploy"


def installed(name: str) -> Path:
    """One of those that `make deploy-linters` installs."""
    return at_hand(_INSTALLED / name, "make deploy-linters")


def of_the_system(name: str) -> Path:
    """One that comes with a package of Debian's."""
    return at_hand(name, "make system-parts")


def judged(*command: str | Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """What a program says, and how it ends."""
    return subprocess.run(
        command, env={"PATH": os.defpath} | variables, capture_output=True, text=True, check=False, timeout=50
    )
