"""What is told of providers that fail, are left alone, or are tried later."""

import math
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from types import MappingProxyType

from domain.events import Event
from domain.failures import UpstreamFailure
from domain.health.changes import Change, CooledDown, HealthChanged, MemoryPressure
from domain.health.cooldown import Cooldown, CooldownReason
from domain.health.records import ProviderRecord
from domain.health.standing import Standing
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
    ProviderMisconfigured,
    UnhealthyProviderDemoted,
)
from domain.routing.gates import BarReason, Barred
from domain.routing.ranking import Candidate, demoted_for_health, unmeasured_order
from domain.routing.targets import Target
from domain.values import value

_ERROR_LENGTH = 200
"""Characters of an upstream's words that these events keep."""

BAR_REASONS: Mapping[CooldownReason, BarReason] = MappingProxyType(
    {
        CooldownReason.RATE_LIMITED: BarReason.RATE_LIMITED,
        CooldownReason.QUOTA: BarReason.OUT_OF_QUOTA,
        CooldownReason.MISCONFIGURED: BarReason.MISCONFIGURED,
        CooldownReason.MODEL_MISSING: BarReason.MODEL_MISSING,
        CooldownReason.OVERLOADED: BarReason.COOLING,
        CooldownReason.MEMORY_PRESSURE: BarReason.MEMORY_PRESSURE,
    }
)
"""What the gates call each pause."""

COOLING = frozenset(BAR_REASONS.values())


@value(kw_only=True)
class Setting:
    """Where and when something happened; the id is empty for a probe, ``time`` in seconds since the epoch."""

    request_id: str
    provider: str
    profile: str
    time: float


def barred_for(target: Target, cooldown: Cooldown, now: float) -> Barred:
    """The refusal of a target that is left alone; ``now`` by the clock of the pause."""
    left_s = cooldown.seconds_left(now)
    scope = f" (limit by the {cooldown.scope})" if cooldown.scope else ""
    return Barred(
        target,
        BAR_REASONS[cooldown.reason],
        detail=f"for another {_in_words(left_s)}{scope}",
        retry_after_s=left_s,
    )


def changes_told(
    changes: Iterable[Change], failure: UpstreamFailure | None, setting: Setting, now: float
) -> Iterator[Event]:
    """One for each change, and a loud one for a provider that needs a human."""
    for change in changes:
        match change:
            case HealthChanged():
                yield _health_changed(change, setting)
            case MemoryPressure():
                yield _memory_pressure(change, failure, setting)
            case CooledDown(cooldown=cooldown):
                yield _cooled_down(cooldown, setting, now)
                if cooldown.reason is CooldownReason.MISCONFIGURED:
                    yield _misconfigured(failure, setting)


def learned(
    provider: str, before: ProviderRecord, after: ProviderRecord, *, now: float, time: float
) -> Event:
    """A provider stands otherwise than before, as others have told; ``time`` in seconds since the epoch."""
    holding = {one.reason: one for one in after.cooldowns if one.holds(now)}
    return HealthLearned(
        provider=provider,
        state=after.health.state,
        cooldowns={reason: moment(time + one.seconds_left(now)) for reason, one in holding.items()},
        ended=tuple({one.reason for one in before.cooldowns if one.reason not in holding}),
    )


def skipped(barred: Barred, profile: str, request_id: str) -> Event:
    """A target was passed by because it is left alone."""
    seconds = max(1, math.ceil(barred.retry_after_s or 0.0))
    if barred.reason is BarReason.MEMORY_PRESSURE:
        return MemoryPressureSkipped(
            request_id=request_id,
            provider=barred.target.provider,
            profile=profile,
            seconds_until_eligible=seconds,
        )
    return CoolingProviderSkipped(
        request_id=request_id,
        provider=barred.target.provider,
        profile=profile,
        reason=barred.reason,
        seconds_until_eligible=seconds,
    )


def all_short_of_memory(barred: Iterable[Barred], profile: str, request_id: str) -> Event:
    """Nothing is left of a chain, for want of memory."""
    names = tuple(one.target.provider for one in barred)
    return ChainMemoryPressureBlocked(request_id=request_id, profile=profile, blocked_providers=names)


def all_cooling(barred: Iterable[Barred], profile: str, request_id: str) -> Event:
    """Nothing is left of a chain, as everybody is left alone."""
    names = tuple(one.target.provider for one in barred)
    return ChainCoolingBlocked(request_id=request_id, profile=profile, blocked_providers=names)


def reorderings(
    declared: Iterable[Candidate], order: Iterable[Candidate], *, profile: str, request_id: str
) -> Iterator[Event]:
    """What health and measurements changed in the order of a chain."""
    declared, order = tuple(declared), tuple(order)
    for one in demoted_for_health(declared):
        yield UnhealthyProviderDemoted(request_id=request_id, provider=one.target.provider, profile=profile)
    unmeasured = unmeasured_order(declared)
    if unmeasured != order:
        yield AdaptiveRoutingApplied(
            request_id=request_id,
            profile=profile,
            static_order=_names(unmeasured),
            effective_order=_names(order),
            stats={one.target.provider: _stats(one.standing) for one in order if one.standing.measured},
        )


def _names(candidates: Iterable[Candidate]) -> tuple[str, ...]:
    return tuple(one.target.provider for one in candidates)


def _stats(standing: Standing) -> dict[str, float | int | None]:
    measured = standing.measured
    if measured is None:
        return {}
    return {
        "median_latency_ms": None if measured.median_s is None else round(measured.median_s * 1000, 1),
        "error_rate": round(measured.error_rate, 4),
        "sample_count": measured.samples,
    }


def _health_changed(change: HealthChanged, setting: Setting) -> Event:
    return BackendHealthChanged(
        request_id=setting.request_id,
        provider=setting.provider,
        profile=setting.profile,
        old_state=change.before,
        new_state=change.after,
        consecutive_failures=change.failures,
    )


def _memory_pressure(change: MemoryPressure, failure: UpstreamFailure | None, setting: Setting) -> Event:
    return MemoryPressureDetected(
        request_id=setting.request_id,
        provider=setting.provider,
        profile=setting.profile,
        action=change.action,
        cooldown_s=change.cooldown_s,
        error=_error(failure),
    )


def _cooled_down(cooldown: Cooldown, setting: Setting, now: float) -> Event:
    left_s = cooldown.seconds_left(now)
    return ProviderCooledDown(
        request_id=setting.request_id,
        provider=setting.provider,
        model=cooldown.model,
        profile=setting.profile,
        reason=cooldown.reason,
        scope=cooldown.scope or "",
        cooldown_s=round(left_s, 3),
        until=moment(setting.time + left_s),
    )


def _misconfigured(failure: UpstreamFailure | None, setting: Setting) -> Event:
    return ProviderMisconfigured(
        request_id=setting.request_id,
        provider=setting.provider,
        profile=setting.profile,
        status=failure.status if failure else None,
        error=_error(failure),
    )


def _error(failure: UpstreamFailure | None) -> str:
    return failure.message[:_ERROR_LENGTH] if failure else ""


def moment(seconds: float) -> str:
    """Seconds since the epoch, as UTC in ISO 8601."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _in_words(seconds: float) -> str:
    """
    A span for a human.

    >>> _in_words(7384.2)
    '2 h 3 min'
    """
    whole = max(1, math.ceil(seconds))
    hours, minutes, rest = whole // 3600, whole % 3600 // 60, whole % 60
    if hours:
        return f"{hours} h {minutes} min" if minutes else f"{hours} h"
    if minutes:
        return f"{minutes} min {rest} s" if rest else f"{minutes} min"
    return f"{rest} s"
