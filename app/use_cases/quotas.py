"""Keeps to what providers' plans let through, so that a free plan is not wasted on refusals."""

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import partial

from app.use_cases.attempts import Attempting, Ending, TargetRefused, Ticket, seen_of
from domain.admission.quota import Per, Quota, QuotaMeter, QuotaStanding, Unit, Window
from domain.budget.billing import bill
from domain.budget.periods import Span, period_at
from domain.ports.storage import CounterStore, StoreUnavailable
from domain.ports.time import Clock
from domain.routing.gates import Asker, BarReason, Barred, QuotaUsed
from domain.routing.targets import ProviderSpec, RoutingTable, Target
from domain.values import value

SHARES_EVERY_S = 1.0
"""How long what is used waits before it is written, and before other processes hear of it."""

_MINUTE_S = 60.0
_OUTLASTS_S = 3600.0
"""How much longer than its window a counter is kept, for processes whose clocks disagree."""


@value
class _Use:
    """An attempt that uses up a plan; its request was counted in the windows of ``counted``."""

    attempting: Attempting
    meters: Sequence[QuotaMeter]
    counted: Sequence[tuple[QuotaMeter, Window]]
    clock: Clock

    def ended(self, ending: Ending) -> None:
        now = self.clock.time()
        by_tokens = [meter for meter in self.meters if meter.quota.unit is Unit.TOKENS]
        tokens = self._tokens(ending) if by_tokens else 0
        for meter in by_tokens:
            meter.use(tokens, now)
        for meter, window in self.counted:
            if not ending.sent or (ending.failure is not None and not meter.quota.failed_count):
                meter.give_back(1, window, now)

    def _tokens(self, ending: Ending) -> int:
        """As the provider reported them; where it said nothing, an estimate, as for a bill."""
        return bill(seen_of(self.attempting, ending), None).usage.tokens


@value
class _Batch:
    """What the others are told at once of what was used in a window."""

    name: str
    amount: int
    window: Window


class _Unmetered:
    """The ticket for a provider without a plan."""

    def ended(self, ending: Ending) -> None: ...


_UNMETERED = _Unmetered()


class Quotas:
    """
    Implements `app.use_cases.attempts.Companion`; its `gate` is a `domain.routing.gates.Gate`.

    Args:
        fresh_name: names what is told at once, so that it counts once however often it has to be told.
    """

    def __init__(
        self,
        plans: Mapping[str, Sequence[Quota]],
        store: CounterStore,
        clock: Clock,
        *,
        fresh_name: Callable[[], str],
    ) -> None:
        self._meters = {
            provider: tuple(QuotaMeter(quota, partial(window_at, quota)) for quota in plan)
            for provider, plan in plans.items()
        }
        self._store = store
        self._clock = clock
        self._fresh_name = fresh_name
        self._unanswered: dict[str, _Batch] = {}

    def __repr__(self) -> str:
        return f"<Quotas {self._meters}>"

    def gate(
        self,
        _table: RoutingTable,
        _asker: Asker,
        target: Target,
        _spec: ProviderSpec,
    ) -> Barred | None:
        """A provider whose plan is used up is left alone until the plan begins anew."""
        return self._judged(target, self._clock.time())

    def admit(self, attempting: Attempting) -> Ticket:
        """Judged once more: while one waited for its turn others may have used the plan up."""
        meters = self._meters.get(attempting.target.provider)
        if meters is None:
            return _UNMETERED
        now = self._clock.time()
        barred = self._judged(attempting.target, now)
        if barred is not None:
            raise TargetRefused(barred)
        counted = [(meter, meter.window(now)) for meter in meters if meter.quota.unit is Unit.REQUESTS]
        for meter, _ in counted:
            meter.use(1, now)
        return _Use(attempting, meters, counted, self._clock)

    def standings(self) -> Sequence[QuotaStanding]:
        """How every line of every plan stands now, by which providers are left alone."""
        now = self._clock.time()
        return tuple(
            _standing(provider, meter, now) for provider, meters in self._meters.items() for meter in meters
        )

    async def run(self) -> None:
        """Writes what is used, and hears what others have used, until it is cancelled."""
        while self._meters:
            await self.share()
            await asyncio.sleep(SHARES_EVERY_S)

    async def share(self) -> None:
        """Once. While the store is lost, what is used is kept in memory and told later."""
        with suppress(StoreUnavailable):
            await self.exchange()

    async def exchange(self) -> None:
        """
        As `share`, for whoever has to know whether it went well.

        Raises:
            StoreUnavailable: what others have used cannot be heard.
        """
        for name, meter in self._named():
            if name in self._unanswered:
                await self._tell(name, meter)
            await self._tell(name, meter)

    def _judged(self, target: Target, now: float) -> Barred | None:
        for meter in self._meters.get(target.provider, ()):
            standing = _standing(target.provider, meter, now)
            if standing.is_used_up:
                return _barred(target, standing, now)
        return None

    async def _tell(self, name: str, meter: QuotaMeter) -> None:
        """What was told without an answer is told again as it was, before anything else is."""
        batch = self._unanswered[name] = self._next_batch(name, meter)
        total = await self._total(f"quota:{name}:{batch.window.key}", batch)
        del self._unanswered[name]
        meter.learn(total, batch.window, self._clock.time())

    def _next_batch(self, name: str, meter: QuotaMeter) -> "_Batch":
        now = self._clock.time()
        window = meter.window(now)
        unanswered = self._unanswered.get(name)
        if unanswered is not None and unanswered.window == window:
            return unanswered
        return _Batch(self._fresh_name(), meter.take_untold(now), window)

    async def _total(self, name: str, batch: "_Batch") -> int:
        if batch.amount == 0:
            return await self._store.counted(name)
        lasts_s = batch.window.ends_at - self._clock.time() + _OUTLASTS_S
        return (await self._store.count(name, batch.amount, lasts_s=lasts_s, batch=batch.name)).total

    def _named(self) -> Iterator[tuple[str, QuotaMeter]]:
        """By what is counted, so that a plan that is written anew goes on with what was used."""
        for provider, meters in self._meters.items():
            for meter in meters:
                yield f"{provider}:{meter.quota.unit}:{meter.quota.per}", meter


def window_at(quota: Quota, now: float) -> Window:
    """
    The window of a plan that holds a moment, in seconds since the epoch.

    >>> window_at(Quota(unit=Unit.REQUESTS, allowed=1, per=Per.MINUTE), 90.0)
    Window(key='1', ends_at=120.0)
    """
    if quota.per is Per.MINUTE:
        minute = int(now // _MINUTE_S)
        return Window(str(minute), (minute + 1) * _MINUTE_S)
    period = period_at(Span.DAY if quota.per is Per.DAY else Span.MONTH, quota.zone, now)
    return Window(period.key, period.ends_at)


def _standing(provider: str, meter: QuotaMeter, now: float) -> QuotaStanding:
    return QuotaStanding(
        provider=provider, quota=meter.quota, used=meter.used(now), ends_at=meter.window(now).ends_at
    )


def _barred(target: Target, standing: QuotaStanding, now: float) -> Barred:
    quota, used, resets_at = standing.quota, standing.used, standing.resets_at
    return Barred(
        target,
        BarReason.PLAN_USED_UP,
        detail=f"{used} of {quota.allowed} {quota.unit} a {quota.per}, until {resets_at}",
        retry_after_s=standing.ends_at - now,
        quota=QuotaUsed(
            unit=quota.unit,
            period=quota.per,
            allowed=quota.allowed,
            used=used,
            resets_at=resets_at,
        ),
    )
