"""Our top-level names are generic, so each must be ours: found beside our files, owned by no one else."""

import importlib.util
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from tests.architecture.tree import PACKAGES, ROOT


@pytest.mark.parametrize("package", PACKAGES)
def test_a_top_level_package_resolves_beside_our_own_files(package: str) -> None:
    spec = importlib.util.find_spec(package)

    assert spec is not None
    assert spec.origin is not None
    assert Path(spec.origin).resolve() == ROOT / package / "__init__.py"


@pytest.mark.parametrize("package", PACKAGES)
def test_no_other_distribution_owns_a_top_level_package(package: str) -> None:
    owners = set(packages_distributions().get(package, []))

    assert owners <= {"coderouter-gateway"}
