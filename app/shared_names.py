"""The names under which processes tell each other of providers."""

import hashlib
from collections.abc import Mapping
from types import MappingProxyType

from domain.routing.targets import ProviderSpec, RoutingTable
from infrastructure.secrets import Secrets

_DIGITS = 16


def shared_names(table: RoutingTable, secrets: Secrets) -> Mapping[str, str]:
    """
    A name for each provider that another configuration of it does not have.

    What was held against a provider is not held against it with another address, model or key: who has paid
    for a larger plan need not wait for the end of a day that the smaller one used up.
    """
    return MappingProxyType({name: _name(spec, secrets) for name, spec in table.providers.items()})


def _name(spec: ProviderSpec, secrets: Secrets) -> str:
    told = (
        spec.adapter,
        spec.base_url,
        spec.model,
        sorted(spec.options.items()),
        sorted(spec.headers.items()),
    )
    secret = secrets.read(spec.secret) or ""
    digest = hashlib.sha256(repr((told, secret)).encode("utf-8", "surrogatepass")).hexdigest()
    return f"{spec.name}@{digest[:_DIGITS]}"
