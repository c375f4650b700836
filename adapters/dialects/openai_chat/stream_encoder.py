"""Writes a stream of chat completion chunks."""

from typing import Any

import msgspec

from adapters.dialects.dialect import Answering, ErrorReport
from adapters.dialects.model_name import ModelName
from adapters.dialects.openai_chat.frames import DONE_FRAME
from adapters.dialects.openai_chat.order import Order
from adapters.dialects.openai_chat.wire import NAME
from adapters.dialects.openai_chat.words import made_call_id
from adapters.dialects.openai_errors import encode_error
from adapters.dialects.openai_tallies import finish_reason, usage_object
from adapters.dialects.sse import comment_frame, data_frame
from domain.conversation.reply import (
    Batch,
    Finished,
    Foreign,
    RefusalDelta,
    ReplyEvent,
    ReplyStarted,
    TextDelta,
    ThinkingDelta,
    ToolCallDelta,
    ToolCallStarted,
    Usage,
    UsageReported,
    WeighedText,
)

_PING = comment_frame(b"ping")
_json = msgspec.json.Encoder().encode


class ChatStreamEncoder:
    """
    One stream to a client.

    Misuse raises `RuntimeError`: words after a choice's end, a second beginning or end, arguments of a call
    that did not begin, anything after the stream's end.
    """

    def __init__(self, answering: Answering) -> None:
        self._answering = answering
        self._order = Order()
        self._name = ModelName(answering.model)
        self._heading = _heading(ReplyStarted(), answering)
        self._usage: Usage | None = None
        self._ended = False

    def __repr__(self) -> str:
        return f"<ChatStreamEncoder {self._order!r} ended={self._ended}>"

    def send(self, batch: Batch) -> bytes:
        self._refuse_after_end()
        wire = batch.wire
        if wire is not None and wire.dialect == NAME and not wire.whole:
            return self._passed_on(batch.events, wire.data)
        return b"".join([self._written(event) for event in batch.events])

    def close(self) -> bytes:
        self._refuse_after_end()
        self._order.end()
        self._ended = True
        if self._usage is None or not self._answering.wants_usage:
            return DONE_FRAME
        return self._frame(b"[]", b',"usage":' + _json(usage_object(self._usage))) + DONE_FRAME

    def fail(self, report: ErrorReport) -> bytes:
        self._refuse_after_end()
        self._ended = True
        return data_frame(encode_error(report))

    def ping(self) -> bytes:
        return _PING

    def _refuse_after_end(self) -> None:
        if self._ended:
            raise RuntimeError("the stream has ended")

    def _passed_on(self, events: tuple[ReplyEvent, ...], data: bytes) -> bytes:
        only_usage = bool(events)
        for event in events:
            if isinstance(event, UsageReported):
                continue
            only_usage = False
            if isinstance(event, TextDelta):
                self._order.tell(event.choice)
            else:
                self._note(event)
        if only_usage and not self._answering.wants_usage:
            return b""
        if events and isinstance(events[-1], UsageReported):
            self._usage = None  # the client has seen it
        self._order.passed_on()
        return self._name.replaced_in(data)

    def _note(self, event: ReplyEvent) -> None:
        if isinstance(event, ReplyStarted):
            self._begin(event)
        else:
            self._order.admit(event)

    def _begin(self, event: ReplyStarted) -> None:
        self._order.begin()
        self._heading = _heading(event, self._answering)
        self._name.learn(event.model)

    def _written(self, event: ReplyEvent) -> bytes:
        if isinstance(event, TextDelta):
            return self._text(event)
        self._note(event)
        match event:
            case ReplyStarted():
                return self._role(0)
            case UsageReported(usage):
                self._usage = usage
                return b""
            case Foreign(dialect, payload):
                return self._foreign(payload) if dialect == NAME else b""
            case Finished(reason=reason, choice=choice):
                word = finish_reason(reason, called_tools=self._order.called_tools(choice))
                return self._role(choice) + self._choice_frame(choice, b"{}", _json(word))
            case ToolCallStarted(call=call, id="", name=name, choice=choice):
                named = ToolCallStarted(call, made_call_id(self._answering.reply_id, call), name, choice)
                return self._role(choice) + self._choice_frame(choice, _delta(named))
            case _:
                delta = _delta(event)
                return self._role(event.choice) + self._choice_frame(event.choice, delta) if delta else b""

    def _text(self, event: TextDelta) -> bytes:
        self._order.tell(event.choice)
        if not event.text:
            return b""
        delta = b'{"content":%b}' % _json(event.text)
        if isinstance(event, WeighedText):
            return self._role(event.choice) + self._weighed(event, delta)
        return self._role(event.choice) + self._choice_frame(event.choice, delta)

    def _weighed(self, event: WeighedText, delta: bytes) -> bytes:
        logprobs = _json({"content": event.logprobs, "refusal": None})
        choice = b'[{"index":%d,"delta":%b,"logprobs":%b,"finish_reason":null}]'
        return self._frame(choice % (event.choice, delta, logprobs))

    def _role(self, choice: int) -> bytes:
        """The chunk that opens a choice, once."""
        if not self._order.opens(choice):
            return b""
        return self._choice_frame(choice, b'{"role":"assistant","content":""}')

    def _foreign(self, payload: bytes) -> bytes:
        told = msgspec.json.decode(payload, type=dict[str, msgspec.Raw])
        return self._role(0) + self._frame(bytes(told.get("choices", b"[]")))

    def _choice_frame(self, choice: int, delta: bytes, reason: bytes = b"null") -> bytes:
        return self._frame(b'[{"index":%d,"delta":%b,"finish_reason":%b}]' % (choice, delta, reason))

    def _frame(self, choices: bytes, more: bytes = b"") -> bytes:
        return b'%b,"choices":%b%b}\n\n' % (self._heading, choices, more)


def _heading(event: ReplyStarted, answering: Answering) -> bytes:
    """A chunk's frame up to its choices."""
    fields: dict[str, Any] = {
        "id": event.id or f"chatcmpl-{answering.reply_id}",
        "object": "chat.completion.chunk",
        "created": answering.created if event.created is None else event.created,
        "model": answering.model or event.model,
        **event.extensions.get(NAME, {}),
    }
    return b"data: " + _json(fields)[:-1]


def _delta(event: ReplyEvent) -> bytes:
    """What an event adds; empty when this dialect has no word for it."""
    match event:
        case ThinkingDelta(text) if text:
            return b'{"reasoning_content":%b}' % _json(text)
        case RefusalDelta(text) if text:
            return b'{"refusal":%b}' % _json(text)
        case ToolCallStarted(call, call_id, name):
            function = {"name": name, "arguments": ""}
            return _json(
                {"tool_calls": [{"index": call, "id": call_id, "type": "function", "function": function}]}
            )
        case ToolCallDelta(call, arguments) if arguments:
            return _json({"tool_calls": [{"index": call, "function": {"arguments": arguments}}]})
        case _:
            return b""
