"""Follows the content blocks of an answer while they open, grow and end."""

from dataclasses import dataclass
from enum import Enum, auto
from typing import Any

import msgspec

from adapters.dialects.anthropic_messages.told import excerpt, words
from adapters.dialects.anthropic_messages.words import NAME
from adapters.dialects.dialect import GarbledReply
from domain.conversation.reply import (
    Foreign,
    PartEnded,
    RedactedThinking,
    ReplyEvent,
    TextDelta,
    ThinkingDelta,
    ThinkingSigned,
    ToolCallDelta,
    ToolCallStarted,
)


class _Kind(Enum):
    """What an open block holds, as far as its deltas and its end differ."""

    WORDS = auto()
    CALL = auto()
    SEALED = auto()
    FOREIGN = auto()


@dataclass(slots=True)
class _Block:
    kind: _Kind
    call: int | None = None
    said: bool = False


class Delta(msgspec.Struct, gc=False):
    """What a block grows by; one of the texts, by ``type``."""

    type: str = ""
    text: str = ""
    thinking: str = ""
    signature: str = ""
    partial_json: str = ""


class _Input(msgspec.Struct):
    input: msgspec.Raw = msgspec.Raw(b"")


class _StartEvent(msgspec.Struct):
    content_block: _Input


_start_events = msgspec.json.Decoder(_StartEvent)
_NONE_YET = (b"", b"{}", b"null", b'""')
"""What stands for the input of a call whose arguments are still to come."""


class OpenBlocks:
    """
    The blocks of one answer; calls get their numbers in the order of their blocks.

    Attributes:
        overlapped: a block has begun before the one before it had ended. The dialect has no such streams, but
            llama.cpp keeps parallel calls open at once.
    """

    def __init__(self) -> None:
        self.overlapped = False
        self._blocks: dict[int, _Block] = {}
        self._calls = 0

    def __repr__(self) -> str:
        return f"<OpenBlocks {sorted(self._blocks)} calls={self._calls}>"

    def start(self, index: int, shown: dict[str, Any], data: bytes) -> tuple[ReplyEvent, ...]:
        """
        A block begins, perhaps with words in it already.

        Args:
            index: of the block.
            shown: the block as it begins.
            data: the event that said so.
        """
        match words(shown, "type"):
            case "":
                raise GarbledReply(f"content_block.type: expected a string in {excerpt(data)}")
            case "text":
                block = self._opened(index, _Kind.WORDS)
                return _said(block, words(shown, "text"), TextDelta)
            case "thinking":
                block = self._opened(index, _Kind.WORDS)
                thought = _said(block, words(shown, "thinking"), ThinkingDelta)
                return thought + _said(block, words(shown, "signature"), ThinkingSigned)
            case "redacted_thinking":
                self._opened(index, _Kind.SEALED)
                return (RedactedThinking(words(shown, "data")),)
            case "tool_use":
                return self._start_call(index, shown, data)
            case _:
                self._opened(index, _Kind.FOREIGN)
                return (Foreign(NAME, data, content=True),)

    def grow(self, index: int, delta: Delta, data: bytes) -> tuple[ReplyEvent, ...]:
        """
        A block grows; a delta that the neutral model has no word for stays foreign.

        Raises:
            GarbledReply: no such block is open, or the delta has no type.
        """
        block = self._blocks.get(index)
        if block is None:
            raise GarbledReply(f"content_block_delta: no block {index} is open")
        if delta.type == "text_delta" and delta.text and block.kind is _Kind.WORDS:
            block.said = True
            return (TextDelta(delta.text),)
        match delta.type:
            case "text_delta" if block.kind is _Kind.WORDS:
                return ()
            case "input_json_delta" if block.call is not None:
                return _argued(block, block.call, delta.partial_json)
            case "thinking_delta" if block.kind is _Kind.WORDS:
                return _said(block, delta.thinking, ThinkingDelta)
            case "signature_delta" if block.kind is _Kind.WORDS:
                return _said(block, delta.signature, ThinkingSigned)
            case "":
                raise GarbledReply(f"content_block_delta: the delta has no type: {excerpt(data)}")
            case _:
                return (Foreign(NAME, data, content=True),)

    def grow_unread(self, index: int, data: bytes) -> tuple[ReplyEvent, ...]:
        """A block grows by something that is not a `Delta`; only foreign blocks may."""
        block = self._blocks.get(index)
        if block is None or block.kind is not _Kind.FOREIGN:
            raise GarbledReply(f"content_block_delta: not what the dialect allows: {excerpt(data)}")
        return (Foreign(NAME, data, content=True),)

    def end(self, index: int, data: bytes) -> tuple[ReplyEvent, ...]:
        """A block ends; a call that told no arguments has none, a text that said nothing is no part."""
        match self._blocks.pop(index, None):
            case _Block(kind=_Kind.CALL, call=int(call), said=True):
                return (PartEnded(call),)
            case _Block(kind=_Kind.CALL, call=int(call)):
                return ToolCallDelta(call, "{}"), PartEnded(call)
            case _Block(kind=_Kind.WORDS, said=True):
                return (PartEnded(),)
            case _Block(kind=_Kind.FOREIGN):
                return (Foreign(NAME, data, content=True),)
            case _:
                return ()

    def _opened(self, index: int, kind: _Kind, call: int | None = None) -> _Block:
        self.overlapped = self.overlapped or bool(self._blocks)
        block = self._blocks[index] = _Block(kind, call)
        return block

    def _start_call(self, index: int, shown: dict[str, Any], data: bytes) -> tuple[ReplyEvent, ...]:
        call, self._calls = self._calls, self._calls + 1
        block = self._opened(index, _Kind.CALL, call)
        begun = ToolCallStarted(call, words(shown, "id"), words(shown, "name"))
        whole = bytes(_start_events.decode(data).content_block.input)
        return (begun,) if whole in _NONE_YET else (begun, *_argued(block, call, whole.decode()))


def _argued(block: _Block, call: int, text: str) -> tuple[ReplyEvent, ...]:
    if not text:
        return ()
    block.said = True
    return (ToolCallDelta(call, text),)


def _said(
    block: _Block, text: str, event: type[TextDelta] | type[ThinkingDelta] | type[ThinkingSigned]
) -> tuple[ReplyEvent, ...]:
    if not text:
        return ()
    block.said = True
    return (event(text),)
