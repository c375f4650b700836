"""What planning tells: how the profile was chosen, and who was refused or set back."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TypeAlias

from app.use_cases.health_events import COOLING, all_cooling, all_short_of_memory, skipped
from app.use_cases.money_events import all_over_budget, over_budget
from domain.conversation.request import MalformedRequest
from domain.events import ChainPaidGateBlocked, Event, PaidProviderSkipped, UncredentialedProviderSkipped
from domain.inventory.access import ChainAccessBlocked, ForbiddenProviderSkipped
from domain.inventory.admission import QueueRefused, QuotaExhaustedProviderSkipped
from domain.inventory.auto_routing import AutoRouterFellThrough, AutoRouterResolved, SessionKeptProfile
from domain.inventory.capabilities import (
    ChainCapabilityBlocked,
    ChainContextBlocked,
    IncapableProviderDemoted,
    IncapableProviderSkipped,
    SmallContextProviderSkipped,
)
from domain.routing.facts import Facts
from domain.routing.gates import BarReason, Barred
from domain.routing.ranking import Candidate
from domain.routing.rules import Choice, FellThrough, Kept, Resolved

Signal: TypeAlias = bool | int | float | str | None


def choice_event(choice: Choice | Kept, facts: Facts, request_id: str) -> Event:
    """
    How the rules chose the profile, with all that they could have seen.

    What no rule asked about is found out here, which for a large request takes longer than all planning.
    """
    match choice:
        case Resolved(rule_id=rule_id, profile=profile):
            signals = _signals(facts)
            signals = {"has_image": _known(lambda: facts.has_image), **signals}
            return AutoRouterResolved(
                request_id=request_id, rule_id=rule_id, resolved_profile=profile, signals=signals
            )
        case FellThrough(profile=profile, disabled=disabled):
            signals = {**_signals(facts), "disabled": disabled}
            return AutoRouterFellThrough(request_id=request_id, resolved_profile=profile, signals=signals)
        case Kept(choice=before):
            rule_id = before.rule_id if isinstance(before, Resolved) else ""
            return SessionKeptProfile(request_id=request_id, rule_id=rule_id, resolved_profile=before.profile)


def refusals(barred: Sequence[Barred], *, profile: str, request_id: str) -> Iterator[Event]:
    """One for each target that may not be tried."""
    for one in barred:
        yield _refusal(one, profile, request_id)


def blocked(barred: Sequence[Barred], *, profile: str, request_id: str) -> Iterator[Event]:
    """For a chain of which refusals left nothing: the one thing that would most likely mend it."""
    for reasons, event in _BLOCKS:
        found = [one for one in barred if one.reason in reasons]
        if found:
            yield event(found, profile, request_id)
            return


def demotions(candidates: Iterable[Candidate], *, profile: str, request_id: str) -> Iterator[Event]:
    """One for each target that others overtook."""
    for one in candidates:
        yield IncapableProviderDemoted(
            request_id=request_id, profile=profile, provider=one.target.provider, lacks=one.lacks
        )


def _signals(facts: Facts) -> dict[str, Signal]:
    tokens = _known(lambda: facts.estimated_tokens)  # first: the latest turn is then read already
    return {
        "code_fence_ratio": _known(lambda: round(facts.code_fence_ratio, 3)),
        "content_len": _known(lambda: len(facts.latest_text)),
        "model": facts.model or None,
        "estimated_tokens": tokens,
        "has_tools": facts.has_tools,
    }


def _known(signal: Callable[[], Signal]) -> Signal:
    """Nothing that only an event wants to know makes a request fail."""
    try:
        return signal()
    except MalformedRequest:
        return None


def _refusal(barred: Barred, profile: str, request_id: str) -> Event:
    provider = barred.target.provider
    match barred.reason:
        case BarReason.NOT_PERMITTED | BarReason.NOT_NEAR:
            return _forbidden(barred, profile, request_id)
        case BarReason.PAID:
            return PaidProviderSkipped(request_id=request_id, profile=profile, provider=provider)
        case (
            BarReason.BUDGET
            | BarReason.BUDGET_PROMISED
            | BarReason.UNPRICED
            | BarReason.NO_OUTPUT_BOUND
            | BarReason.NO_COST_BOUND
            | BarReason.BUDGET_UNKNOWN
        ):
            return over_budget(barred, profile, request_id)
        case BarReason.MISSING_CREDENTIAL:
            return UncredentialedProviderSkipped(request_id=request_id, profile=profile, provider=provider)
        case BarReason.NO_VISION | BarReason.INCAPABLE:
            return _incapable(barred, profile, request_id)
        case (
            BarReason.RATE_LIMITED
            | BarReason.OUT_OF_QUOTA
            | BarReason.COOLING
            | BarReason.MEMORY_PRESSURE
            | BarReason.MISCONFIGURED
            | BarReason.MODEL_MISSING
        ):
            return skipped(barred, profile, request_id)
        case BarReason.PLAN_USED_UP:
            return _used_up(barred, profile, request_id)
        case BarReason.QUEUE_FULL | BarReason.QUEUE_TIMED_OUT:
            return _busy(barred, profile, request_id)
        case BarReason.CONTEXT_WINDOW:
            return _small(barred, profile, request_id)


def _forbidden(barred: Barred, profile: str, request_id: str) -> Event:
    return ForbiddenProviderSkipped(
        request_id=request_id,
        profile=profile,
        provider=barred.target.provider,
        reason=barred.reason,
        detail=barred.detail,
    )


def _incapable(barred: Barred, profile: str, request_id: str) -> Event:
    return IncapableProviderSkipped(
        request_id=request_id,
        profile=profile,
        provider=barred.target.provider,
        lacks=barred.lacks,
        detail=barred.detail,
    )


def _busy(barred: Barred, profile: str, request_id: str) -> Event:
    return QueueRefused(
        request_id=request_id,
        profile=profile,
        provider=barred.target.provider,
        reason=barred.reason,
        retry_after_s=barred.retry_after_s,
    )


def _small(barred: Barred, profile: str, request_id: str) -> Event:
    return SmallContextProviderSkipped(
        request_id=request_id,
        profile=profile,
        provider=barred.target.provider,
        estimated_tokens=barred.overrun.tokens if barred.overrun else 0,
        max_prompt_tokens=barred.overrun.maximum if barred.overrun else 0,
    )


def _used_up(barred: Barred, profile: str, request_id: str) -> Event:
    used = barred.quota
    return QuotaExhaustedProviderSkipped(
        request_id=request_id,
        profile=profile,
        provider=barred.target.provider,
        unit=used.unit if used else "",
        period=used.period if used else "",
        allowed=used.allowed if used else 0,
        used=used.used if used else 0,
        resets_at=used.resets_at if used else "",
    )


def _paid_block(barred: Sequence[Barred], profile: str, request_id: str) -> Event:
    return ChainPaidGateBlocked(request_id=request_id, profile=profile, blocked_providers=_names(barred))


def _capability_block(barred: Sequence[Barred], profile: str, request_id: str) -> Event:
    lacks = {capability: None for one in barred for capability in one.lacks}
    return ChainCapabilityBlocked(
        request_id=request_id, profile=profile, blocked_providers=_names(barred), lacks=tuple(lacks)
    )


def _context_block(barred: Sequence[Barred], profile: str, request_id: str) -> Event:
    return ChainContextBlocked(request_id=request_id, profile=profile, blocked_providers=_names(barred))


def _access_block(barred: Sequence[Barred], profile: str, request_id: str) -> Event:
    return ChainAccessBlocked(request_id=request_id, profile=profile, blocked_providers=_names(barred))


def _names(barred: Sequence[Barred]) -> tuple[str, ...]:
    return tuple(one.target.provider for one in barred)


_MONEY = frozenset(
    {
        BarReason.BUDGET,
        BarReason.BUDGET_PROMISED,
        BarReason.UNPRICED,
        BarReason.NO_OUTPUT_BOUND,
        BarReason.NO_COST_BOUND,
        BarReason.BUDGET_UNKNOWN,
    }
)
_BLOCKS = (
    ({BarReason.NOT_PERMITTED, BarReason.NOT_NEAR}, _access_block),
    ({BarReason.MEMORY_PRESSURE}, all_short_of_memory),
    (_MONEY, all_over_budget),
    ({BarReason.PAID}, _paid_block),
    (COOLING, all_cooling),
    ({BarReason.NO_VISION, BarReason.INCAPABLE}, _capability_block),
    ({BarReason.CONTEXT_WINDOW}, _context_block),
)
"""Reasons and the event for a chain that they emptied; the first of which there is any tells of it."""
