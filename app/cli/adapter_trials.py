"""Finds the adapter that is to be tried, and the stage it is tried on."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from pkgutil import resolve_name
from typing import Any, cast

import httpx

from adapters.outbound.contract.stage import Scene, Setting, Stage
from adapters.outbound.contract.trial import Trial
from adapters.outbound.foreign_failures import in_words
from adapters.outbound.kit import ProviderFactory
from adapters.outbound.redaction import Redaction, secrets_of
from app.adapter_references import UnusableAdapter, factory_named, importable_from, raised_at
from app.container import container_for
from app.launch import Launch
from config.key_shapes import is_variable_name
from config.settings import process_environment
from domain.routing.targets import ProviderSpec
from infrastructure.http_clients import HttpClients


class Untriable(Exception):
    """There is nothing to try; the message says why, and what would help."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cast:
    """
    An adapter and its stage.

    Attributes:
        title: both in words.
    """

    title: str
    build: ProviderFactory
    stage: Stage

    def trial(self, patience_s: float) -> Trial:
        return Trial(build=self.build, stage=self.stage, network=_network, patience_s=patience_s)

    def redaction(self) -> Redaction:
        """Of what is secret in the setting of its answers."""
        setting = self.stage(Scene.ANSWERS)
        return Redaction(*(secrets_of(setting.spec, setting.secret) if setting else ()))


def named(reference: str, spec: Mapping[str, Any], key_env: str) -> Cast:
    """
    An adapter as the command line describes it, before its own upstream.

    Raises:
        Untriable: there is none of that name, or its key is not set.
    """
    if key_env and not is_variable_name(key_env):
        raise Untriable("--key-env takes the name of the variable that holds the key, never the key")
    key = process_environment().get(key_env, "").strip() if key_env else ""
    if key_env and not key:
        raise Untriable(f"the environment has no {key_env}")
    setting = Setting(
        spec=ProviderSpec(name="trial", adapter=reference, **spec), secret=key, repeatable=False
    )
    return Cast(title=f"{reference}, before its own upstream", build=_found(reference), stage=_only(setting))


def staged(reference: str, stage: str) -> Cast:
    """
    An adapter on a stage that its author wrote.

    Raises:
        Untriable: there is no such adapter, or no such stage.
    """
    return Cast(title=f"{reference}, on the stage {stage}", build=_found(reference), stage=_stage(stage))


def configured(launch: Launch, provider: str, stage: str = "") -> Cast:
    """
    An adapter as a configuration describes it, before its own upstream or on a stage.

    Raises:
        Untriable: the configuration has no such provider, or there is no such stage.
        ConfigError: the configuration cannot be used.
    """
    container = container_for(launch)
    specs = container.table().providers
    if provider not in specs:
        raise Untriable(f'no provider is called "{provider}"; there are: {", ".join(specs)}')
    if launch.source is not None:
        importable_from(launch.source.absolute().parent)
    spec = specs[provider]
    if stage:
        return staged(spec.adapter, stage)
    key = container.secrets().read(spec.secret)
    if key is None:
        raise Untriable(f"the API key of {provider} is not set: {spec.secret}")
    setting = Setting(spec=spec, secret=key, repeatable=False)
    title = f"{provider} ({spec.adapter}), before its own upstream"
    return Cast(title=title, build=_found(spec.adapter), stage=_only(setting))


def _found(reference: str) -> ProviderFactory:
    """What lies in the current folder is found too, as beside a configuration."""
    importable_from(Path.cwd())
    try:
        return factory_named(reference)
    except UnusableAdapter as unusable:
        raise Untriable(f"{unusable.message}\n{unusable.hint}".strip()) from unusable


def _stage(path: str) -> Stage:
    """Its author's module may fail in any way while it is imported."""
    try:
        found = resolve_name(path)
    except Exception as error:
        raise Untriable(
            f"the stage {path} cannot be imported: {in_words(error)}\n{raised_at(error)}"
        ) from error
    if not callable(found):
        raise Untriable(f"the stage {path} is no function from a Scene to a Setting")
    return cast("Callable[[Scene], Setting | None]", found)


def _only(setting: Setting) -> Stage:
    """Nobody can make a real upstream call a tool or fall silent."""
    return lambda scene: setting if scene is Scene.ANSWERS else None


@asynccontextmanager
async def _network() -> AsyncIterator[httpx.AsyncBaseTransport]:
    """The transport that the gateway itself uses."""
    async with HttpClients() as clients:
        yield clients.transport
