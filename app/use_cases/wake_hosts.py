"""Wakes the machines of providers that sleep until they are needed, and waits for those that come soon."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import Protocol, TypeVar

from domain.failures import FailureKind, UpstreamFailure
from domain.health.sleep import NEVER_MISSED, Sleeper, SleepState
from domain.inventory.sleeping import HostAwaited, HostSleepChanged, WakePacketSent
from domain.ports.network import CallFailed, Hosts
from domain.ports.observation import EventSink
from domain.ports.time import Clock
from domain.routing.targets import ProviderSpec, WakePlan
from domain.values import value

Gained = TypeVar("Gained")

_LOOKS_EVERY_S = 1.0
_LOOKS_FOR_S = 5.0
"""How long one look at a machine lasts before it is seen whether another call is due."""


@value(kw_only=True)
class Waiting:
    """A request whose turn at a provider has come; ``until`` is a time of the running loop's clock."""

    request_id: str
    provider: str
    until: float


class Waking(Protocol):
    """What a walk needs to know of machines that sleep."""

    async def awake(self, waiting: Waiting, ask: Callable[[], Awaitable[Gained]]) -> Gained:
        """
        What the provider gives that is asked, once more if its machine had to be woken first.

        Raises:
            UpstreamFailure: of kind ``ASLEEP`` when the machine will not be ready in time.
            Exception: whatever ``ask`` raises.
        """
        ...

    def probed(self, provider: str, failure: UpstreamFailure | None) -> UpstreamFailure | None:
        """What a probe has found, which wakes nobody: who may sleep is not there, and not at fault."""
        ...

    def state_of(self, provider: str) -> SleepState | None:
        """Whether the machine is there; ``None`` for one that nobody has to wake."""
        ...

    def forgive(self, provider: str) -> None:
        """Holds nothing against a machine that did not come any more."""
        ...


class _NobodySleeps:
    """Every machine is there, or down."""

    async def awake(self, waiting: Waiting, ask: Callable[[], Awaitable[Gained]]) -> Gained:  # noqa: ARG002
        return await ask()

    def probed(self, provider: str, failure: UpstreamFailure | None) -> UpstreamFailure | None:  # noqa: ARG002
        return failure

    def state_of(self, provider: str) -> SleepState | None:  # noqa: ARG002
        return None

    def forgive(self, provider: str) -> None: ...


NOBODY_SLEEPS: Waking = _NobodySleeps()


class WakeHosts:
    """
    Implements `Waking` for the providers whose configuration says how to wake them.

    A machine is called by the first request that does not reach it, and again while it does not come, but
    never by a probe. While it may still come its silence is ``ASLEEP``, which nobody holds against it.
    """

    def __init__(self, specs: Iterable[ProviderSpec], hosts: Hosts, sink: EventSink, clock: Clock) -> None:
        self._plans = {spec.name: spec.wake for spec in specs if spec.wake is not None}
        self._sleepers = dict.fromkeys(self._plans, NEVER_MISSED)
        self._hosts = hosts
        self._sink = sink
        self._clock = clock

    def __repr__(self) -> str:
        return f"<WakeHosts {self._sleepers}>"

    async def run(self) -> None:
        """Sees which of the machines that were called have come, until it is cancelled."""
        while self._plans:
            await asyncio.sleep(_LOOKS_EVERY_S)
            await self.look()

    async def look(self) -> None:
        """Once, at all that are waking."""
        waking = [name for name, one in self._sleepers.items() if one.state is SleepState.WAKING]
        async with asyncio.TaskGroup() as tasks:
            for name in waking:
                tasks.create_task(self._has_come(name, 0.0, ""))

    async def awake(self, waiting: Waiting, ask: Callable[[], Awaitable[Gained]]) -> Gained:
        plan = self._plans.get(waiting.provider)
        if plan is None:
            return await ask()
        try:
            return await self._asked(waiting, plan, ask)
        except UpstreamFailure as failure:
            if not _is_absence(failure):
                raise
            if not await self._woken(waiting, plan):
                raise self._excused(waiting.provider, failure) from failure
        return await ask()

    def probed(self, provider: str, failure: UpstreamFailure | None) -> UpstreamFailure | None:
        if provider not in self._plans:
            return failure
        if failure is None or not _is_absence(failure):
            self._becomes(provider, self._sleepers[provider].answered(), "")
            return failure
        self._becomes(provider, self._sleepers[provider].unanswered(self._clock.monotonic()), "")
        return self._excused(provider, failure)

    def state_of(self, provider: str) -> SleepState | None:
        sleeper = self._sleepers.get(provider)
        return None if sleeper is None else sleeper.state

    def forgive(self, provider: str) -> None:
        if provider in self._sleepers:
            self._becomes(provider, NEVER_MISSED, "")

    async def _asked(self, waiting: Waiting, plan: WakePlan, ask: Callable[[], Awaitable[Gained]]) -> Gained:
        """Who was not there a moment ago is looked for first: that is quicker than connecting in vain."""
        name = waiting.provider
        is_missed = self._sleepers[name].state is not SleepState.AWAKE
        if is_missed and not await self._hosts.answers(plan, 0.0):
            raise UpstreamFailure(FailureKind.UNREACHABLE, f"{plan.host} does not answer")
        try:
            gained = await ask()
        except UpstreamFailure as failure:
            if not _is_absence(failure):
                self._becomes(name, self._sleepers[name].answered(), waiting.request_id)
            raise
        self._becomes(name, self._sleepers[name].answered(), waiting.request_id)
        return gained

    async def _woken(self, waiting: Waiting, plan: WakePlan) -> bool:
        """Calls the machine, and waits for it if it will be ready while the request can wait."""
        name, now = waiting.provider, self._clock.monotonic()
        self._becomes(name, self._sleepers[name].unanswered(now), waiting.request_id)
        await self._call(waiting, plan)
        ready_in_s = self._sleepers[name].ready_in_s(now)
        if ready_in_s is None or ready_in_s > waiting.until - asyncio.get_running_loop().time():
            return False
        came = await self._awaited(waiting, plan)
        waited_ms = round((self._clock.monotonic() - now) * 1000, 1)
        self._sink.emit(
            HostAwaited(request_id=waiting.request_id, provider=name, waited_ms=waited_ms, came=came)
        )
        return came

    async def _awaited(self, waiting: Waiting, plan: WakePlan) -> bool:
        name = waiting.provider
        while self._sleepers[name].state is SleepState.WAKING:
            left_s = self._sleepers[name].ready_in_s(self._clock.monotonic()) or 0.0
            if not await self._has_come(name, min(left_s, _LOOKS_FOR_S), waiting.request_id):
                await self._call(waiting, plan)
        return self._sleepers[name].state is SleepState.AWAKE

    async def _has_come(self, name: str, within_s: float, request_id: str) -> bool:
        came = await self._hosts.answers(self._plans[name], within_s)
        sleeper = self._sleepers[name]
        after = sleeper.answered() if came else sleeper.unanswered(self._clock.monotonic())
        self._becomes(name, after, request_id)
        return came

    async def _call(self, waiting: Waiting, plan: WakePlan) -> None:
        name, now = waiting.provider, self._clock.monotonic()
        if not self._sleepers[name].may_be_called(now):
            return
        self._becomes(name, self._sleepers[name].called(now, plan.ready_within_s), waiting.request_id)
        error = ""
        try:
            await self._hosts.call(plan)
        except CallFailed as failed:
            error = str(failed)
        self._sink.emit(
            WakePacketSent(
                request_id=waiting.request_id,
                provider=name,
                mac=plan.mac,
                addresses=tuple(f"{address}:{port}" for address, port in plan.call_at),
                error=error,
            )
        )

    def _excused(self, name: str, failure: UpstreamFailure) -> UpstreamFailure:
        """The failure of who may be asleep; of who did not come when it was called it stays what it was."""
        sleeper = self._sleepers[name]
        if not sleeper.is_excused:
            return failure
        ready_in_s = sleeper.ready_in_s(self._clock.monotonic())
        called = "" if ready_in_s is None else f", was called and should be ready in {ready_in_s:.0f} s"
        return UpstreamFailure(
            FailureKind.ASLEEP, f"its machine sleeps{called} ({failure.message})", retry_after_s=ready_in_s
        )

    def _becomes(self, name: str, after: Sleeper, request_id: str) -> None:
        before, self._sleepers[name] = self._sleepers[name], after
        if before.state is not after.state:
            self._sink.emit(
                HostSleepChanged(
                    request_id=request_id, provider=name, old_state=before.state, new_state=after.state
                )
            )


def _is_absence(failure: UpstreamFailure) -> bool:
    """Whether there was no connection: whoever broke one off was there."""
    return failure.kind is FailureKind.UNREACHABLE and not failure.was_sent
