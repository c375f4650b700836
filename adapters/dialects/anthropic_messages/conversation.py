"""Reads the whole of a request into a neutral conversation."""

from collections.abc import Mapping
from typing import Any

import msgspec

from adapters.dialects.anthropic_messages.content import parts_of
from adapters.dialects.anthropic_messages.quick_reading import plain_message, plain_messages, plain_tools
from adapters.dialects.anthropic_messages.sampling import read_sampling
from adapters.dialects.anthropic_messages.words import NAME, kept
from adapters.dialects.fields import Fields, decoded
from adapters.dialects.members import JsonMembers
from domain.conversation.request import (
    Conversation,
    ForeignTool,
    MalformedRequest,
    Message,
    Role,
    Tool,
    ToolChoice,
    ToolUse,
)

_READ_APART = frozenset({"model", "stream", "profile", "messages", "tools"})

_USES: Mapping[str, ToolUse] = {
    "auto": ToolUse.AUTO,
    "any": ToolUse.REQUIRED,
    "none": ToolUse.NONE,
    "tool": ToolUse.NAMED,
}

_messages = msgspec.json.Decoder(list[msgspec.Raw])


def conversation_of(members: JsonMembers) -> Conversation:
    """
    Everything that a request says.

    Raises:
        MalformedRequest: something in it is not what the dialect allows; the error names the place.
    """
    values = {
        key: decoded(raw, key) for key in members if key not in _READ_APART and (raw := members.raw(key))
    }
    fields = Fields(values, "")
    system = _system(fields.anything("system"))
    return Conversation(
        messages=system + _all_messages(members),
        tools=_tools_of(members.raw("tools") or msgspec.Raw(b"[]")),
        tool_choice=_tool_choice(fields.anything("tool_choice")),
        sampling=read_sampling(fields),
        extensions=kept(fields.rest()),
    )


def _all_messages(members: JsonMembers) -> tuple[Message, ...]:
    plain = plain_messages(members.raw("messages") or msgspec.Raw(b"[]"))
    if plain is not None:
        return plain
    return tuple(_message(raw, index) for index, raw in enumerate(_raw_messages(members)))


def _raw_messages(members: JsonMembers) -> list[msgspec.Raw]:
    return _messages.decode(members.raw("messages") or b"[]")


def _message(raw: msgspec.Raw, index: int) -> Message:
    return plain_message(raw) or careful_message(raw, f"messages[{index}]")


def _system(value: Any) -> tuple[Message, ...]:
    if value is None or value in ("", []):
        return ()
    return (Message(role=Role.SYSTEM, parts=parts_of(value, "system")),)


def careful_message(raw: msgspec.Raw, path: str) -> Message:
    """
    One message with all that it holds.

    Raises:
        MalformedRequest: something in it is not what the dialect allows.
    """
    fields = Fields(decoded(raw, path), path)
    return Message(
        role=Role(fields.text("role")),
        parts=parts_of(fields.anything("content"), fields.path("content"), raw),
        extensions=kept(fields.rest()),
    )


def _tools_of(raw: msgspec.Raw) -> tuple[Tool | ForeignTool, ...]:
    plain = plain_tools(raw)
    if plain is not None:
        return plain
    values = Fields({"tools": decoded(raw, "tools")}, "").items("tools")
    return tuple(careful_tool(value, f"tools[{index}]") for index, value in enumerate(values))


def careful_tool(value: Any, path: str) -> Tool | ForeignTool:
    """A typed tool is one that the vendor runs or knows; ``custom`` is the client's own."""
    fields = Fields(value, path)
    if fields.optional_text("type") not in (None, "custom"):
        return ForeignTool(dialect=NAME, payload=msgspec.json.encode(value))
    return Tool(
        name=fields.text("name"),
        description=fields.optional_text("description"),
        parameters=fields.optional_object("input_schema"),
        strict=fields.peek("strict") is True,
        cache_control=fields.anything("cache_control"),
        extensions=kept(fields.rest()),
    )


def _tool_choice(value: Any) -> ToolChoice | None:
    if value is None:
        return None
    fields = Fields(value, "tool_choice")
    word = fields.text("type")
    if word not in _USES:
        raise MalformedRequest("tool_choice.type", f"expected one of {', '.join(_USES)}, found {word!r}")
    alone = fields.optional_flag("disable_parallel_tool_use")
    return ToolChoice(
        use=_USES[word],
        name=fields.text("name") if word == "tool" else None,
        parallel=None if alone is None else not alone,
        extensions=kept(fields.rest()),
    )
