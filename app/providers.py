"""Builds the providers that a configuration names, or says everything that keeps them from being built."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from types import MappingProxyType
from typing import cast

from adapters.outbound.allowances import Spent
from adapters.outbound.foreign import ForeignProvider
from adapters.outbound.foreign_failures import in_words
from adapters.outbound.kit import ProviderFactory, ProviderKit
from adapters.outbound.lent_transport import LentTransport
from adapters.outbound.listening_transport import ListeningTransport
from adapters.outbound.options import OptionsRefused
from adapters.outbound.redaction import Redaction, secrets_of
from app.adapter_references import (
    BUILT_IN,
    UnusableAdapter,
    factory_named,
    importable_from,
    raised_at,
)
from app.use_cases.plan_news import PlanNews
from config.adapter_options import option_findings
from config.findings import Finding
from config.load import place_of
from config.problems import ConfigError, KeyPath, Problem, dotted
from domain.conversation.soundness import type_in_words
from domain.ports.providers import ChatProvider
from domain.routing.targets import ProviderSpec, RoutingTable
from infrastructure.secrets import Secrets


class Providers:
    """
    Implements `domain.ports.providers.ProviderDirectory`: every provider of the configuration, built once.

    Building has no side effects: connections and child processes come with the first call.

    Args:
        kit: makes the kit for a provider with this secret.
        plan_news: told when nothing is left of a provider's plan.
        file: the configuration's; an adapter may lie beside it.

    Raises:
        ConfigError: with everything that is wrong with any of them.
    """

    def __init__(
        self,
        table: RoutingTable,
        secrets: Secrets,
        kit: Callable[..., ProviderKit],
        plan_news: PlanNews,
        file: Path | None = None,
    ) -> None:
        specs = table.providers.values()
        if file is not None and any(":" in spec.adapter for spec in specs):
            importable_from(file.absolute().parent)
        keys = {spec.name: secrets.read(spec.secret) for spec in specs}
        self._without_credential = frozenset(name for name, key in keys.items() if key is None)
        kits = {spec.name: kit(secret=keys[spec.name] or "") for spec in specs}
        built = {spec.name: _built(spec, _listening(spec.name, kits[spec.name], plan_news)) for spec in specs}
        if problems := list(_problems(built.values(), file)):
            raise ConfigError(problems)
        self._providers = MappingProxyType(
            {name: each for name, each in built.items() if not isinstance(each, _Unbuilt)}
        )

    def __repr__(self) -> str:
        return f"<Providers {', '.join(self._providers)}>"

    @property
    def providers(self) -> Mapping[str, ChatProvider]:
        return self._providers

    @property
    def without_credential(self) -> frozenset[str]:
        return self._without_credential


def known_secrets(table: RoutingTable, secrets: Secrets) -> tuple[str, ...]:
    """Every provider's key and other secrets, for taking them out of what is written."""
    found = (secrets_of(spec, secrets.read(spec.secret) or "") for spec in table.providers.values())
    return tuple(dict.fromkeys(chain.from_iterable(found)))


@dataclass(frozen=True, slots=True)
class _Unbuilt:
    """A provider that cannot be built: why, at paths below its entry."""

    findings: tuple[Finding, ...]


def _listening(name: str, kit: ProviderKit, plan_news: PlanNews) -> ProviderKit:
    """The kit, whose transport listens to what this provider says of its plan."""

    def hear(spent: Spent) -> None:
        plan_news.spent(name, spent.wait_s, spent.scope)

    return replace(kit, transport=ListeningTransport(kit.transport, hear, kit.clock))


def _built(spec: ProviderSpec, kit: ProviderKit) -> ChatProvider | _Unbuilt:
    """
    A provider that answers for itself when it is one of ours, and is answered for when it is anybody's.

    Somebody else's code may end in any way. Only Ctrl-C is nobody's fault.
    """
    redaction = Redaction(*secrets_of(spec, kit.secret))
    try:
        factory = factory_named(spec.adapter)
        return factory(spec, kit) if spec.adapter in BUILT_IN else _foreign(factory, spec, kit, redaction)
    except UnusableAdapter as unusable:
        return _Unbuilt((Finding(("adapter",), unusable.message, unusable.hint),))
    except OptionsRefused as refused:
        return _Unbuilt(tuple(option_findings(refused.details, spec.options, refused.schema)))
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # noqa: BLE001
        words = redaction.text(f'the adapter "{spec.adapter}" refuses its configuration: {in_words(error)}')
        key = () if spec.adapter in BUILT_IN else ("adapter",)
        return _Unbuilt((Finding(key, words, raised_at(error)),))


def _foreign(
    factory: ProviderFactory, spec: ProviderSpec, kit: ProviderKit, redaction: Redaction
) -> ChatProvider:
    provider: object = factory(spec, replace(kit, transport=LentTransport(kit.transport)))
    if not callable(getattr(provider, "converse", None)):
        raise UnusableAdapter(
            f'the adapter "{spec.adapter}" built {type_in_words(provider)}, which cannot converse',
            "it must build an object with a method `converse(self, call)` that yields batches",
        )
    return ForeignProvider(cast("ChatProvider", provider), redaction)


def _problems(built: Iterable[ChatProvider | _Unbuilt], file: Path | None) -> Iterator[Problem]:
    """The table keeps the providers in the order of the file."""
    for index, each in enumerate(built):
        for finding in each.findings if isinstance(each, _Unbuilt) else ():
            path: KeyPath = ("providers", index, *finding.path)
            yield Problem(
                place=place_of(path, file), path=dotted(path), message=finding.message, hint=finding.hint
            )
