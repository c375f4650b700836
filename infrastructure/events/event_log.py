"""Writes every event where people and machines read it: a stream, and a file if one is named."""

from collections.abc import Iterable
from pathlib import Path

from domain.events import Event
from infrastructure.events.log_sink import LogSink
from infrastructure.logging import ByteStream, LineWriter, event_logger
from infrastructure.rotating_file import RotatingFile


class EventLog:
    """
    Implements `domain.ports.observation.EventSink`.

    Args:
        stream: gets lines as JSON or, for a terminal, in words.
        level: the quietest level that is written.
        mirror: a file that gets the same events as JSON, rotated; ``None`` for no such file.
        secrets: values that are taken out of every line.
    """

    def __init__(
        self,
        stream: ByteStream,
        *,
        level: str,
        as_json: bool,
        mirror: Path | None = None,
        secrets: Iterable[str] = (),
    ) -> None:
        kept = tuple(secrets)
        self._mirror = None if mirror is None else RotatingFile(mirror)
        self._writers = [LineWriter(stream)]
        self._sinks = [LogSink(event_logger(self._writers[0], level=level, as_json=as_json, secrets=kept))]
        if self._mirror is not None:
            self._writers.append(LineWriter(self._mirror))
            logger = event_logger(self._writers[1], level=level, as_json=True, secrets=kept)
            self._sinks.append(LogSink(logger))

    def __repr__(self) -> str:
        return f"<EventLog {self._writers}>"

    def emit(self, event: Event) -> None:
        for sink in self._sinks:
            sink.emit(event)

    def close(self) -> None:
        """Writes what waits, bounded in time."""
        for writer in self._writers:
            writer.close()
        if self._mirror is not None:
            self._mirror.close()
