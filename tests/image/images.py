"""The image, built for either architecture, and what is in it."""

import json
import tarfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Any

from tests.architecture.tree import ROOT
from tests.image.podman import Arch, Podman

CONTAINERFILE = ROOT / "deploy" / "Containerfile"

MACHINES: Mapping[int, str] = MappingProxyType({62: "amd64", 183: "arm64"})
"""`e_machine` of elf(5), as container engines call it."""

_LOCALLY = ("--pull=never", "--format=docker", "--layers=false", "--network=host")
_TRUSTED = "--volume=/etc/ssl/certs:/etc/ssl/certs:ro"
"""Behind a proxy with an authority of its own, only the machine's bundle knows it."""
_BUILDER = "--build-arg=BUILDPLATFORM=linux/amd64"
"""buildah before 1.30 fills in the target's platform."""
_BUILT_WITHIN_S = 600.0


@dataclass(frozen=True, kw_only=True)
class Image:
    """The image for one architecture."""

    arch: Arch
    name: str
    podman: Podman = field(repr=False)
    folder: Path = field(repr=False)

    @cached_property
    def description(self) -> dict[str, Any]:
        """What `podman image inspect` says."""
        described: list[dict[str, Any]] = json.loads(self.podman("image", "inspect", self.name))
        return described[0]

    @contextmanager
    def files(self) -> Iterator[tarfile.TarFile]:
        """Its whole file system."""
        archive = self.folder / f"{self.arch}.tar"
        container = self.podman("create", "--pull=never", f"--platform=linux/{self.arch}", self.name)
        self.podman("export", f"--output={archive}", container)
        self.podman("rm", container)
        with tarfile.open(archive) as files:
            yield files
        archive.unlink()


def built(podman: Podman, arch: Arch, folder: Path) -> Image:
    name = f"localhost/coderouter-gateway:{arch}"
    what = (f"--platform=linux/{arch}", f"--file={CONTAINERFILE}", f"--tag={name}", str(ROOT))
    podman("build", *_LOCALLY, _TRUSTED, _BUILDER, *what, within_s=_BUILT_WITHIN_S)
    return Image(arch=arch, name=name, podman=podman, folder=folder)


def programs(files: tarfile.TarFile) -> Iterator[tuple[str, str]]:
    """The path of each program and library in the ELF format, and the architecture that it is for."""
    for member in files:
        content = files.extractfile(member) if member.isreg() else None
        head = content.read(20) if content else b""
        if head.startswith(b"\x7fELF"):
            machine = int.from_bytes(head[18:20], "little")
            yield member.name, MACHINES.get(machine, f"machine {machine}")
