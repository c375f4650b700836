"""Lets what is known of providers decide who is tried, and learns from how attempts end."""

from collections.abc import Mapping, Sequence

from app.use_cases.attempts import Attempting, Ending, TargetPostponed, TargetRefused
from app.use_cases.health_events import Setting, barred_for, changes_told
from app.use_cases.plan_news import PlanNews
from domain.events import Outcome
from domain.failures import HealthEffect, QuotaScope, UpstreamFailure
from domain.health.policy import HealthPolicy
from domain.health.roster import Ended, Roster, Viewpoint
from domain.health.standing import Standing
from domain.inventory.health import TrialBegun
from domain.ports.observation import EventSink
from domain.ports.time import Clock
from domain.routing.gates import Asker, Barred
from domain.routing.targets import Profile, ProviderSpec, RoutingTable, Target


class WatchHealth:
    """
    Implements `domain.routing.ranking.Standings`, `app.use_cases.attempts.Companion` and
    `app.use_cases.probe_providers.ProbeListener`; its `gate` is a `domain.routing.gates.Gate`.
    """

    def __init__(
        self,
        roster: Roster,
        table: RoutingTable,
        sink: EventSink,
        clock: Clock,
        plan_news: PlanNews | None = None,
    ) -> None:
        self._roster = roster
        self._table = table
        self._sink = sink
        self._clock = clock
        if plan_news is not None:
            plan_news.listen(self.spent)

    def __repr__(self) -> str:
        return f"<WatchHealth with {self._roster!r}>"

    def gate(self, _table: RoutingTable, asker: Asker, target: Target, _spec: ProviderSpec) -> Barred | None:
        """Whoever is to be left alone is not asked."""
        return self._barred(target, asker.profile.health)

    def of(self, profile: Profile, targets: Sequence[Target]) -> Mapping[Target, Standing]:
        names = {(target.provider, target.model): target for target in targets}
        view = Viewpoint(profile=profile.name, policy=profile.health)
        standings = self._roster.standings(names, view, self._clock.monotonic())
        return {names[name]: standing for name, standing in standings.items()}

    def admit(self, attempting: Attempting) -> "HealthTicket":
        """
        See `app.use_cases.attempts.Companion`.

        Raises:
            TargetRefused: while the request waited, a pause has begun.
            TargetPostponed: the trial that the plan counted on has gone to another request.
        """
        barred = self._barred(attempting.target, attempting.profile.health)
        if barred is not None:
            raise TargetRefused(barred)
        if attempting.trial_s is not None:
            self._begin_trial(attempting, attempting.trial_s)
        return HealthTicket(self, attempting)

    def ended(self, attempting: Attempting, failure: UpstreamFailure | None, ttft_s: float | None) -> None:
        """An attempt has ended with an answer, or for a reason of the provider's."""
        target, profile = attempting.target, attempting.profile
        ended = Ended(provider=target.provider, model=target.model, failure=failure, ttft_s=ttft_s)
        self._record(ended, profile, attempting.request_id)

    def probed(self, provider: str, failure: UpstreamFailure | None) -> None:
        """
        A probe has ended: it is a trial of an unhealthy provider, and shows one that is not there.

        That a server answers to a question that costs nothing does not mean that its model does, so whoever
        is not unhealthy is not healed by it. Who refuses to answer is there all the same.
        """
        if failure is not None and failure.consequence.health is HealthEffect.COUNTS:
            found = UpstreamFailure(failure.kind, failure.message)
        elif self._roster.is_trial_due(provider, self._clock.monotonic()):
            found = None
        else:
            return
        ended = Ended(provider=provider, model=self._table.providers[provider].model, failure=found)
        self._record(ended, self._table.profile_naming(provider), request_id="")

    def spent(self, provider: str, wait_s: float, scope: QuotaScope | None) -> None:
        """A provider has told in an answer that nothing is left of its plan for so many seconds."""
        profile = self._table.profile_naming(provider)
        now = self._clock.monotonic()
        changes = self._roster.spent(provider, wait_s, scope, profile.health, now)
        setting = Setting(request_id="", provider=provider, profile=profile.name, time=self._clock.time())
        for event in changes_told(changes, None, setting, now):
            self._sink.emit(event)

    def _barred(self, target: Target, policy: HealthPolicy) -> Barred | None:
        now = self._clock.monotonic()
        cooldown = self._roster.bars(target.provider, target.model, policy, now)
        return None if cooldown is None else barred_for(target, cooldown, now)

    def _begin_trial(self, attempting: Attempting, trial_s: float) -> None:
        profile, provider = attempting.profile, attempting.target.provider
        begun = self._roster.begin_trial(provider, profile.health, self._clock.monotonic())
        if begun is None:
            raise TargetPostponed
        self._sink.emit(
            TrialBegun(
                request_id=attempting.request_id,
                provider=provider,
                profile=profile.name,
                ttft_s=trial_s,
            )
        )

    def _record(self, ended: Ended, profile: Profile, request_id: str) -> None:
        now = self._clock.monotonic()
        view = Viewpoint(profile=profile.name, policy=profile.health)
        changes = self._roster.record(ended, view, now)
        setting = Setting(
            request_id=request_id, provider=ended.provider, profile=profile.name, time=self._clock.time()
        )
        for event in changes_told(changes, ended.failure, setting, now):
            self._sink.emit(event)


class HealthTicket:
    """One attempt, until it ends."""

    __slots__ = ("_attempting", "_watch")

    def __init__(self, watch: WatchHealth, attempting: Attempting) -> None:
        self._watch = watch
        self._attempting = attempting

    def __repr__(self) -> str:
        return f"<HealthTicket of {self._attempting.target}>"

    def ended(self, ending: Ending) -> None:
        """A client that left says nothing about the provider, nor does a fault of the gateway's own."""
        told = ending.failure is not None or ending.outcome is Outcome.ANSWERED
        if ending.sent and told:
            self._watch.ended(self._attempting, ending.failure, ending.ttft_s)
