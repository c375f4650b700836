"""Events about the gateway's own beginning and end."""

from typing import ClassVar, TypeAlias

from domain.inventory.level import Level
from domain.values import value


@value(kw_only=True)
class Started:
    """The gateway is ready to answer."""

    name: ClassVar[str] = "coderouter-startup"
    level: ClassVar[Level] = Level.INFO
    version: str
    providers: tuple[str, ...]
    profiles: tuple[str, ...]
    default_profile: str
    allow_paid: bool
    mode_source: str


@value(kw_only=True)
class Stopped:
    """The gateway has answered its last request."""

    name: ClassVar[str] = "coderouter-shutdown"
    level: ClassVar[Level] = Level.INFO


@value(kw_only=True)
class ConfigFound:
    """No configuration file was found; this is what the machine and the environment offered instead."""

    name: ClassVar[str] = "zero-config"
    level: ClassVar[Level] = Level.INFO
    found: tuple[str, ...]
    hint: str


@value(kw_only=True)
class ConfigNoted:
    """
    Something in the configuration may not be meant, or cannot be used; told at the start.

    ``note`` is what `coderouter check` says of it.
    """

    name: ClassVar[str] = "config-note"
    level: ClassVar[Level] = Level.WARNING
    note: str


OfLifetime: TypeAlias = Started | Stopped | ConfigFound | ConfigNoted
"""Told once, as the gateway begins or ends."""
