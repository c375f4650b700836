"""Learns how large context windows are from what upstreams say of prompts that are too long."""

import asyncio
from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from app.use_cases.attempts import Attempting, Ending
from domain.inventory.probing import ContextWindowLearned
from domain.ports.observation import EventSink
from domain.ports.time import Clock
from domain.routing.targets import RoutingTable, Target

FORGETS_AFTER_S = 3_600.0
"""A server may be started anew with a larger window: one prompt in an hour finds out."""

_LOOKS_EVERY_S = 60.0
_TICK_S = 1e-6


class Named(NamedTuple):
    """
    The latest word on a target's window: when it came, in seconds since the epoch, and its tokens.

    With 0 tokens nothing is known any more. Of two words the later one holds, whoever heard it.
    """

    at: float
    tokens: int


NOT_NAMED = Named(0.0, 0)


class LearnWindows:
    """Implements `app.use_cases.attempts.Companion`."""

    def __init__(self, table: RoutingTable, sink: EventSink, clock: Clock) -> None:
        self._table = table
        self._sink = sink
        self._clock = clock
        self._named: dict[Target, Named] = {}

    def __repr__(self) -> str:
        return f"<LearnWindows of {len(self._named)} targets>"

    @property
    def named(self) -> Mapping[Target, Named]:
        """What was heard within the last hour."""
        return MappingProxyType(self._named)

    def admit(self, attempting: Attempting) -> "WindowTicket":
        """See `app.use_cases.attempts.Companion`."""
        return WindowTicket(self, attempting.target)

    async def run(self) -> None:
        """Forgets what was learned long ago, until it is cancelled."""
        while True:
            await asyncio.sleep(_LOOKS_EVERY_S)
            self.forget_old()

    def forget_old(self) -> None:
        for target in [each for each, named in self._named.items() if self._is_old(named)]:
            if self._named.pop(target).tokens:
                self._table.context_windows.forget(target)

    def forget_all(self, provider: str) -> None:
        """Nothing is known of a provider's windows any more, however it was learned, here and elsewhere."""
        for target in [each for each in self._named if each.provider == provider]:
            self._forget(target)
        self._table.context_windows.forget_all(provider)

    def ended(self, target: Target, ending: Ending) -> None:
        """An upstream that names its window is believed, until it answers a longer prompt."""
        overflow = ending.failure.overflow if ending.failure else None
        if overflow is not None and overflow.window is not None:
            self._learn(target, overflow.window)
        window = self._table.context_windows.of(target, None)
        read = ending.usage.input_tokens if ending.usage else None
        if self._is_named(target) and window is not None and (read or 0) > window:
            self._forget(target)

    def hear(self, target: Target, named: Named) -> None:
        """Another process has learned a window, or that it is another one."""
        if not named > self._named.get(target, NOT_NAMED) or self._is_old(named):
            return
        was_named = self._is_named(target)
        self._named[target] = named
        if named.tokens and self._table.context_windows.learn(target, named.tokens):
            self._tell(target, named.tokens)
        elif not named.tokens and was_named:
            self._table.context_windows.forget(target)

    def _learn(self, target: Target, window: int) -> None:
        if self._table.context_windows.learn(target, window):
            self._note(target, window)
            self._tell(target, window)

    def _forget(self, target: Target) -> None:
        self._note(target, 0)
        self._table.context_windows.forget(target)

    def _note(self, target: Target, tokens: int) -> None:
        """The word that comes last is the latest, whatever the clock says of the one before."""
        at = max(self._clock.time(), self._named.get(target, NOT_NAMED).at + _TICK_S)
        self._named[target] = Named(at, tokens)

    def _tell(self, target: Target, window: int) -> None:
        self._sink.emit(ContextWindowLearned(provider=target.provider, model=target.model, tokens=window))

    def _is_named(self, target: Target) -> bool:
        return self._named.get(target, NOT_NAMED).tokens > 0

    def _is_old(self, named: Named) -> bool:
        return self._clock.time() - named.at >= FORGETS_AFTER_S


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
