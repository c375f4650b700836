"""Remembers the events it was told."""

from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

from domain.events import Event

E = TypeVar("E")


class RecordingSink:
    """A sink whose `events` a test reads."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    def __repr__(self) -> str:
        return f"<RecordingSink {[event.name for event in self.events]}>"

    def emit(self, event: Event) -> None:
        self.events.append(event)

    def emit_soon(self, make: Callable[[], Event]) -> None:
        with suppress(Exception):
            self.emit(make())

    def of(self, kind: type[E]) -> list[E]:
        """The events of one kind, in order."""
        return [event for event in self.events if isinstance(event, kind)]
