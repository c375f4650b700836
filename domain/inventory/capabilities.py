"""Events about targets that cannot do what a request needs."""

from typing import ClassVar

from domain.inventory.level import Level
from domain.values import value


@value(kw_only=True)
class IncapableProviderSkipped:
    """A provider was left out because it is known to lack what the request needs."""

    name: ClassVar[str] = "skip-incapable-provider"
    level: ClassVar[Level] = Level.INFO
    request_id: str
    profile: str
    provider: str
    lacks: tuple[str, ...]
    detail: str


@value(kw_only=True)
class SmallContextProviderSkipped:
    """A provider was left out because the prompt, as estimated, does not fit into its context window."""

    name: ClassVar[str] = "skip-small-context-window"
    level: ClassVar[Level] = Level.INFO
    request_id: str
    profile: str
    provider: str
    estimated_tokens: int
    max_prompt_tokens: int


@value(kw_only=True)
class IncapableProviderDemoted:
    """A provider is tried after others because it is known to lack what the request needs."""

    name: ClassVar[str] = "demote-incapable-provider"
    level: ClassVar[Level] = Level.INFO
    request_id: str
    profile: str
    provider: str
    lacks: tuple[str, ...]


@value(kw_only=True)
class ChainCapabilityBlocked:
    """A chain is empty because all that was left of it lacks what the request needs."""

    name: ClassVar[str] = "chain-capability-blocked"
    level: ClassVar[Level] = Level.WARNING
    request_id: str
    profile: str
    blocked_providers: tuple[str, ...]
    lacks: tuple[str, ...]
    hint: str = "add a provider that has it to the profile, or a rule that sends such requests elsewhere"


@value(kw_only=True)
class ChainContextBlocked:
    """A chain is empty because the prompt fits into none of the context windows that were left of it."""

    name: ClassVar[str] = "chain-context-window-blocked"
    level: ClassVar[Level] = Level.WARNING
    request_id: str
    profile: str
    blocked_providers: tuple[str, ...]
    hint: str = "add a provider with a larger context_window, or a rule with content_token_count_min"
