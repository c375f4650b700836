"""Reads answers: chunks to neutral events, and a whole answer as the one chunk that it is."""

from collections.abc import Iterator, Mapping
from datetime import datetime

import msgspec

from adapters.dialects.dialect import GarbledReply
from adapters.dialects.error_bodies import reported_error
from adapters.dialects.json_text import json_text
from adapters.dialects.logprobs import read_logprobs
from adapters.dialects.ollama_chat.wire import NAME, Call, Chunk, Words, chunk_decoder
from domain.conversation.parts import Logprobs
from domain.conversation.reply import (
    Batch,
    Finished,
    PartEnded,
    ReplyEvent,
    ReplyStarted,
    StopReason,
    TextDelta,
    ThinkingDelta,
    ToolCallDelta,
    ToolCallStarted,
    Usage,
    UsageReported,
    WeighedText,
    Wire,
    token_count,
)

_STOP_REASONS: Mapping[str, str] = {"stop": StopReason.END_TURN, "length": StopReason.MAX_TOKENS}
"""Their ``done_reason`` -> ours. Others (``load``, ``unload``) travel as they are."""


def decode_completion(body: bytes) -> Batch:
    """
    A whole answer.

    Raises:
        GarbledReply: the body is no answer, or not a complete one.
        ReportedError: it is an error.
    """
    reading = ReplyReading()
    events = tuple(reading.events(body))
    if not reading.is_complete:
        raise GarbledReply("the answer is not marked as done")
    return Batch(events, Wire(NAME, body, whole=True))


class ReplyReading:
    """The answer as far as it was read."""

    def __init__(self) -> None:
        self.is_complete = False
        self._moment: str | None = None
        self._calls = 0

    def __repr__(self) -> str:
        return f"<ReplyReading since {self._moment!r} calls={self._calls} complete={self.is_complete}>"

    def events(self, line: bytes) -> Iterator[ReplyEvent]:
        """
        What one chunk says.

        Raises:
            GarbledReply: it is no chunk.
            ReportedError: it is an error.
        """
        chunk = _chunk(line)
        if self._moment is None:
            self._moment = chunk.created_at or ""
            yield ReplyStarted(model=chunk.model or "", created=_seconds(self._moment))
        if chunk.message is not None:
            yield from self._spoken(chunk.message, read_logprobs(chunk.logprobs))
        if chunk.done:
            self.is_complete = True
            yield from self._ending(chunk)

    def _spoken(self, words: Words, logprobs: Logprobs) -> Iterator[ReplyEvent]:
        """The server also weighs the tokens of the thinking, which nobody has a place for."""
        if words.thinking:
            yield ThinkingDelta(words.thinking)
        if words.content:
            yield WeighedText(words.content, 0, logprobs) if logprobs else TextDelta(words.content)
        for call in words.tool_calls or ():
            yield from self._called(call)

    def _called(self, call: Call) -> Iterator[ReplyEvent]:
        number = self._calls
        self._calls += 1
        yield ToolCallStarted(number, call.id or self._made_id(number), call.function.name)
        yield ToolCallDelta(number, _arguments(call))
        yield PartEnded(number)

    def _made_id(self, number: int) -> str:
        """Not repeated in the conversation, as no two answers begin at the same nanosecond."""
        digits = "".join(filter(str.isdigit, self._moment or ""))
        return f"call_{digits}_{number}" if digits else f"call_{number}"

    def _ending(self, chunk: Chunk) -> Iterator[ReplyEvent]:
        word = chunk.done_reason or "stop"
        reason = _STOP_REASONS.get(word, word)
        if self._calls and reason == StopReason.END_TURN:
            reason = StopReason.TOOL_CALLS
        yield Finished(reason)
        prompt, answer = token_count(chunk.prompt_eval_count), token_count(chunk.eval_count)
        if prompt is not None or answer is not None:
            yield UsageReported(Usage(input_tokens=prompt, output_tokens=answer))


def _chunk(line: bytes) -> Chunk:
    try:
        chunk = chunk_decoder.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise GarbledReply(f"not a chunk of an answer: {error}") from error
    if chunk.error is not None:
        raise reported_error(msgspec.json.decode(line))
    if chunk.message is None and not chunk.done:
        raise GarbledReply("a chunk holds neither a message nor an error, nor ends the answer")
    return chunk


def _arguments(call: Call) -> str:
    """JSON text; ours is what the model meant, as the server has parsed what it wrote."""
    arguments = call.function.arguments
    if isinstance(arguments, str):
        return arguments
    return json_text({} if arguments is None else arguments).decode()


def _seconds(moment: str) -> int | None:
    """Seconds since the epoch; the server writes RFC 3339 with nanoseconds."""
    try:
        return int(datetime.fromisoformat(moment).timestamp())
    except (ValueError, OverflowError):
        return None
