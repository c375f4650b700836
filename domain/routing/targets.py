"""What a request can go to: providers as configured, targets, and how patient to be with them."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from types import MappingProxyType
from typing import NamedTuple

from domain.budget.pricing import Price
from domain.conversation.extensions import Json, Nothing
from domain.guards.tool_loop import LOOPS_ARE_TOLD, ToolLoopPolicy
from domain.health.policy import WATCHING, HealthPolicy
from domain.routing.rules import RuleMatcher
from domain.routing.tooling import AS_NEEDED, ToolManners
from domain.routing.windows import ContextWindows


class Target(NamedTuple):
    """A provider and the model it is asked for."""

    provider: str
    model: str


class Locality(StrEnum):
    """Where a provider runs: on this machine, in this network, or elsewhere."""

    LOCAL = "local"
    LAN = "lan"
    CLOUD = "cloud"


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeouts:
    """
    How long one attempt may take, in seconds.

    Attributes:
        connect_s: until the connection stands.
        ttft_s: from the start of the attempt until the first content of the answer.
        idle_s: between two pieces of the answer.
        total_s: for the whole attempt; ``None`` is no bound.
        least_tokens_per_s: how fast an answer must come that has begun; ``None`` is no bound.
    """

    connect_s: float = 5.0
    ttft_s: float = 120.0
    idle_s: float = 120.0
    total_s: float | None = None
    least_tokens_per_s: float | None = None

    def hurried(self, ttft_s: float | None) -> "Timeouts":
        """The same, but with the first content due no later than this."""
        return self if ttft_s is None else replace(self, ttft_s=min(self.ttft_s, ttft_s))


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretReference:
    """Where a provider's key is to be found; one of the two."""

    env: str | None = None
    file: str | None = None

    def __str__(self) -> str:
        return self.env or self.file or ""


class Freedom(StrEnum):
    """How far a client may say how tokens are drawn: temperature and nucleus, one of the two, neither."""

    FREE = "free"
    EITHER = "either"
    FIXED = "fixed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """
    What a provider can do; ``None`` is unknown, and only known values decide anything.

    Attributes:
        prompt_cache: it honours cache breakpoints.
        thinking: it honours a request to think.
        reasoning_passthrough: its reasoning goes on to clients whatever their dialect.
        claude_code: it serves Claude Code well.
        effort_levels: the words for how long to think that it takes.
        answer_schema: it binds its answers to a schema.
        sampling: what it lets be said of how tokens are drawn.
    """

    tools: bool | None = None
    vision: bool | None = None
    thinking: bool | None = None
    prompt_cache: bool | None = None
    streaming: bool | None = None
    reasoning_passthrough: bool | None = None
    claude_code: bool | None = None
    effort_levels: tuple[str, ...] | None = None
    answer_schema: bool | None = None
    sampling: Freedom | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """
    How much a provider bears at once.

    Attributes:
        most_at_once: attempts that may run side by side.
        most_waiting: how many may wait for their turn.
        patience_s: how long one waits before the chain moves on.
    """

    most_at_once: int
    most_waiting: int = 32
    patience_s: float = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbePlan:
    """
    How a provider is asked whether it is there.

    Attributes:
        path: what is read; empty for what its kind knows, such as its list of models.
    """

    interval_s: float = 30.0
    path: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class WakePlan:
    """
    How the machine of a provider is woken.

    Attributes:
        mac: of its network card, as six pairs of hexadecimal digits between colons.
        ready_within_s: from the call until its server takes connections.
        host, port: where that server listens.
        call_at: the addresses and ports that the packet goes to.
    """

    mac: str
    ready_within_s: float
    host: str
    port: int
    call_at: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderSpec:
    """
    One configured upstream.

    Attributes:
        adapter: the built-in kind (``openai_compat``, ``anthropic``, …) or the dotted path of an adapter.
        base_url: where it answers; empty for an adapter that knows by itself.
        model: what it is asked for; empty when the adapter or upstream decides.
        paid: whether using it costs money.
        output_limit: the limit that is set for requests that come without one; goes before any that stands
            among the fields of ``extra_body``.
        longest_answer: in tokens, as far as its vendor tells; limits nothing, but is what to reckon with.
        costly_fields: fields of ``extra_body`` that may make a request cost more than is reckoned.
        price: what its own model charges; ``None`` when nobody said.
        allow_unpriced: whether it may be asked for a model without a price where a budget applies.
        extra_body: fields laid under every request body.
        headers: sent with every request to it.
        tool_manners: what it needs of the tools that it is told.
        fill_reasoning: whether it demands reasoning with every past turn that calls tools.
        drop_betas: patterns of Anthropic's betas that it is not asked for.
        probe: how it is asked whether it is there; ``None`` when that is told by its answers.
        wake: how its machine is woken; ``None`` for one that does not sleep.
        room: how much it bears at once; ``None`` for any number.
        options: for a custom adapter, as written in the configuration.
    """

    name: str
    adapter: str
    base_url: str = ""
    model: str = ""
    paid: bool = False
    secret: SecretReference | None = None
    timeouts: Timeouts = Timeouts()
    locality: Locality = Locality.CLOUD
    context_window: int | None = None
    output_limit: int | None = None
    costly_fields: tuple[str, ...] = ()
    longest_answer: int | None = None
    price: Price | None = None
    allow_unpriced: bool = False
    capabilities: Capabilities = Capabilities()
    tool_manners: ToolManners = AS_NEEDED
    fill_reasoning: bool = False
    drop_betas: tuple[str, ...] = ()
    probe: ProbePlan | None = None
    wake: WakePlan | None = None
    room: Room | None = None
    append_system_prompt: str = ""
    output_filters: tuple[str, ...] = ()
    extra_body: Mapping[str, Json] = Nothing()
    headers: Mapping[str, str] = Nothing()
    options: Mapping[str, Json] = Nothing()


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeoutChanges:
    """What a profile says about time; ``None`` keeps the provider's value."""

    connect_s: float | None = None
    ttft_s: float | None = None
    idle_s: float | None = None
    total_s: float | None = None
    least_tokens_per_s: float | None = None

    def over(self, timeouts: Timeouts) -> Timeouts:
        return Timeouts(
            connect_s=timeouts.connect_s if self.connect_s is None else self.connect_s,
            ttft_s=timeouts.ttft_s if self.ttft_s is None else self.ttft_s,
            idle_s=timeouts.idle_s if self.idle_s is None else self.idle_s,
            total_s=timeouts.total_s if self.total_s is None else self.total_s,
            least_tokens_per_s=self.least_tokens_per_s or timeouts.least_tokens_per_s,
        )


class CapabilityAction(StrEnum):
    """What happens to a target that is known to lack what a request needs: nothing, last place, no place."""

    OFF = "off"
    PREFER = "prefer"
    REQUIRE = "require"


class BrokenStreamAction(StrEnum):
    """
    What a client gets of an answer that breaks off: an error, a turn that ends as cut, or the rest of it from
    another target.
    """

    ERROR = "error"
    SURFACE = "surface"
    CONTINUE = "continue"


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """
    A named order of targets with its policies.

    Attributes:
        append_system_prompt: replaces the provider's unless it is ``None``; empty clears it.
        health: what is done about targets that fail, run out of memory or are slow.
        tool_loop: what is done about models that make the same calls over and over.
        on_broken_stream: what a client gets of an answer that breaks off.
    """

    name: str
    targets: tuple[Target, ...]
    timeouts: TimeoutChanges = TimeoutChanges()
    append_system_prompt: str | None = None
    capability_action: CapabilityAction = CapabilityAction.PREFER
    health: HealthPolicy = WATCHING
    tool_loop: ToolLoopPolicy = LOOPS_ARE_TOLD
    on_broken_stream: BrokenStreamAction = BrokenStreamAction.ERROR


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfileAlias:
    """A model name that stands for a profile."""

    profile: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetAlias:
    """A model name that stands for one target."""

    target: Target


@dataclass(frozen=True, slots=True, kw_only=True)
class RoutingTable:
    """
    Everything that routing knows from the configuration.

    Attributes:
        default_profile: where a request goes that asks for nothing in particular; with an ``auto_router``
            the profile for what no rule matches.
        auto_router: chooses the profile of such requests; ``None`` when it is always the default.
        sticky_sessions: whether a session keeps the profile it was routed to.
        mode_aliases: mode -> profile.
        models: declared model names.
        allow_paid: whether providers that cost money may be used at all.
        prices: what models charge that are not their provider's own.
        variants: what is known of targets whose model is not their provider's own.
        context_windows: what was learned of windows since the start; the one thing here that changes.
    """

    providers: Mapping[str, ProviderSpec]
    profiles: Mapping[str, Profile]
    default_profile: str
    mode_aliases: Mapping[str, str] = Nothing()
    models: Mapping[str, ProfileAlias | TargetAlias] = Nothing()
    allow_paid: bool = False
    auto_router: RuleMatcher | None = None
    sticky_sessions: bool = True
    prices: Mapping[Target, Price] = field(default_factory=lambda: MappingProxyType({}))
    variants: Mapping[Target, ProviderSpec] = field(default_factory=lambda: MappingProxyType({}))
    context_windows: ContextWindows = field(default_factory=ContextWindows)

    def price(self, target: Target) -> Price | None:
        """What a target charges; ``None`` when nobody said."""
        spec = self.providers[target.provider]
        return spec.price if target.model == spec.model else self.prices.get(target)

    def spec_of(self, target: Target) -> ProviderSpec:
        """The target's provider as far as it holds for its model, with the window that is known by now."""
        spec = self.variants.get(target) or self.providers[target.provider]
        window = self.context_windows.of(target, spec.context_window)
        return spec if window == spec.context_window else replace(spec, context_window=window)

    def window_of(self, target: Target) -> int | None:
        """The target's context window in tokens, if it is known by now."""
        return self.spec_of(target).context_window

    def profile_naming(self, provider: str) -> Profile:
        """The first profile with a target of this provider; the default one where none has."""
        naming = (
            profile
            for profile in self.profiles.values()
            if any(target.provider == provider for target in profile.targets)
        )
        return next(naming, self.profiles[self.default_profile])

    def timeouts(self, profile: Profile, target: Target) -> Timeouts:
        return profile.timeouts.over(self.providers[target.provider].timeouts)

    def system_suffix(self, profile: Profile, target: Target) -> str:
        if profile.append_system_prompt is not None:
            return profile.append_system_prompt
        return self.providers[target.provider].append_system_prompt
