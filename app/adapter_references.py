"""Finds the factory that a configuration names, by the shape of the name."""

import sys
import traceback
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import entry_points
from pathlib import Path
from pkgutil import resolve_name
from types import MappingProxyType
from typing import cast

from adapters.outbound.anthropic import anthropic
from adapters.outbound.embedded import embedded
from adapters.outbound.foreign_failures import in_words
from adapters.outbound.kit import ProviderFactory
from adapters.outbound.ollama import ollama
from adapters.outbound.openai_compatible import openai_compatible
from app.package_names import PACKAGES
from config.problems import nearest

BUILT_IN: Mapping[str, ProviderFactory] = MappingProxyType(
    {"openai_compat": openai_compatible, "anthropic": anthropic, "ollama": ollama, "embedded": embedded}
)
"""What ``kind`` may name."""

ENTRY_POINTS = "coderouter.adapters"
"""The entry point group in which installed packages offer adapters."""


class UnusableAdapter(Exception):
    """
    An adapter that does not exist, or cannot be loaded or built.

    Args:
        message: which one, and why.
        hint: what would help.
    """

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


def factory_named(reference: str) -> ProviderFactory:
    """
    What builds the providers of this adapter.

    ``package.module:Name`` is imported; anything else is a built-in kind or an installed entry point.

    Raises:
        UnusableAdapter: there is none, it cannot be loaded, or it is nothing that could build a provider.
    """
    if ":" in reference:
        return _loaded(reference, lambda: resolve_name(reference))
    if reference in BUILT_IN:
        return BUILT_IN[reference]
    offered = entry_points(group=ENTRY_POINTS)
    if reference in offered.names:
        return _loaded(reference, offered[reference].load)
    raise _unknown(reference, sorted(offered.names))


def importable_from(folder: Path) -> None:
    """Lets import paths lead to modules in this folder, where nothing else has their names."""
    if str(folder) not in sys.path:
        sys.path.append(str(folder))


def raised_at(error: BaseException) -> str:
    """The line that raised it, in whosever code that is."""
    frames = traceback.extract_tb(error.__traceback__)
    return f"raised at {frames[-1].filename}:{frames[-1].lineno}" if frames else ""


def _unknown(name: str, offered: Sequence[str]) -> UnusableAdapter:
    installed = ", ".join(offered) or "none"
    return UnusableAdapter(
        f'no adapter is called "{name[:100]}"; installed are: {installed}; built in, as kind:'
        f" {', '.join(BUILT_IN)}",
        _meant(name, offered) or "an adapter of your own is named by its import path: package.module:Name",
    )


def _meant(name: str, offered: Sequence[str]) -> str:
    if near := nearest(name, offered):
        return f'did you mean "{near}"?'
    near = nearest(name, BUILT_IN)
    return f'did you mean "kind: {near}"?' if near else ""


def _loaded(reference: str, load: Callable[[], object]) -> ProviderFactory:
    """Somebody else's module may fail in any way while it is imported."""
    try:
        loaded = load()
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        message = f'the adapter "{reference}" cannot be imported: {in_words(error)}'
        raise UnusableAdapter(message, _remedy(error)) from error
    if not callable(loaded):
        message = f'the adapter "{reference}" is a {type(loaded).__name__}; a class or function is wanted'
        raise UnusableAdapter(message)
    return cast("ProviderFactory", loaded)


def _remedy(error: BaseException) -> str:
    if not isinstance(error, ModuleNotFoundError) or not error.name:
        return raised_at(error)
    package = error.name.partition(".")[0]
    if package in PACKAGES:
        return f"a package called {package} belongs to the gateway itself; give yours another name"
    return f"install {package} into the gateway's environment ({sys.prefix}), or put it beside providers.yaml"
