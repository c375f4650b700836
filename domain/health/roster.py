"""
Knows how all providers have done, and says who is left alone, who is tried later, and what changed.

It decides and tells; it emits nothing and has no clock. Endings are recorded in the order in which attempts
end, whatever the order in which they began.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace

from domain.failures import CooldownRule, HealthEffect, QuotaScope, UpstreamFailure
from domain.health.changes import Change, CooledDown, Forgotten, HealthChanged, MemoryPressure
from domain.health.cooldown import REASONS, Cooldown, CooldownReason, cooled, spent
from domain.health.latency import AdaptiveRanking, Measurable, Measured, Sample
from domain.health.machine import HealthState
from domain.health.policy import BackendHealthAction, HealthPolicy, MemoryPressureAction
from domain.health.records import ProviderRecord, ProviderRecords
from domain.health.standing import NOTHING_KNOWN, Standing
from domain.values import value

_TIMES_USUAL = 2.0
"""How much longer than for its last answer a provider may take to its first content in a trial."""

_A_BLIP_S = 60.0
"""What takes longer to be there again is a day's or a month's, and not a minute's."""

_WORTH_TELLING_S = 1.0
"""Attempts that come back together lengthen a pause by less: that is no news."""


@value(kw_only=True)
class Viewpoint:
    """The profile that asks, with its policy."""

    profile: str
    policy: HealthPolicy


@value(kw_only=True)
class Ended:
    """
    An attempt that ended with an answer or for a reason of the provider's.

    Attributes:
        failure: what went wrong; ``None`` for an answer that was told to its end.
        ttft_s: from the start to the first content.
    """

    provider: str
    model: str
    failure: UpstreamFailure | None = None
    ttft_s: float | None = None


class Roster:
    """
    Everything that is known of how providers have done.

    Args:
        records: where health and pauses are kept; speed is measured for this process alone.
        probed: providers that are tried by probes when they are unhealthy, and never by requests.
    """

    def __init__(self, records: ProviderRecords, probed: Collection[str] = ()) -> None:
        self._records = records
        self._probed = frozenset(probed)
        self._rankings: dict[str, AdaptiveRanking] = {}
        self._usual_ttft_s: dict[str, float] = {}

    def __repr__(self) -> str:
        return f"<Roster of {self._records!r}>"

    def bars(self, provider: str, model: str, policy: HealthPolicy, now: float) -> Cooldown | None:
        """The pause that keeps the target from being asked, the longest if there are several."""
        holding = [
            cooldown
            for cooldown in self._records.of(provider).cooldowns
            if cooldown.model in ("", model) and cooldown.holds(now) and _is_honoured(cooldown, policy)
        ]
        return max(holding, key=lambda cooldown: cooldown.until, default=None)

    def standings(
        self, names: Iterable[Measurable], viewpoint: Viewpoint, now: float
    ) -> Mapping[Measurable, Standing]:
        """How these targets have done; those against which nothing speaks are left out."""
        names = tuple(names)
        measured = self._measured(viewpoint, now)
        ill = self._ill(names, viewpoint.policy)
        if not measured and not ill:
            return {}
        on_trial = self._on_trial(ill, now) if len(ill) < len(names) else frozenset()
        found = {}
        for name in names:
            trial_s = self._trial_s(name[0], viewpoint.policy) if name in on_trial else None
            unhealthy = name in ill and name not in on_trial
            found[name] = _standing(measured.get(name), unhealthy=unhealthy, trial_s=trial_s)
        return {name: standing for name, standing in found.items() if standing != NOTHING_KNOWN}

    def record(self, ended: Ended, viewpoint: Viewpoint, now: float) -> tuple[Change, ...]:
        """An attempt has ended. What that changes is returned, not told."""
        before = self._records.of(ended.provider)
        after = _after(before, ended, viewpoint.policy, now)
        if after != before:
            self._records.keep(ended.provider, after)
        self._measure(ended, viewpoint, now)
        return tuple(_changes(before, after, ended.failure, viewpoint.policy, now))

    def spent(
        self, provider: str, wait_s: float, scope: QuotaScope | None, policy: HealthPolicy, now: float
    ) -> tuple[Change, ...]:
        """
        A provider has told that nothing is left of its plan: for ``wait_s`` whoever asked would be refused.

        What that changes is returned, not told.
        """
        before = self._records.of(provider)
        reason = CooldownReason.QUOTA if wait_s > _A_BLIP_S else CooldownReason.RATE_LIMITED
        known = before.cooldown(reason, "") or Cooldown(reason=reason)
        pause = spent(known, wait_s, scope, now)
        if pause is known:
            return ()
        after = before.cooling(pause)
        self._records.keep(provider, after)
        return tuple(_changes(before, after, None, policy, now))

    def is_trial_due(self, provider: str, now: float) -> bool:
        """Whether the provider is unhealthy, and nobody has asked it for a while."""
        return self._records.of(provider).health.is_trial_due(now)

    def begin_trial(self, provider: str, policy: HealthPolicy, now: float) -> float | None:
        """
        Takes the trial of an unhealthy provider that is due, for one request alone.

        How it went is recorded like any other ending. Returns the seconds within which the first content is
        due, or ``None`` when there is no trial to be had.
        """
        before = self._records.of(provider)
        if not before.health.is_trial_due(now):
            return None
        lasts_s = self._trial_s(provider, policy)
        self._records.keep(provider, replace(before, health=before.health.on_trial(now, lasts_s)))
        return lasts_s

    def forget(self, provider: str, now: float) -> Forgotten:
        """Holds nothing against the provider any more."""
        before = self._records.of(provider)
        self._records.forget(provider)
        self.forget_speed(provider)
        held = tuple(cooldown.reason for cooldown in before.cooldowns if cooldown.holds(now))
        return Forgotten(state=before.health.state, cooldowns=held)

    def forget_speed(self, provider: str) -> None:
        """Nothing is known of how fast the provider is, and how often it fails beside others."""
        for ranking in self._rankings.values():
            ranking.forget(provider)

    def known(self) -> Mapping[str, ProviderRecord]:
        """All that is known of health and pauses, by provider."""
        return self._records.known()

    def _ill(self, names: Iterable[Measurable], policy: HealthPolicy) -> frozenset[Measurable]:
        """Those that are to come last."""
        if policy.action is not BackendHealthAction.DEMOTE:
            return frozenset()
        unhealthy = HealthState.UNHEALTHY
        return frozenset(name for name in names if self._records.of(name[0]).health.state is unhealthy)

    def _on_trial(self, ill: Iterable[Measurable], now: float) -> frozenset[Measurable]:
        """Those that are given a try before others that are well; there is no hurry where nobody is."""
        return frozenset(
            name for name in ill if name[0] not in self._probed and self.is_trial_due(name[0], now)
        )

    def _trial_s(self, provider: str, policy: HealthPolicy) -> float:
        """A trial is over before the next is due, unless the provider is known to be slower than that."""
        return max(policy.half_open_s, _TIMES_USUAL * self._usual_ttft_s.get(provider, 0.0))

    def _measured(self, viewpoint: Viewpoint, now: float) -> Mapping[Measurable, Measured]:
        ranking = self._rankings.get(viewpoint.profile)
        if ranking is None or not viewpoint.policy.adaptive.enabled:
            return {}
        return ranking.measured(now, viewpoint.policy.adaptive)

    def _measure(self, ended: Ended, viewpoint: Viewpoint, now: float) -> None:
        """A failure that is not the backend's says nothing about its speed or its faults."""
        if ended.failure is None and ended.ttft_s is not None:
            self._usual_ttft_s[ended.provider] = ended.ttft_s
        adaptive = viewpoint.policy.adaptive
        if not adaptive.enabled or not (ended.failure is None or _counts(ended.failure)):
            return
        ranking = self._rankings.setdefault(viewpoint.profile, AdaptiveRanking())
        ttft_s = None if ended.failure else ended.ttft_s or 0.0
        ranking.record((ended.provider, ended.model), Sample(at=now, ttft_s=ttft_s), adaptive)


def _standing(measured: Measured | None, *, unhealthy: bool, trial_s: float | None) -> Standing:
    """Whoever is on trial has its old place back, however it did before."""
    score = measured.score if measured and trial_s is None else 0.0
    return Standing(unhealthy=unhealthy, trial_s=trial_s, score=score, measured=measured)


def _is_honoured(cooldown: Cooldown, policy: HealthPolicy) -> bool:
    """A pause for want of memory is for the profiles that ask for it; all others are for everybody."""
    of_memory = cooldown.reason is CooldownReason.MEMORY_PRESSURE
    return not of_memory or policy.memory_action is MemoryPressureAction.SKIP


def _counts(failure: UpstreamFailure) -> bool:
    return failure.aftermath.health is HealthEffect.COUNTS


def _after(before: ProviderRecord, ended: Ended, policy: HealthPolicy, now: float) -> ProviderRecord:
    failure = ended.failure
    if failure is None:
        return replace(before.forgiving(now), health=before.health.succeeded())
    after = before
    if _counts(failure) and policy.action is not BackendHealthAction.OFF:
        health = before.health.failed(policy.threshold, now=now, half_open_s=policy.half_open_s)
        after = replace(before, health=health)
    return _paused(after, ended.model, failure, policy, now)


def _paused(
    record: ProviderRecord, model: str, failure: UpstreamFailure, policy: HealthPolicy, now: float
) -> ProviderRecord:
    reason = REASONS.get(failure.aftermath.cooldown)
    skips = policy.memory_action is MemoryPressureAction.SKIP
    if reason is None or (reason is CooldownReason.MEMORY_PRESSURE and not skips):
        return record
    paused = model if reason is CooldownReason.MODEL_MISSING else ""
    before = record.cooldown(reason, paused) or Cooldown(reason=reason, model=paused)
    pause = cooled(before, failure, now=now, memory_cooldown_s=policy.memory_cooldown_s)
    return record if pause is None else record.cooling(pause)


def _changes(
    before: ProviderRecord,
    after: ProviderRecord,
    failure: UpstreamFailure | None,
    policy: HealthPolicy,
    now: float,
) -> Iterator[Change]:
    short_of_memory = failure is not None and failure.aftermath.cooldown is CooldownRule.MEMORY
    if short_of_memory and policy.memory_action is not MemoryPressureAction.OFF:
        yield MemoryPressure(action=policy.memory_action, cooldown_s=policy.memory_cooldown_s)
    for cooldown in after.cooldowns:
        if _is_news(before.cooldown(cooldown.reason, cooldown.model), cooldown, now):
            yield CooledDown(cooldown=cooldown)
    if after.health.state is not before.health.state:
        yield HealthChanged(
            before=before.health.state, after=after.health.state, failures=after.health.failures
        )


def _is_news(known: Cooldown | None, cooldown: Cooldown, now: float) -> bool:
    if known is None or not known.holds(now):
        return known != cooldown
    return cooldown.until - known.until >= _WORTH_TELLING_S
