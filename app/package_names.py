"""Guards the five top-level packages: their names are generic, so another distribution might own one."""

from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

PACKAGES = ("app", "domain", "adapters", "infrastructure", "config")


def foreign_packages() -> Iterator[str]:
    """A line for each of our packages that does not resolve beside this file."""
    home = Path(__file__).resolve().parent.parent
    for name in PACKAGES:
        spec = find_spec(name)
        found = Path(spec.origin).resolve().parent.parent if spec and spec.origin else None
        if found != home:
            yield f"package {name!r} comes from {found}, not from {home}: install into an own environment"
