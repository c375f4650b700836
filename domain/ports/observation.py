"""Telling what happens."""

from collections.abc import Callable
from typing import Protocol

from domain.events import Event


class EventSink(Protocol):
    """Takes events. Never blocks, never raises: what observes must not disturb."""

    def emit(self, event: Event) -> None: ...


class UnhurriedSink(EventSink, Protocol):
    """A sink that also takes events which are not worth waiting for while they are put together."""

    def emit_soon(self, make: Callable[[], Event]) -> None:
        """
        As `emit`, in its place among the other events, but ``make`` may be called a moment later.

        It is called once, by the thread that called this. If it fails there is no event.
        """
        ...
