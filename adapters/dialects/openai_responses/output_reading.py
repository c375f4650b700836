"""Reads output items, whole or as they grow, into events."""

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from adapters.dialects.dialect import GarbledReply
from adapters.dialects.logprobs import read_logprobs
from adapters.dialects.openai_responses.free_text import wrapped
from adapters.dialects.openai_responses.tool_names import flat_name
from adapters.dialects.openai_responses.words import NAME, unsealed_redaction, unsealed_signature
from domain.conversation.parts import Logprobs
from domain.conversation.reply import (
    Foreign,
    PartEnded,
    RedactedThinking,
    RefusalDelta,
    ReplyEvent,
    TextDelta,
    ThinkingDelta,
    ThinkingSigned,
    ToolCallDelta,
    ToolCallStarted,
    WeighedText,
)

Item = Mapping[str, Any]

_CALLS = ("function_call", "custom_tool_call")
_WRAPPING = wrapped("")
_BEFORE, _AFTER = _WRAPPING[:-2], _WRAPPING[-2:]
"""What stands around free text in a function's arguments."""


class OutputReading:
    """
    The output of one answer so far: which items were announced, and which of them have grown.

    Servers differ in how much they tell twice; what was told in pieces is not told again in the end.
    """

    def __init__(self) -> None:
        self._calls: dict[int, int] = {}
        self._grown: set[int] = set()
        self._thoughts: set[int] = set()

    def __repr__(self) -> str:
        return f"<OutputReading calls={len(self._calls)} grown={sorted(self._grown)}>"

    @property
    def calls_tools(self) -> bool:
        return bool(self._calls)

    def added(self, index: int, item: Item) -> Iterator[ReplyEvent]:
        """An item begins."""
        if item.get("type") in _CALLS:
            yield from self._begin_call(index, item)

    def text(self, index: int, piece: str) -> Iterator[ReplyEvent]:
        self._grown.add(index)
        yield TextDelta(piece)

    def weighed_text(self, index: int, piece: str, logprobs: Logprobs) -> Iterator[ReplyEvent]:
        self._grown.add(index)
        yield WeighedText(piece, 0, logprobs)

    def refusal(self, index: int, piece: str) -> Iterator[ReplyEvent]:
        self._grown.add(index)
        yield RefusalDelta(piece)

    def thought(self, index: int, piece: str) -> Iterator[ReplyEvent]:
        self._grown.add(index)
        yield ThinkingDelta(piece)

    def thought_part(self, index: int) -> Iterator[ReplyEvent]:
        """Another paragraph of a summary begins."""
        if index in self._thoughts:
            yield ThinkingDelta("\n\n")
        self._thoughts.add(index)

    def arguments(self, index: int, piece: str) -> Iterator[ReplyEvent]:
        self._grown.add(index)
        yield ToolCallDelta(self._call(index), piece)

    def free_text(self, index: int, piece: str) -> Iterator[ReplyEvent]:
        """Text as it stands within a JSON string."""
        yield from self.arguments(index, msgspec.json.encode(piece).decode()[1:-1])

    def done(self, index: int, item: Item, written: bytes) -> Iterator[ReplyEvent]:
        """
        An item is complete.

        Args:
            written: the event that told it, as it came.
        """
        match item.get("type"):
            case "message":
                if index not in self._grown:
                    yield from _content(item)
            case "reasoning":
                yield from self._reasoning(index, item)
            case "function_call" | "custom_tool_call":
                yield from self._end_call(index, item)
            case _:
                yield Foreign(NAME, written, content=True)

    def _begin_call(self, index: int, item: Item) -> Iterator[ReplyEvent]:
        number = self._calls[index] = len(self._calls)
        call_id, name, namespace = item.get("call_id"), item.get("name"), item.get("namespace")
        if not isinstance(call_id, str) or not isinstance(name, str):
            raise GarbledReply(f"output[{index}]: a call without call_id or name")
        yield ToolCallStarted(
            number, call_id, flat_name(namespace, name) if isinstance(namespace, str) else name
        )
        if item["type"] == "custom_tool_call":
            yield ToolCallDelta(number, _BEFORE)

    def _end_call(self, index: int, item: Item) -> Iterator[ReplyEvent]:
        if index not in self._calls:
            yield from self._begin_call(index, item)
        custom = item["type"] == "custom_tool_call"
        whole = item.get("input" if custom else "arguments")
        if index not in self._grown and isinstance(whole, str) and whole:
            yield from self.free_text(index, whole) if custom else self.arguments(index, whole)
        if custom:
            yield ToolCallDelta(self._calls[index], _AFTER)
        yield PartEnded(self._calls[index])

    def _reasoning(self, index: int, item: Item) -> Iterator[ReplyEvent]:
        """What OpenAI itself sealed means nothing to anybody else, and is not told."""
        redacted = unsealed_redaction(item.get("encrypted_content"))
        if redacted is not None:
            yield RedactedThinking(redacted)
            return
        if index not in self._grown and (text := _thoughts(item)):
            yield ThinkingDelta(text)
        signature = unsealed_signature(item.get("encrypted_content"))
        if signature is not None:
            yield ThinkingSigned(signature)
        yield PartEnded()

    def _call(self, index: int) -> int:
        if index not in self._calls:
            raise GarbledReply(f"output[{index}]: arguments of a call that did not begin")
        return self._calls[index]


def _content(item: Item) -> Iterator[ReplyEvent]:
    for part in item.get("content") or ():
        match part:
            case {"type": "output_text", "text": str(text)}:
                logprobs = read_logprobs(part.get("logprobs"))
                yield WeighedText(text, 0, logprobs) if logprobs else TextDelta(text)
                yield PartEnded()
            case {"type": "refusal", "refusal": str(text)}:
                yield RefusalDelta(text)
                yield PartEnded()
            case _:
                pass


def _thoughts(item: Item) -> str:
    """The thoughts themselves if the server shows them, else their summary."""
    for field in ("content", "summary"):
        parts = item.get(field)
        if isinstance(parts, list) and parts:
            return "\n\n".join(part["text"] for part in parts if isinstance(part.get("text"), str))
    return ""
