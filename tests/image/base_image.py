"""
A stand-in for the Python image that deploy/Containerfile builds on, made from Debian's packages.

No container registry is asked. It is Debian's own Python where the official image has one below /usr/local,
so the Containerfile is proven with it, not the official image.
"""

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.image.podman import ARCHITECTURES, Arch, Podman, printed, run

NAME = "docker.io/library/python:3.13-slim-trixie"

_PACKAGES = "base-files,ca-certificates,coreutils,dash,findutils,libstdc++6,python3,sed,tzdata"
"""What the build needs, and what we load: the official image has the C++ library because apt needs it."""
_FINISHING = """
mkdir -p "$1/usr/local/bin"
for name in python python3 python3.13; do ln -s /usr/bin/python3.13 "$1/usr/local/bin/$name"; done
echo root:x:0:0:root:/root:/bin/sh >"$1/etc/passwd"
echo root:x:0: >"$1/etc/group"
"""
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_MADE_WITHIN_S = 300.0


def import_base(podman: Podman, folder: Path) -> None:
    """Makes `NAME` known to podman for both architectures; what was downloaded stays in the folder."""
    with ThreadPoolExecutor() as both:
        archives = list(both.map(lambda arch: _archive(folder, arch), ARCHITECTURES))
    podman("manifest", "create", NAME)
    for arch, archive in zip(ARCHITECTURES, archives, strict=True):
        image = f"localhost/base-{arch}:latest"
        podman("import", "--os=linux", f"--arch={arch}", f"--change=ENV PATH={_PATH}", str(archive), image)
        podman("manifest", "add", NAME, f"containers-storage:{image}")


def _archive(folder: Path, arch: Arch) -> Path:
    """Packages that are unpacked and not configured: so none of their programs has to run."""
    archive = folder / f"base-{arch}.tar"
    if not archive.exists():
        partial = archive.with_suffix(".partial.tar")
        how = ("--quiet", "--variant=extract", "--mode=root", f"--architectures={arch}")
        what = (f"--include={_PACKAGES}", f"--extract-hook={_FINISHING}", "trixie", str(partial))
        place = {**os.environ, "TMPDIR": str(folder)}
        printed(run("mmdebstrap", *how, *what, environment=place, within_s=_MADE_WITHIN_S))
        partial.replace(archive)
    return archive
