"""
Reads the messages that agents mostly send in one step.

A long history is hundreds of messages of text, calls and results. Those that hold nothing else are decoded
straight into typed values; any other is left to the reader that keeps unknown fields and names faults. Both
give the same message.
"""

from typing import Any, Literal

import msgspec

from domain.conversation.parts import Part, Text, Thinking, ToolCall, ToolResult
from domain.conversation.request import Message, Role


class _Text(msgspec.Struct, tag="text", tag_field="type", forbid_unknown_fields=True):
    text: str
    cache_control: Any = None


class _Thinking(msgspec.Struct, tag="thinking", tag_field="type", forbid_unknown_fields=True):
    thinking: str
    signature: str | None = None


class _ToolUse(msgspec.Struct, tag="tool_use", tag_field="type", forbid_unknown_fields=True):
    id: str
    name: str
    input: msgspec.Raw
    cache_control: Any = None


class _ToolResult(msgspec.Struct, tag="tool_result", tag_field="type", forbid_unknown_fields=True):
    tool_use_id: str
    content: str | list[_Text] | None = None
    is_error: bool | None = None
    cache_control: Any = None


class _Message(msgspec.Struct, forbid_unknown_fields=True):
    role: Literal["user", "assistant", "system"]
    content: str | list[_Text | _Thinking | _ToolUse | _ToolResult]


_BRACE = ord("{")
_messages = msgspec.json.Decoder(_Message)
_ROLES = {"user": Role.USER, "assistant": Role.ASSISTANT, "system": Role.SYSTEM}


def plain_message(raw: msgspec.Raw) -> Message | None:
    """The message, or ``None`` when it holds anything out of the ordinary or at fault."""
    try:
        message = _messages.decode(raw)
    except (msgspec.DecodeError, RecursionError):
        return None
    content = message.content
    if isinstance(content, str):
        return Message(role=_ROLES[message.role], parts=(Text(text=content),))
    if any(isinstance(block, _ToolUse) and memoryview(block.input)[0] != _BRACE for block in content):
        return None
    return Message(role=_ROLES[message.role], parts=tuple([_part(block) for block in content]))


def _part(block: _Text | _Thinking | _ToolUse | _ToolResult) -> Part:
    match block:
        case _Text():
            return _text(block)
        case _ToolUse():
            return ToolCall(
                id=block.id,
                name=block.name,
                arguments=bytes(block.input).decode(),
                cache_control=block.cache_control,
            )
        case _ToolResult():
            return ToolResult(
                call_id=block.tool_use_id,
                content=_result_content(block.content),
                is_error=block.is_error or False,
                cache_control=block.cache_control,
            )
        case _Thinking():
            return Thinking(text=block.thinking, signature=block.signature)


def _result_content(content: str | list[_Text] | None) -> tuple[Text, ...]:
    if not content:
        return ()
    if isinstance(content, str):
        return (Text(text=content),)
    return tuple([_text(block) for block in content])


def _text(block: _Text) -> Text:
    return Text(text=block.text, cache_control=block.cache_control)
