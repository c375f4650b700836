"""Fetches a pinned uv from PyPI with the standard library alone, for machines whose Python has no venv."""

import hashlib
import io
import platform
import sys
import sysconfig
import urllib.request
import zipfile
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import urldefrag, urljoin

INDEX = "https://pypi.org/simple/uv/"
"""A page of links, which mirrors serve in the same form (https://peps.python.org/pep-0503/)."""

ALIASES = {"amd64": "x86_64", "arm64": "aarch64", "armv8l": "armv7l"}
"""What some kernels call a machine, and what wheels call it."""


def main(version: str, folder: str) -> None:
    wheel = pick(published_wheels(version), tag_of_this_machine())
    content = fetch(wheel["url"])
    check(content, wheel["sha256"], wheel["filename"])
    print(f"uv {version} is at {unpack(content, Path(folder))}")


class Links(HTMLParser):
    """Collects the addresses that a page links to."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.addresses: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.addresses += [value for name, value in attrs if tag == "a" and name == "href" and value]


def published_wheels(version: str) -> list[dict[str, str]]:
    """The wheels of a release; each link carries its checksum behind the `#`."""
    links = (urldefrag(urljoin(INDEX, address)) for address in Links(fetch(INDEX).decode()).addresses)
    return [
        {"filename": url.rsplit("/", 1)[-1], "url": url, "sha256": fragment.removeprefix("sha256=")}
        for url, fragment in links
        if url.rsplit("/", 1)[-1].startswith(f"uv-{version}-") and url.endswith(".whl")
    ]


def tag_of_this_machine() -> tuple[str, str]:
    """The family and the machine that a wheel's platform tag must name, such as `("manylinux", "x86_64")`."""
    machine = platform.machine().lower()
    if sys.platform == "darwin":
        return "macosx", machine
    family = "musllinux" if "musl" in (sysconfig.get_config_var("HOST_GNU_TYPE") or "") else "manylinux"
    return family, ALIASES.get(machine, machine)


def pick(wheels: list[dict[str, str]], tag: tuple[str, str]) -> dict[str, str]:
    family, machine = tag
    for wheel in wheels:
        platform_tags = wheel["filename"].removesuffix(".whl").split("-")[-1].split(".")
        if any(name.startswith(family) and name.endswith("_" + machine) for name in platform_tags):
            return wheel
    sys.exit(f"The index has no such uv for {family} on {machine}; install uv yourself and put it on PATH.")


def fetch(url: str) -> bytes:
    with urllib.request.urlopen(url, timeout=120) as response:
        return bytes(response.read())


def check(content: bytes, expected: str, filename: str) -> None:
    found = hashlib.sha256(content).hexdigest()
    if found != expected:
        sys.exit(f"{filename} is not what was published: its sha256 is {found}, the index says {expected}.")


def unpack(content: bytes, folder: Path) -> Path:
    """Write the `uv` binary of a wheel into `folder`, whole or not at all."""
    folder.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(io.BytesIO(content)) as wheel:
        member = next(name for name in wheel.namelist() if name.endswith(".data/scripts/uv"))
        partial = folder / "uv.partial"
        partial.write_bytes(wheel.read(member))
    partial.chmod(0o755)
    return partial.replace(folder / "uv")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
