"""Writes a stream of text completion chunks."""

import msgspec

from adapters.dialects.dialect import Answering, ErrorReport
from adapters.dialects.model_name import ModelName
from adapters.dialects.openai_completions.wire import NAME
from adapters.dialects.openai_errors import encode_error
from adapters.dialects.openai_tallies import finish_reason, usage_object
from adapters.dialects.sse import comment_frame, data_frame
from domain.conversation.reply import (
    Batch,
    Finished,
    ReplyEvent,
    ReplyStarted,
    TextDelta,
    Usage,
    UsageReported,
)

_DONE_FRAME = data_frame(b"[DONE]")
_PING = comment_frame(b"ping")
_json = msgspec.json.Encoder().encode


class CompletionsStreamEncoder:
    """
    One stream to a client; what is no text has no place in it.

    Misuse raises `RuntimeError`: text after its end, a second beginning, anything after the stream's end.
    """

    def __init__(self, answering: Answering) -> None:
        self._answering = answering
        self._name = ModelName(answering.model)
        self._started: ReplyStarted | None = None
        self._told: set[int] = set()
        self._finished: set[int] = set()
        self._usage: Usage | None = None
        self._ended = False

    def __repr__(self) -> str:
        told, finished = sorted(self._told), sorted(self._finished)
        return f"<CompletionsStreamEncoder told={told} finished={finished} ended={self._ended}>"

    def send(self, batch: Batch) -> bytes:
        self._refuse_after_end()
        written = b"".join([self._written(event) for event in batch.events])
        wire = batch.wire
        if wire is None or wire.dialect != NAME or wire.whole:
            return written
        reports = [isinstance(event, UsageReported) for event in batch.events]
        if any(reports):
            self._usage = None  # what is passed on needs not be told again
        only_reports = bool(reports) and all(reports)
        return b"" if only_reports and not self._answering.wants_usage else self._name.replaced_in(wire.data)

    def close(self) -> bytes:
        self._refuse_after_end()
        if not self._finished or self._told - self._finished:
            raise RuntimeError(f"the answer is not complete: {self!r}")
        self._ended = True
        if self._usage is None or not self._answering.wants_usage:
            return _DONE_FRAME
        return self._frame(b"[]", b',"usage":' + _json(usage_object(self._usage))) + _DONE_FRAME

    def fail(self, report: ErrorReport) -> bytes:
        self._refuse_after_end()
        self._ended = True
        return data_frame(encode_error(report))

    def ping(self) -> bytes:
        return _PING

    def _refuse_after_end(self) -> None:
        if self._ended:
            raise RuntimeError("the stream has ended")

    def _written(self, event: ReplyEvent) -> bytes:
        match event:
            case ReplyStarted():
                self._start(event)
                return b""
            case UsageReported(usage):
                self._usage = usage
                return b""
            case TextDelta(text, choice):
                self._tell(choice)
                return self._choice(choice, text, None) if text else b""
            case Finished(reason=reason, choice=choice):
                self._tell(choice)
                self._finished.add(choice)
                return self._choice(choice, "", finish_reason(reason))
            case _:
                return b""

    def _start(self, event: ReplyStarted) -> None:
        if self._started is not None or self._told:
            raise RuntimeError("the answer has begun before")
        self._started = event
        self._name.learn(event.model)

    def _tell(self, choice: int) -> None:
        if choice in self._finished:
            raise RuntimeError(f"choice {choice} goes on after it finished")
        self._told.add(choice)

    def _choice(self, index: int, text: str, reason: str | None) -> bytes:
        return self._frame(_json([{"index": index, "text": text, "logprobs": None, "finish_reason": reason}]))

    def _frame(self, choices: bytes, more: bytes = b"") -> bytes:
        started = self._started or ReplyStarted()
        heading = {
            "id": started.id or f"cmpl-{self._answering.reply_id}",
            "object": "text_completion",
            "created": self._answering.created if started.created is None else started.created,
            "model": self._answering.model or started.model,
        }
        return b'data: %b,"choices":%b%b}\n\n' % (_json(heading)[:-1], choices, more)
