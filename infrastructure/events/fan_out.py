"""Passes every event to several sinks, none of which can disturb another."""

from contextlib import suppress

from domain.events import Event
from domain.ports.observation import EventSink


class FanOut:
    """Implements `domain.ports.observation.EventSink`."""

    def __init__(self, *sinks: EventSink) -> None:
        self._sinks = sinks

    def emit(self, event: Event) -> None:
        for sink in self._sinks:
            with suppress(Exception):
                sink.emit(event)
