"""The gateway in a container, under the restrictions that compose.yaml and the quadlet put it under."""

import itertools
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

import httpx

from tests.e2e.clients import TLS
from tests.e2e.gateway import written
from tests.image.images import Image
from tests.image.podman import Podman
from tests.upstream.scripted_upstream import held_port, wait_until

RESTRICTED = (
    "--read-only",
    "--read-only-tmpfs=false",
    "--tmpfs=/tmp:rw,size=16m,mode=1777,noexec,nosuid,nodev",
    "--cap-drop=all",
    "--security-opt=no-new-privileges",
    "--user=10001:10001",
    "--pids-limit=128",
)
_BY_ARCH: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "amd64": ("--memory=128m", "--memory-swap=128m"),
        # That of a Raspberry Pi 4: the emulator's own choice authenticates pointers, at five times the time.
        # How much memory it takes says nothing about a real processor.
        "arm64": ("--env=QEMU_CPU=cortex-a72",),
    }
)
_STARTED_WITHIN_S = 120.0
_STOPPED_WITHIN_S = 40
_numbers = itertools.count(1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Contained:
    """A gateway in a container; it answers on loopback while it runs."""

    name: str
    address: str
    podman: Podman = field(repr=False)

    @property
    def log(self) -> str:
        """What it wrote so far, as podman keeps it."""
        path = self.podman("inspect", "--format={{.HostConfig.LogConfig.Path}}", self.name)
        return Path(path).read_text("utf-8")

    def runs(self, *command: str) -> str:
        """What a command prints that is run beside the gateway."""
        return self.podman("exec", self.name, *command)

    def is_healthy(self) -> bool:
        """By the check that is built into the image."""
        return self.podman.ended("healthcheck", "run", self.name).returncode == 0

    def has_ended(self) -> bool:
        return self.podman("inspect", "--format={{.State.Running}}", self.name) == "false"

    def is_ready(self) -> bool:
        try:
            return httpx.get(f"{self.address}/readyz", verify=TLS).status_code == httpx.codes.OK
        except httpx.TransportError:
            return False

    def stop(self) -> int:
        """Asks it to end, as an engine does; the exit code."""
        self.podman("stop", f"--time={_STOPPED_WITHIN_S}", self.name)
        return int(self.podman("inspect", "--format={{.State.ExitCode}}", self.name))


@contextmanager
def running(image: Image, config: Mapping[str, Any], *, volume: str) -> Iterator[Contained]:
    """A gateway that takes requests; its container is removed at the end, the volume stays."""
    name = f"gateway-{next(_numbers)}"
    with held_port() as port:
        at = ("--env=CODEROUTER_SERVER__HOST=127.0.0.1", f"--env=CODEROUTER_SERVER__PORT={port}")
        options = ("--detach", f"--name={name}", "--network=host", *at, *_restrictions(image, config, volume))
        image.podman("run", *options, image.name)
        gateway = Contained(name=name, address=f"http://127.0.0.1:{port}", podman=image.podman)
        try:
            wait_until(lambda: gateway.is_ready() or gateway.has_ended(), within_s=_STARTED_WITHIN_S)
            assert gateway.is_ready(), gateway.log
            yield gateway
        finally:
            image.podman("rm", "--force", "--time=0", name)


def ran(
    image: Image, config: Mapping[str, Any], *command: str, volume: str
) -> subprocess.CompletedProcess[str]:
    """What becomes of a command of the image that is run by itself, with no network."""
    options = ("--rm", "--network=none", *_restrictions(image, config, volume))
    return image.podman.ended("run", *options, image.name, *command, within_s=_STARTED_WITHIN_S)


def _restrictions(image: Image, config: Mapping[str, Any], volume: str) -> Iterator[str]:
    """The options of `podman run`."""
    yield "--pull=never"
    yield f"--platform=linux/{image.arch}"
    yield f"--cgroup-parent=/{image.podman.control_group}"
    yield from RESTRICTED
    yield from _BY_ARCH[image.arch]
    yield f"--volume={volume}:/var/lib/coderouter"
    yield f"--volume={_etc(image.folder / volume, config)}:/etc/coderouter:ro"


def _etc(folder: Path, config: Mapping[str, Any]) -> Path:
    """A folder with the configuration that the container's own user may read."""
    folder.mkdir(exist_ok=True)
    written(folder, config)
    return folder
