"""Reads a stream of chat completion chunks."""

from collections.abc import Iterator

from adapters.dialects.dialect import DialectError, GarbledReply, TruncatedReply
from adapters.dialects.openai_chat.calls import Calls
from adapters.dialects.openai_chat.frames import Frames, frames_of
from adapters.dialects.openai_chat.reply import finished, logprobs_of, refuse_told_error, started, unreadable
from adapters.dialects.openai_chat.wire import NAME, Call, Choice, Reply, Words
from adapters.dialects.openai_chat.words import plain_text, spoken
from adapters.dialects.openai_tallies import usage_of
from adapters.dialects.sse import OversizedEvent, SseReader
from domain.conversation.parts import Logprobs
from domain.conversation.reply import Batch, ReplyEvent, TextDelta, UsageReported, Wire

_FIRST = 0


class ChatStreamDecoder:
    """One upstream stream being read."""

    def __init__(self) -> None:
        self._reader = SseReader()
        self._reply = ReplyReading()
        self._done = False

    def __repr__(self) -> str:
        return f"<ChatStreamDecoder {self._reply!r} done={self._done}>"

    def feed(self, data: bytes) -> Iterator[Batch]:
        if self._done:
            return
        try:
            text = self._reader.complete(data)
        except OversizedEvent as error:
            raise GarbledReply(str(error)) from error
        if not text:
            return
        frames = frames_of(text)
        self._done = frames.done
        yield from self._reply.batches(frames)
        if frames.garbled:
            raise GarbledReply(f"not a chat completion chunk: {frames.garbled}")

    def close(self) -> Iterator[Batch]:
        """What is left is a frame that lacks its blank line, or half a frame, which says nothing."""
        last = self._reader.rest()
        if last and not self._done:
            yield from self._reply.batches(frames_of(last))
        if not self._reply.is_complete:
            raise TruncatedReply("the stream ended before every answer had its finish_reason")


class ReplyReading:
    """The answer as far as it was read: which choices began, their tool calls, which have finished."""

    def __init__(self) -> None:
        self._id: str | None = None
        self._calls: dict[int, Calls] = {}
        self._seen: set[int] = set()
        self._finished: set[int] = set()
        self._weighed: dict[int, Logprobs] = {}
        self._irregular = False

    def __repr__(self) -> str:
        return f"<ReplyReading {self._id!r} seen={sorted(self._seen)} finished={sorted(self._finished)}>"

    @property
    def is_complete(self) -> bool:
        """Whether every choice has finished; an answer without a first one is none."""
        return _FIRST in self._finished and self._seen == self._finished

    def batches(self, frames: Frames) -> Iterator[Batch]:
        """
        The frames in as few batches as may be.

        A frame that only reports usage goes alone. So does a frame that a client would read otherwise than we
        do: it goes without its bytes, to be written anew by the rules.

        Raises:
            ReportedError: a chunk is an error.
            GarbledReply: a chunk is neither answer nor usage nor error, or goes on after its end.
        """
        gathering = _Gathering(frames)
        for position, chunk in enumerate(frames.chunks):
            if (more := self._more_text(chunk)) is not None:
                gathering.events.append(more)
                continue
            try:
                _refuse_failure(chunk, gathering, position)
                events = self._events(chunk)
            except DialectError:
                yield from gathering.up_to(position)
                raise
            if self._irregular or _only_usage(events):
                yield from gathering.up_to(position)
                yield gathering.alone(position, events, keeps_bytes=not self._irregular)
                self._irregular = False
            else:
                gathering.events += events
        yield from gathering.up_to(len(frames.chunks))

    def _more_text(self, chunk: Reply) -> TextDelta | None:
        """What nearly every chunk is: more text of an open choice. Anything else takes the long way."""
        choices = chunk.choices
        if not choices or len(choices) > 1 or chunk.usage is not None or chunk.error is not None:
            return None
        choice = choices[0]
        index = choice.index or 0
        if choice.delta is None or choice.finish_reason or choice.error is not None or choice.logprobs:
            return None
        if index not in self._seen or index in self._finished or index in self._weighed:
            return None
        text = plain_text(choice.delta)
        return TextDelta(text, index) if text else None

    def _events(self, chunk: Reply) -> list[ReplyEvent]:
        events: list[ReplyEvent] = []
        if self._id is None and (chunk.choices or chunk.id or chunk.model):
            self._id = chunk.id or ""
            events.append(started(chunk))
        for position, choice in enumerate(chunk.choices or ()):
            self._read(choice, position if choice.index is None else choice.index, events)
        usage = usage_of(chunk.usage) if chunk.usage is not None else None
        if usage is not None:
            events.append(UsageReported(usage))
        return events

    def _read(self, choice: Choice, index: int, events: list[ReplyEvent]) -> None:
        delta = choice.delta
        if index in self._finished:
            self._refuse_more(choice, index)
            return
        self._seen.add(index)
        if delta is not None:
            self._say(delta, index, self._logprobs(choice, index), events)
        if choice.finish_reason:
            self._finished.add(index)
            events.append(finished(choice.finish_reason, choice, index))

    def _logprobs(self, choice: Choice, index: int) -> Logprobs:
        """Those of the text that is told now. A token may be no more than the beginning of a character."""
        logprobs = self._weighed.pop(index, ()) + logprobs_of(choice)
        if logprobs and (choice.delta is None or not choice.delta.content):
            self._weighed[index] = logprobs
            return ()
        return logprobs

    def _say(self, delta: Words, index: int, logprobs: Logprobs, events: list[ReplyEvent]) -> None:
        events += spoken(delta, index, logprobs)
        if delta.tool_calls:
            calls = self._calls.setdefault(index, Calls(index))
            for piece in delta.tool_calls:
                said, is_regular = calls.take(piece, self._id or "")
                self._irregular |= not is_regular
                events += said
        if delta.function_call is not None:
            calls = self._calls.setdefault(index, Calls(index))
            events += calls.take(Call(index=0, function=delta.function_call), self._id or "")[0]

    def _refuse_more(self, choice: Choice, index: int) -> None:
        """After the end a second end is left out; more words are another matter."""
        delta = choice.delta
        if delta is not None and (delta.tool_calls or any(True for _ in spoken(delta, index))):
            raise GarbledReply(f"choices[{index}]: the answer goes on after its finish_reason")
        self._irregular |= bool(choice.finish_reason)


class _Gathering:
    """Events on their way into one batch, and where its frames begin."""

    def __init__(self, frames: Frames) -> None:
        self.events: list[ReplyEvent] = []
        self._frames = frames
        self._begin = 0

    def up_to(self, end: int) -> Iterator[Batch]:
        """What was gathered, with the frames before ``end``; nothing if there are none."""
        if end > self._begin:
            yield Batch(tuple(self.events), Wire(NAME, self._slice(self._begin, end)))
        self.events = []
        self._begin = end

    def alone(self, position: int, events: list[ReplyEvent], *, keeps_bytes: bool) -> Batch:
        """One frame's batch."""
        self._begin = position + 1
        wire = Wire(NAME, self._slice(position, position + 1)) if keeps_bytes else None
        return Batch(tuple(events), wire)

    def json(self, position: int) -> bytes:
        """One frame's JSON text."""
        return self._slice(position, position + 1).removeprefix(b"data: ")

    def _slice(self, begin: int, end: int) -> bytes:
        frames = self._frames
        if begin == 0 and end == len(frames.chunks):
            return frames.text
        return b"".join(frame + b"\n\n" for frame in frames.text.split(b"\n\n")[begin:end])


def _refuse_failure(chunk: Reply, gathering: _Gathering, position: int) -> None:
    refuse_told_error(chunk)
    if chunk.choices is None and chunk.usage is None:
        raise unreadable(gathering.json(position), "neither choices nor usage nor error")


def _only_usage(events: list[ReplyEvent]) -> bool:
    return len(events) == 1 and isinstance(events[0], UsageReported)
