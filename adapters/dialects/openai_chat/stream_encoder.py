"""Writes a stream of chat completion chunks."""

from typing import Any

import msgspec

from adapters.dialects.dialect import Answering, ErrorReport
from adapters.dialects.openai_chat.errors import encode_error
from adapters.dialects.openai_chat.frames import DONE_FRAME
from adapters.dialects.openai_chat.tallies import finish_reason, usage_object
from adapters.dialects.openai_chat.wire import NAME
from adapters.dialects.sse import comment_frame, data_frame
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
        self._order = _Order()
        self._name = _ModelName(answering.model)
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
            return self._text(event.text, event.choice)
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
            case _:
                delta = _delta(event)
                return self._role(event.choice) + self._choice_frame(event.choice, delta) if delta else b""

    def _text(self, text: str, choice: int) -> bytes:
        self._order.tell(choice)
        if not text:
            return b""
        return self._role(choice) + self._choice_frame(choice, b'{"content":%b}' % _json(text))

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


class _ModelName:
    """Puts the name that the client used where the upstream wrote the real one."""

    def __init__(self, shown: str) -> None:
        self._shown = shown
        self._candidates: tuple[bytes, ...] = ()
        self._found = b""
        self._replacement = b""

    def learn(self, real: str) -> None:
        """Servers differ in the space after the colon, and in whether they escape a slash."""
        if not real or self._shown in {"", real}:
            return
        name = _json(real)
        spellings = dict.fromkeys((name, name.replace(b"/", b"\\/")))
        self._candidates = tuple(b'"model":' + space + spelt for spelt in spellings for space in (b"", b" "))
        self._replacement = b'"model":' + _json(self._shown)

    def replaced_in(self, data: bytes) -> bytes:
        """
        The frames under the other name.

        Text cannot be hit: within a JSON string each quote stands behind a backslash.
        """
        if not self._found:
            self._found = next((token for token in self._candidates if token in data), b"")
        return data.replace(self._found, self._replacement) if self._found else data


class _Order:
    """What may come next: which choices were opened, which tool calls began, which choices have finished."""

    def __init__(self) -> None:
        self._begun = False
        self._passed_on = False
        self._opened: set[int] = set()
        self._calls: set[tuple[int, int]] = set()
        self._finished: set[int] = set()
        self._told: set[int] = set()

    def __repr__(self) -> str:
        return f"told={sorted(self._told)} finished={sorted(self._finished)}"

    def begin(self) -> None:
        if self._begun:
            raise RuntimeError("the answer has begun before")
        self._begun = True

    def end(self) -> None:
        if not self._finished or self._told != self._finished:
            raise RuntimeError(f"the answer is not complete: {self!r}")

    def passed_on(self) -> None:
        """Upstream's own frames have opened whatever choices they tell of."""
        self._passed_on = True

    def opens(self, choice: int) -> bool:
        """Whether this choice has yet to be opened; it then counts as opened."""
        if self._passed_on or choice in self._opened:
            return False
        self._opened.add(choice)
        return True

    def called_tools(self, choice: int) -> bool:
        return any(of == choice for of, _ in self._calls)

    def admit(self, event: ReplyEvent) -> None:
        match event:
            case (
                UsageReported()
                | ReplyStarted()
                | Foreign()
                | PartEnded()
                | ThinkingSigned()
                | RedactedThinking()
            ):
                return
            case ToolCallStarted(call=call, choice=choice) if (choice, call) in self._calls:
                raise RuntimeError(f"tool call {call} has begun before")
            case ToolCallDelta(call=call, choice=choice) if (choice, call) not in self._calls:
                raise RuntimeError(f"tool call {call} has not begun")
            case ToolCallStarted(call=call, choice=choice):
                self._calls.add((choice, call))
            case _:
                pass
        self.tell(event.choice)
        if isinstance(event, Finished):
            self._finished.add(event.choice)

    def tell(self, choice: int) -> None:
        """Words of a choice, or its end."""
        if choice in self._finished:
            raise RuntimeError(f"choice {choice} goes on after it finished")
        self._begun = True
        self._told.add(choice)
