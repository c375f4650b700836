"""
Reads the messages that agents mostly send in one step.

A long history is hundreds of messages of text, calls and results. Those that hold nothing else are decoded
straight into typed values, all in one pass if they can be; any other is left to the reader that keeps unknown
fields and names faults. Both give the same message.
"""

from typing import Any, Literal, TypeAlias

import msgspec

from domain.conversation.parts import Part, Text, Thinking, ToolCall, ToolResult
from domain.conversation.request import Message, Role, Tool

_BRACE = ord("{")
_ROLES = {"user": Role.USER, "assistant": Role.ASSISTANT, "system": Role.SYSTEM}


class _OutOfTheOrdinary(Exception):
    """Something that no type rules out, but that the careful reader must see."""


class _Text(msgspec.Struct, tag="text", tag_field="type", forbid_unknown_fields=True, gc=False):
    text: str
    cache_control: Any = None

    def part(self) -> Text:
        return Text(text=self.text, cache_control=self.cache_control)


class _Thinking(msgspec.Struct, tag="thinking", tag_field="type", forbid_unknown_fields=True, gc=False):
    thinking: str
    signature: str | None = None

    def part(self) -> Thinking:
        return Thinking(text=self.thinking, signature=self.signature)


class _ToolUse(msgspec.Struct, tag="tool_use", tag_field="type", forbid_unknown_fields=True, gc=False):
    id: str
    name: str
    input: msgspec.Raw
    cache_control: Any = None

    def part(self) -> ToolCall:
        arguments = bytes(self.input)
        if arguments[0] != _BRACE:
            raise _OutOfTheOrdinary
        return ToolCall(
            id=self.id, name=self.name, arguments=arguments.decode(), cache_control=self.cache_control
        )


class _ToolResult(msgspec.Struct, tag="tool_result", tag_field="type", forbid_unknown_fields=True, gc=False):
    tool_use_id: str
    content: str | list[_Text] | None = None
    is_error: bool | None = None
    cache_control: Any = None

    def part(self) -> ToolResult:
        return ToolResult(
            call_id=self.tool_use_id,
            content=_texts(self.content),
            is_error=self.is_error or False,
            cache_control=self.cache_control,
        )


_Content: TypeAlias = str | list[_Text | _Thinking | _ToolUse | _ToolResult]


class _Message(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    role: Literal["user", "assistant", "system"]
    content: _Content

    def message(self) -> Message:
        return Message(role=_ROLES[self.role], parts=_parts(self.content))


class _Tool(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    name: str
    description: str | None = None
    input_schema: dict[str, Any] | None = None
    cache_control: Any = None
    type: Literal["custom"] | None = None

    def tool(self) -> Tool:
        return Tool(
            name=self.name,
            description=self.description,
            parameters=self.input_schema,
            cache_control=self.cache_control,
        )


_message = msgspec.json.Decoder(_Message)
_content = msgspec.json.Decoder(_Content)
_messages = msgspec.json.Decoder(list[_Message])
_tools = msgspec.json.Decoder(list[_Tool] | None)
_FAULTS = (msgspec.DecodeError, RecursionError, UnicodeDecodeError, _OutOfTheOrdinary)


def plain_messages(raw: msgspec.Raw) -> tuple[Message, ...] | None:
    """All messages, or ``None`` when one of them holds anything out of the ordinary or at fault."""
    try:
        return tuple([read.message() for read in _messages.decode(raw)])
    except _FAULTS:
        return None


def plain_message(raw: msgspec.Raw) -> Message | None:
    """The message, or ``None`` when it holds anything out of the ordinary or at fault."""
    try:
        return _message.decode(raw).message()
    except _FAULTS:
        return None


def plain_content(raw: msgspec.Raw) -> tuple[Part, ...] | None:
    """What a message says, or ``None`` when any of it is out of the ordinary or at fault."""
    try:
        return _parts(_content.decode(raw))
    except _FAULTS:
        return None


def plain_tools(raw: msgspec.Raw) -> tuple[Tool, ...] | None:
    """The tools, or ``None`` when one of them is not simply the client's own, or is at fault."""
    try:
        return tuple([read.tool() for read in _tools.decode(raw) or ()])
    except _FAULTS:
        return None


def _parts(content: _Content) -> tuple[Part, ...]:
    if isinstance(content, str):
        return (Text(text=content),)
    return tuple([block.part() for block in content])


def _texts(content: str | list[_Text] | None) -> tuple[Text, ...]:
    if isinstance(content, str):
        return (Text(text=content),) if content else ()
    return tuple([block.part() for block in content or ()])
