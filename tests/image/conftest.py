"""Builds the image for both architectures and runs the gateway in it, enclosed by `make image-check`."""

import os
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.architecture.tree import ROOT
from tests.e2e.stage import Stage, staged
from tests.image.base_image import import_base
from tests.image.containers import Contained, running
from tests.image.images import Image, built
from tests.image.podman import ARCHITECTURES, Podman, printed, run

CACHE = ROOT / ".cache" / "image"
STORAGE = CACHE / "storage"
"""Layers and volumes are kept in memory, some 1 GB of it: nothing of them is worth a disk's time."""
_BINFMT = "/proc/sys/fs/binfmt_misc"
_CONTROL_GROUPS = Path("/sys/fs/cgroup")
_FIRST_OF_ITS_NAMESPACE = 1


@pytest.fixture(scope="session")
def podman() -> Iterator[Podman]:
    """All that the first process of a namespace started ends with it, however it ends; mounts too."""
    if os.getpid() != _FIRST_OF_ITS_NAMESPACE:
        pytest.skip("needs namespaces of its own: make image-check")
    _run_foreign_programs()
    STORAGE.mkdir(parents=True, exist_ok=True)
    printed(run("mount", "-t", "tmpfs", "storage", str(STORAGE)))
    with TemporaryDirectory(prefix="coderouter-image-") as fleeting:
        podman = Podman(STORAGE, Path(fleeting))
        import_base(podman, CACHE)
        yield podman
        _remove_control_groups(podman.control_group)


@pytest.fixture(scope="session", params=ARCHITECTURES)
def image(podman: Podman, request: pytest.FixtureRequest) -> Image:
    return built(podman, request.param, STORAGE)


@pytest.fixture(scope="session")
def whole_stage() -> Iterator[Stage]:
    with staged() as stage:
        yield stage


@pytest.fixture
def stage(whole_stage: Stage) -> Stage:
    """Scripted upstreams on this machine's loopback that have seen nothing yet."""
    whole_stage.forget()
    return whole_stage


@pytest.fixture(scope="session")
def gateway(image: Image, whole_stage: Stage) -> Iterator[Contained]:
    """A gateway over the whole stage."""
    with running(image, whole_stage.config(), volume=f"state-of-{image.arch}") as gateway:
        yield gateway


def _remove_control_groups(name: str) -> None:
    """One for each controller in the first version, one in all in the second (cgroups(7))."""
    for group in (*_CONTROL_GROUPS.glob(f"*/{name}"), *_CONTROL_GROUPS.glob(name)):
        for folder in (*group.glob("*/"), group):
            folder.rmdir()


def _run_foreign_programs() -> None:
    """Registers the emulator with the kernel, for as long as our own mount of its table lasts."""
    printed(run("mount", "-t", "binfmt_misc", "binfmt_misc", _BINFMT))
    printed(run("update-binfmts", "--enable", "qemu-aarch64"))
