"""Reads a stream of Responses events."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import msgspec

from adapters.dialects.dialect import GarbledReply, TruncatedReply
from adapters.dialects.error_bodies import reported_error
from adapters.dialects.logprobs import read_logprobs
from adapters.dialects.openai_responses.output_reading import OutputReading
from adapters.dialects.openai_responses.reply import ended, refuse_failure, started
from adapters.dialects.openai_responses.words import NAME
from adapters.dialects.sse import OversizedEvent, SseEvent, SseReader, named_frame
from domain.conversation.reply import Batch, Foreign, PartEnded, ReplyEvent, Wire

_DONE = b"[DONE]"
_EXCERPT = 200


class _Event(msgspec.Struct, gc=False):
    """What is looked at in an event."""

    type: str = ""
    output_index: int | None = None
    delta: Any = None
    logprobs: Any = None
    item: dict[str, Any] | None = None
    response: dict[str, Any] | None = None


_events = msgspec.json.Decoder(_Event)

_GROWTH: Mapping[str, Callable[[OutputReading, int, str], Iterator[ReplyEvent]]] = {
    "response.output_text.delta": OutputReading.text,
    "response.refusal.delta": OutputReading.refusal,
    "response.reasoning_summary_text.delta": OutputReading.thought,
    "response.reasoning_text.delta": OutputReading.thought,
    "response.function_call_arguments.delta": OutputReading.arguments,
    "response.custom_tool_call_input.delta": OutputReading.free_text,
}
"""Events that let an item grow -> how."""

_REPETITIONS = frozenset(
    {
        "response.content_part.added",
        "response.output_text.done",
        "response.refusal.done",
        "response.reasoning_summary_part.done",
        "response.reasoning_summary_text.done",
        "response.reasoning_text.done",
        "response.function_call_arguments.done",
        "response.custom_tool_call_input.done",
    }
)
"""Events that say nothing which others do not say."""


class ResponsesStreamDecoder:
    """One upstream stream being read; holds half a frame, and which items were announced."""

    def __init__(self) -> None:
        self._frames = SseReader()
        self._output = OutputReading()
        self._begun = False
        self._ended = False

    def __repr__(self) -> str:
        return f"<ResponsesStreamDecoder {self._output!r} ended={self._ended}>"

    def feed(self, data: bytes) -> Iterator[Batch]:
        try:
            frames = self._frames.feed(data)
        except OversizedEvent as error:
            raise GarbledReply(str(error)) from error
        yield from self._batch(frames)

    def close(self) -> Iterator[Batch]:
        try:
            yield from self._batch(self._frames.close())
        except GarbledReply as error:
            raise TruncatedReply(f"the stream ended inside an event: {error}") from error
        if not self._ended:
            raise TruncatedReply("the stream ended without response.completed")

    def _batch(self, frames: Iterator[SseEvent]) -> Iterator[Batch]:
        """One batch for all frames of a read, also when the last of them is a fault."""
        events: list[ReplyEvent] = []
        wire: list[bytes] = []
        try:
            for frame in frames:
                if self._ended or frame.data == _DONE:
                    continue
                # JSON has no bare line end inside a string: what several data lines said fits on one.
                data = frame.data.replace(b"\n", b" ")
                told = _told(data)
                events += self._read(told, data)
                wire.append(named_frame(told.type.encode(), data))
        finally:
            if wire:
                yield Batch(tuple(events), Wire(NAME, b"".join(wire)))

    def _read(self, told: _Event, data: bytes) -> Iterator[ReplyEvent]:
        grow = _GROWTH.get(told.type)
        if grow is not None:
            if not isinstance(told.delta, str):
                raise GarbledReply(f"{told.type}: expected text in {data[:_EXCERPT]!r}")
            if logprobs := read_logprobs(told.logprobs):
                yield from self._output.weighed_text(_index(told), told.delta, logprobs)
            else:
                yield from grow(self._output, _index(told), told.delta)
        elif told.type not in _REPETITIONS:
            yield from self._read_other(told, data)

    def _read_other(self, told: _Event, data: bytes) -> Iterator[ReplyEvent]:
        match told.type:
            case "response.created" | "response.queued" | "response.in_progress":
                yield from self._begin(told.response or {})
            case "response.output_item.added":
                yield from self._output.added(_index(told), told.item or {})
            case "response.reasoning_summary_part.added":
                yield from self._output.thought_part(_index(told))
            case "response.content_part.done":
                yield PartEnded()
            case "response.output_item.done":
                yield from self._output.done(_index(told), told.item or {}, data)
            case "response.completed" | "response.incomplete":
                yield from self._end(told.response or {})
            case "response.failed" | "error" | "":
                raise _failure(told, data)
            case _:
                yield Foreign(NAME, data)

    def _begin(self, told: dict[str, Any]) -> Iterator[ReplyEvent]:
        if not self._begun:
            self._begun = True
            yield started(told)

    def _end(self, told: dict[str, Any]) -> Iterator[ReplyEvent]:
        refuse_failure(told)
        yield from self._begin(told)
        yield from ended(told, self._output)
        self._ended = True


def _told(data: bytes) -> _Event:
    try:
        return _events.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise GarbledReply(f"not an event: {error}: {data[:_EXCERPT]!r}") from error


def _index(told: _Event) -> int:
    if told.output_index is None:
        raise GarbledReply(f"{told.type}: output_index is missing")
    return told.output_index


def _failure(told: _Event, data: bytes) -> Exception:
    """The error of a failed response, an event that is one, or an object that is no event at all."""
    if told.type == "response.failed":
        error = (told.response or {}).get("error")
        return reported_error({"error": error if error is not None else "the response failed"})
    plain = msgspec.json.decode(data)
    if told.type == "error" or plain.get("error") is not None:
        return reported_error(plain)
    return GarbledReply(f"an event has no type: {data[:_EXCERPT]!r}")
