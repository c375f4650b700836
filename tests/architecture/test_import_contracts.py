"""The import contracts of pyproject.toml hold, and each of them would notice a violation."""

import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

from tests.architecture.tree import PACKAGES, ROOT

VIOLATIONS = {
    "inward": ("config/zz_probe.py", "import infrastructure"),
    "domain-inside": ("domain/conversation/zz_probe.py", "import domain.routing"),
    "pure-domain": ("domain/conversation/zz_probe.py", "import structlog"),
    "only-inbound-drives": ("adapters/outbound/zz_probe.py", "import app.use_cases"),
    "sans-io-dialects": ("adapters/dialects/openai_chat/zz_probe.py", "import socket"),
    "dialects-apart": (
        "adapters/dialects/openai_chat/zz_probe.py",
        "import adapters.dialects.anthropic_messages",
    ),
    "frameworks-at-home": ("app/use_cases/zz_probe.py", "import litestar"),
    "acyclic": ("infrastructure/zz_probe.py", "import infrastructure.zz_twin"),
}
"""For each contract a module, and the line in it that the contract forbids."""


def test_every_import_contract_holds() -> None:
    report = lint_imports(ROOT)

    assert report.returncode == 0, report.stdout


@pytest.mark.parametrize("contract", VIOLATIONS)
def test_a_contract_notices_its_violation(contract: str, tmp_path: Path) -> None:
    seed(tmp_path, contract)

    report = lint_imports(tmp_path, "--contract", contract)

    assert report.returncode == 1, report.stdout + report.stderr
    assert "zz_probe" in report.stdout


def test_a_domain_part_without_a_place_in_the_layers_is_noticed(tmp_path: Path) -> None:
    copy_packages(tmp_path)
    (tmp_path / "domain/zz_probe.py").touch()

    report = lint_imports(tmp_path, "--contract", "domain-inside")

    assert report.returncode == 1, report.stdout
    assert "zz_probe" in report.stdout


def test_every_contract_has_a_violation_to_prove_it() -> None:
    assert {contract["id"] for contract in contracts()} == set(VIOLATIONS)


def test_every_dialect_is_held_apart_from_the_others() -> None:
    held_apart = next(contract for contract in contracts() if contract["id"] == "dialects-apart")
    packages = (ROOT / "adapters/dialects").glob("*/__init__.py")

    assert set(held_apart["modules"]) == {f"adapters.dialects.{package.parent.name}" for package in packages}


def contracts() -> list[dict[str, Any]]:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    return list(settings["tool"]["importlinter"]["contracts"])


def seed(folder: Path, contract: str) -> None:
    copy_packages(folder)
    module, line = VIOLATIONS[contract]
    (folder / module).write_text(line + "\n", "utf-8")
    if contract == "acyclic":
        (folder / "infrastructure/zz_twin.py").write_text("import infrastructure.zz_probe\n", "utf-8")


def copy_packages(folder: Path) -> None:
    for package in PACKAGES:
        shutil.copytree(ROOT / package, folder / package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", folder)


def lint_imports(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = (
        "import sys; from importlinter.cli import lint_imports_command; lint_imports_command(sys.argv[1:])"
    )
    return subprocess.run(
        [sys.executable, "-P", "-c", command, "--no-logo", "--no-cache", *arguments],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )
