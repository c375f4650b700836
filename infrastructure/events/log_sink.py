"""Writes every event as a log line."""

import structlog

from domain.events import Event


class LogSink:
    """Implements `domain.ports.observation.EventSink`: the line's fields are the event's, in their order."""

    def __init__(self, logger: structlog.typing.FilteringBoundLogger) -> None:
        self._methods = {level: getattr(logger, level) for level in ("debug", "info", "warning", "error")}

    def emit(self, event: Event) -> None:
        self._methods[event.level](event.name, told=event)
