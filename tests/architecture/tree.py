"""The repository as the architecture tests see it: its packages, its modules and its tracked files."""

import ast
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("app", "domain", "adapters", "infrastructure", "config")


def modules(*folders: str) -> list[Path]:
    """Every Python file below the given folders, our five packages by default, relative to the root."""
    return sorted(
        path.relative_to(ROOT) for folder in folders or PACKAGES for path in (ROOT / folder).rglob("*.py")
    )


@cache
def parsed(module: Path) -> ast.Module:
    return ast.parse((ROOT / module).read_text("utf-8"), filename=str(module))


def imported_names(module: Path) -> Iterator[str]:
    """The full name of everything a module imports, wherever in the module it does so."""
    for node in ast.walk(parsed(module)):
        match node:
            case ast.Import(names=names):
                yield from (alias.name for alias in names)
            case ast.ImportFrom(module=str(origin), names=names, level=0):
                yield from (f"{origin}.{alias.name}" for alias in names)
            case ast.ImportFrom():
                yield "." * node.level + (node.module or "")
            case _:
                pass


def repository_files() -> list[Path]:
    """What git keeps or would keep, so not what it ignores."""
    listing = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
        text=True,
    )
    paths = (ROOT / name for name in listing.stdout.split("\0") if name)
    return sorted(path for path in paths if path.is_file())
