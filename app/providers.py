"""Turns the adapter that a configuration names into a provider."""

from collections.abc import Callable, Mapping
from importlib.metadata import entry_points
from pkgutil import resolve_name
from types import MappingProxyType
from typing import cast

from adapters.outbound.anthropic import anthropic
from adapters.outbound.embedded import embedded
from adapters.outbound.kit import ProviderFactory, ProviderKit
from adapters.outbound.openai_compatible import openai_compatible
from domain.ports.providers import ChatProvider
from domain.routing.targets import RoutingTable
from infrastructure.secrets import Secrets

BUILT_IN: Mapping[str, ProviderFactory] = MappingProxyType(
    {"openai_compat": openai_compatible, "anthropic": anthropic, "embedded": embedded}
)
"""What ``kind`` may name."""

ENTRY_POINTS = "coderouter.adapters"
"""The entry point group in which installed packages offer adapters."""


class UnknownAdapter(Exception):
    """No adapter has that name; the message lists what exists."""


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
            {
                name: adapter(spec.adapter)(spec, kit(secret=keys[name] or ""))
                for name, spec in table.providers.items()
            }
        )

    def __repr__(self) -> str:
        return f"<Providers {', '.join(self._providers)}>"

    @property
    def providers(self) -> Mapping[str, ChatProvider]:
        return self._providers

    @property
    def without_credential(self) -> frozenset[str]:
        return self._without_credential


def adapter(reference: str) -> ProviderFactory:
    """
    The factory that a configuration names, told by the shape of the name.

    ``package.module:Name`` is imported; anything else is a built-in kind or an installed entry point.

    Raises:
        UnknownAdapter: there is none.
    """
    if ":" in reference:
        return _imported(reference)
    if reference in BUILT_IN:
        return BUILT_IN[reference]
    offered = entry_points(group=ENTRY_POINTS)
    if reference in offered.names:
        return cast("ProviderFactory", offered[reference].load())
    known = ", ".join(sorted({*BUILT_IN, *offered.names}))
    raise UnknownAdapter(f"no adapter is called {reference!r}; there are: {known}")


def _imported(reference: str) -> ProviderFactory:
    try:
        return cast("ProviderFactory", resolve_name(reference))
    except (ImportError, AttributeError, ValueError) as error:
        raise UnknownAdapter(f"the adapter {reference!r} cannot be imported: {error}") from error


def known_secrets(table: RoutingTable, secrets: Secrets) -> tuple[str, ...]:
    """Every provider's key, for taking them out of what is written."""
    keys = (secrets.read(spec.secret) for spec in table.providers.values())
    return tuple(key for key in keys if key)
