"""podman with storage of its own, apart from the images and containers of whoever runs the tests."""

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Literal, TypeAlias

Arch: TypeAlias = Literal["amd64", "arm64"]

ARCHITECTURES: tuple[Arch, ...] = ("amd64", "arm64")

_CONTAINERS = """
[containers]
default_ulimits = ["nofile=8192:8192", "nproc=4096:4096"]
log_driver = "k8s-file"
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
lock_type = "file"
tmp_dir = "{fleeting}/libpod"
[network]
network_backend = "netavark"
"""
"""No systemd is needed, and no limit is asked for that a virtual machine may not grant."""

_STORAGE = """
[storage]
driver = "overlay"
graphroot = "{lasting}"
runroot = "{fleeting}/storage"
"""

_WITHIN_S = 60.0


class Podman:
    """
    The program, with layers and volumes in one folder, locks and sockets in the other.

    The latter needs a short path: sockets have no room for a long one (unix(7), `sun_path`).
    """

    def __init__(self, lasting: Path, fleeting: Path) -> None:
        self.control_group = fleeting.name
        """Above those of the containers; podman leaves it behind."""
        places = {"lasting": lasting, "fleeting": fleeting}
        (fleeting / "containers.conf").write_text(_CONTAINERS.format(**places))
        (fleeting / "storage.conf").write_text(_STORAGE.format(**places))
        self._environment = {
            **os.environ,
            "CONTAINERS_CONF": str(fleeting / "containers.conf"),
            "CONTAINERS_STORAGE_CONF": str(fleeting / "storage.conf"),
            "TMPDIR": str(lasting),  # where buildah keeps what `--mount=type=cache` asks for
        }

    def __repr__(self) -> str:
        return f"<Podman {self._environment['TMPDIR']}>"

    def __call__(self, *arguments: str, within_s: float = _WITHIN_S) -> str:
        """What it prints; it must succeed."""
        return printed(self.ended(*arguments, within_s=within_s))

    def ended(self, *arguments: str, within_s: float = _WITHIN_S) -> subprocess.CompletedProcess[str]:
        """How it ends, well or not."""
        return run("podman", *arguments, environment=self._environment, within_s=within_s)


def run(
    *command: str, environment: Mapping[str, str] | None = None, within_s: float = _WITHIN_S
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, env=environment, capture_output=True, text=True, check=False, timeout=within_s
    )


def printed(ended: subprocess.CompletedProcess[str]) -> str:
    """What a command wrote to stdout that must have succeeded."""
    assert ended.returncode == 0, f"{' '.join(ended.args)}\n{ended.stdout}\n{ended.stderr}"
    return ended.stdout.strip()
