"""compose.yaml is understood by Docker Compose, and holds the gateway as tightly as the image is tested."""

import json
from pathlib import Path
from typing import Any

import pytest

from config.schema.server import Server
from tests.architecture.tree import ROOT
from tests.deploy.linters import COMPOSE, installed, judged
from tests.image.containers import RESTRICTED

FILE = ROOT / "deploy" / "compose.yaml"


def services(*options: str, **variables: str) -> dict[str, Any]:
    """The services as Compose understands them."""
    told = judged(
        installed(COMPOSE),
        "--env-file",
        "/dev/null",
        "-f",
        FILE,
        *options,
        "config",
        "--format",
        "json",
        **variables,
    )
    assert told.returncode == 0, told.stderr
    understood: dict[str, Any] = json.loads(told.stdout)["services"]
    return understood


def test_the_gateway_comes_alone_unless_somebody_asks_for_more() -> None:
    assert set(services()) == {"coderouter"}
    assert set(services("--profile", "ollama")) == {"coderouter", "ollama"}
    assert set(services("--profile", "valkey")) == {"coderouter", "valkey"}


def test_a_misspelt_key_would_be_seen(tmp_path: Path) -> None:
    wrong = tmp_path / "compose.yaml"
    wrong.write_text(
        FILE.read_text("utf-8").replace("    read_only: true\n    tmpfs", "    readonly: true\n    tmpfs")
    )

    assert judged(installed(COMPOSE), "-f", wrong, "config", "--quiet").returncode != 0


def test_the_gateway_is_held_as_tightly_as_the_image_is_tested() -> None:
    gateway = services()["coderouter"]

    assert gateway["read_only"] is True
    assert gateway["cap_drop"] == ["ALL"]
    assert gateway["security_opt"] == ["no-new-privileges:true"]
    assert gateway["user"] == "10001:10001"
    assert gateway["pids_limit"] == 128
    assert [f"--tmpfs={each}" for each in gateway["tmpfs"]] == [
        each for each in RESTRICTED if "tmpfs=/" in each
    ]


def test_nobody_else_reaches_anything_until_told_otherwise() -> None:
    published = [port for each in services("--profile", "*").values() for port in each.get("ports", ())]
    opened = services(CODEROUTER_PUBLISH="192.0.2.1:80")["coderouter"]["ports"]

    assert [port["host_ip"] for port in published] == ["127.0.0.1"]
    assert [(port["host_ip"], port["published"]) for port in opened] == [("192.0.2.1", "80")]


@pytest.mark.parametrize(("variable", "limit"), [("0", None), ("256m", "268435456")])
def test_memory_is_bounded_on_request(variable: str, limit: str | None) -> None:
    assert services(CODEROUTER_MEMORY=variable)["coderouter"].get("mem_limit") == limit


def test_it_waits_longer_than_a_drain_takes() -> None:
    patience = services()["coderouter"]["stop_grace_period"]

    assert patience == "45s"
    assert float(patience.removesuffix("s")) > Server().drain_timeout_s
