"""What the image is made of, for either architecture."""

import json
import tomllib
from typing import Any

import pytest

from tests.architecture.tree import ROOT
from tests.image.images import Image, programs

pytestmark = pytest.mark.timeout(900)  # the first of these tests waits for the image

SBOM = "opt/coderouter/sbom.cdx.json"


def test_every_program_and_library_in_it_is_of_its_architecture(image: Image) -> None:
    with image.files() as files:
        found = dict(programs(files))

    assert {path: arch for path, arch in found.items() if arch != image.arch} == {}
    assert [path for path in found if "/bin/python3" in path]
    assert [path for path in found if "/granian/" in path]
    assert image.description["Architecture"] == image.arch


def test_it_says_what_it_is(image: Image) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    told = {
        name.removeprefix("org.opencontainers.image."): text
        for name, text in image.description["Labels"].items()
    }

    assert (told["title"], told["version"], told["licenses"]) == (
        "CodeRouter",
        project["version"],
        project["license"],
    )


def test_it_runs_as_nobody_special_and_keeps_state_in_one_place(image: Image) -> None:
    config: dict[str, Any] = image.description["Config"]

    assert config["User"] == "10001:10001"
    assert list(config["Volumes"]) == ["/var/lib/coderouter"]
    assert config["StopSignal"] in {"SIGTERM", "15"}
    assert config["Entrypoint"] == ["coderouter"]
    assert config["Cmd"] == ["serve"]


def test_it_knows_time_zones(image: Image) -> None:
    with image.files() as files:
        assert "usr/share/zoneinfo/Europe/Berlin" in files.getnames()


def test_its_bill_of_materials_names_all_that_is_installed(image: Image) -> None:
    with image.files() as files:
        content = files.extractfile(SBOM)
        assert content is not None
        listed = {
            (each["name"], each["version"]) for each in json.load(content)["components"] if "version" in each
        }
        names = {each for path in files.getnames() for each in path.split("/") if each.endswith(".dist-info")}
    installed = {tuple(name.removesuffix(".dist-info").split("-")) for name in names}

    assert len(installed) > 30
    assert "valkey" in {name for name, _ in installed}  # what a state shared by several gateways needs
    assert {each for each in installed if each[0] != "coderouter_gateway"} <= {
        (name.replace("-", "_"), version) for name, version in listed
    }
