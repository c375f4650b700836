"""Reads a stream of chunks, one JSON object a line (application/x-ndjson)."""

from collections.abc import Iterator

from adapters.dialects.dialect import DialectError, GarbledReply, TruncatedReply
from adapters.dialects.ollama_chat.reply import ReplyReading
from domain.conversation.reply import Batch, ReplyEvent

MAX_LINE_BYTES = 32 * 1024 * 1024
"""A line larger than this is an attack or a broken server, not an answer."""


class OllamaStreamDecoder:
    """One upstream stream being read; holds half a line."""

    def __init__(self) -> None:
        self._half: list[bytes] = []
        self._half_bytes = 0
        self._reply = ReplyReading()

    def __repr__(self) -> str:
        return f"<OllamaStreamDecoder {self._reply!r} half={self._half_bytes} bytes>"

    def feed(self, data: bytes) -> Iterator[Batch]:
        """What a server says after the answer's end is left out."""
        *lines, rest = data.split(b"\n")
        if lines:
            lines[0] = b"".join((*self._half, lines[0]))
            self._half, self._half_bytes = [], 0
        if rest:
            self._half.append(rest)
            self._half_bytes += len(rest)
        yield from self._batches(lines)
        if self._half_bytes > MAX_LINE_BYTES:
            raise GarbledReply(f"a line of more than {MAX_LINE_BYTES} bytes")

    def close(self) -> Iterator[Batch]:
        """The last line may lack its end."""
        last, self._half = b"".join(self._half), []
        yield from self._batches([last])
        if not self._reply.is_complete:
            raise TruncatedReply("the stream ended before the answer was marked as done")

    def _batches(self, lines: list[bytes]) -> Iterator[Batch]:
        events: list[ReplyEvent] = []
        try:
            for line in lines:
                if line.strip() and not self._reply.is_complete:
                    events += self._reply.events(line)
        except DialectError:
            if events:
                yield Batch(tuple(events))
            raise
        if events:
            yield Batch(tuple(events))
