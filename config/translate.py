"""The one way from what the file says to what the domain works with."""

import ipaddress
from types import MappingProxyType
from urllib.parse import urlsplit

from config.capabilities_registry import CapabilityRegistry, bundled_registry
from config.schema.model_capabilities import ModelFlags
from config.schema.profile import Profile as ProfileSection
from config.schema.provider import Provider
from config.schema.root import AUTO, Config
from config.schema.timeouts import Deadlines
from config.translate_admission import room_of
from config.translate_models import model_alias, other_models
from config.translate_money import alias_prices, costly_fields, output_limit, price_of
from config.translate_rules import rule_matcher
from config.translate_sleep import wake_plan
from domain.conversation.answer_limits import is_limit
from domain.guards.tool_loop import LoopAction, ToolLoopPolicy
from domain.health.policy import (
    AdaptivePolicy,
    BackendHealthAction,
    HealthPolicy,
    MemoryPressureAction,
)
from domain.routing.targets import (
    BrokenStreamAction,
    Capabilities,
    CapabilityAction,
    Freedom,
    Locality,
    ProbePlan,
    Profile,
    ProviderSpec,
    RoutingTable,
    SecretReference,
    Target,
    TimeoutChanges,
    Timeouts,
)
from domain.routing.tooling import DeferredTools, ToolManners, ToolNames, ToolSchemas

CONNECT_TIMEOUT_S = 5.0
IDLE_TIMEOUT_S = 120.0
NEAR_TTFT_TIMEOUT_S = 600.0
"""A model at home may have to be loaded from a slow disk before its first word."""
CLOUD_TTFT_TIMEOUT_S = 120.0
_LEVELS_OF_OPENAI = ("low", "medium", "high")
"""What every model takes that takes OpenAI's ``reasoning_effort``."""


def routing_table(config: Config, registry: CapabilityRegistry | None = None) -> RoutingTable:
    """Everything that routing needs from a validated configuration and from what is known of models."""
    known = registry or bundled_registry()
    providers = {provider.name: provider_spec(provider, known) for provider in config.providers}
    profiles = {profile.name: _profile(profile, providers) for profile in config.profiles}
    variants = {target: provider_spec(provider, known) for target, provider in other_models(config)}
    models = {name: model_alias(alias, profiles, providers) for name, alias in config.models.items()}
    return RoutingTable(
        providers=MappingProxyType(providers),
        variants=MappingProxyType(variants),
        profiles=MappingProxyType(profiles),
        default_profile=_default_profile(config),
        mode_aliases=MappingProxyType(dict(config.mode_aliases)),
        models=MappingProxyType(models),
        allow_paid=config.allow_paid,
        auto_router=rule_matcher(config) if config.default_profile == AUTO else None,
        sticky_sessions=config.session.sticky,
        prices=alias_prices(config),
    )


def provider_spec(provider: Provider, registry: CapabilityRegistry) -> ProviderSpec:
    """One provider as the domain and the adapters know it."""
    locality = locality_of(provider)
    flags = registry.flags(kind=provider.adapter or provider.kind, model=provider.model or "")
    return ProviderSpec(
        name=provider.name,
        adapter=provider.adapter or provider.kind,
        base_url=provider.base_url or "",
        model=provider.model or "",
        paid=provider.paid,
        secret=_secret(provider),
        timeouts=_timeouts(provider, locality),
        locality=locality,
        context_window=_told_to_load(provider) or provider.context_window or flags.max_context_tokens,
        output_limit=output_limit(provider),
        costly_fields=costly_fields(provider),
        longest_answer=flags.max_answer_tokens,
        price=price_of(provider.cost),
        allow_unpriced=provider.cost is not None and provider.cost.allow_unpriced,
        capabilities=_capabilities(provider, flags),
        tool_manners=ToolManners(
            names=ToolNames(provider.tool_names),
            schemas=ToolSchemas(provider.tool_schemas),
            deferred=DeferredTools(provider.deferred_tools),
        ),
        fill_reasoning=provider.fill_reasoning,
        drop_betas=provider.drop_betas,
        probe=_probe(provider),
        wake=wake_plan(provider),
        room=room_of(provider),
        append_system_prompt=provider.append_system_prompt or "",
        output_filters=provider.output_filters,
        extra_body=MappingProxyType(dict(provider.extra_body)),
        headers=MappingProxyType(dict(provider.headers)),
        options=MappingProxyType(dict(provider.options)),
    )


def _told_to_load(provider: Provider) -> int | None:
    """What Ollama is told in the words of its own API, which come before ours."""
    options = provider.extra_body.get("options") if provider.kind == "ollama" else None
    window = options.get("num_ctx") if isinstance(options, dict) else None
    return window if isinstance(window, int) and is_limit(window) else None


def _probe(provider: Provider) -> ProbePlan | None:
    if provider.probe is None:
        return None
    path = provider.probe.path
    rooted = path if path.startswith("/") or not path else f"/{path}"
    return ProbePlan(interval_s=provider.probe.interval_s, path=rooted)


def locality_of(provider: Provider) -> Locality:
    """As declared, else told from the address; what runs inside the gateway is local."""
    if provider.locality is not None:
        return Locality(provider.locality)
    if provider.base_url is None:
        return Locality.LOCAL if provider.adapter is None else Locality.CLOUD
    return _locality_of_host(urlsplit(provider.base_url).hostname or "")


def _locality_of_host(host: str) -> Locality:
    name = host.lower().rstrip(".")
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        return _locality_of_name(name)
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    if address.is_loopback or address.is_unspecified:
        return Locality.LOCAL
    near = address.is_private or address.is_link_local or address in _SHARED
    return Locality.LAN if near else Locality.CLOUD


_SHARED = ipaddress.ip_network("100.64.0.0/10")
"""Carriers' shared space (RFC 6598), which private overlay networks such as Tailscale use."""


def _locality_of_name(name: str) -> Locality:
    if name == "localhost" or name.endswith(".localhost"):
        return Locality.LOCAL
    return Locality.LAN if "." not in name or name.endswith(_HOME_NAMES) else Locality.CLOUD


_HOME_NAMES = (".local", ".lan", ".home", ".internal", ".home.arpa", ".fritz.box", ".localdomain")
"""Ends of names that only a network at home gives, or a container engine its host (RFC 6762, RFC 8375)."""


def _secret(provider: Provider) -> SecretReference | None:
    if not provider.api_key_env and not provider.api_key_file:
        return None
    return SecretReference(env=provider.api_key_env or None, file=provider.api_key_file)


def _timeouts(provider: Provider, locality: Locality) -> Timeouts:
    near = locality in (Locality.LOCAL, Locality.LAN)
    defaults = Timeouts(
        connect_s=CONNECT_TIMEOUT_S,
        ttft_s=NEAR_TTFT_TIMEOUT_S if near else CLOUD_TTFT_TIMEOUT_S,
        idle_s=IDLE_TIMEOUT_S,
        total_s=None,
    )
    return _changes(provider, provider.timeout_s).over(defaults)


def _changes(deadlines: Deadlines, timeout_s: float | None) -> TimeoutChanges:
    """
    What one level says: `timeout_s` fills the first-content and the idle deadline and bounds connecting.

    A provider may allow longer to connect than its profile's `timeout_s`; the deadline of the first content,
    which runs from the start of the attempt, ends that wait too.
    """
    connect_s = deadlines.connect_timeout_s
    if timeout_s is not None and timeout_s < (connect_s or CONNECT_TIMEOUT_S):
        connect_s = timeout_s
    return TimeoutChanges(
        connect_s=connect_s,
        ttft_s=timeout_s if deadlines.ttft_timeout_s is None else deadlines.ttft_timeout_s,
        idle_s=timeout_s if deadlines.idle_timeout_s is None else deadlines.idle_timeout_s,
        total_s=deadlines.total_timeout_s,
        least_tokens_per_s=deadlines.min_tokens_per_s,
    )


def _capabilities(provider: Provider, flags: ModelFlags) -> Capabilities:
    """What the file says, yes or no, before what is known of the model; a schema's default says nothing."""
    said = provider.capabilities.model_dump(exclude_unset=True)
    suitability = flags.claude_code_suitability
    freedom = said.get("sampling", flags.sampling)
    return Capabilities(
        tools=said.get("tools", flags.tools),
        vision=said.get("vision"),
        thinking=said.get("thinking", flags.thinking),
        prompt_cache=said.get("prompt_cache", flags.cache_control),
        streaming=said.get("streaming"),
        reasoning_passthrough=said.get("reasoning_passthrough", flags.reasoning_passthrough),
        claude_code=None if suitability is None else suitability == "ok",
        effort_levels=_effort_levels(provider, flags),
        answer_schema=said.get("answer_schema", flags.answer_schema),
        sampling=None if freedom is None else Freedom(freedom),
    )


def _effort_levels(provider: Provider, flags: ModelFlags) -> tuple[str, ...] | None:
    said = provider.capabilities
    if said.effort_levels is not None:
        return said.effort_levels
    if flags.effort_levels is None and said.reasoning_control == "openai":
        return _LEVELS_OF_OPENAI
    return flags.effort_levels


def _profile(profile: ProfileSection, providers: dict[str, ProviderSpec]) -> Profile:
    return Profile(
        name=profile.name,
        targets=tuple(Target(name, providers[name].model) for name in profile.providers),
        timeouts=_changes(profile, profile.timeout_s),
        append_system_prompt=profile.append_system_prompt,
        capability_action=CapabilityAction(profile.capability_action),
        health=_health(profile),
        on_broken_stream=BrokenStreamAction(profile.on_broken_stream),
        tool_loop=ToolLoopPolicy(
            window=profile.tool_loop_window,
            threshold=profile.tool_loop_threshold,
            action=LoopAction(profile.tool_loop_action),
        ),
    )


def _health(profile: ProfileSection) -> HealthPolicy:
    return HealthPolicy(
        memory_action=MemoryPressureAction(profile.memory_pressure_action),
        memory_cooldown_s=profile.memory_pressure_cooldown_s,
        action=BackendHealthAction(profile.backend_health_action),
        threshold=profile.backend_health_threshold,
        half_open_s=profile.half_open_s,
        adaptive=AdaptivePolicy(
            enabled=profile.adaptive,
            window_s=profile.adaptive_window_s,
            latency_factor=profile.adaptive_latency_factor,
            error_rate=profile.adaptive_error_rate,
            debounce_s=profile.adaptive_debounce_s,
            least_timed=profile.adaptive_min_latency_samples,
            least_tried=profile.adaptive_min_samples,
        ),
    )


def _default_profile(config: Config) -> str:
    """Under `auto` the profile that a request gets when no rule matches it."""
    return rule_matcher(config).default_profile if config.default_profile == AUTO else config.default_profile
