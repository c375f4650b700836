"""Events about providers that fail, run out of memory, want to be left alone or are slow."""

from collections.abc import Mapping
from typing import ClassVar

from domain.inventory.level import Level
from domain.values import value


@value(kw_only=True)
class BackendHealthChanged:
    """
    A provider's health is another than before: ``healthy``, ``degraded`` or ``unhealthy``.

    ``profile`` is the one whose attempt showed it; ``request_id`` is empty when a probe did.
    """

    name: ClassVar[str] = "backend-health-changed"
    level: ClassVar[Level] = Level.INFO
    request_id: str
    provider: str
    profile: str
    old_state: str
    new_state: str
    consecutive_failures: int


@value(kw_only=True)
class MemoryPressureDetected:
    """A provider ran out of memory; ``action`` is what the profile does about it: ``warn`` or ``skip``."""

    name: ClassVar[str] = "memory-pressure-detected"
    level: ClassVar[Level] = Level.INFO
    request_id: str
    provider: str
    profile: str
    action: str
    cooldown_s: float
    error: str


@value(kw_only=True)
class ProviderCooledDown:
    """
    A provider, or one ``model`` of it if that is named, is left alone until then (UTC, ISO 8601).

    ``reason`` is ``rate-limited``, ``quota``, ``misconfigured``, ``model-missing``, ``overloaded`` or
    ``memory-pressure``; ``scope`` what the limit is measured over, if the provider said so. ``request_id`` is
    empty where no refusal led to it but the headers of an answer, or a probe.
    """

    name: ClassVar[str] = "provider-cooldown"
    level: ClassVar[Level] = Level.WARNING
    request_id: str
    provider: str
    model: str
    profile: str
    reason: str
    scope: str
    cooldown_s: float
    until: str


@value(kw_only=True)
class HealthLearned:
    """
    How a provider stands has changed in another process that serves from the same state, or before a restart.

    ``cooldowns`` tells the pauses that hold, by reason with their end (UTC, ISO 8601), ``ended`` the reasons
    of those that held here and do not any more.
    """

    name: ClassVar[str] = "health-learned"
    level: ClassVar[Level] = Level.INFO
    provider: str
    state: str
    cooldowns: Mapping[str, str]
    ended: tuple[str, ...]


@value(kw_only=True)
class ProviderMisconfigured:
    """A provider refuses the gateway's credentials, or answers from elsewhere than it is configured."""

    name: ClassVar[str] = "provider-misconfigured"
    level: ClassVar[Level] = Level.ERROR
    request_id: str
    provider: str
    profile: str
    status: int | None
    error: str
    hint: str = "check the provider's api_key_env or api_key_file, and its base_url"


@value(kw_only=True)
class MemoryPressureSkipped:
    """A provider was left out because it ran out of memory a while ago."""

    name: ClassVar[str] = "skip-memory-pressure"
    level: ClassVar[Level] = Level.INFO
    request_id: str
    provider: str
    profile: str
    seconds_until_eligible: int


@value(kw_only=True)
class CoolingProviderSkipped:
    """A provider was left out because it is to be left alone; for ``reason`` see `provider-cooldown`."""

    name: ClassVar[str] = "skip-cooling-provider"
    level: ClassVar[Level] = Level.INFO
    request_id: str
    provider: str
    profile: str
    reason: str
    seconds_until_eligible: int


@value(kw_only=True)
class ChainMemoryPressureBlocked:
    """A chain is empty because what was left of it ran out of memory a while ago."""

    name: ClassVar[str] = "chain-memory-pressure-blocked"
    level: ClassVar[Level] = Level.WARNING
    request_id: str
    profile: str
    blocked_providers: tuple[str, ...]
    hint: str = "use smaller models or contexts, lower memory_pressure_cooldown_s, or add a provider"


@value(kw_only=True)
class ChainCoolingBlocked:
    """A chain is empty because what was left of it is to be left alone for a while."""

    name: ClassVar[str] = "chain-cooling-blocked"
    level: ClassVar[Level] = Level.WARNING
    request_id: str
    profile: str
    blocked_providers: tuple[str, ...]
    hint: str = "wait, add a provider to the profile, or POST /admin/health/reset once the cause is gone"


@value(kw_only=True)
class UnhealthyProviderDemoted:
    """A provider is tried after others because it failed too often of late."""

    name: ClassVar[str] = "demote-unhealthy-provider"
    level: ClassVar[Level] = Level.INFO
    request_id: str
    provider: str
    profile: str


@value(kw_only=True)
class TrialBegun:
    """An unhealthy provider is tried in its old place, if its first content comes within ``ttft_s``."""

    name: ClassVar[str] = "half-open-trial"
    level: ClassVar[Level] = Level.INFO
    request_id: str
    provider: str
    profile: str
    ttft_s: float


@value(kw_only=True)
class AdaptiveRoutingApplied:
    """
    Measured speed and failures have changed the order in which providers are tried.

    ``stats`` tells for each measured provider ``median_latency_ms`` (to the first content), ``error_rate``
    and ``sample_count``.
    """

    name: ClassVar[str] = "adaptive-routing-applied"
    level: ClassVar[Level] = Level.INFO
    request_id: str
    profile: str
    static_order: tuple[str, ...]
    effective_order: tuple[str, ...]
    stats: Mapping[str, Mapping[str, float | int | None]]


@value(kw_only=True)
class ProviderForgiven:
    """Somebody has reset a provider: it counts as healthy, and its pauses (``cooldowns``) are over."""

    name: ClassVar[str] = "provider-reset"
    level: ClassVar[Level] = Level.INFO
    provider: str
    old_state: str
    cooldowns: tuple[str, ...]
