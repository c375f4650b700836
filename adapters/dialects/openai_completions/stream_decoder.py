"""Reads a stream of text completion chunks."""

from collections.abc import Iterator

from adapters.dialects.dialect import DialectError, GarbledReply, TruncatedReply
from adapters.dialects.openai_completions.reading import ReplyReading
from adapters.dialects.openai_completions.wire import NAME
from adapters.dialects.sse import OversizedEvent, SseEvent, SseReader, data_frame
from domain.conversation.reply import Batch, ReplyEvent, UsageReported, Wire

_DONE = b"[DONE]"


class CompletionsStreamDecoder:
    """One upstream stream being read."""

    def __init__(self) -> None:
        self._frames = SseReader()
        self._reply = ReplyReading()
        self._done = False

    def __repr__(self) -> str:
        return f"<CompletionsStreamDecoder {self._reply!r} done={self._done}>"

    def feed(self, data: bytes) -> Iterator[Batch]:
        try:
            frames = self._frames.feed(data)
        except OversizedEvent as error:
            raise GarbledReply(str(error)) from error
        yield from self._batches(frames)

    def close(self) -> Iterator[Batch]:
        yield from self._batches(self._frames.close())
        if not self._reply.is_complete:
            raise TruncatedReply("the stream ended before every text had its finish_reason")

    def _batches(self, frames: Iterator[SseEvent]) -> Iterator[Batch]:
        """As few as may be; a frame that only reports usage goes alone."""
        gathering = _Gathering()
        for frame in frames:
            # JSON has no bare line end inside a string: what several data lines said fits on one.
            data = frame.data.replace(b"\n", b" ").strip()
            self._done = self._done or data == _DONE
            if self._done or not data:
                continue
            try:
                events = tuple(self._reply.events(data))
            except DialectError:
                yield from gathering.given()
                raise
            if events and all(isinstance(event, UsageReported) for event in events):
                yield from gathering.given()
                yield Batch(events, Wire(NAME, data_frame(data)))
            else:
                gathering.add(events, data)
        yield from gathering.given()


class _Gathering:
    """Events on their way into one batch, with their frames."""

    def __init__(self) -> None:
        self._events: list[ReplyEvent] = []
        self._wire: list[bytes] = []

    def add(self, events: tuple[ReplyEvent, ...], data: bytes) -> None:
        self._events += events
        self._wire.append(data_frame(data))

    def given(self) -> Iterator[Batch]:
        """What was gathered, if anything was."""
        if self._wire:
            yield Batch(tuple(self._events), Wire(NAME, b"".join(self._wire)))
        self._events, self._wire = [], []
