"""Knows what models can do, from the file that comes along and from one of the user's."""

from collections.abc import Iterable
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path

from config.load import read_as
from config.schema.model_capabilities import CapabilityRule, ModelCapabilities, ModelFlags

BUNDLED = Path(__file__).with_name("model_capabilities.yaml")
USER_FILE_NAME = "model-capabilities.yaml"


class CapabilityRegistry:
    """Rules about models by their names. The first that matches and says a flag fixes it."""

    def __init__(self, rules: Iterable[CapabilityRule]) -> None:
        self._rules = tuple(rules)

    def __repr__(self) -> str:
        return f"<CapabilityRegistry of {len(self._rules)} rules>"

    def flags(self, *, kind: str, model: str) -> ModelFlags:
        """What is known of a model behind a provider of this kind."""
        known: dict[str, object] = {}
        for rule in self._rules:
            if rule.kind in ("any", kind) and fnmatchcase(model, rule.match):
                known = rule.capabilities.model_dump(exclude_none=True) | known
        return ModelFlags.model_validate(known)


def load_registry(home: Path) -> CapabilityRegistry:
    """
    The rules of `~/.coderouter/model-capabilities.yaml`, if there is one, before those that come along.

    Raises:
        ConfigError: with every problem of the user's file.
    """
    own = home / ".coderouter" / USER_FILE_NAME
    rules = read_as(ModelCapabilities, own).rules if own.is_file() else ()
    return CapabilityRegistry((*rules, *_bundled_rules()))


@cache
def bundled_registry() -> CapabilityRegistry:
    """The rules that come along, alone."""
    return CapabilityRegistry(_bundled_rules())


@cache
def _bundled_rules() -> tuple[CapabilityRule, ...]:
    return read_as(ModelCapabilities, BUNDLED).rules
