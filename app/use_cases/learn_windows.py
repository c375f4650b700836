"""Learns how large context windows are from what upstreams say of prompts that are too long."""

import asyncio

from app.use_cases.attempts import Attempting, Ending
from domain.inventory.probing import ContextWindowLearned
from domain.ports.observation import EventSink
from domain.ports.time import Clock
from domain.routing.targets import RoutingTable, Target

FORGETS_AFTER_S = 3_600.0
"""A server may be started anew with a larger window: one prompt in an hour finds out."""

_LOOKS_EVERY_S = 60.0


class LearnWindows:
    """Implements `app.use_cases.attempts.Companion`."""

    def __init__(self, table: RoutingTable, sink: EventSink, clock: Clock) -> None:
        self._table = table
        self._sink = sink
        self._clock = clock
        self._learned_at: dict[Target, float] = {}

    def __repr__(self) -> str:
        return f"<LearnWindows of {len(self._learned_at)} targets>"

    async def admit(self, attempting: Attempting) -> "WindowTicket":
        """See `app.use_cases.attempts.Companion`."""
        return WindowTicket(self, attempting.target)

    async def run(self) -> None:
        """Forgets what was learned long ago, until it is cancelled."""
        while True:
            await asyncio.sleep(_LOOKS_EVERY_S)
            self.forget_old()

    def forget_old(self) -> None:
        now = self._clock.monotonic()
        old = [target for target, at in self._learned_at.items() if now - at >= FORGETS_AFTER_S]
        for target in old:
            self._forget(target)

    def ended(self, target: Target, ending: Ending) -> None:
        """An upstream that names its window is believed, until it answers a longer prompt."""
        overflow = ending.failure.overflow if ending.failure else None
        if overflow is not None and overflow.window is not None:
            self._learn(target, overflow.window)
        window = self._table.context_windows.of(target, None)
        read = ending.usage.input_tokens if ending.usage else None
        if target in self._learned_at and window is not None and (read or 0) > window:
            self._forget(target)

    def _learn(self, target: Target, window: int) -> None:
        if self._table.context_windows.learn(target, window):
            self._learned_at[target] = self._clock.monotonic()
            self._sink.emit(ContextWindowLearned(provider=target.provider, model=target.model, tokens=window))

    def _forget(self, target: Target) -> None:
        del self._learned_at[target]
        self._table.context_windows.forget(target)


class WindowTicket:
    """One attempt, until it ends."""

    __slots__ = ("_learn", "_target")

    def __init__(self, learn: LearnWindows, target: Target) -> None:
        self._learn = learn
        self._target = target

    def __repr__(self) -> str:
        return f"<WindowTicket of {self._target}>"

    def ended(self, ending: Ending) -> None:
        self._learn.ended(self._target, ending)
