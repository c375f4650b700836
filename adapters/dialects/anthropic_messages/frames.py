"""Writes the frames of a stream, and finds those in a run of frames that an encoder must know of."""

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from adapters.dialects.json_text import json_text
from adapters.dialects.members import JsonMembers
from adapters.dialects.sse import named_frame
from domain.conversation.request import MalformedRequest
from domain.values import value


class _Shown(msgspec.Struct):
    type: str = ""


class BlockEdge(msgspec.Struct):
    """Where a block begins (with ``content_block``) or ends."""

    type: str
    index: int
    content_block: _Shown | None = None


_edges = msgspec.json.Decoder(BlockEdge)


@value
class Verbatim:
    """An event of a block that goes back as it came, but for the block's index."""

    name: bytes
    payload: bytes

    def at(self, index: int) -> bytes:
        members = JsonMembers(self.payload)
        number = b"%d" % index
        same = bytes(members.raw("index") or b"") == number
        return named_frame(self.name, self.payload if same else members.replaced({"index": number}))


def start_frame(index: int, shown: bytes | Verbatim) -> bytes:
    """A block begins; ``shown`` is its JSON."""
    if isinstance(shown, Verbatim):
        return shown.at(index)
    return (
        b'event: content_block_start\ndata: {"type":"content_block_start","index":%d,"content_block":%b}\n\n'
        % (index, shown)
    )


def delta_frame(index: int, delta: bytes | Verbatim) -> bytes:
    """A block grows; ``delta`` is JSON."""
    if isinstance(delta, Verbatim):
        return delta.at(index)
    return b'event: content_block_delta\ndata: {"type":"content_block_delta","index":%d,"delta":%b}\n\n' % (
        index,
        delta,
    )


def text_frame(index: int, words: str) -> bytes:
    """A text grows: what streams mostly consist of, hence in one step."""
    return (
        b'event: content_block_delta\ndata: {"type":"content_block_delta","index":%d,'
        b'"delta":{"type":"text_delta","text":%b}}\n\n' % (index, json_text(words))
    )


def stop_frame(index: int) -> bytes:
    return b'event: content_block_stop\ndata: {"type":"content_block_stop","index":%d}\n\n' % index


def event_frame(name: str, fields: Mapping[str, Any]) -> bytes:
    """An event of the message as a whole."""
    return named_frame(name.encode(), json_text({"type": name, **fields}))


MESSAGE_STOP = event_frame("message_stop", {})
PING = event_frame("ping", {})


def block_edges(frames: bytes) -> Iterator[BlockEdge]:
    """The beginnings and ends of blocks among these frames, found without reading the others."""
    for start, end in _found(frames, b"event: content_block_st"):
        yield _edges.decode(_payload(frames[start:end]))


def with_model(frames: bytes, model: str) -> bytes:
    """The frames with another model's name in ``message_start``."""
    for start, end in _found(frames, b"event: message_start\n"):
        payload = _with_model(_payload(frames[start:end]), model)
        return frames[:start] + named_frame(b"message_start", payload)[:-2] + frames[end:]
    return frames


def _with_model(payload: bytes, model: str) -> bytes:
    try:
        event = JsonMembers(payload)
        message = JsonMembers(bytes(event.raw("message") or b""))
        return event.replaced({"message": message.replaced({"model": json_text(model)})})
    except MalformedRequest:  # a key stands twice; of such the last counts
        told = msgspec.json.decode(payload)
        return json_text(told | {"message": told["message"] | {"model": model}})


def _found(frames: bytes, beginning: bytes) -> Iterator[tuple[int, int]]:
    """Where frames lie that begin so; JSON has no bare line end, so a line's beginning is a frame's."""
    start = frames.find(beginning)
    while start >= 0:
        end = frames.index(b"\n\n", start)
        if start == 0 or frames[start - 1 : start] == b"\n":
            yield start, end
        start = frames.find(beginning, end)


def _payload(frame: bytes) -> bytes:
    return frame.partition(b"\ndata: ")[2]
