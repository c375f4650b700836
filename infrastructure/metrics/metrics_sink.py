"""Counts events: the one place that says what each of them means for the series."""

from datetime import datetime
from typing import TypeAlias

from domain.events import (
    AnswerFailedMidstream,
    AttemptFailed,
    AttemptStarted,
    AttemptSucceeded,
    ChainPaidGateBlocked,
    ChainUniformAuthFailure,
    Event,
    FallbackOccurred,
    InternalFault,
    ModeAliasResolved,
    Outcome,
    PaidProviderSkipped,
    RequestCompleted,
    UncredentialedProviderSkipped,
)
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
from infrastructure.metrics.instruments import HOST_STATES, Instruments

_Request: TypeAlias = RequestAccepted | RequestCompleted
_Attempt: TypeAlias = (
    AttemptStarted | AttemptSucceeded | AttemptFailed | AnswerFailedMidstream | FallbackOccurred
)
_Skip: TypeAlias = (
    PaidProviderSkipped
    | ForbiddenProviderSkipped
    | UncredentialedProviderSkipped
    | IncapableProviderSkipped
    | SmallContextProviderSkipped
    | QueueRefused
    | QuotaExhaustedProviderSkipped
    | OverBudgetProviderSkipped
    | UncountableProviderSkipped
    | MemoryPressureSkipped
    | CoolingProviderSkipped
)
_Health: TypeAlias = (
    BackendHealthChanged
    | ProviderCooledDown
    | ProviderForgiven
    | HealthLearned
    | UnhealthyProviderDemoted
    | ChainMemoryPressureBlocked
    | HostSleepChanged
    | WakePacketSent
)
_Admission: TypeAlias = QueueEntered | QueueLeft | MemberLimited
_Chain: TypeAlias = (
    ChainPaidGateBlocked
    | ChainBudgetExceeded
    | ChainUniformAuthFailure
    | AutoRouterFellThrough
    | ToolLoopDetected
)
_Shaping: TypeAlias = CapabilityDegraded | OutputFilterApplied | ToolCallsRepaired
_Uncounted: TypeAlias = (
    OfLifetime
    | ModeAliasResolved
    | AutoRouterResolved
    | SessionKeptProfile
    | IncapableProviderDemoted
    | ChainAccessBlocked
    | KeysChanged
    | ContextWindowLearned
    | AdaptiveRoutingApplied
    | ChainCoolingBlocked
    | MemoryPressureDetected
    | ProviderMisconfigured
    | TrialBegun
    | ProbeOutcomeChanged
    | HostAwaited
    | KeysUnreadable
    | KeyUnreadable
    | ChainCapabilityBlocked
    | ChainContextBlocked
    | ReplyBrokenOff
    | ReplyContinued
    | SuitabilityDegraded
    | ToolTurnsRepaired
    | CountTokensServed
    | ContextTruncationSuspected
    | InternalFault
    | BudgetLeaseCharged
    | StateLost
    | StateFound
)


class MetricsSink:
    """
    Implements `domain.ports.observation.EventSink`.

    Every event is in one of the groups above: what is not counted is named among those that are not.
    """

    def __init__(self, instruments: Instruments) -> None:
        self._count = instruments

    def __repr__(self) -> str:
        return f"<MetricsSink {self._count!r}>"

    def emit(self, event: Event) -> None:
        if isinstance(event, _Attempt):
            self._attempt(event)
        elif isinstance(event, _Request):
            self._request(event)
        elif isinstance(event, _Skip):
            self._skip(event)
        elif isinstance(event, _Shaping):
            self._shaping(event)
        elif isinstance(event, _Health):
            self._health(event)
        elif isinstance(event, _Chain):
            self._chain(event)
        elif isinstance(event, _Admission):
            self._admission(event)
        elif isinstance(event, CacheObserved):
            self._cached(event)
        elif isinstance(event, AuthRejected):
            self._count.traffic.auth_rejected.of(event.reason).inc()
        else:
            _leave_uncounted(event)

    def _attempt(self, event: _Attempt) -> None:
        count = self._count.attempts
        match event:
            case AttemptStarted(provider=provider):
                count.attempts.of(provider).inc()
            case AttemptSucceeded(provider=provider):
                count.outcomes.of(provider, "ok").inc()
            case AttemptFailed(provider=provider):
                count.outcomes.of(provider, "failed").inc()
            case AnswerFailedMidstream(provider=provider):
                count.outcomes.of(provider, "failed_midstream").inc()
            case FallbackOccurred(from_provider=provider, reason=reason):
                count.fallbacks.of(provider, reason).inc()

    def _request(self, event: _Request) -> None:
        match event:
            case RequestAccepted(dialect=dialect):
                self._count.traffic.in_flight.of(dialect).inc()
            case RequestCompleted():
                self._completed(event)

    def _completed(self, event: RequestCompleted) -> None:
        count = self._count.traffic
        count.in_flight.of(event.dialect).dec()
        count.requests.of(event.dialect, event.profile, event.member, event.outcome, str(event.status)).inc()
        if event.outcome is not Outcome.REJECTED:
            count.durations.of(event.dialect, event.outcome).observe(event.duration_ms / 1000)
        if event.ttft_ms is not None:
            count.first_words.of(event.dialect, event.provider).observe(event.ttft_ms / 1000)
        self._tokens(event, event.member)
        for share in event.billed_elsewhere:
            self._tokens(share, event.member)
        self._money(event)

    def _tokens(self, event: RequestCompleted | BilledElsewhere, member: str) -> None:
        for kind, tokens in (
            ("input", event.input_tokens),
            ("output", event.output_tokens),
            ("cache_read", event.cache_read_tokens),
            ("cache_creation", event.cache_creation_tokens),
        ):
            if tokens:
                self._count.traffic.tokens.of(event.provider, member, kind).inc(tokens)
        if event.cache_read_tokens:
            self._count.money.cache_read_tokens.of(event.provider).inc(event.cache_read_tokens)
        if event.cache_creation_tokens:
            self._count.money.cache_creation_tokens.of(event.provider).inc(event.cache_creation_tokens)

    def _money(self, event: RequestCompleted) -> None:
        cost = self._count.money.cost
        at_home = event.cost_usd
        for share in event.billed_elsewhere:
            at_home -= share.cost_usd
            if share.cost_usd:
                cost.of(share.provider).inc(share.cost_usd)
        at_home = round(at_home, 9)  # amounts are whole billionths, differences of fractions are not
        if at_home > 0:
            cost.of(event.provider).inc(at_home)

    def _skip(self, event: _Skip) -> None:
        self._count.attempts.skipped.of(event.provider, _SKIP_REASONS[type(event)]).inc()

    def _health(self, event: _Health) -> None:
        count = self._count.health
        match event:
            case BackendHealthChanged(provider=provider, new_state=state):
                count.transitions.of(provider, state).inc()
                count.state.of(provider).set(_HEALTH_STATES[state])
            case ProviderCooledDown(provider=provider, reason=reason, until=until):
                count.cooldowns.of(provider, reason).inc()
                count.cooldown_ends.of(provider, reason).set(datetime.fromisoformat(until).timestamp())
            case ProviderForgiven(provider=provider, cooldowns=reasons):
                count.state.of(provider).set(0)
                for reason in reasons:
                    count.cooldown_ends.of(provider, reason).set(0)
            case HealthLearned(provider=provider, state=state, cooldowns=cooldowns, ended=ended):
                count.state.of(provider).set(_HEALTH_STATES[state])
                for reason in ended:
                    count.cooldown_ends.of(provider, reason).set(0)
                for reason, until in cooldowns.items():
                    count.cooldown_ends.of(provider, reason).set(datetime.fromisoformat(until).timestamp())
            case UnhealthyProviderDemoted(provider=provider):
                count.demoted.of(provider).inc()
            case ChainMemoryPressureBlocked():
                count.memory_pressure_blocked.inc()
            case HostSleepChanged(provider=provider, new_state=state):
                count.host_state.of(provider).set(HOST_STATES.index(state))
            case WakePacketSent(provider=provider):
                count.wake_packets.of(provider).inc()

    def _admission(self, event: _Admission) -> None:
        count = self._count.admission
        match event:
            case MemberLimited(member=member, limit=limit):
                count.member_limited.of(member, limit).inc()
            case QueueEntered(provider=provider, waiting=waiting):
                count.queue_depth.of(provider).set(waiting)
            case QueueLeft(provider=provider, waiting=waiting, reason=reason, waited_ms=waited_ms):
                count.queue_depth.of(provider).set(waiting)
                count.queue_wait.of(provider, reason).observe(waited_ms / 1000)

    def _chain(self, event: _Chain) -> None:
        match event:
            case ChainPaidGateBlocked():
                self._count.chains.paid_gate_blocked.inc()
            case ChainBudgetExceeded():
                self._count.chains.budget_exceeded.inc()
            case ChainUniformAuthFailure():
                self._count.chains.uniform_auth_failure.inc()
            case AutoRouterFellThrough():
                self._count.chains.auto_router_fallthrough.inc()
            case ToolLoopDetected(profile=profile, action=action):
                self._count.chains.tool_loops.of(profile, action).inc()

    def _cached(self, event: CacheObserved) -> None:
        self._count.money.cache_observed.of(event.provider, event.outcome).inc()
        if event.cost_savings_usd:
            self._count.money.cost_savings.of(event.provider).inc(event.cost_savings_usd)

    def _shaping(self, event: _Shaping) -> None:
        match event:
            case CapabilityDegraded(dropped=dropped):
                for capability in dropped:
                    self._count.shaping.capability_degraded.of(capability).inc()
            case OutputFilterApplied(filters=filters):
                for name in filters:
                    self._count.shaping.output_filter_applied.of(name).inc()
            case ToolCallsRepaired(provider=provider, calls=calls):
                self._count.shaping.tool_calls_repaired.of(provider).inc(calls)


def _leave_uncounted(_: _Uncounted) -> None:
    """No series tells of it; a new event that has no case is a type error where this is called."""


_SKIP_REASONS: dict[type[_Skip], str] = {
    PaidProviderSkipped: "paid",
    ForbiddenProviderSkipped: "forbidden",
    UncredentialedProviderSkipped: "missing_credential",
    IncapableProviderSkipped: "incapable",
    SmallContextProviderSkipped: "context_window",
    QueueRefused: "busy",
    QuotaExhaustedProviderSkipped: "quota",
    OverBudgetProviderSkipped: "budget",
    UncountableProviderSkipped: "uncountable",
    MemoryPressureSkipped: "memory_pressure",
    CoolingProviderSkipped: "cooling",
}
"""The label of the series for each event that leaves a provider out."""

_HEALTH_STATES = {"healthy": 0, "degraded": 1, "unhealthy": 2}
