"""Reads a messages stream: frames in, events out."""

from collections.abc import Iterator
from typing import Any

import msgspec

from adapters.dialects.anthropic_messages.open_blocks import Delta, OpenBlocks
from adapters.dialects.anthropic_messages.told import block_index, excerpt, inner_object, told_object, words
from adapters.dialects.anthropic_messages.words import NAME, kept, reason_from, usage_from
from adapters.dialects.dialect import DialectError, GarbledReply, TruncatedReply
from adapters.dialects.error_bodies import reported_error
from adapters.dialects.sse import OversizedEvent, SseEvent, SseReader, events_of, named_frame
from domain.conversation.reply import (
    Batch,
    Finished,
    Foreign,
    ReplyEvent,
    ReplyStarted,
    Usage,
    UsageReported,
    Wire,
)


class _DeltaEvent(msgspec.Struct, gc=False):
    type: str
    index: int
    delta: Delta


_delta_events = msgspec.json.Decoder(_DeltaEvent)
_DELTA_FRAME = b"event: content_block_delta\ndata: "
_MESSAGE_FIELDS = frozenset(
    {"id", "type", "role", "content", "model", "stop_reason", "stop_sequence", "usage"}
)
_DELTA_FIELDS = frozenset({"stop_reason", "stop_sequence"})


class MessagesStreamDecoder:
    """
    One upstream stream being read; holds half a frame, the open blocks and the counts so far.

    The ``event`` line may be missing: an event's type decides, and the bytes passed on always carry the
    line, as Anthropic's SDKs skip events without it. Once blocks have overlapped no bytes are passed on, so
    that clients are told one block after the other.
    """

    def __init__(self) -> None:
        self._frames = SseReader()
        self._blocks = OpenBlocks()
        self._usage = Usage()
        self._stopped = False

    def __repr__(self) -> str:
        return f"<MessagesStreamDecoder {self._blocks!r} stopped={self._stopped}>"

    def feed(self, data: bytes) -> Iterator[Batch]:
        try:
            text = self._frames.complete(data)
        except OversizedEvent as error:
            raise GarbledReply(str(error)) from error
        yield from self._batch(text)

    def close(self) -> Iterator[Batch]:
        try:
            yield from self._batch(self._frames.rest())
        except GarbledReply as error:
            raise TruncatedReply(f"the stream ended inside an event: {error}") from error
        if not self._stopped:
            raise TruncatedReply("the stream ended without message_stop")

    def _batch(self, text: bytes) -> Iterator[Batch]:
        """
        One batch for all frames of a read, also when the last of them is a fault.

        Where blocks begin to overlap the bytes end, and the events go on in a batch of their own.
        """
        events: list[ReplyEvent] = []
        wire: list[bytes] = []
        fault: DialectError | None = None
        try:
            for frame in text.split(b"\n\n"):
                if self._stopped:
                    break
                if frame.startswith(_DELTA_FRAME) and (grown := self._quick(frame)) is not None:
                    events += grown
                    wire.append(frame + b"\n\n")
                    continue
                before, passing = len(events), not self._blocks.overlapped
                for event in events_of(frame):
                    self._take(event, events, wire)
                if passing and self._blocks.overlapped and wire[:-1]:
                    yield Batch(tuple(events[:before]), Wire(NAME, b"".join(wire[:-1])))
                    events, wire = events[before:], wire[-1:]
        except DialectError as error:
            fault = error
        if wire:
            yield Batch(tuple(events), None if self._blocks.overlapped else Wire(NAME, b"".join(wire)))
        if fault is not None:
            raise fault

    def _take(self, event: SseEvent, events: list[ReplyEvent], wire: list[bytes]) -> None:
        # JSON has no bare line end inside a string: what several data lines said fits on one.
        data = event.data.replace(b"\n", b" ")
        told = told_object(data, "an event")
        kind = _kind(event.name, told)
        if kind == b"message_stop":
            self._stopped = True
            return
        events += self._events(kind, told, data)
        wire.append(named_frame(kind, data))

    def _quick(self, frame: bytes) -> tuple[ReplyEvent, ...] | None:
        """The short way for what streams mostly consist of; ``None`` for anything that is not that."""
        data = frame[len(_DELTA_FRAME) :]
        return None if b"\n" in data else self._grown(data)

    def _grown(self, data: bytes) -> tuple[ReplyEvent, ...] | None:
        try:
            told = _delta_events.decode(data)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return None
        if told.type != "content_block_delta":
            return None
        return self._blocks.grow(told.index, told.delta, data)

    def _events(self, kind: bytes, told: dict[str, Any], data: bytes) -> tuple[ReplyEvent, ...]:
        match kind:
            case b"message_start":
                return self._start(inner_object(told, "message"))
            case b"content_block_start":
                return self._blocks.start(block_index(told), inner_object(told, "content_block"), data)
            case b"content_block_delta":
                grown = self._grown(data)
                return self._blocks.grow_unread(block_index(told), data) if grown is None else grown
            case b"content_block_stop":
                return self._blocks.end(block_index(told), data)
            case b"message_delta":
                return self._finish(told)
            case b"error":
                raise reported_error(told)
            case b"ping":
                return ()
            case _:
                return (Foreign(NAME, data),)

    def _start(self, message: dict[str, Any]) -> tuple[ReplyEvent, ...]:
        rest = {key: value for key, value in message.items() if key not in _MESSAGE_FIELDS}
        begun = ReplyStarted(words(message, "id"), words(message, "model"), extensions=kept(rest))
        return begun, *self._counts(message)

    def _counts(self, told: dict[str, Any]) -> tuple[UsageReported, ...]:
        said = told.get("usage")
        if not isinstance(said, dict):
            return ()
        self._usage = usage_from(said, self._usage)
        return (UsageReported(self._usage),)

    def _finish(self, told: dict[str, Any]) -> tuple[ReplyEvent, ...]:
        delta = inner_object(told, "delta")
        counts = self._counts(told)
        reason = words(delta, "stop_reason")
        if not reason:
            return counts
        rest = {key: value for key, value in delta.items() if key not in _DELTA_FIELDS}
        sequence = words(delta, "stop_sequence") or None
        return *counts, Finished(reason_from(reason), sequence, extensions=kept(rest))


def _kind(name: bytes, told: dict[str, Any]) -> bytes:
    """The event's type; an error is one by its name too, as llama.cpp puts a class of error into ``type``."""
    if name == b"error" or isinstance(told.get("error"), dict):
        return b"error"
    said = words(told, "type")
    if not said or not said.isprintable():
        raise GarbledReply(f"an event has no type: {excerpt(msgspec.json.encode(told))}")
    return said.encode()
