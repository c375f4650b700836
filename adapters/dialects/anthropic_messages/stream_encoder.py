"""Writes a messages stream to a client: its upstream's own bytes while they hold, else frames from events."""

from enum import Enum, auto
from typing import Any

from adapters.dialects.anthropic_messages.block_queue import BlockQueue
from adapters.dialects.anthropic_messages.errors import error_frame
from adapters.dialects.anthropic_messages.frames import MESSAGE_STOP, PING, event_frame, with_model
from adapters.dialects.anthropic_messages.words import (
    NAME,
    message_id,
    own,
    reason_word,
    usage_fields,
    whole_usage_fields,
)
from adapters.dialects.dialect import Answering, ErrorReport
from domain.conversation.reply import (
    Batch,
    Finished,
    Foreign,
    PartEnded,
    RedactedThinking,
    RefusalDelta,
    ReplyEvent,
    ReplyStarted,
    TextDelta,
    ThinkingDelta,
    ThinkingSigned,
    ToolCallDelta,
    ToolCallStarted,
    Usage,
    UsageReported,
    Wire,
    bears_content,
)


class _Phase(Enum):
    """How far the stream is."""

    BEFORE_START = auto()
    OPEN = auto()
    FINISH_TOLD = auto()
    ENDED = auto()


class MessagesStreamEncoder:
    """
    One stream to a client.

    Batches of this dialect go out as they came until one comes without bytes. From then on everything is
    written from events, as block indices may have moved. ``message_delta`` is held back until `close`,
    since an upstream of another dialect counts its tokens after it finished.
    """

    def __init__(self, answering: Answering) -> None:
        self._answering = answering
        self._phase = _Phase.BEFORE_START
        self._blocks = BlockQueue(answering.reply_id)
        self._writes_events = False
        self._started: ReplyStarted | None = None
        self._usage: Usage | None = None
        self._finish: Finished | None = None
        self._refuses = False

    def __repr__(self) -> str:
        return f"<MessagesStreamEncoder {self._phase.name} {self._blocks!r}>"

    def send(self, batch: Batch) -> bytes:
        self._demand_open()
        if batch.wire is not None and self._may_pass(batch, batch.wire):
            return self._passed(batch, batch.wire.data)
        if not batch.events:
            return b""
        self._writes_events = True
        frames = [frame for event in batch.events if (frame := self._more_text(event) or self._take(event))]
        if self._started is not None:
            frames.append(self._begin())
        return b"".join(frames)

    def close(self) -> bytes:
        self._demand_open()
        if self._finish is None:
            raise RuntimeError("the stream is closed as complete, but the answer has not finished")
        delta = b"" if self._phase is _Phase.FINISH_TOLD else self._message_delta(self._finish)
        self._phase = _Phase.ENDED
        return delta + MESSAGE_STOP

    def fail(self, report: ErrorReport) -> bytes:
        self._demand_open()
        self._phase = _Phase.ENDED
        return error_frame(report)

    def ping(self) -> bytes:
        self._demand_open()
        return PING

    def _demand_open(self) -> None:
        if self._phase is _Phase.ENDED:
            raise RuntimeError("the stream has ended")

    def _may_pass(self, batch: Batch, wire: Wire) -> bool:
        if wire.dialect != NAME or wire.whole or self._writes_events:
            return False
        has_begun = self._phase is not _Phase.BEFORE_START or b"event: message_start\n" in wire.data
        return has_begun or not any(bears_content(event) for event in batch.events)

    def _passed(self, batch: Batch, frames: bytes) -> bytes:
        """The bytes as they came, after a look at what must be known of them."""
        if self._finish is not None and any(bears_content(event) for event in batch.events):
            raise RuntimeError("content after the answer has finished")
        self._blocks.follow(frames)
        if b"event: message_" not in frames:
            return frames
        begins = self._phase is _Phase.BEFORE_START
        for event in batch.events:
            self._note(event)
        if begins and self._started is not None and self._answering.model not in ("", self._started.model):
            return with_model(frames, self._answering.model)
        return frames

    def _note(self, event: ReplyEvent) -> None:
        match event:
            case ReplyStarted():
                self._demand_first_start()
                self._started, self._phase = event, _Phase.OPEN
            case UsageReported(usage):
                self._usage = usage
            case Finished():
                self._finish, self._phase = event, _Phase.FINISH_TOLD
            case _:
                pass

    def _demand_first_start(self) -> None:
        if self._started is not None or self._phase is not _Phase.BEFORE_START:
            raise RuntimeError("the answer starts twice")

    def _more_text(self, event: ReplyEvent) -> bytes:
        """The short way for what streams mostly consist of; empty for anything that is not that."""
        if type(event) is not TextDelta or event.choice != 0 or self._phase is not _Phase.OPEN:
            return b""
        return b"" if self._finish is not None else self._blocks.more_text(event.text)

    def _take(self, event: ReplyEvent) -> bytes:
        """The frames for one event; only the first answer counts, the dialect has no word for others."""
        match event:
            case ReplyStarted():
                self._demand_first_start()
                self._started = event
                return b""
            case UsageReported(usage):
                self._usage = usage
                return b""
            case Foreign(dialect, payload, content):
                return self._foreign(payload, content=content) if dialect == NAME else b""
            case _ if event.choice != 0:
                return b""
            case Finished():
                return self._finished(event)
            case PartEnded(call):
                self._blocks.end(call)
                return self._blocks.written()
            case _:
                return self._content(event)

    def _content(
        self,
        event: TextDelta
        | ThinkingDelta
        | ThinkingSigned
        | RedactedThinking
        | RefusalDelta
        | ToolCallStarted
        | ToolCallDelta,
    ) -> bytes:
        if not bears_content(event):
            return b""
        beginning = self._begin_content()
        match event:
            case TextDelta(text):
                self._blocks.text(text)
            case ThinkingDelta(text):
                self._blocks.thinking(text)
            case ThinkingSigned(signature):
                self._blocks.signature(signature)
            case RedactedThinking(data):
                self._blocks.redacted(data)
            case RefusalDelta(text):
                self._refuses = True
                self._blocks.text(text)
            case ToolCallStarted(call, id, name):
                self._blocks.start_call(call, id, name)
            case ToolCallDelta(call, arguments):
                self._blocks.arguments(call, arguments)
        return beginning + self._blocks.written()

    def _foreign(self, payload: bytes, *, content: bool) -> bytes:
        beginning = self._begin_content() if content else b""
        self._blocks.foreign(payload)
        return beginning + self._blocks.written()

    def _finished(self, event: Finished) -> bytes:
        if self._finish is not None:
            raise RuntimeError("the answer finishes twice")
        beginning = self._begin_content()
        self._finish = event
        self._blocks.finish()
        return beginning + self._blocks.written()

    def _begin_content(self) -> bytes:
        if self._finish is not None:
            raise RuntimeError("content after the answer has finished")
        return self._begin()

    def _begin(self) -> bytes:
        """``message_start``, once; it is written late enough to tell the counts that came with the start."""
        if self._phase is not _Phase.BEFORE_START:
            return b""
        self._phase = _Phase.OPEN
        started = self._started or ReplyStarted()
        message: dict[str, Any] = {
            "id": message_id(started.id, self._answering.reply_id),
            "type": "message",
            "role": "assistant",
            "model": self._answering.model or started.model,
            "content": [],
            "stop_reason": None,
            "stop_sequence": None,
            "usage": whole_usage_fields(self._usage),
            **own(started.extensions),
        }
        return event_frame("message_start", {"message": message})

    def _message_delta(self, finish: Finished) -> bytes:
        calls = self._blocks.has_calls
        delta: dict[str, Any] = {
            "stop_reason": reason_word(finish.reason, calls_tools=calls, refuses=self._refuses),
            "stop_sequence": finish.stop_sequence,
            **own(finish.extensions),
        }
        return event_frame("message_delta", {"delta": delta, "usage": usage_fields(self._usage)})
