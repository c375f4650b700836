"""Writes a whole request body out of a conversation."""

from typing import Any

import msgspec

from adapters.dialects.dialect import Outgoing
from adapters.dialects.openai_chat.message_writing import message_objects
from adapters.dialects.openai_chat.part_writing import Manner, own_words
from adapters.dialects.openai_chat.sampling import sampling_fields
from adapters.dialects.openai_chat.splicing import extra_fields
from adapters.dialects.openai_chat.wire import NAME
from domain.conversation.parts import Text
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

_NO_PARAMETERS = {"type": "object", "properties": {}}


def written(outgoing: Outgoing) -> bytes:
    """
    The body for the upstream.

    Raises:
        MalformedRequest: the conversation holds what this dialect cannot say.
    """
    request = outgoing.request
    native = request.dialect == NAME
    if request.choices > 1 and not native:
        raise MalformedRequest("n", "only one answer can be asked of this provider")
    quirks = outgoing.quirks
    manner = Manner(native=native, cache_control=quirks.cache_control, fills_reasoning=quirks.fills_reasoning)
    conversation = _instructed(outgoing.conversation, outgoing.system_suffix)
    body: dict[str, Any] = {"model": outgoing.model} if outgoing.model else {}
    body["messages"] = message_objects(
        conversation.messages, manner, developer_role=native and outgoing.quirks.developer_role
    )
    body |= _tool_fields(conversation, manner)
    body |= sampling_fields(conversation.sampling, outgoing.quirks.max_tokens_field, native=native)
    if request.choices > 1:
        body["n"] = request.choices
    body |= own_words(conversation.extensions)
    body |= _stream(outgoing)
    return msgspec.json.encode(_with_extra(body, outgoing))


def _instructed(conversation: Conversation, suffix: str) -> Conversation:
    """The suffix after the first instructions."""
    if not suffix:
        return conversation
    messages = conversation.messages
    return Conversation(
        messages=_with_suffix(messages, Text(text=suffix)),
        tools=conversation.tools,
        tool_choice=conversation.tool_choice,
        sampling=conversation.sampling,
        extensions=conversation.extensions,
    )


def _with_suffix(messages: tuple[Message, ...], suffix: Text) -> tuple[Message, ...]:
    for position, message in enumerate(messages):
        if message.role in {Role.SYSTEM, Role.DEVELOPER}:
            extended = Message(
                role=message.role,
                parts=(*message.parts, suffix),
                name=message.name,
                extensions=message.extensions,
            )
            return (*messages[:position], extended, *messages[position + 1 :])
    return (Message(role=Role.SYSTEM, parts=(suffix,)), *messages)


def _tool_fields(conversation: Conversation, manner: Manner) -> dict[str, Any]:
    """Tools of other dialects' servers are left out; without a tool there is nothing to choose."""
    tools = [told for tool in conversation.tools for told in _tool(tool, manner)]
    if not tools:
        return {}
    names = {tool.name for tool in conversation.tools if isinstance(tool, Tool)}
    choice = conversation.tool_choice
    return {"tools": tools} | (_choice(choice, names) if choice is not None else {})


def _tool(tool: Tool | ForeignTool, manner: Manner) -> list[Any]:
    if isinstance(tool, ForeignTool):
        return [msgspec.Raw(tool.payload)] if tool.dialect == NAME else []
    outer: dict[str, Any] = dict(own_words(tool.extensions))
    function: dict[str, Any] = {"name": tool.name}
    if tool.description is not None:
        function["description"] = tool.description
    function["parameters"] = _NO_PARAMETERS if tool.parameters is None else tool.parameters
    if tool.strict:
        function["strict"] = True
    function |= outer.pop("function", {})
    if tool.cache_control is not None and manner.cache_control:
        outer["cache_control"] = tool.cache_control
    return [{"type": "function", "function": function, **outer}]


def _choice(choice: ToolChoice, names: set[str]) -> dict[str, Any]:
    told: dict[str, Any] = {}
    verbatim = own_words(choice.extensions).get("verbatim")
    if verbatim is not None:
        told["tool_choice"] = verbatim
    elif choice.use is not ToolUse.NAMED:
        told["tool_choice"] = choice.use.value
    elif choice.name in names:
        told["tool_choice"] = {"type": "function", "function": {"name": choice.name}}
    if choice.parallel is not None:
        told["parallel_tool_calls"] = choice.parallel
    return told


def _stream(outgoing: Outgoing) -> dict[str, Any]:
    if not outgoing.stream:
        return {}
    asks = outgoing.quirks.usage_in_streams and "stream_options" not in outgoing.extra_body
    return {"stream": True} | ({"stream_options": {"include_usage": True}} if asks else {})


def _with_extra(body: dict[str, Any], outgoing: Outgoing) -> dict[str, Any]:
    extra = extra_fields(outgoing.extra_body, has_limit=outgoing.quirks.max_tokens_field in body)
    if not outgoing.stream:
        extra.pop("stream_options", None)
    return body | {key: value for key, value in extra.items() if key not in body}
