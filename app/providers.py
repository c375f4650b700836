"""Turns the adapter that a configuration names into a provider."""

from collections.abc import Callable, Mapping
from importlib.metadata import entry_points
from itertools import chain
from pkgutil import resolve_name
from types import MappingProxyType
from typing import cast

from adapters.outbound.anthropic import anthropic
from adapters.outbound.embedded import embedded
from adapters.outbound.kit import ProviderFactory, ProviderKit
from adapters.outbound.ollama import ollama
from adapters.outbound.openai_compatible import openai_compatible
from adapters.outbound.redaction import secrets_of
from domain.ports.providers import ChatProvider
from domain.routing.targets import ProviderSpec, RoutingTable
from infrastructure.secrets import Secrets

BUILT_IN: Mapping[str, ProviderFactory] = MappingProxyType(
    {"openai_compat": openai_compatible, "anthropic": anthropic, "ollama": ollama, "embedded": embedded}
)
"""What ``kind`` may name."""

ENTRY_POINTS = "coderouter.adapters"
"""The entry point group in which installed packages offer adapters."""


class UnknownAdapter(Exception):
    """No adapter has that name; the message lists what exists."""


class UnusableAdapter(Exception):
    """An adapter cannot be loaded, or refuses its configuration; the message says which and why."""


class Providers:
    """
    Implements `domain.ports.providers.ProviderDirectory`: every provider of the configuration, built once.

    Building has no side effects: connections and child processes come with the first call.

    Args:
        kit: makes the kit for a provider with this secret.
    """

    def __init__(self, table: RoutingTable, secrets: Secrets, kit: Callable[..., ProviderKit]) -> None:
        keys = {name: secrets.read(spec.secret) for name, spec in table.providers.items()}
        self._without_credential = frozenset(name for name, key in keys.items() if key is None)
        self._providers = MappingProxyType(
            {name: _built(spec, kit(secret=keys[name] or "")) for name, spec in table.providers.items()}
        )

    def __repr__(self) -> str:
        return f"<Providers {', '.join(self._providers)}>"

    @property
    def providers(self) -> Mapping[str, ChatProvider]:
        return self._providers

    @property
    def without_credential(self) -> frozenset[str]:
        return self._without_credential


def _built(spec: ProviderSpec, kit: ProviderKit) -> ChatProvider:
    factory = adapter(spec.adapter)
    try:
        return factory(spec, kit)
    except Exception as error:
        raise UnusableAdapter(f"provider {spec.name!r}: its adapter refuses: {_in_words(error)}") from error


def adapter(reference: str) -> ProviderFactory:
    """
    The factory that a configuration names, told by the shape of the name.

    ``package.module:Name`` is imported; anything else is a built-in kind or an installed entry point.

    Raises:
        UnknownAdapter: there is none.
        UnusableAdapter: it cannot be loaded, or is nothing that could build a provider.
    """
    if ":" in reference:
        return _loaded(reference, lambda: resolve_name(reference))
    if reference in BUILT_IN:
        return BUILT_IN[reference]
    offered = entry_points(group=ENTRY_POINTS)
    if reference in offered.names:
        return _loaded(reference, offered[reference].load)
    known = ", ".join(sorted({*BUILT_IN, *offered.names}))
    raise UnknownAdapter(f"no adapter is called {reference!r}; there are: {known}")


def _loaded(reference: str, load: Callable[[], object]) -> ProviderFactory:
    """Somebody else's module may fail in any way while it is imported."""
    try:
        loaded = load()
    except Exception as error:
        raise UnusableAdapter(f"the adapter {reference!r} cannot be imported: {_in_words(error)}") from error
    if not callable(loaded):
        raise UnusableAdapter(
            f"the adapter {reference!r} is a {type(loaded).__name__}; a class or function is wanted"
        )
    return cast("ProviderFactory", loaded)


def _in_words(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"


def known_secrets(table: RoutingTable, secrets: Secrets) -> tuple[str, ...]:
    """Every provider's key and other secrets, for taking them out of what is written."""
    found = (secrets_of(spec, secrets.read(spec.secret) or "") for spec in table.providers.values())
    return tuple(dict.fromkeys(chain.from_iterable(found)))
