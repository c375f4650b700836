"""The domain imports itself and the pure part of the standard library, and nothing else."""

import sys
from pathlib import Path

import pytest

from tests.architecture.tree import imported_names, modules

IMPURE = {
    "asyncio",
    "concurrent",
    "logging",
    "multiprocessing",
    "os",
    "random",
    "secrets",
    "select",
    "selectors",
}
IMPURE |= {"signal", "socket", "ssl", "subprocess", "threading", "time"}
"""Standard modules that wait, look at the clock, draw lots, or touch the machine."""


@pytest.mark.parametrize("module", modules("domain"), ids=str)
def test_a_domain_module_needs_only_the_domain_and_pure_standard_modules(module: Path) -> None:
    foreign = {name for name in imported_names(module) if not is_pure(name)}

    assert foreign == set()


def test_the_check_itself_tells_pure_from_impure() -> None:
    judged = {
        name: is_pure(name)
        for name in ("domain.failures", "dataclasses", "os.path", "httpx", "app", ".reply")
    }

    assert judged == {
        "domain.failures": True,
        "dataclasses": True,
        "os.path": False,
        "httpx": False,
        "app": False,
        ".reply": False,
    }


def is_pure(name: str) -> bool:
    top = name.partition(".")[0]
    return top == "domain" or (top in sys.stdlib_module_names and top not in IMPURE)
