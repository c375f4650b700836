"""Passes every event to several sinks, none of which can disturb another."""

import asyncio
from collections import deque
from collections.abc import Callable
from contextlib import suppress

from domain.events import Event
from domain.ports.observation import EventSink

_TURNS = 8
"""Turns of the event loop in which a planned request of 100 KB has left over an open connection."""


class FanOut:
    """
    Implements `domain.ports.observation.UnhurriedSink`.

    An event that takes a while is put together some turns of the event loop later, when the request that it
    is about waits for its upstream. Until then other events line up behind it, so that all keep their order.
    """

    def __init__(self, *sinks: EventSink) -> None:
        self._sinks = sinks
        self._waiting: deque[Callable[[], Event]] = deque()

    def __repr__(self) -> str:
        return f"<FanOut to {len(self._sinks)} sinks waiting={len(self._waiting)}>"

    def emit(self, event: Event) -> None:
        if self._waiting:
            self._waiting.append(lambda: event)
        else:
            self._pass_on(event)

    def emit_soon(self, make: Callable[[], Event]) -> None:
        self._waiting.append(make)
        if len(self._waiting) == 1:
            _later(self._catch_up)

    def _catch_up(self) -> None:
        while self._waiting:
            make = self._waiting.popleft()
            with suppress(Exception):
                self._pass_on(make())

    def _pass_on(self, event: Event) -> None:
        for sink in self._sinks:
            try:  # noqa: SIM105  `suppress` costs more than some of the sinks do, five times for every event
                sink.emit(event)
            except Exception:  # noqa: BLE001, S110  a sink that fails is nobody else's matter
                pass


def _later(work: Callable[[], None]) -> None:
    """At once where no loop turns."""
    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:
        work()
    else:
        _after(_TURNS, loop, work)


def _after(turns: int, loop: asyncio.AbstractEventLoop, work: Callable[[], None]) -> None:
    if turns:
        loop.call_soon(_after, turns - 1, loop, work)
    else:
        work()
