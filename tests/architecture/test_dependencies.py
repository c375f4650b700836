"""What the core depends on: little, written down, locked with hashes, and installable on a Raspberry Pi."""

import re
import tomllib
from functools import cache
from typing import Any

import pytest

from tests.architecture.tree import ROOT

MOST_DIRECT_DEPENDENCIES = 12
PYTHONS = (311, 312, 313)


@cache
def project() -> Any:
    return tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]


@cache
def locked() -> list[dict[str, Any]]:
    return list(tomllib.loads((ROOT / "uv.lock").read_text("utf-8"))["package"])


def locked_as(name: str) -> dict[str, Any]:
    """The one locked version of a package."""
    (package,) = (package for package in locked() if package["name"] == name)
    return package


def direct_dependencies() -> list[str]:
    return [re.split(r"[\[<>=!~; ]", requirement, maxsplit=1)[0] for requirement in project()["dependencies"]]


def core() -> list[str]:
    """Everything that serving installs: the direct dependencies and all that these bring along."""
    reached: set[str] = set()
    waiting = list(locked_as("coderouter-gateway")["dependencies"])
    while waiting:
        one = waiting.pop()
        if one["name"] not in reached:
            reached.add(one["name"])
            waiting += needed_by(one["name"], one.get("extra", []))
    return sorted(reached)


def needed_by(name: str, extras: list[str]) -> list[dict[str, Any]]:
    package = locked_as(name)
    optional = package.get("optional-dependencies", {})
    return [*package.get("dependencies", []), *(one for extra in extras for one in optional.get(extra, []))]


def test_the_core_has_few_direct_dependencies() -> None:
    assert len(direct_dependencies()) <= MOST_DIRECT_DEPENDENCIES


@pytest.mark.parametrize("name", direct_dependencies())
def test_each_direct_dependency_has_its_line_in_the_decision_record(name: str) -> None:
    record = (ROOT / "docs/adr/0002-dependencies.md").read_text("utf-8")

    assert re.search(rf"^\| `{re.escape(name)}(\[\w+\])?` \|", record, flags=re.MULTILINE)


def test_every_locked_file_has_a_hash() -> None:
    files = [
        file
        for package in locked()
        for file in [*package.get("wheels", []), *([package["sdist"]] if "sdist" in package else [])]
    ]

    assert files
    assert [file["url"] for file in files if not file.get("hash", "").startswith("sha256:")] == []


@pytest.mark.parametrize("name", core())
def test_a_core_package_installs_on_a_64_bit_raspberry_pi_without_a_compiler(name: str) -> None:
    tags = [file["url"].rsplit("/", 1)[-1].removesuffix(".whl") for file in locked_as(name)["wheels"]]

    assert [python for python in PYTHONS if not any(fits_a_raspberry_pi(tag, python) for tag in tags)] == []


def fits_a_raspberry_pi(wheel: str, python: int) -> bool:
    """
    Whether a wheel installs on Debian's aarch64 with the given Python, such as 311.

    See https://packaging.python.org/en/latest/specifications/platform-compatibility-tags/. The oldest system
    we serve is Debian 12 with glibc 2.36.
    """
    interpreters, abi, platforms = wheel.split("-")[-3:]
    return fits_python(interpreters, abi, python) and any(fits_debian(one) for one in platforms.split("."))


def fits_python(interpreters: str, abi: str, python: int) -> bool:
    if abi == "none":
        return any(one in {"py3", f"py{python}", f"cp{python}"} for one in interpreters.split("."))
    if abi == "abi3":
        return any(int(one[3:]) <= python % 100 for one in interpreters.split(".") if one.startswith("cp3"))
    return abi == f"cp{python}" and f"cp{python}" in interpreters.split(".")


def fits_debian(platform: str) -> bool:
    if platform in {"any", "manylinux2014_aarch64"}:
        return True
    glibc = re.fullmatch(r"manylinux_2_(\d+)_aarch64", platform)
    return glibc is not None and int(glibc[1]) <= 36
