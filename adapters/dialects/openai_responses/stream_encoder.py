"""Writes a stream of Responses events."""

from adapters.dialects.dialect import Answering, ErrorReport
from adapters.dialects.openai_responses.answer import Answer
from adapters.dialects.openai_responses.errors import failure_object
from adapters.dialects.openai_responses.frames import NumberedFrames
from domain.conversation.reply import Batch, ReplyEvent, ReplyStarted, UsageReported


class ResponsesStreamEncoder:
    """
    One stream to a client.

    Every event is written anew, also where the upstream spoke this dialect: an event's number counts what
    *we* sent, pings among it, and servers that leave out the indices must not pass theirs on.

    Misuse raises `RuntimeError`: see `Answer`, and anything after the stream's end.
    """

    def __init__(self, answering: Answering) -> None:
        self._frames = NumberedFrames()
        self._answer = Answer(answering, self._frames)
        self._begun = False
        self._started = False
        self._ended = False

    def __repr__(self) -> str:
        return f"<ResponsesStreamEncoder {self._answer!r} ended={self._ended}>"

    def send(self, batch: Batch) -> bytes:
        self._refuse_after_end()
        return b"".join([self._written(event) for event in batch.events])

    def close(self) -> bytes:
        self._refuse_after_end()
        status, told = self._answer.whole()
        self._ended = True
        return self._frames.frame(f"response.{status}", {"response": told})

    def fail(self, report: ErrorReport) -> bytes:
        self._refuse_after_end()
        begun = self._begin()
        self._ended = True
        told = self._answer.broken(failure_object(report))
        return begun + self._frames.frame("response.failed", {"response": told})

    def ping(self) -> bytes:
        """
        A real event, as Codex counts no comment as a sign of life; nothing once the stream has ended.
        """
        if self._ended:
            return b""
        return self._begin() or self._in_progress()

    def _refuse_after_end(self) -> None:
        if self._ended:
            raise RuntimeError("the stream has ended")

    def _written(self, event: ReplyEvent) -> bytes:
        if isinstance(event, ReplyStarted):
            return self._start(event)
        if self._begun or isinstance(event, UsageReported):
            return self._answer.take(event)
        return self._begin() + self._answer.take(event)

    def _start(self, event: ReplyStarted) -> bytes:
        if self._started:
            raise RuntimeError("the answer has begun before")
        self._started = True
        self._answer.object.begin(event, keeps_id=self._begun)
        return self._begin()

    def _begin(self) -> bytes:
        """The events that open every stream, once."""
        if self._begun:
            return b""
        self._begun = True
        created = self._frames.frame(
            "response.created", {"response": self._answer.object.told("in_progress")}
        )
        return created + self._in_progress()

    def _in_progress(self) -> bytes:
        return self._frames.frame(
            "response.in_progress", {"response": self._answer.object.told("in_progress")}
        )
