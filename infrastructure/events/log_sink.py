"""Writes every event as a log line."""

from dataclasses import fields

import structlog

from domain.events import Event


class LogSink:
    """Implements `domain.ports.observation.EventSink`: the line's fields are the event's, in their order."""

    def __init__(self, logger: structlog.typing.FilteringBoundLogger) -> None:
        self._methods = {level: getattr(logger, level) for level in ("debug", "info", "warning", "error")}
        self._names: dict[type[Event], tuple[str, ...]] = {}

    def emit(self, event: Event) -> None:
        kind = type(event)
        names = self._names.get(kind)
        if names is None:
            names = self._names[kind] = tuple(field.name for field in fields(event))
        self._methods[event.level](event.name, **{name: getattr(event, name) for name in names})
