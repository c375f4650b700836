"""How a module of ours is made: short, with one sentence of purpose, and under a name that says something."""

import ast
from pathlib import Path

import pytest

from tests.architecture.tree import PACKAGES, ROOT, imported_names, modules, parsed

LONGEST_MODULE = 400
VAGUE_NAMES = {
    "base",
    "common",
    "constants",
    "engine",
    "helper",
    "helpers",
    "manager",
    "misc",
    "types",
    "util",
    "utils",
}

every_module = pytest.mark.parametrize("module", modules(), ids=str)


@every_module
def test_a_module_stays_short_enough_to_read_at_a_sitting(module: Path) -> None:
    assert len((ROOT / module).read_text("utf-8").splitlines()) <= LONGEST_MODULE


@every_module
def test_a_module_says_what_it_is_for(module: Path) -> None:
    assert ast.get_docstring(parsed(module))


@every_module
def test_a_module_has_a_name_that_says_what_it_holds(module: Path) -> None:
    assert not VAGUE_NAMES & {module.stem, *module.parent.parts}


@pytest.mark.parametrize("module", [path for path in modules() if path.name == "__init__.py"], ids=str)
def test_a_package_file_holds_a_docstring_and_nothing_else(module: Path) -> None:
    assert len(parsed(module).body) == 1


@every_module
def test_nothing_is_imported_for_the_type_checker_alone(module: Path) -> None:
    assert "typing.TYPE_CHECKING" not in set(imported_names(module))
    assert "TYPE_CHECKING" not in names_used_in(module)


@pytest.mark.parametrize("module", [path for path in modules() if path.parts[0] != "infrastructure"], ids=str)
def test_only_infrastructure_makes_a_logger(module: Path) -> None:
    names = names_used_in(module) | {name.rpartition(".")[2] for name in imported_names(module)}

    assert not names & {"get_logger", "getLogger"}


@pytest.mark.parametrize("package", PACKAGES)
def test_every_folder_with_modules_is_a_package_that_the_contracts_can_see(package: str) -> None:
    folders = {module.parent for module in modules(package)}

    assert {folder for folder in folders if not (ROOT / folder / "__init__.py").is_file()} == set()


def test_folders_below_the_tests_are_no_packages() -> None:
    package_files = {module for module in modules("tests") if module.name == "__init__.py"}

    assert package_files == {Path("tests/__init__.py")}


def names_used_in(module: Path) -> set[str]:
    used: set[str] = set()
    for node in ast.walk(parsed(module)):
        match node:
            case ast.Name(id=name) | ast.Attribute(attr=name):
                used.add(name)
            case _:
                pass
    return used
