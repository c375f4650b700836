"""From the names under `models` to the targets that they stand for, and what is known of those."""

from collections.abc import Iterator, Mapping

from config.schema.models import ModelAlias
from config.schema.provider import Capabilities, Provider
from config.schema.root import Config
from domain.routing.targets import Profile, ProfileAlias, ProviderSpec, Target, TargetAlias

_OF_THE_SERVER = frozenset({"streaming"})
"""Capabilities that every model of a provider shares; the others are its own model's."""
_SETS_WINDOWS = "ollama"
"""The kind that loads every model with the window that is written."""


def model_alias(
    alias: ModelAlias, profiles: Mapping[str, Profile], providers: Mapping[str, ProviderSpec]
) -> ProfileAlias | TargetAlias:
    if isinstance(alias, str):
        if alias in profiles:
            return ProfileAlias(profile=alias)
        return TargetAlias(target=Target(alias, providers[alias].model))
    model = alias.model or providers[alias.provider].model
    return TargetAlias(target=Target(alias.provider, model))


def other_models(config: Config) -> Iterator[tuple[Target, Provider]]:
    """The targets whose model is not their provider's own, with all that the file says of them."""
    providers = {provider.name: provider for provider in config.providers}
    for alias in config.models.values():
        if isinstance(alias, str) or not alias.model:
            continue
        provider = providers[alias.provider]
        if alias.model != provider.model:
            yield Target(alias.provider, alias.model), _with_model(provider, alias.model)


def _with_model(provider: Provider, model: str) -> Provider:
    said = {key: getattr(provider.capabilities, key) for key in provider.capabilities.model_fields_set}
    shared = Capabilities(**{key: value for key, value in said.items() if key in _OF_THE_SERVER})
    window = provider.context_window if provider.kind == _SETS_WINDOWS else None
    return provider.model_copy(update={"model": model, "capabilities": shared, "context_window": window})
