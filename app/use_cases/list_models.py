"""Tells which names a client may send as its model."""

from collections.abc import Iterator
from enum import StrEnum

from domain.routing.targets import ProfileAlias, RoutingTable, TargetAlias
from domain.values import value


class Stands(StrEnum):
    """What a model name stands for."""

    PROFILE = "profile"
    ALIAS = "alias"
    PROVIDER = "provider"


@value(kw_only=True)
class NamedModel:
    """A name that a client may send; ``display_name`` says to a person what it leads to."""

    id: str
    stands_for: Stands
    display_name: str


class ListModels:
    """The names of the configuration: profiles, declared models, providers. Asks nobody."""

    def __init__(self, table: RoutingTable) -> None:
        self._models: dict[str, NamedModel] = {}
        for model in _names(table):
            self._models.setdefault(model.id, model)  # in the order in which a request's model is looked up

    def __repr__(self) -> str:
        return f"<ListModels {list(self._models)}>"

    def all(self) -> tuple[NamedModel, ...]:
        return tuple(self._models.values())

    def named(self, id: str) -> NamedModel | None:
        return self._models.get(id)


def _names(table: RoutingTable) -> Iterator[NamedModel]:
    for name in table.profiles:
        yield NamedModel(id=name, stands_for=Stands.PROFILE, display_name=f"{name} (profile)")
    for name, alias in table.models.items():
        yield NamedModel(id=name, stands_for=Stands.ALIAS, display_name=_aliased(name, alias))
    for name, spec in table.providers.items():
        shown = f"{name} ({spec.model})" if spec.model else name
        yield NamedModel(id=name, stands_for=Stands.PROVIDER, display_name=shown)


def _aliased(name: str, alias: ProfileAlias | TargetAlias) -> str:
    match alias:
        case ProfileAlias(profile=profile):
            return f"{name} (profile {profile})"
        case TargetAlias(target=target):
            return f"{name} ({target.model or 'default model'} of {target.provider})"
