"""The keys that hold: those that the configuration names."""

from dataclasses import dataclass

from config.schema.root import Config
from config.translate_access import member_permissions, written_keys
from domain.access.keys import KeyRing


@dataclass(frozen=True, slots=True)
class Keys:
    """Implements `domain.ports.keys.CurrentKeys`."""

    ring: KeyRing


def keys_of(config: Config) -> Keys:
    """
    The keys of a validated configuration.

    Raises:
        ConfigError: a hash file is missing or is none.
    """
    return Keys(KeyRing(written_keys(config), member_permissions(config)))
