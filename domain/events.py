"""
The event inventory: everything the gateway tells about itself, each defined once.

An event's class name is for code, its `name` for the log line, metrics and users; names and fields are API.
Fields are primitives and small values: no prompt, no answer and no secret ever enters an event.
"""

from enum import StrEnum
from typing import ClassVar, TypeAlias

from domain.inventory.access import (
    AuthRejected,
    ChainAccessBlocked,
    ForbiddenProviderSkipped,
    KeysChanged,
    KeysUnreadable,
    KeyUnreadable,
)
from domain.inventory.admission import (
    MemberLimited,
    QueueEntered,
    QueueLeft,
    QueueRefused,
    QuotaExhaustedProviderSkipped,
)
from domain.inventory.auto_routing import AutoRouterFellThrough, AutoRouterResolved, SessionKeptProfile
from domain.inventory.capabilities import (
    ChainCapabilityBlocked,
    ChainContextBlocked,
    IncapableProviderDemoted,
    IncapableProviderSkipped,
    SmallContextProviderSkipped,
)
from domain.inventory.guards import ToolLoopDetected
from domain.inventory.health import (
    AdaptiveRoutingApplied,
    BackendHealthChanged,
    ChainCoolingBlocked,
    ChainMemoryPressureBlocked,
    CoolingProviderSkipped,
    HealthLearned,
    MemoryPressureDetected,
    MemoryPressureSkipped,
    ProviderCooledDown,
    ProviderForgiven,
    ProviderMisconfigured,
    TrialBegun,
    UnhealthyProviderDemoted,
)
from domain.inventory.level import Level
from domain.inventory.lifetime import OfLifetime
from domain.inventory.money import (
    BudgetLeaseCharged,
    CacheObserved,
    ChainBudgetExceeded,
    OverBudgetProviderSkipped,
    StateFound,
    StateLost,
    UncountableProviderSkipped,
)
from domain.inventory.probing import ContextWindowLearned, ProbeOutcomeChanged
from domain.inventory.requests import BilledElsewhere, ReplyBrokenOff, ReplyContinued, RequestAccepted
from domain.inventory.shaping import (
    CapabilityDegraded,
    OutputFilterApplied,
    SuitabilityDegraded,
    ToolCallsRepaired,
    ToolTurnsRepaired,
)
from domain.inventory.sleeping import HostAwaited, HostSleepChanged, WakePacketSent
from domain.inventory.tokens import ContextTruncationSuspected, CountTokensServed
from domain.values import value


@value(kw_only=True)
class ModeAliasResolved:
    """A client's mode header was turned into a profile."""

    name: ClassVar[str] = "mode-alias-resolved"
    level: ClassVar[Level] = Level.INFO
    request_id: str
    mode: str
    profile: str


@value(kw_only=True)
class PaidProviderSkipped:
    """A provider that costs money was left out because paid providers are off."""

    name: ClassVar[str] = "skip-paid-provider"
    level: ClassVar[Level] = Level.INFO
    request_id: str
    profile: str
    provider: str


@value(kw_only=True)
class UncredentialedProviderSkipped:
    """A provider was left out because the key that its configuration names is not there."""

    name: ClassVar[str] = "skip-missing-credential"
    level: ClassVar[Level] = Level.INFO
    request_id: str
    profile: str
    provider: str


@value(kw_only=True)
class ChainPaidGateBlocked:
    """A chain is empty because all that was left of it costs money."""

    name: ClassVar[str] = "chain-paid-gate-blocked"
    level: ClassVar[Level] = Level.WARNING
    request_id: str
    profile: str
    blocked_providers: tuple[str, ...]
    hint: str = "set ALLOW_PAID=true (or allow_paid: true), or add a free provider to the profile"


@value(kw_only=True)
class AttemptStarted:
    """
    A target is being asked.

    ``degraded`` tells that it is asked for less than the client wanted; ``output_limit`` is the limit of the
    answer in tokens that was put in place of the client's, as the target's context leaves no room for more.
    """

    name: ClassVar[str] = "try-provider"
    level: ClassVar[Level] = Level.INFO
    request_id: str
    profile: str
    provider: str
    model: str
    stream: bool
    degraded: bool = False
    output_limit: int | None = None


@value(kw_only=True)
class AttemptSucceeded:
    """A target's answer has begun; the gateway is committed to it."""

    name: ClassVar[str] = "provider-ok"
    level: ClassVar[Level] = Level.INFO
    request_id: str
    provider: str
    model: str
    stream: bool
    ttft_ms: float


@value(kw_only=True)
class AttemptFailed:
    """A target failed before its answer began; ``retryable`` tells whether the chain may move on."""

    name: ClassVar[str] = "provider-failed"
    level: ClassVar[Level] = Level.WARNING
    request_id: str
    provider: str
    model: str
    failure: str
    status: int | None
    retryable: bool
    error: str


@value(kw_only=True)
class FallbackOccurred:
    """The chain moved from one target to the next."""

    name: ClassVar[str] = "fallback-occurred"
    level: ClassVar[Level] = Level.INFO
    request_id: str
    profile: str
    from_provider: str
    to_provider: str
    reason: str


@value(kw_only=True)
class AnswerFailedMidstream:
    """A target failed after a part of its answer had gone to the client; the chain cannot move."""

    name: ClassVar[str] = "provider-failed-midstream"
    level: ClassVar[Level] = Level.WARNING
    request_id: str
    provider: str
    model: str
    failure: str
    status: int | None
    retryable: bool
    error: str


@value(kw_only=True)
class ChainUniformAuthFailure:
    """Every target refused the gateway's credentials in the same way: probably a configuration mistake."""

    name: ClassVar[str] = "chain-uniform-auth-failure"
    level: ClassVar[Level] = Level.WARNING
    request_id: str
    profile: str
    status: int
    count: int
    providers: tuple[str, ...]
    hint: str = "probable-misconfig"


class Outcome(StrEnum):
    """How a client's request ended."""

    ANSWERED = "answered"
    BROKEN_OFF = "broken-off"
    CLIENT_LEFT = "client-left"
    FAILED = "failed"
    REJECTED = "rejected"


@value(kw_only=True)
class RequestCompleted:
    """
    A client's request is over: the one line that tells it whole.

    ``member`` and ``key_id`` tell whose request it was and are empty at a gateway without keys.
    ``rejected`` requests never reached a chain; ``failed`` ones used theirs up. Times are milliseconds from
    acceptance. Token counts are ``None`` where nobody was asked; where the upstream did not say they are
    estimates, and ``estimated`` is true, as it is when the cost of a failed attempt had to be guessed.
    ``cost_usd`` is that of all attempts together, as far as can be told; ``set_aside_usd`` is what hard
    budgets were charged beyond it, as nobody knows what will be billed. ``billed_elsewhere`` tells, with
    ``provider``, ``model``, tokens (not counted above), ``cost_usd`` and ``set_aside_usd``, what of both is
    due to others than who answered in the end.
    """

    name: ClassVar[str] = "request-completed"
    level: ClassVar[Level] = Level.INFO
    request_id: str
    member: str
    key_id: str
    dialect: str
    stream: bool
    outcome: Outcome
    status: int
    profile: str
    rule: str
    provider: str
    model: str
    requested_model: str
    attempts: int
    fallback_reason: str
    duration_ms: float
    ttft_ms: float | None
    input_tokens: int | None
    output_tokens: int | None
    cache_read_tokens: int | None
    cache_creation_tokens: int | None
    cost_usd: float = 0.0
    cost_savings_usd: float = 0.0
    set_aside_usd: float = 0.0
    estimated: bool = False
    billed_elsewhere: tuple[BilledElsewhere, ...] = ()


@value(kw_only=True)
class InternalFault:
    """A bug of ours, for whoever mends it; without a ``request_id`` in background work, which goes on."""

    name: ClassVar[str] = "internal-fault"
    level: ClassVar[Level] = Level.ERROR
    request_id: str
    where: str
    error: str
    traceback: str


Event: TypeAlias = (
    OfLifetime
    | ModeAliasResolved
    | PaidProviderSkipped
    | UncredentialedProviderSkipped
    | ChainPaidGateBlocked
    | AttemptStarted
    | AttemptSucceeded
    | AttemptFailed
    | FallbackOccurred
    | AnswerFailedMidstream
    | ReplyBrokenOff
    | ReplyContinued
    | ChainUniformAuthFailure
    | AdaptiveRoutingApplied
    | BackendHealthChanged
    | ChainCoolingBlocked
    | ChainMemoryPressureBlocked
    | CoolingProviderSkipped
    | MemoryPressureDetected
    | MemoryPressureSkipped
    | HealthLearned
    | ProviderCooledDown
    | ProviderForgiven
    | ProviderMisconfigured
    | TrialBegun
    | UnhealthyProviderDemoted
    | ContextWindowLearned
    | ProbeOutcomeChanged
    | HostAwaited
    | HostSleepChanged
    | WakePacketSent
    | RequestAccepted
    | RequestCompleted
    | InternalFault
    | AutoRouterResolved
    | AutoRouterFellThrough
    | SessionKeptProfile
    | IncapableProviderSkipped
    | SmallContextProviderSkipped
    | IncapableProviderDemoted
    | ChainCapabilityBlocked
    | ChainContextBlocked
    | AuthRejected
    | KeysChanged
    | KeysUnreadable
    | KeyUnreadable
    | QueueEntered
    | QueueLeft
    | QueueRefused
    | MemberLimited
    | QuotaExhaustedProviderSkipped
    | ForbiddenProviderSkipped
    | ChainAccessBlocked
    | ToolLoopDetected
    | CapabilityDegraded
    | OutputFilterApplied
    | ToolCallsRepaired
    | ToolTurnsRepaired
    | SuitabilityDegraded
    | CountTokensServed
    | ContextTruncationSuspected
    | OverBudgetProviderSkipped
    | UncountableProviderSkipped
    | ChainBudgetExceeded
    | CacheObserved
    | BudgetLeaseCharged
    | StateLost
    | StateFound
)
