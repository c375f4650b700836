"""Turns what a server says into neutral events: a whole body, or chunk after chunk of a stream."""

from collections.abc import Iterator

import msgspec

from adapters.dialects.dialect import GarbledReply
from adapters.dialects.error_bodies import reported_error
from adapters.dialects.openai_completions.wire import NAME, Choice, Reply, reply_decoder
from adapters.dialects.openai_tallies import stop_reason, usage_of
from domain.conversation.reply import (
    Batch,
    Finished,
    ReplyEvent,
    ReplyStarted,
    TextDelta,
    UsageReported,
    Wire,
)

_EXCERPT_BYTES = 200
_FIRST = 0


def decode_completion(body: bytes) -> Batch:
    """
    A whole body's events, with the body.

    Raises:
        GarbledReply: not a completion.
        ReportedError: an error that came as a success.
    """
    reading = ReplyReading()
    events = tuple(reading.events(body))
    if not reading.is_complete:
        raise GarbledReply(f"not a completion: {body[:_EXCERPT_BYTES]!r}")
    return Batch(events, Wire(NAME, body, whole=True))


class ReplyReading:
    """The answer as far as it was read: which continuations began, and which have finished."""

    def __init__(self) -> None:
        self._begun = False
        self._seen: set[int] = set()
        self._finished: set[int] = set()

    def __repr__(self) -> str:
        return f"<ReplyReading seen={sorted(self._seen)} finished={sorted(self._finished)}>"

    @property
    def is_complete(self) -> bool:
        """Whether every continuation has finished; an answer without a first one is none."""
        return _FIRST in self._finished and self._seen == self._finished

    def events(self, data: bytes) -> Iterator[ReplyEvent]:
        """
        What one chunk, or a whole body, says.

        Raises:
            GarbledReply: it is neither answer nor usage, or goes on after its end.
            ReportedError: it is an error.
        """
        reply = _reply(data)
        if not self._begun:
            self._begun = True
            created = None if reply.created is None else int(reply.created)
            yield ReplyStarted(reply.id or "", reply.model or "", created)
        for position, choice in enumerate(reply.choices or ()):
            yield from self._choice(choice, position if choice.index is None else choice.index)
        usage = None if reply.usage is None else usage_of(reply.usage)
        if usage is not None:
            yield UsageReported(usage)

    def _choice(self, choice: Choice, index: int) -> Iterator[ReplyEvent]:
        if index in self._finished:
            if choice.text:
                raise GarbledReply(f"choices[{index}]: the answer goes on after its finish_reason")
            return
        self._seen.add(index)
        if choice.text:
            yield TextDelta(choice.text, index)
        if choice.finish_reason:
            self._finished.add(index)
            yield Finished(stop_reason(choice.finish_reason), None, index)


def _reply(data: bytes) -> Reply:
    try:
        reply = reply_decoder.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise GarbledReply(f"not a completion: {error}") from error
    for told in (reply, *(reply.choices or ())):
        if told.error is not None:
            raise reported_error({"error": told.error})
    if reply.choices is None and reply.usage is None:
        raise GarbledReply(f"neither choices nor usage nor error in {data[:_EXCERPT_BYTES]!r}")
    return reply
