"""Telling what happens."""

from typing import Protocol

from domain.events import Event


class EventSink(Protocol):
    """Takes events. Never blocks, never raises: what observes must not disturb."""

    def emit(self, event: Event) -> None: ...
