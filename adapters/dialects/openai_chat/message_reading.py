"""Reads messages: who speaks, what is said, which tools are called and what they answered."""

from collections.abc import Sequence
from typing import Any

from adapters.dialects.fields import Fields, expected
from adapters.dialects.openai_chat.part_reading import content_parts, json_of, kept
from adapters.dialects.openai_chat.wire import NAME
from adapters.dialects.openai_chat.words import arguments_text
from domain.conversation.parts import (
    Document,
    ForeignPart,
    Image,
    Part,
    Refusal,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
)
from domain.conversation.request import MalformedRequest, Message, Role

ROLES = ("system", "developer", "user", "assistant", "tool", "function")
"""``function`` is the older word for ``tool``."""


_ROLES = {role.value: role for role in Role}


def read_messages(messages: Sequence[Any]) -> tuple[Message, ...]:
    """
    All messages, in order.

    Raises:
        MalformedRequest: with the place, as ``messages[2].content[0].type``.
    """
    reading = _MessageReading()
    return tuple(reading.read(message, f"messages[{index}]") for index, message in enumerate(messages))


def read_message(message: Any, index: int) -> Message:
    """
    One message by itself; a call or an answer of the older form gets an id that only counts here.

    Raises:
        MalformedRequest: with the place.
    """
    return _MessageReading().read(message, f"messages[{index}]")


def role_of(fields: Fields) -> str:
    role = fields.text("role")
    if role not in ROLES:
        raise MalformedRequest(fields.path("role"), f"expected one of {', '.join(ROLES)}, found {role!r}")
    return role


class _MessageReading:
    """Messages being read in order; pairs calls and answers of the older form, which has no ids."""

    def __init__(self) -> None:
        self._nameless_calls = 0

    def read(self, message: Any, path: str) -> Message:
        fields = Fields(message, path)
        role = role_of(fields)
        if role == "function":
            return self._function_answer(fields)
        if role == "tool":
            return Message(role=Role.TOOL, parts=_tool(fields))
        parts = _assistant(fields) if role == "assistant" else _plain(fields)
        if role == "assistant":
            parts += self._function_call(fields)
        name = fields.optional_text("name")
        return Message(role=_ROLES[role], parts=parts, name=name, extensions=kept(fields.rest()))

    def _function_call(self, fields: Fields) -> tuple[Part, ...]:
        if not fields.has("function_call"):
            return ()
        function = fields.nested("function_call")
        self._nameless_calls += 1
        arguments = arguments_text(function.anything("arguments"))
        return (ToolCall(id=self._id(), name=function.text("name"), arguments=arguments),)

    def _function_answer(self, fields: Fields) -> Message:
        content = _result_content(fields)
        result = ToolResult(call_id=self._id(), content=content, extensions=kept(fields.rest()))
        return Message(role=Role.TOOL, parts=(result,))

    def _id(self) -> str:
        return f"call_function_{self._nameless_calls}"


def _plain(fields: Fields) -> tuple[Part, ...]:
    return content_parts(fields.anything("content"), fields.path("content"))


def _assistant(fields: Fields) -> tuple[Part, ...]:
    thinking = _thinking(fields)
    content = content_parts(fields.anything("content"), fields.path("content"))
    refusal = fields.optional_text("refusal")
    refusals = (Refusal(text=refusal),) if refusal else ()
    path = fields.path("tool_calls")
    calls = tuple(_call(call, f"{path}[{index}]") for index, call in enumerate(fields.items("tool_calls")))
    return (*thinking, *content, *refusals, *calls)


def _thinking(fields: Fields) -> tuple[Thinking, ...]:
    """Servers differ in the field's name; the one that was used is kept for writing it back."""
    for field in ("reasoning_content", "reasoning"):
        if isinstance(fields.peek(field), str) and (text := fields.text(field)):
            return (Thinking(text=text, extensions=kept({"field": field})),)
    return ()


def _call(call: Any, path: str) -> Part:
    fields = Fields(call, path)
    if not fields.has("function"):
        fields.text("type")
        return ForeignPart(dialect=NAME, payload=json_of(call))
    call_id = fields.text("id")
    fields.optional_text("type")
    function = fields.nested("function")
    return ToolCall(
        id=call_id,
        name=function.text("name"),
        arguments=arguments_text(function.anything("arguments")),
        cache_control=fields.anything("cache_control"),
        extensions=kept(fields.rest() | ({"function": rest} if (rest := function.rest()) else {})),
    )


def _tool(fields: Fields) -> tuple[Part, ...]:
    call_id = fields.text("tool_call_id")
    content = _result_content(fields)
    cache_control = fields.anything("cache_control")
    result = ToolResult(
        call_id=call_id, content=content, cache_control=cache_control, extensions=kept(fields.rest())
    )
    return (result,)


def _result_content(fields: Fields) -> tuple[Text | Image | Document | ForeignPart, ...]:
    path = fields.path("content")
    content = fields.anything("content")
    parts = content_parts(content, path)
    return tuple(_result_part(part, f"{path}[{index}]", content) for index, part in enumerate(parts))


def _result_part(part: Part, path: str, content: Any) -> Text | Image | Document | ForeignPart:
    if isinstance(part, Text | Image | Document | ForeignPart):
        return part
    raise expected(path, "text, an image or a file", content)
