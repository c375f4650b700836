"""An answer being written: neutral events in, the events of its items out, and its object at any time."""

from collections.abc import Mapping
from typing import Any

import msgspec

from adapters.dialects.dialect import Answering
from adapters.dialects.openai_responses.call_items import CALL_ITEMS, CallItem
from adapters.dialects.openai_responses.frames import NumberedFrames
from adapters.dialects.openai_responses.message_item import MessageItem
from adapters.dialects.openai_responses.output_item import ForeignItem, OutputItem
from adapters.dialects.openai_responses.reasoning_item import ReasoningItem
from adapters.dialects.openai_responses.response_object import ResponseObject
from adapters.dialects.openai_responses.tool_names import ClientTool, client_tools
from adapters.dialects.openai_responses.words import NAME, Ending, ending_of, usage_object
from domain.conversation.reply import (
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


class Answer:
    """
    The output so far: what is said or thought just now, the calls that are open, and all items in order.

    Misuse raises `RuntimeError`: words after the end, a second beginning or end, arguments of a call that did
    not begin.
    """

    def __init__(self, answering: Answering, frames: NumberedFrames) -> None:
        self.object = ResponseObject(answering)
        self._answering = answering
        self._frames = frames
        self._items: list[OutputItem] = []
        self._open: dict[int, OutputItem] = {}
        self._spoken: MessageItem | ReasoningItem | None = None
        self._calls: dict[int, tuple[int, CallItem]] = {}
        self._tools: Mapping[str, ClientTool] | None = None
        self._refuses = False
        self._usage: Usage | None = None
        self._ending: Ending | None = None

    def __repr__(self) -> str:
        return f"<Answer items={len(self._items)} open={sorted(self._open)} ending={self._ending}>"

    def take(self, event: ReplyEvent) -> bytes:
        """The frames that tell this; other choices than the first have no place in this dialect."""
        match event:
            case TextDelta(text, 0) if text and isinstance(self._spoken, MessageItem):
                return self._spoken.say(event)  # what streams mostly consist of
            case UsageReported(usage):
                self._usage = usage
                return b""
            case ReplyStarted():
                return b""
            case Foreign(dialect, payload, content):
                return self._foreign(payload) if content and dialect == NAME else b""
            case _ if event.choice != 0:
                return b""
            case Finished(reason):
                return self._finish(reason)
            case _ if self._ending is not None:
                raise RuntimeError("the answer goes on after it finished")
            case ToolCallStarted() | ToolCallDelta():
                return self._call(event)
            case PartEnded(call):
                return self._end(call)
            case _:
                return self._speak(event)

    @property
    def is_finished(self) -> bool:
        return self._ending is not None

    def whole(self) -> tuple[str, dict[str, Any]]:
        """
        The status and object of an answer that has finished.

        Raises:
            RuntimeError: it has not.
        """
        if self._ending is None:
            raise RuntimeError(f"the answer is not complete: {self!r}")
        reason = self._ending.reason
        details = None if reason is None else {"reason": reason}
        return self._ending.status, self.object.told(
            self._ending.status,
            [item.told for item in self._items],
            incomplete_details=details,
            usage=usage_object(self._usage),
        )

    def broken(self, error: Any) -> dict[str, Any]:
        """The object of an answer that failed; items that were not done are not part of it."""
        done = [item.told for index, item in enumerate(self._items) if index not in self._open]
        return self.object.told("failed", done, error=error, usage=usage_object(self._usage))

    def _speak(
        self, event: TextDelta | RefusalDelta | ThinkingDelta | ThinkingSigned | RedactedThinking
    ) -> bytes:
        match event:
            case TextDelta(""):
                return b""
            case RefusalDelta("") | ThinkingDelta(""):
                return b""
            case TextDelta():
                opened, message = self._message()
                return opened + message.say(event)
            case RefusalDelta(text):
                self._refuses = True
                opened, message = self._message()
                return opened + message.refuse(text)
            case ThinkingDelta(text):
                opened, reasoning = self._reasoning()
                return opened + reasoning.think(text)
            case ThinkingSigned(signature):
                opened, reasoning = self._reasoning()
                reasoning.sign(signature)
                return opened
            case RedactedThinking(data):
                ended = self._end_spoken()
                opened, reasoning = self._reasoning()
                reasoning.redact(data)
                return ended + opened + self._end_spoken()

    def _message(self) -> tuple[bytes, MessageItem]:
        if isinstance(self._spoken, MessageItem):
            return b"", self._spoken
        ended = self._end_spoken()
        self._spoken = MessageItem(self._frames, len(self._items), self.object.bare_id)
        self._add(self._spoken)
        return ended + self._spoken.open(), self._spoken

    def _reasoning(self) -> tuple[bytes, ReasoningItem]:
        if isinstance(self._spoken, ReasoningItem):
            return b"", self._spoken
        ended = self._end_spoken()
        self._spoken = ReasoningItem(self._frames, len(self._items), self.object.bare_id)
        self._add(self._spoken)
        return ended + self._spoken.open(), self._spoken

    def _call(self, event: ToolCallStarted | ToolCallDelta) -> bytes:
        if isinstance(event, ToolCallStarted):
            return self._begin_call(event)
        if event.call not in self._calls:
            raise RuntimeError(f"tool call {event.call} has not begun")
        index, call = self._calls[event.call]
        if index not in self._open:
            raise RuntimeError(f"tool call {event.call} goes on after it ended")
        return call.grow(event.arguments) if event.arguments else b""

    def _begin_call(self, event: ToolCallStarted) -> bytes:
        if event.call in self._calls:
            raise RuntimeError(f"tool call {event.call} has begun before")
        ended = self._end_spoken()
        index, bare_id = len(self._items), self.object.bare_id
        tool = self._known_tools().get(event.name, ClientTool(event.name))
        call_id = event.id or f"call_{bare_id}_{event.call}"
        call = CALL_ITEMS[tool.form](self._frames, index, bare_id, call_id, tool)
        self._calls[event.call] = (index, call)
        self._add(call)
        return ended + call.open()

    def _known_tools(self) -> Mapping[str, ClientTool]:
        if self._tools is None:
            request = self._answering.request
            at_home = request is not None and request.dialect == NAME
            self._tools = client_tools(request.conversation.tools) if request and at_home else {}
        return self._tools

    def _foreign(self, payload: bytes) -> bytes:
        """An event that told an item whole, as `Foreign` from this dialect's own decoder does."""
        told = msgspec.json.decode(payload, type=dict[str, msgspec.Raw]).get("item")
        if told is None:
            return b""
        ended = self._end_spoken()
        item = ForeignItem(self._frames, len(self._items), told)
        self._items.append(item)
        return ended + item.open() + item.close(cut=False)

    def _end(self, call: int | None) -> bytes:
        if call is not None:
            index, _ = self._calls.get(call, (-1, None))
            return self._close(index, cut=False)
        if isinstance(self._spoken, MessageItem):
            return self._spoken.end_part()
        return self._end_spoken()

    def _finish(self, reason: str) -> bytes:
        if self._ending is not None:
            raise RuntimeError("the answer has finished before")
        self._ending = ending_of(reason, refuses=self._refuses)
        self._spoken = None
        return b"".join([self._close(index, cut=self._ending.cut) for index in sorted(self._open)])

    def _end_spoken(self) -> bytes:
        if self._spoken is None:
            return b""
        index = self._items.index(self._spoken)
        self._spoken = None
        return self._close(index, cut=False)

    def _add(self, item: OutputItem) -> None:
        self._open[len(self._items)] = item
        self._items.append(item)

    def _close(self, index: int, *, cut: bool) -> bytes:
        item = self._open.pop(index, None)
        return b"" if item is None else item.close(cut=cut)
